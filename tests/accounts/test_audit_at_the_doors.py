"""Every act, refusal and protected read at a door leaves a line; nothing is written twice; a flood stays bounded."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from accounts.audit import Here, audit
from accounts.audit.doors import REFUSALS_PER_MINUTE, WAITING_MAX, Ink
from accounts.model import Role
from accounts.web import require
from plumbing import postgres
from plumbing.clock import Clock
from plumbing.faults import BROKEN_PIPES
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from plumbing.web import collect, op, page
from tests.site import LaterClock, Person, WithState, a_client, a_person, a_site, log_in

_address = itertools.count(1)


@op("PUT", "/api/things/{thing_id:uuid}", tag="t", summary=("改", "Change"), act="", status=204)
async def change(request: Request, thing_id: UUID) -> None:
    """Changes something and says nothing of it."""


@op("POST", "/api/things/{thing_id:uuid}/own", tag="t", summary=("办", "Do"), act="", status=204)
async def write_own(request: Request, thing_id: UUID) -> None:
    """Writes its own line."""
    await audit(request.state.postgres, await require(request), "thing.done", f"thing:{thing_id}")


@op("POST", "/api/things/{thing_id:uuid}/undone", tag="t", summary=("退", "Undo"), act="", status=204)
async def undone(request: Request, thing_id: UUID) -> None:
    """Writes its line, and then its transaction is rolled back."""
    async with request.state.postgres.acquire() as conn, conn.transaction():
        await audit(conn, await require(request), "thing.done", f"thing:{thing_id}")
        raise Problem(409, "conflict")


@op("POST", "/api/things/{thing_id:uuid}/broken", tag="t", summary=("坏", "Break"), act="", status=204)
async def broken(request: Request, thing_id: UUID) -> None:
    """Breaks."""
    raise ZeroDivisionError


@op("GET", "/api/things/{thing_id:uuid}", tag="t", summary=("看", "Look"), act="plan.read")
async def look(request: Request, thing_id: UUID) -> dict[str, str]:
    """For buyers."""
    return {"thing": str(thing_id)}


@page("GET", "/public", act=None)
async def public(request: Request) -> Response:
    """For all."""
    return PlainTextResponse("public")


class Door:
    """A site with its queue of lines, and a buyer who is signed in."""

    def __init__(self, app: WithState, ink: Ink, pool: Pool, later: LaterClock, person: Person) -> None:
        self.app, self.ink, self.pool, self.later, self.person = app, ink, pool, later, person
        self.address = f"10.9.{next(_address)}.1"
        self.client = a_client(app, self.address, headers={"Origin": "http://yangcai.test"})

    async def lines(self, thing: Any) -> list[tuple[Any, ...]]:
        await self.ink.pour(self.pool)
        rows = await self.pool.fetch("SELECT * FROM audit_event WHERE object = $1 ORDER BY id", f"thing:{thing}")
        return [(row["event"], row["door"], row["result"], row["detail"].get("status"), row["login"]) for row in rows]


@pytest_asyncio.fixture
async def door(pool: Pool, valkey_client: Valkey, clock: Clock) -> AsyncIterator[Door]:
    later = LaterClock(clock)
    app, ink = a_site(pool, valkey_client, later, collect(globals())), Ink(later.now_ms)
    app.state["ink"] = ink
    person = await a_person(pool, Role.BUYER)
    found = Door(app, ink, pool, later, person)
    async with found.client:
        await log_in(found.client, person.login)
        yield found


async def test_an_act_that_says_nothing_of_itself_is_written_at_the_door(door: Door) -> None:
    thing = uuid4()
    assert (await door.client.put(f"/api/things/{thing}")).status_code == 204
    wanted = ("door.acted", "PUT /api/things/{thing_id}", "done", 204, door.person.login)
    assert await door.lines(thing) == [wanted]
    row = await door.pool.fetchrow("SELECT * FROM audit_event WHERE object = $1", f"thing:{thing}")
    assert row is not None
    assert (row["address"], row["person_id"]) == (door.address, door.person.user_id)
    assert row["request_id"]


async def test_an_act_that_writes_its_own_line_is_not_written_twice_and_says_from_where(door: Door) -> None:
    thing = uuid4()
    assert (await door.client.post(f"/api/things/{thing}/own")).status_code == 204
    wanted = ("thing.done", "POST /api/things/{thing_id}/own", "done", None, door.person.login)
    assert await door.lines(thing) == [wanted]
    address = await door.pool.fetchval("SELECT address FROM audit_event WHERE object = $1", f"thing:{thing}")
    assert address == door.address


async def test_an_act_that_was_rolled_back_is_written_as_refused(door: Door) -> None:
    thing = uuid4()
    assert (await door.client.post(f"/api/things/{thing}/undone")).status_code == 409
    assert [(line[0], line[2], line[3]) for line in await door.lines(thing)] == [("door.acted", "refused", 409)]


async def test_an_act_that_broke_is_written_as_failed(door: Door) -> None:
    thing = uuid4()
    assert (await door.client.post(f"/api/things/{thing}/broken")).status_code == 500
    assert [(line[0], line[2], line[3]) for line in await door.lines(thing)] == [("door.acted", "failed", 500)]


async def test_a_protected_read_is_written_once_in_ten_minutes(door: Door) -> None:
    thing = uuid4()
    for _ in range(3):
        assert (await door.client.get(f"/api/things/{thing}")).status_code == 200
    assert [(line[0], line[2]) for line in await door.lines(thing)] == [("door.read", "done")]
    door.later.ahead_ms = 11 * 60_000
    await door.client.get(f"/api/things/{thing}")
    assert len(await door.lines(thing)) == 2


async def test_a_refused_read_is_written_whoever_asked(door: Door, pool: Pool) -> None:
    thing, stranger = uuid4(), await a_person(pool, Role.SUPPLIER, kind="supplier")
    async with a_client(door.app, f"10.9.{next(_address)}.1") as client:
        assert (await client.get(f"/api/things/{thing}")).status_code == 401
        await log_in(client, stranger.login)
        assert (await client.get(f"/api/things/{thing}")).status_code == 403
    found = [(line[0], line[2], line[3], line[4]) for line in await door.lines(thing)]
    assert found == [("door.read", "refused", 401, ""), ("door.read", "refused", 403, stranger.login)]


async def test_what_is_open_to_all_leaves_no_line(door: Door, pool: Pool) -> None:
    async with a_client(door.app, "10.99.1.1") as client:
        assert (await client.get("/public")).status_code == 200
        assert (await client.get("/no-such-page")).status_code == 404
    await door.ink.pour(pool)
    assert await pool.fetchval("SELECT count(*) FROM audit_event WHERE address = '10.99.1.1'") == 0


async def test_a_foreign_pages_request_is_written(door: Door, pool: Pool) -> None:
    thing, address = uuid4(), f"10.9.{next(_address)}.1"
    async with a_client(door.app, address, headers={"Origin": "https://evil.example"}) as client:
        assert (await client.put(f"/api/things/{thing}")).status_code == 403
    await door.ink.pour(pool)
    row = await pool.fetchrow("SELECT * FROM audit_event WHERE address = $1", address)
    assert row is not None
    assert (row["event"], row["result"], row["door"]) == ("door.acted", "refused", f"PUT /api/things/{thing}")


async def test_a_flood_of_refusals_is_written_as_a_number(door: Door, pool: Pool) -> None:
    address = f"10.9.{next(_address)}.1"
    async with a_client(door.app, address) as client:
        for _ in range(REFUSALS_PER_MINUTE + 25):
            await client.get(f"/api/things/{uuid4()}")
    door.later.ahead_ms = 61_000
    await door.ink.pour(pool)
    count = "SELECT count(*) FROM audit_event WHERE address = $1"
    assert await pool.fetchval(count, address) <= 2 * REFUSALS_PER_MINUTE
    more = await pool.fetch("SELECT detail FROM audit_event WHERE event = 'door.flood'")
    assert address in {row["detail"]["by"] for row in more}


async def test_lines_wait_while_the_store_is_away_and_a_queue_that_is_full_says_so(
    pool: Pool, clock: Clock, postgres_url: str
) -> None:
    ink, thing = Ink(clock.now_ms), uuid4()
    for _ in range(WAITING_MAX + 7):
        ink.write(None, "door.acted", f"thing:{thing}", "done", {}, door_here())
    away = await postgres.open_pool(postgres_url, size_max=1)
    await away.close()
    with pytest.raises(BROKEN_PIPES):
        await ink.pour(away)
    await ink.pour(pool)
    await ink.pour(pool)
    count = "SELECT count(*) FROM audit_event WHERE object = $1"
    assert await pool.fetchval(count, f"thing:{thing}") == WAITING_MAX
    assert await pool.fetchval("SELECT true FROM audit_event WHERE event = 'audit.dropped' AND detail->>'lines' = '7'")


def door_here() -> Here:
    return Here("10.1.1.1", "PUT /x")


async def test_a_line_with_what_the_store_does_not_take_holds_up_no_other(pool: Pool, clock: Clock) -> None:
    ink, thing = Ink(clock.now_ms), f"thing:{uuid4()}"
    ink.write(None, "door.acted", thing + "\0", "refused", {"login": "\0\ud800"}, Here("\0", "GET /\0"))
    ink.write(None, "door.acted", thing, "refused", {}, Here())
    await ink.pour(pool)
    rows = await pool.fetch("SELECT object, door FROM audit_event WHERE starts_with(object, $1) ORDER BY id", thing)
    assert [(row["object"], row["door"]) for row in rows] == [(thing + "\ufffd", "GET /\ufffd"), (thing, "")]
