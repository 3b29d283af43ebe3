"""收报: one message of a fiscal system, checked, carried out and written down in one transaction, once."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from accounts.audit import audit
from accounts.records import moment
from intranet.budget import indicators, records
from intranet.budget.model import Kind, Posting
from intranet.budget.model import Refusal as NoMoney
from intranet.exchange import reconciling, rules
from intranet.exchange.model import (
    Adjusted,
    Answer,
    Granted,
    Message,
    Paid,
    Refusal,
    Returned,
    Statement,
)
from intranet.exchange.reconciling import TAKEN
from intranet.exchange.records import SQL
from intranet.payments import operations as payments
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from standards.workdays import day_of

CONTEXT = b"yangcai fiscal message 1\n"
"""Signed before the body, so that no signature made for something else is one here."""
_DECODER = msgspec.json.Decoder(Message)


async def put_peer(conn: Connection, name: str, region: str, public_key: bytes) -> bool:
    """Register a system that speaks for ``region`` (a prefix), or give it another key; False for another region."""
    return await conn.fetchval(SQL["put_peer"], name, region, public_key) is not None


async def receive(conn: Connection, peer: str, raw: bytes, signature: bytes, now_ms: int) -> Answer:
    """Take a message ``raw`` of ``peer`` as signed by it; what became of it. Sent again: the same answer, nothing done.

    Raises ``Problem`` 401 for a signature that is not the peer's, 409 for one out of order or another text in its
    place, 422 for what is no message. What it asks and cannot be done is written down with the reason.
    """
    row = await conn.fetchrow(SQL["peer_locked"], peer)
    if row is None or not _signed(row["public_key"], raw, signature):
        raise Problem(401, f"fiscal_{Refusal.SIGNATURE}")
    try:
        message = _DECODER.decode(raw)
    except msgspec.DecodeError as error:
        raise Problem(422, "wrong_shape", reason=str(error)) from None
    known, digest = await conn.fetchrow(SQL["message"], peer, message.seq), sha256(raw).digest()
    standing = rules.judge_seq(message.seq, row["seq"], digest, known["sha256"] if known else None)
    if isinstance(standing, Refusal):
        raise Problem(409, f"fiscal_{standing}", accept={"seq": row["seq"] + 1}, seq=row["seq"] + 1)
    if standing == "again":
        assert known is not None
        return Answer(message.seq, known["outcome"])
    outcome, indicator_id = await _carry_out(conn, row, message, now_ms)
    data = message.data
    fen, day = (0, data.day) if isinstance(data, Statement) else (data.fen, day_of(message.at))
    kind = data.__struct_config__.tag
    given = (peer, message.seq, kind, message.biz_key, fen, day, indicator_id, msgspec.to_builtins(message), digest)
    await conn.execute(SQL["add_message"], *given, outcome, moment(now_ms))
    await conn.execute(SQL["advance"], peer, message.seq)
    if outcome == TAKEN and isinstance(data, Statement):
        await reconciling.compare(conn, peer, data, now_ms)
    elif not isinstance(data, Statement):
        await reconciling.look_again(conn, peer, day, message.biz_key, now_ms)
    detail = {"seq": message.seq, "type": kind, "biz_key": message.biz_key, "outcome": outcome}
    await audit(conn, None, "fiscal.received", f"fiscal:{peer}", detail=detail)
    return Answer(message.seq, outcome)


def _signed(public_key: bytes, raw: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, CONTEXT + raw)
    except InvalidSignature:
        return False
    return True


async def _carry_out(conn: Connection, peer: Record, message: Message, now_ms: int) -> tuple[str, UUID | None]:
    """What became of the content, and the indicator it is about."""
    data = message.data
    if await conn.fetchval(SQL["taken_before"], peer["name"], data.__struct_config__.tag, message.biz_key):
        return "biz_key_known", None
    if isinstance(data, Statement):
        return TAKEN, None
    if isinstance(data, Granted):
        return await _grant(conn, peer, data, now_ms)
    if isinstance(data, Returned):
        return await payments.take_back(conn, data.request, data.fen, data.about, now_ms) or TAKEN, None
    if isinstance(data, Paid) and data.request is not None:
        return await payments.pay(conn, data.request, data.fen, data.about, now_ms) or TAKEN, None
    indicator_id = await conn.fetchval(SQL["indicator_granted"], peer["name"], data.indicator)
    if indicator_id is None:
        return NoMoney.INDICATOR_UNKNOWN, None
    if isinstance(data, Adjusted):
        refusal = await indicators.adjust(conn, indicator_id, data.fen, data.about, None, now_ms)
    else:
        refusal = await _pay(conn, indicator_id, data, now_ms)
    return refusal or TAKEN, indicator_id


async def _grant(conn: Connection, peer: Record, data: Granted, now_ms: int) -> tuple[str, UUID | None]:
    unit = await conn.fetchrow(SQL["unit_of"], data.unit_uscc, peer["region"])
    if unit is None:
        return "unit_unknown", None
    made = await indicators.grant(
        conn, region=unit["region"], org_id=unit["id"], year=data.year, fund=data.fund, project=data.project,
        fen=data.fen, about=data.about, actor=None, now_ms=now_ms,
    )  # fmt: skip
    return (made, None) if isinstance(made, NoMoney) else (TAKEN, made)


async def _pay(conn: Connection, indicator_id: UUID, data: Paid, now_ms: int) -> NoMoney | None:
    """The treasury paid what is under contract: applied for and paid in one entry."""
    postings = [Posting(indicator_id, kind, data.fen) for kind in (Kind.APPLY, Kind.PAY)]
    return await records.post(conn, postings, about=data.about, person_id=None, now_ms=now_ms)
