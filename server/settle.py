"""Settlement 结算: a closed lot comes back from Valkey to Postgres, exactly once.

Any process may settle any lot: the row lock lets one at it, the key of ``result`` makes it single, and only when a row
came back do effects follow. The lot leaves the outbox after the commit; a crash before that only asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID

import msgspec

from auction.case import recovery, review
from auction.case.records import SQL, copy, moment
from auction.lot import live
from auction.lot.model import LotRules, Opened, Stage
from auction.lot.state import BrokenLogError, LotState, reduce
from auction.transcript.notary import Grown, Notary
from ledger import log as ledger
from ledger.tree import Frontier
from plumbing import logs
from plumbing.postgres import Connection, Pool, Record
from plumbing.valkey import Valkey

log = logs.get(__name__)
_lines = msgspec.json.Decoder(list[msgspec.Raw])
_SETTLED_FROM = frozenset({Stage.RUNNING, Stage.PAUSED, Stage.CLOSING, Stage.ON_HOLD})


class Closing(msgspec.Struct, frozen=True):
    """A lot as read back from Valkey and recounted: rules, events, their exact text, state, and the chain's head."""

    rules: LotRules
    events: list[Any]
    lines: list[bytes]
    state: LotState
    chain: str


async def read_back(valkey: Valkey, lot_id: UUID) -> Closing | None:
    """Read a closed lot and recount it. None when Valkey does not know it.

    Raises ``BrokenLogError`` when log, chain and state do not follow from each other: such a lot is not settled.
    """
    rules, tally = await live.read_rules(valkey, lot_id), await live.read_tally(valkey, lot_id)
    if rules is None or tally is None:
        return None
    entries = await ledger.read_entries(valkey, lot_id)
    events = [event for entry in entries for event in live.decode(entry)]
    lines = [bytes(line) for entry in entries for line in _lines.decode(entry)]
    state = reduce(rules, events)
    if (state.stage, state.n, state.closes_at) != tally:
        raise BrokenLogError(f"the log leads to {state.stage} at {state.n}, the live store says {tally}")
    kept, ends = await ledger.chain_of(valkey, lot_id), _chained(entries)
    if kept not in (ends, _chained(lines)):
        raise BrokenLogError(f"the chain ends in {ends}, the live store says {kept}")
    return Closing(rules, events, lines, state, kept)


def _chained(parts: Sequence[bytes]) -> str:
    """The head of a chain: over the entries of the log, or over its lines as the referees of older releases have it."""
    chain = ""
    for part in parts:
        chain = sha1(chain.encode() + part, usedforsecurity=False).hexdigest()
    return chain


async def settle_lot(valkey: Valkey, pool: Pool, notary: Notary, lot_id: UUID, now_ms: int) -> bool:
    """Settle one lot; True when this call did it. False: not closed, unknown, or settled by another.

    Raises ``BrokenLogError`` when the log does not hold together, or contradicts what was signed of it.
    """
    closing = await read_back(valkey, lot_id)
    if closing is None:
        await ledger.settled(valkey, lot_id)
        return False
    if closing.state.stage not in (Stage.CLOSING, Stage.CANCELLED):
        return False
    async with pool.acquire() as conn, conn.transaction():
        stage = await _store(conn, notary, lot_id, closing, now_ms)
    if stage is None:
        return False
    await ledger.settled(valkey, lot_id)
    if stage:
        await valkey.publish(ledger.channel_of(lot_id), msgspec.json.encode({"stage": stage}))
    return bool(stage)


async def _store(conn: Connection, notary: Notary, lot_id: UUID, closing: Closing, now_ms: int) -> str | None:
    """The stage reached; "" when it had been settled before; None when another is at it."""
    row = await conn.fetchrow(SQL["lot_to_settle"], lot_id)
    if row is None:
        known = await conn.fetchval("SELECT true FROM lot WHERE id = $1", lot_id)
        if known is None:
            log.error("settlement.lot_unknown", lot=str(lot_id))
        return None
    if row["held_by"] == recovery.BY:  # until two persons let it go on
        return None
    opened = closing.events[0]
    if not isinstance(opened, Opened) or opened.rules_sha256 != live.rules_sha256(row["rules"]):
        raise BrokenLogError("the lot was opened with other rules than Postgres has pinned")
    if row["stage"] not in _SETTLED_FROM:
        return "" if await conn.fetchval("SELECT true FROM result WHERE lot_id = $1", lot_id) else None
    verdict = await review.judge_close(conn, row, closing.rules, closing.state, closing.events)
    if await _add_result(conn, row, closing, verdict, now_ms) is None:
        return ""
    await notary.extend(conn, lot_id, Frontier(), Grown(0, closing.events, closing.lines, whole=True))
    await review.apply_close(conn, row, closing.rules, verdict, closing.state.closes_at, now_ms)
    return verdict.stage.value


async def _add_result(
    conn: Connection, row: Record, closing: Closing, verdict: review.Verdict, now_ms: int
) -> UUID | None:
    """Result and log in Postgres; None when they stood there already."""
    lot_id, last = row["id"], closing.events[-1]
    added: UUID | None = await conn.fetchval(
        SQL["add_result"],
        lot_id,
        row["region"],
        row["org_id"],
        verdict.stage,
        verdict.why,
        closing.state.n,
        sha256(b"\n".join(closing.lines)).hexdigest(),
        closing.chain,
        closing.events[0].rules_sha256,
        moment(last.at),
        moment(max(last.at, now_ms)),
    )
    if added is not None:
        stored = zip(closing.events, closing.lines, strict=True)
        rows = [(lot_id, e.n, moment(e.at), e.__struct_config__.tag, line.decode()) for e, line in stored]
        await copy(conn, "lot_event", ("lot_id", "n", "at", "kind", "body"), rows)
        await conn.execute(SQL["add_leftover"], lot_id, moment(max(last.at, now_ms)))
    return added
