"""What comes due in Postgres 到期事项: publication, opening, answers that did not come, holds that end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from auction.case import award, cases, holds, publishing, starting, unsealing
from auction.case.award import OnDeal
from auction.case.records import SQL, millis, moment
from auction.case.starting import Watch
from auction.lot.model import Stage
from plumbing import logs
from plumbing.engines import checks
from plumbing.faults import BROKEN_PIPES
from plumbing.postgres import Connection, Pool, Record
from plumbing.valkey import Valkey

log = logs.get(__name__)
PUT_OFF_MS = 30_000
AGAIN_MS = 500
"""When the live store is away, what is due is tried again so soon."""


async def next_due_ms(pool: Pool) -> int | None:
    """The first millisecond at which the next lot is due; None when none is.

    Rounded up: who wakes a fraction too early finds nothing due, and looks again a second late.
    """
    due = await pool.fetchval(SQL["next_due"])
    return millis(due + timedelta(microseconds=999)) if due else None


async def take_one(pool: Pool, valkey: Valkey, now_ms: int, on_deal: OnDeal, watch: Watch | None = None) -> bool:
    """Do one thing that is due; False when nothing is. What fails is put off half a minute, so that others come."""
    async with pool.acquire() as conn:
        async with conn.transaction():
            due = await conn.fetchrow(SQL["take_due"], moment(now_ms))
            if due is None:
                return False
            row = await cases.lot_locked(conn, due["id"])
            after: str = ""
            try:
                # A store that may lose an acknowledged bid opens no lot; sealed quotes need none.
                if row["stage"] == Stage.SIGNUP and not publishing.is_sealed(row):
                    await checks.check_valkey(valkey)
                if row["stage"] == Stage.ON_HOLD:  # a lot released here must run on there
                    await valkey.ping()
                async with conn.transaction():
                    after = await serve(conn, row, now_ms, on_deal)
            except BROKEN_PIPES as error:
                log.warning("due.put_off", lot=str(row["id"]), why=f"{type(error).__name__}: {error}")
                await conn.execute(SQL["put_off_due"], row["id"], moment(now_ms + AGAIN_MS), moment(now_ms))
                return True
            except Exception as error:
                log.error("due.failed", exc_info=True, lot=str(row["id"]), why=str(error))
                await conn.execute(SQL["put_off_due"], row["id"], moment(now_ms + PUT_OFF_MS), moment(now_ms))
                return True
            if after == "hand_over":
                await conn.execute(
                    SQL["put_off_due"], row["id"], moment(now_ms + starting.HAND_OVER_AGAIN_MS), moment(now_ms)
                )
        try:
            await afterwards(conn, valkey, row["id"], after, now_ms, watch)
        except BROKEN_PIPES as error:
            again_at = moment(now_ms + AGAIN_MS)
            log.warning("due.put_off", lot=str(row["id"]), what=after, why=f"{type(error).__name__}: {error}")
            await conn.execute(SQL["due_sooner"], row["id"], again_at)
    return True


async def serve(conn: Connection, row: Record, now_ms: int, on_deal: OnDeal) -> str:
    """One due inside its transaction; what must follow after the commit."""
    match Stage(row["stage"]):
        case Stage.SCHEDULED:
            await publishing.publish_case(conn, row["auction_id"], None, now_ms)
        case Stage.SIGNUP if publishing.is_sealed(row):
            await unsealing.begin(conn, row, now_ms)
        case Stage.OPENING:
            await unsealing.expire(conn, row, now_ms)
        case Stage.SIGNUP:
            return "hand_over" if await starting.start(conn, row, now_ms) else ""
        case Stage.RUNNING:
            return "hand_over" if row["handed_over_at"] is None else await _nothing(conn, row)
        case Stage.AWARD_PENDING:
            await award.expire(conn, row, now_ms)
        case Stage.BUYER_CONFIRM:
            await award.silence(conn, row, now_ms, on_deal)
        case Stage.ON_HOLD:
            return await holds.end(conn, row, None, now_ms)
        case _:
            await _nothing(conn, row)
    return ""


async def _nothing(conn: Connection, row: Record) -> str:
    await conn.execute(SQL["clear_due"], row["id"])
    return ""


async def afterwards(
    conn: Connection, valkey: Valkey, lot_id: UUID, after: str, now_ms: int, watch: Watch | None
) -> None:
    """What follows a due after its commit: the live store is told."""
    if after == "hand_over":
        await starting.hand_over(conn, valkey, lot_id, now_ms, watch)
    elif after == "resume":
        await holds.resume_live(valkey, lot_id)
