"""暂停采购活动: a challenge or the supervisor's order holds a lot; it comes back to where it was, its time added."""

from __future__ import annotations

from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from auction import access, cases, live
from auction.model import LIVE_STAGES, Stage, Turn
from auction.records import SQL, moment
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.valkey import Valkey

DAY_MS = 24 * 3_600_000
SUSPENSION_DAYS_MAX = 30
"""政府采购法 §57: a suspension ordered by the supervisor lasts at most 30 days."""


async def suspend(
    conn: Connection, valkey: Valkey, actor: Actor, lot_id: UUID, reason: str, days: int, now_ms: int
) -> None:
    """The supervisor orders a suspension 暂停 of a lot in his region. He takes no other part in the auction."""
    row = await cases.lot_locked(conn, lot_id)
    if not access.oversees(actor, row, now_ms):
        raise Problem(404, "lot_unknown")
    if not reason.strip():
        raise Problem(422, "reason_missing")
    await hold(conn, valkey, row, actor, reason, days, now_ms)


async def release(conn: Connection, actor: Actor, lot_id: UUID, now_ms: int) -> str:
    """The supervisor ends a suspension early; "resume" when the caller must then call ``resume_live``."""
    row = await cases.lot_locked(conn, lot_id)
    if not access.oversees(actor, row, now_ms):
        raise Problem(404, "lot_unknown")
    return await end(conn, row, actor, now_ms)


async def hold(
    conn: Connection, valkey: Valkey, row: Record, actor: Actor, reason: str, days: int, now_ms: int
) -> None:
    """Hold a lot for ``days`` (1 to 30). A running lot is paused first, all told, its remaining time kept."""
    if not 1 <= days <= SUSPENSION_DAYS_MAX:
        raise Problem(422, "hold_days", accept={"days_max": SUSPENSION_DAYS_MAX})
    cases.stage_after(row, Turn.HOLD)
    if Stage(row["stage"]) in LIVE_STAGES:
        version = await live.version_of(valkey, row["id"]) or live.VERSION
        note = {"reason": reason, "by": "supervisor"}
        steered = await live.steer(valkey, row["id"], "pause", note, version=version)
        if steered.refusal == "LOT_CLOSED":
            raise Problem(409, "stage_passed", stage=Stage.CLOSING.value)
    until = moment(now_ms + days * DAY_MS)
    await conn.execute(SQL["hold_lot"], row["id"], row["stage"], moment(now_ms), until, reason)
    await audit(conn, actor, "lot.hold", f"lot:{row['id']}", detail={"reason": reason, "days": days})


async def end(conn: Connection, row: Record, actor: Actor | None, now_ms: int) -> str:
    """End a hold; "resume" when the lot was live and must be resumed there after the commit."""
    if row["stage"] != Stage.ON_HOLD:
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"])
    stage = await conn.fetchval(SQL["release_lot"], row["id"], moment(now_ms))
    await audit(conn, actor, "lot.release", f"lot:{row['id']}", detail={"to": stage})
    return "resume" if Stage(stage) in LIVE_STAGES else ""


async def resume_live(valkey: Valkey, lot_id: UUID) -> None:
    """Let a held lot run on in the live store; its remaining time is what it was."""
    version = await live.version_of(valkey, lot_id) or live.VERSION
    await live.steer(valkey, lot_id, "resume", {"reason": "released"}, version=version)
