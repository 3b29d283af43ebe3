"""核对: a live lot whose record contradicts itself, or what was signed of it, is held until two persons let it go on.

What was signed stands in Postgres and cannot be changed there; the live record is put back from it, with whatever the
live store holds past it. Then the platform's operator asks for the release, with a reason, and the lot's host grants
it: the supervisor sees all of it, and decides nothing in an auction (政府采购法 §60).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import access, cases
from auction.case.records import SQL as CASES
from auction.case.records import decode_rules, lot, moment
from auction.lot import live
from auction.lot.model import LIFE_CYCLE, Event, Stage, Turn
from auction.lot.restoring import differs, put_back
from auction.lot.state import BrokenLogError
from ledger import log as ledger
from plumbing import logs, sql
from plumbing.pipe import Pipe
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from plumbing.valkey import Valkey

SQL = sql.load(Path(__file__).with_name("recovery.sql"))
BY = "record"
FRESH_S = 60
_lines = msgspec.json.Decoder(list[msgspec.Raw])
log = logs.get(__name__)


async def check(pool: Pool, valkey: Valkey, pipe: Pipe, now_ms: int) -> None:
    """Before the first bid is heard: hold every lot of which more was signed than the live store has.

    Where that has just read its files, also every lot whose keys do not follow from its log.
    """
    lots = list({*(lot_id for lot_id, _ in await ledger.running_lots(pipe)), *await ledger.outbox(pipe)})
    signed = {row["lot_id"]: row["size"] for row in await pool.fetch(SQL["signed_sizes"], lots)}
    for lot_id, n in zip(lots, await ledger.positions(pipe, lots), strict=True):
        if n < signed.get(lot_id, 0):
            await found(pool, valkey, lot_id, f"{signed[lot_id]} positions were signed, the live store has {n}", now_ms)
    if (await valkey.info("server"))["uptime_in_seconds"] < FRESH_S:
        for lot_id in lots:
            why = await differs(valkey, lot_id)
            if why:
                await found(pool, valkey, lot_id, why, now_ms)


async def found(pool: Pool, valkey: Valkey, lot_id: UUID, why: str, now_ms: int) -> None:
    """A lot contradicts its record: it takes nothing more, all are told, and the record is put back. Idempotent."""
    await live.hold(valkey, lot_id)
    async with pool.acquire() as conn, conn.transaction():
        row = await lot(conn, lot_id, lock=True)
        if row is None or await conn.fetchval(SQL["add_contradiction"], lot_id, moment(now_ms), why) is None:
            return
        if (Stage(row["stage"]), Turn.HOLD) in LIFE_CYCLE:
            await conn.execute(CASES["hold_lot"], lot_id, row["stage"], moment(now_ms), None, BY, BY, False)
        await audit(conn, None, "lot.contradicted", f"lot:{lot_id}", detail={"why": why})
        fault = await _restore(conn, valkey, row)
    log.error("lot.held", lot=str(lot_id), why=why, fault=fault)


async def _restore(conn: Connection, valkey: Valkey, row: Record) -> str:
    """Put the record back from what was signed; why it could not be, or nothing."""
    changed, fault = None, ""
    try:
        changed = await _put_back(conn, valkey, row)
    except (BrokenLogError, KeyError) as error:
        fault = f"{type(error).__name__}: {error}"
    await conn.execute(SQL["contradiction_put_back"], row["id"], changed, fault)
    return fault


async def _put_back(conn: Connection, valkey: Valkey, row: Record) -> int:
    """How many positions of the live record were missing or other than signed. What follows them there is kept.

    Raises ``BrokenLogError`` when that cannot be read, or the whole does not follow from itself.
    """
    lines: list[bytes] = [line["line"].encode() for line in await conn.fetch(SQL["signed_lines"], row["id"])]
    have = await _readable(valkey, row["id"])
    changed = sum(have.get(n) != line for n, line in enumerate(lines, 1))
    for entry in await ledger.read_entries(valkey, row["id"], len(lines)):
        pairs = zip(live.decode(entry), _lines.decode(entry), strict=True)
        lines += [bytes(line) for event, line in pairs if event.n > len(lines)]
    events: list[Event] = live.decode(b"[" + b",".join(lines) + b"]")
    await put_back(valkey, row["id"], decode_rules(row["rules"]), events, lines)
    return changed


async def _readable(valkey: Valkey, lot_id: UUID) -> dict[int, bytes]:
    """The lines of the live record that can be read, by position."""
    found: dict[int, bytes] = {}
    for entry in await ledger.read_entries(valkey, lot_id):
        with suppress(BrokenLogError, msgspec.MsgspecError):
            pairs = zip(live.decode(entry), _lines.decode(entry), strict=True)
            found |= {event.n: bytes(line) for event, line in pairs}
    return found


async def ask(conn: Connection, valkey: Valkey, actor: Actor, lot_id: UUID, reason: str, now_ms: int) -> None:
    """The operator says what happened and asks that the lot go on; the record is put back once more before."""
    row = await cases.lot_locked(conn, lot_id)
    if not actor.has(Role.OPERATOR) or await _open(conn, lot_id) is None:
        raise Problem(404, "lot_unknown")
    if not reason.strip():
        raise Problem(422, "reason_missing")
    fault = await _restore(conn, valkey, row)
    if fault:
        raise Problem(409, "record_broken", why=fault)
    await conn.execute(SQL["ask_release"], lot_id, actor.user_id, moment(now_ms), reason.strip()[:1000])
    await audit(conn, actor, "lot.release_asked", f"lot:{lot_id}", detail={"reason": reason.strip()[:1000]})


async def release(conn: Connection, valkey: Valkey, actor: Actor, lot_id: UUID, now_ms: int) -> None:
    """The host, another person than who asked, lets the lot go on; the time it was held is added to its end."""
    row = await cases.lot_locked(conn, lot_id)
    hosting = access.hosts(actor, row, now_ms, Role.BUYER, Role.HEAD) or (
        row["practice"] and actor.org_id == row["org_id"]
    )
    doubt = await _open(conn, lot_id)
    if not hosting or doubt is None:
        raise Problem(404, "lot_unknown")
    if doubt["asked_by"] is None or doubt["put_back"] is None:
        raise Problem(409, "release_not_asked")
    if doubt["asked_by"] == actor.user_id:
        raise Problem(409, "second_person_needed")
    await conn.execute(SQL["release_contradiction"], lot_id, actor.user_id, moment(now_ms))
    if row["stage"] == Stage.ON_HOLD and row["held_by"] == BY:
        await conn.execute(CASES["release_lot"], lot_id, moment(now_ms))
    detail = {"reason": doubt["reason"], "put_back": doubt["put_back"]}
    await audit(conn, actor, "lot.released", f"lot:{lot_id}", detail=detail)
    await live.release(valkey, lot_id, {"text": doubt["reason"], "repaired": doubt["put_back"]})


async def _open(conn: Connection, lot_id: UUID) -> Record | None:
    return await conn.fetchrow(SQL["contradiction_of"], lot_id)
