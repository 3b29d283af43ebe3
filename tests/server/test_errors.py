"""What a visitor gets while a server behind us is away, and what only the demonstration shows."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey, connect
from tests.site import a_client, a_person, a_site


async def test_while_postgres_is_away_the_visitor_is_asked_to_try_again(
    tmp_path: Path, valkey_client: Valkey, clock: Clock
) -> None:
    away = await asyncpg.create_pool(f"postgresql://yangcai@/yangcai?host={tmp_path}", min_size=0)
    async with away, a_client(a_site(away, valkey_client, clock)) as client:
        client.cookies.set("yangcai", "some token")
        answer = await client.get("/api/me")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "2"
        page = await client.get("/login", headers={"accept": "text/html"})
        assert page.status_code == 503
        assert "已受理的报价不受影响" in page.text


async def test_while_valkey_is_away_nobody_can_log_in_and_is_told_so(pool: Pool, tmp_path: Path, clock: Clock) -> None:
    person = await a_person(pool)
    away = connect(f"unix://{tmp_path}/nothing.sock")
    async with a_client(a_site(pool, away, clock)) as client:
        answer = await client.post("/api/session", json={"login": person.login, "password": "x"})
    await away.aclose()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_gallery_is_shown_in_the_demonstration_only(pool: Pool, valkey_client: Valkey, clock: Clock) -> None:
    for mode, status in (("demo", 200), ("production", 404)):
        async with a_client(a_site(pool, valkey_client, clock, mode=mode)) as client:
            assert (await client.get("/gallery")).status_code == status
            assert ("数据均为虚构" in (await client.get("/login")).text) is (mode == "demo")


async def test_a_stamped_file_is_kept_for_ever_and_an_unstamped_one_is_asked_for_again(
    pool: Pool, valkey_client: Valkey, clock: Clock
) -> None:
    async with a_client(a_site(pool, valkey_client, clock)) as client:
        assert "immutable" in (await client.get("/static/css/base.css?v=1")).headers["cache-control"]
        plain = await client.get("/static/css/base.css")
        assert plain.headers["cache-control"] == "no-cache"
        assert plain.headers["content-encoding"] == "gzip"
        assert (await client.get("/static/../server/site.py")).status_code == 404
