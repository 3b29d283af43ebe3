"""暂停采购活动: a challenge or the supervisor's order holds a lot; it comes back to where it was, its time added."""

from __future__ import annotations

from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import access, cases, params
from auction.case.records import SQL, moment
from auction.lot import live
from auction.lot.model import LIVE_STAGES, Stage, Turn
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.valkey import Valkey

DAY_MS = 24 * 3_600_000
SUSPENSION_DAYS_MAX = 30
"""政府采购法 §57: a suspension ordered by the supervisor lasts at most 30 days."""


def days_max(row: Record) -> int:
    """For how many days at most this lot may be held, by the law and the parameters its case has pinned."""
    return min(SUSPENSION_DAYS_MAX, params.number(row, "auction.suspension_days_max"))


async def suspend(
    conn: Connection, valkey: Valkey, actor: Actor, lot_id: UUID, reason: str, days: int, now_ms: int
) -> None:
    """The supervisor orders a suspension 暂停 of a lot in his region. He takes no other part in the auction."""
    row = await cases.lot_locked(conn, lot_id)
    if not access.oversees(actor, row, now_ms):
        raise Problem(404, "lot_unknown")
    await _hold(conn, valkey, row, actor, "supervisor", reason, days, now_ms)


async def hold_for_challenge(
    conn: Connection, valkey: Valkey, actor: Actor, lot_id: UUID, reason: str, days: int, now_ms: int
) -> None:
    """The purchaser's unit holds a lot because of a challenge 质疑 that may affect its result (条例 §54)."""
    row = await cases.lot_locked(conn, lot_id)
    if not access.hosts(actor, row, now_ms, Role.HEAD, Role.BUYER):
        raise Problem(404, "lot_unknown")
    await _hold(conn, valkey, row, actor, "host", reason, days, now_ms)


async def release(conn: Connection, actor: Actor, lot_id: UUID, now_ms: int) -> str:
    """End a hold early: the supervisor his own and any other, the unit its own only.

    "resume" when the caller must then call ``resume_live``, after the commit.
    """
    row = await cases.lot_locked(conn, lot_id)
    if row["held_by"] == "record":
        raise Problem(409, "record_in_doubt")
    own = row["held_by"] == "host" and access.hosts(actor, row, now_ms, Role.HEAD, Role.BUYER)
    if not own and not access.oversees(actor, row, now_ms):
        raise Problem(404, "lot_unknown")
    return await end(conn, row, actor, now_ms)


async def _hold(
    conn: Connection, valkey: Valkey, row: Record, actor: Actor, by: str, reason: str, days: int, now_ms: int
) -> None:
    """Hold a lot for ``days``. A running lot is paused first, all told, its remaining time kept."""
    most = days_max(row)
    if not reason.strip():
        raise Problem(422, "reason_missing")
    if not 1 <= days <= most:
        raise Problem(422, "hold_days", accept={"days_max": most})
    cases.stage_after(row, Turn.HOLD)
    was_paused = False
    if Stage(row["stage"]) in LIVE_STAGES:
        version = await live.version_of(valkey, row["id"]) or live.VERSION
        steered = await live.steer(valkey, row["id"], "pause", {"reason": reason, "by": by}, version=version)
        was_paused = steered.refusal == "LOT_NOT_RUNNING"
        if steered.refusal and not was_paused:
            raise Problem(409, "stage_passed", stage=steered.stage or Stage.CLOSING.value)
    until = moment(now_ms + days * DAY_MS)
    given = (row["id"], row["stage"], moment(now_ms), until, reason, by, was_paused)
    await conn.execute(SQL["hold_lot"], *given)
    await conn.execute(SQL["add_hold"], row["id"], by, reason, given[2], until)
    await audit(conn, actor, "lot.hold", f"lot:{row['id']}", detail={"reason": reason, "days": days, "by": by})


async def end(conn: Connection, row: Record, actor: Actor | None, now_ms: int) -> str:
    """End a hold; "resume" when the lot was running live and must be resumed there after the commit."""
    if row["stage"] != Stage.ON_HOLD:
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"])
    stage = await conn.fetchval(SQL["release_lot"], row["id"], moment(now_ms))
    await conn.execute(SQL["end_hold"], row["id"], moment(now_ms), actor and actor.user_id)
    await audit(conn, actor, "lot.release", f"lot:{row['id']}", detail={"to": stage})
    return "resume" if Stage(stage) in LIVE_STAGES and not row["held_paused"] else ""


async def resume_live(valkey: Valkey, lot_id: UUID) -> None:
    """Let a held lot run on in the live store; its remaining time is what it was."""
    version = await live.version_of(valkey, lot_id) or live.VERSION
    await live.steer(valkey, lot_id, "resume", {"by": "release"}, version=version)
