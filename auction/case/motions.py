"""动议: what needs two persons. The host proposes with a reason, the head of the unit seconds; then it is done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import approving, award, cases, signing
from auction.case.records import SQL
from auction.lot import live
from auction.lot.model import LIVE_STAGES, Alias, Barred, Stage, Turn
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from plumbing.valkey import Valkey

KINDS = ("pause", "resume", "void", "cancel", "bar")
TRIES = 5


async def propose(
    conn: Connection, actor: Actor, lot_id: UUID, kind: str, reason: str, target: dict[str, Any], now_ms: int
) -> UUID:
    """Propose; the motion's id. ``target``: ``{"n": position}`` for void, ``{"alias", "why"}`` for bar."""
    row = await signing.hosted(conn, actor, lot_id, now_ms, Role.BUYER, Role.AGENCY)
    if not reason.strip():
        raise Problem(422, "reason_missing")
    if kind == "cancel":
        cases.stage_after(row, Turn.CANCEL)
    elif Stage(row["stage"]) not in LIVE_STAGES:
        raise Problem(409, "lot_not_live", accept={"stage": Stage.RUNNING.value}, stage=row["stage"])
    wrong = (kind == "void" and not isinstance(target.get("n"), int)) or (kind == "bar" and "alias" not in target)
    if wrong or kind not in KINDS:
        raise Problem(422, "target_missing")
    motion: UUID | None = await conn.fetchval(SQL["add_motion"], lot_id, kind, reason, target, actor.user_id)
    if motion is None:
        raise Problem(409, "motion_open_already")
    await audit(conn, actor, "motion.proposed", f"lot:{lot_id}", detail={"kind": kind, "reason": reason, **target})
    return motion


async def second(pool: Pool, valkey: Valkey, actor: Actor, motion_id: UUID, agree: bool, now_ms: int) -> str:
    """The head seconds or declines; "done", "declined", or "failed" when the lot did not allow it any more.

    Raises ``Problem`` 403 for the proposer himself: two persons. A motion seconded but cut off is done by asking again.
    """
    async with pool.acquire() as conn, conn.transaction():
        motion = await conn.fetchrow(SQL["motion_for_update"], motion_id)
        if motion is None:
            raise Problem(404, "motion_unknown")
        row = await signing.hosted(conn, actor, motion["lot_id"], now_ms, Role.HEAD)
        if motion["proposed_by"] == actor.user_id:
            raise Problem(403, "second_person_needed")
        if motion["state"] not in ("open", "seconded"):
            raise Problem(409, "motion_decided", state=motion["state"])
        await conn.execute(SQL["decide_motion"], motion_id, "seconded" if agree else "declined", actor.user_id)
        detail = {"kind": motion["kind"], "reason": motion["reason"]}
        await audit(conn, actor, "motion.seconded" if agree else "motion.declined", f"lot:{row['id']}", detail=detail)
        if not agree:
            return "declined"
        in_postgres = motion["kind"] == "cancel" and Stage(row["stage"]) not in LIVE_STAGES
        if in_postgres:
            await _cancel(conn, row, actor, motion["reason"], now_ms)
    refusal = "" if in_postgres else await carry_out(valkey, motion)
    state = "failed" if refusal else "done"
    await pool.execute(SQL["motion_done"], motion_id, state, refusal)
    return state


async def _cancel(conn: Connection, row: Record, actor: Actor, reason: str, now_ms: int) -> None:
    await cases.move(conn, row, Turn.CANCEL, actor=actor, why=reason)
    await approving.end_with_its_lots(conn, row["auction_id"], now_ms)
    if row["published_at"] is not None:
        await award.publish(conn, row, "cancellation", {"reason": reason}, now_ms)


async def carry_out(valkey: Valkey, motion: Record) -> str:
    """Do a seconded motion on the live lot; the refusal, empty when done. The reason is told to all and logged."""
    lot_id, kind, target = motion["lot_id"], motion["kind"], motion["target"]
    note = {"reason": motion["reason"], "motion": str(motion["id"])}
    if kind == "void":
        return await _void(valkey, lot_id, target["n"], note)
    version = await live.version_of(valkey, lot_id) or live.VERSION
    args = (Alias(target["alias"]), Barred(target.get("why", "banned")).value) if kind == "bar" else ()
    return (await live.steer(valkey, lot_id, kind, note, *args, version=version)).refusal


async def _void(valkey: Valkey, lot_id: UUID, target: int, note: dict[str, Any]) -> str:
    refusal = "LOT_MOVED"
    for _ in range(TRIES):
        state, log = await live.read_state(valkey, lot_id), await live.read_log(valkey, lot_id)
        if state is None:
            return "LOT_UNKNOWN"
        refusal = (await live.void(valkey, lot_id, state, log, target, note)).refusal
        if refusal != "LOT_MOVED":
            break
    return refusal


async def broadcast(conn: Connection, valkey: Valkey, actor: Actor, lot_id: UUID, text: str, now_ms: int) -> None:
    """The host speaks to all 公告; told live and kept in the log."""
    row = await signing.hosted(conn, actor, lot_id, now_ms)
    version = await live.version_of(valkey, lot_id) or live.VERSION
    steered = await live.steer(valkey, lot_id, "broadcast", {"text": text}, version=version)
    if steered.refusal:
        raise Problem(409, "lot_not_live", stage=row["stage"])
    await audit(conn, actor, "lot.broadcast", f"lot:{lot_id}")
