"""Since when and until when 期限: marks for new steps, in working days; gone with the step. Any process does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from accounts.records import moment
from accounts.todo.reminding import remind
from accounts.todo.waiting import SQL
from plumbing.postgres import Pool
from plumbing.texts import Texts

DueOf = Callable[[str, int], Awaitable[int]]
"""The end (epoch ms) of the working days a step of a place has, counted from a moment."""
LOCK = 0x59_43_54_44  # "YCTD"


async def sweep(pool: Pool, due_of: DueOf, texts: Texts, origin: str, now_ms: int) -> int:
    """Mark what is new, forget what is done, remind; how many are new. One process at a time; the others do nothing."""
    async with pool.acquire() as conn, conn.transaction():
        if not await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
            return 0
        await conn.execute(SQL["forget_done"])
        await conn.execute(SQL["end_done_handovers"], moment(now_ms))
        await conn.execute(SQL["moved_dues"])
        rows = await conn.fetch(SQL["new_steps"])
        places = {row["region"] for row in rows if not row["until"]}
        terms = {region: moment(await due_of(region, now_ms)) for region in places}
        dues = [row["until"] or terms[row["region"]] for row in rows]
        await conn.execute(SQL["mark"], [row["key"] for row in rows], dues, moment(now_ms))
        await remind(conn, texts, origin, now_ms)
        return len(rows)
