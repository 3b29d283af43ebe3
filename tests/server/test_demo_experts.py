"""演示: the demo's experts, its draw that is done and the one that is calling are made by the product's own rules."""

from __future__ import annotations

from typing import Any

from accounts import sessions
from plumbing.clock import Clock
from plumbing.postgres import Connection, Pool
from registries.experts import records
from server.demo import experts, people
from server.site import load_texts
from tests import independent_draw
from tests.site import settings


async def as_person(conn: Connection, login: str) -> Any:
    person_id = await conn.fetchval("SELECT id FROM person WHERE login = $1", login)
    token = await sessions.begin(conn, person_id, Clock().now_ms())
    return await sessions.by_token(conn, token, Clock().now_ms())


async def test_the_demo_has_a_draw_that_is_done_and_one_that_calls_its_expert(pool: Pool) -> None:
    async with pool.acquire() as conn:
        whole = conn.transaction()
        await whole.start()
        try:
            await people.seed(conn)
            given = (conn, settings(), load_texts(), as_person, Clock().now_ms())
            await experts.seed(*given)
            for _ in range(2):
                await experts.live(*given)
            rows = await conn.fetch("SELECT id, stage FROM draw WHERE title LIKE '%（演示）' ORDER BY id")
            assert [row["stage"] for row in rows] == ["published", "calling"]
            for row in rows:
                independent_draw.check(await records.record(conn, row["id"]))
        finally:
            await whole.rollback()
