"""Notices of Postgres are heard by every process, and again after the connection was lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from plumbing.notices import Notices
from plumbing.postgres import Pool
from tests.support import eventually


async def test_a_notice_is_heard_and_after_a_loss_anything_may_have_changed(pool: Pool, postgres_url: str) -> None:
    heard: list[str] = []
    notices = Notices(postgres_url, {"of_this_test": heard.append})
    task = asyncio.create_task(notices.run())
    await notices.listening.wait()
    assert heard == [""]
    await pool.execute("SELECT pg_notify('of_this_test', 'one')")
    await eventually(lambda: heard == ["", "one"])
    await pool.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%of_this_test%'")
    await eventually(lambda: heard == ["", "one", ""])
    await pool.execute("SELECT pg_notify('of_this_test', 'two')")
    await eventually(lambda: heard[-1] == "two")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
