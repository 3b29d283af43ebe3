"""API keys: a program acts for its person within the key's acts, counted, on the trail, and no longer than it may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from accounts import sessions
from accounts.keys import keeping
from accounts.keys.keeping import Wanted
from accounts.keys.rules import BY_A_PERSON, bearable
from accounts.model import Actor, Role
from auction.doors import routes
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import MINUTE, a_draft, within
from tests.site import ORIGIN, WithState, a_client, a_site

NOW = Clock().now_ms
WANTED = Wanted("内部系统", frozenset({"case.open", "case.prepare"}), 600, 30)


@pytest_asyncio.fixture
async def site(pool: Pool, valkey_client: Valkey) -> WithState:
    return a_site(pool, valkey_client, Clock(), routes.ROUTES)


@pytest_asyncio.fixture
async def client(site: WithState) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(site) as client:
        yield client


@pytest_asyncio.fixture
async def buyer(pool: Pool) -> Actor:
    return await an_actor(pool, await an_organisation(pool), Role.BUYER)


async def a_key(pool: Pool, actor: Actor, **changed: Any) -> str:
    key: str = await within(pool, keeping.make, actor, msgspec.structs.replace(WANTED, **changed), NOW())
    return key


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def opens_a_case(client: httpx.AsyncClient, key: str) -> httpx.Response:
    body = msgspec.to_builtins(a_draft(NOW() + 60 * MINUTE))
    return await client.post("/api/auctions", json=body, headers=bearing(key))


async def test_a_program_acts_for_its_person_and_the_trail_says_by_which_key(
    pool: Pool, client: httpx.AsyncClient, buyer: Actor
) -> None:
    key = await a_key(pool, buyer)
    assert (await client.get("/api/me", headers=bearing(key))).json()["login"] == buyer.login
    assert (await opens_a_case(client, key)).status_code == 201
    key_id, used_at = await pool.fetchrow("SELECT id, last_used_at FROM api_key WHERE person_id = $1", buyer.user_id)
    acts = await pool.fetch("SELECT event, detail FROM audit_event WHERE person_id = $1", buyer.user_id)
    assert used_at is not None
    assert [row["detail"]["key"] for row in acts if row["event"] == "auction.drafted"] == [str(key_id)]


async def test_only_the_digest_of_a_key_is_kept(pool: Pool, buyer: Actor) -> None:
    key = await a_key(pool, buyer)
    kept = str(await pool.fetch("SELECT to_jsonb(k) FROM api_key k WHERE person_id = $1", buyer.user_id))
    trail = str(await pool.fetch("SELECT detail FROM audit_event WHERE person_id = $1", buyer.user_id))
    assert key not in kept + trail
    assert re.fullmatch(r"yck_[\w-]{43}", key)


async def test_a_key_does_no_more_than_its_acts(pool: Pool, client: httpx.AsyncClient, buyer: Actor) -> None:
    key = await a_key(pool, buyer, acts=frozenset({"case.prepare"}))
    assert (await opens_a_case(client, key)).status_code == 403


async def test_a_key_does_no_more_than_its_person_may_now(pool: Pool, client: httpx.AsyncClient, buyer: Actor) -> None:
    key = await a_key(pool, buyer)
    await pool.execute("DELETE FROM role_grant WHERE person_id = $1", buyer.user_id)
    assert (await opens_a_case(client, key)).status_code == 403


@pytest.mark.parametrize("act", sorted(BY_A_PERSON))
async def test_what_a_person_decides_himself_no_key_bears(pool: Pool, act: str) -> None:
    both = await an_actor(pool, await an_organisation(pool), Role.BUYER, Role.HEAD)
    assert act not in bearable(both)
    with pytest.raises(Problem, match="key_acts"):
        await a_key(pool, both, acts=frozenset({act}))


async def test_a_key_opens_no_page_no_ticket_and_makes_no_key(
    pool: Pool, client: httpx.AsyncClient, buyer: Actor
) -> None:
    key = await a_key(pool, buyer)
    asked = [
        await client.get("/account", headers=bearing(key)),
        await client.post("/keys", data={"name": "x"}, headers=bearing(key)),
        await client.post("/api/tickets", headers=bearing(key)),
    ]
    assert [(one.status_code, one.json()["code"]) for one in asked] == [
        (403, "key_elsewhere"), (403, "key_elsewhere"), (403, "key_may_not"),
    ]  # fmt: skip


async def test_a_key_is_good_for_so_many_requests_a_minute(pool: Pool, client: httpx.AsyncClient, buyer: Actor) -> None:
    key = await a_key(pool, buyer, per_minute=3)
    asked = [await client.get("/api/me", headers=bearing(key)) for _ in range(4)]
    assert [one.status_code for one in asked] == [200, 200, 200, 429]
    assert 0 < int(asked[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("end", ["revoked", "over", "the person is gone", "made up", "not a key"])
async def test_a_key_that_ended_is_unknown_at_once(
    pool: Pool, client: httpx.AsyncClient, buyer: Actor, end: str
) -> None:
    key = await a_key(pool, buyer)
    key_id: UUID = await pool.fetchval("SELECT id FROM api_key WHERE person_id = $1", buyer.user_id)
    if end == "revoked":
        await within(pool, keeping.revoke, buyer, key_id, NOW())
    elif end == "over":
        await pool.execute(
            "UPDATE api_key SET made_at = now() - interval '2 d', expires_at = now() WHERE id = $1", key_id
        )
    elif end == "the person is gone":
        await pool.execute("UPDATE person SET active = false WHERE id = $1", buyer.user_id)
    else:
        key = "yck_" + "A" * 43 if end == "made up" else "yck_x"
    answer = await client.get("/api/me", headers=bearing(key))
    assert (answer.status_code, answer.json()["code"]) == (401, "key_unknown")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_another_persons_key_is_not_his_to_revoke(pool: Pool, buyer: Actor) -> None:
    await a_key(pool, buyer)
    key_id: UUID = await pool.fetchval("SELECT id FROM api_key WHERE person_id = $1", buyer.user_id)
    stranger = await an_actor(pool, buyer.org_id, Role.BUYER)
    with pytest.raises(Problem, match="key_unknown"):
        await within(pool, keeping.revoke, stranger, key_id, NOW())
    admin = await an_actor(pool, buyer.org_id, Role.ADMIN)
    await within(pool, keeping.revoke, admin, key_id, NOW())


async def test_the_page_shows_a_new_key_once(pool: Pool, client: httpx.AsyncClient, buyer: Actor) -> None:
    token = await sessions.begin(pool, buyer.user_id, NOW())
    headers = {"Cookie": f"yangcai={token}", "Origin": ORIGIN, "Accept": "text/html"}
    form = {"name": "内部系统", "act": ["case.open"], "per_minute": "60", "days": "30"}
    made = await client.post("/keys", data=form, headers=headers)
    keys = re.findall(r"yck_[\w-]{43}", made.text)
    assert len(keys) == 1
    again = await client.get("/keys", headers=headers)
    assert keys[0] not in again.text
    assert "内部系统" in again.text
    assert (await client.get("/api/me", headers=bearing(keys[0]))).status_code == 200
