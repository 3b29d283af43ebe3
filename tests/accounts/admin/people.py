"""Builders for the tests of the permission centre: administrators as the installation and their superiors make them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx

from accounts import people, records, sessions
from accounts.admin import giving, organising
from accounts.admin.model import Wanted
from accounts.admin.organising import NewOrg
from accounts.model import Actor, Grant, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from tests.site import ORIGIN, WithState

PASSWORD = "a phrase of some length"


def now() -> int:
    return Clock().now_ms()


async def opened(pool: Pool, role: Role, kind: str, region: str, org_id: UUID | None = None) -> Actor:
    """An account as ``yangcai account open`` makes it."""
    login = f"{role}-{uuid4().hex[:8]}"
    given: dict[str, Any] = {"org_name": f"单位 {login}", "org_kind": kind, "region": region}
    person = await people.open_account(
        pool, org_id=org_id, **given, login=login, name=login, password=PASSWORD, roles=[role]
    )
    return await the_actor(pool, person)


async def the_actor(pool: Pool, person_id: UUID) -> Actor:
    """The person as he is now."""
    found = await records.actor(pool, person_id, uuid4(), now() + 1_000_000, now())
    assert found is not None
    return found


async def give(pool: Pool, actor: Actor, to: UUID, grant: Grant, onward: bool | None = None) -> UUID:
    """Give a right as its form does."""
    async with pool.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(giving.SQL["person"], to)
        assert row is not None
        wanted = Wanted(to, row["org_id"], row["org_kind"], row["region"], grant, onward)
        return await giving.give(conn, actor, wanted, now())


async def a_city_admin(pool: Pool, region: str = "330100", *may_give: Role) -> Actor:
    """A city's administrator, made by the province's security administrator, who lets him give ``may_give``."""
    security = await opened(pool, Role.SECURITY, "supervisor", "330000")
    org_id = await records.add_organisation(pool, name=f"财政局 {uuid4().hex[:8]}", kind="supervisor", region=region)
    login = f"city-{uuid4().hex[:8]}"
    person = await records.add_person(pool, org_id=org_id, login=login, name="何管理")
    await give(pool, security, person, Grant(Role.ADMIN, region[:4], valid_from_ms=now()))
    for role in may_give:
        await give(pool, security, person, Grant(role, region[:4], valid_from_ms=now()), onward=False)
    return await the_actor(pool, person)


async def a_unit(pool: Pool, admin: Actor, region: str = "330106") -> UUID:
    """A purchaser made by an administrator."""
    async with pool.acquire() as conn, conn.transaction():
        new = NewOrg(f"采购单位 {uuid4().hex}", "buyer", region)
        return await organising.add_organisation(conn, admin, new, now())


async def a_member(pool: Pool, admin: Actor, org_id: UUID) -> UUID:
    """Somebody an administrator invited."""
    async with pool.acquire() as conn, conn.transaction():
        login = f"m-{uuid4().hex[:10]}"
        return (await organising.add_person(conn, admin, org_id, login, "成员", now()))[0]


@asynccontextmanager
async def at(app: WithState, pool: Pool, actor: Actor) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of ``actor``, who has just signed in."""
    token = await sessions.begin(pool, actor.user_id, now())
    session = await sessions.by_token(pool, token, now())
    assert session is not None
    await sessions.prove(pool, session.session, now())
    cookie = f"{sessions.cookie_name(app.state['settings'])}={token}"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Origin": ORIGIN, "Cookie": cookie, "Accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        yield client
