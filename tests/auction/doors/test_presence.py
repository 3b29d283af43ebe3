"""A session's end closes its sockets everywhere, a right withdrawn takes the seat; no idle time takes a bidder's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from accounts import records, sessions
from accounts.model import Actor, Grant, Role
from auction.doors.presence import Presence
from plumbing.clock import Clock
from plumbing.postgres import Pool
from tests.live import Page, Site, a_cookie, a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.site import LaterClock, a_person
from tests.support import eventually

WITHIN_S = 5.0


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url, servers=2) as site:
        yield site


async def person(site: Site, login: str) -> UUID:
    found: UUID = await site.pool.fetchval("SELECT id FROM person WHERE login = $1", login)
    return found


async def is_told_to_go(page: Page) -> None:
    await eventually(lambda: page.socket.close_code == 4401, within_s=WITHIN_S)
    assert page.socket.close_reason == "session"


async def test_signing_out_closes_the_sockets_of_that_session_and_no_other(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_program(site, "supplier1") as program:
        mine = program.headers["Cookie"]
        async with (
            a_page(site, number=0, cookie=mine) as here,
            a_page(site, number=1, cookie=mine) as there,
            a_page(site, "supplier1", 1) as another_session,
            program.stream("GET", f"/api/lots/{lot_id}/stream") as stream,
        ):
            for page in (here, there, another_session):
                await page.watch(lot_id)
            assert (await program.delete("/api/session")).status_code == 204
            await is_told_to_go(here)
            await is_told_to_go(there)
            assert [line async for line in stream.aiter_lines()] != [], "the stream of events ends too"
            assert (await another_session.bid(lot_id, 47_000_000))["t"] == "taken"


async def test_a_session_ended_from_elsewhere_and_a_locked_account_close_its_sockets(site: Site) -> None:
    async with a_page(site, "supplier2") as one, a_page(site, "supplier4", 1) as two:
        await site.pool.execute("DELETE FROM login_session WHERE person_id = $1", await person(site, "supplier2"))
        await is_told_to_go(one)
        await site.pool.execute("UPDATE person SET active = false WHERE login = 'supplier4'")
        try:
            await is_told_to_go(two)
        finally:
            await site.pool.execute("UPDATE person SET active = true WHERE login = 'supplier4'")


async def test_a_role_withdrawn_takes_the_hosts_view_and_given_back_brings_it(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_page(site, "buyer", 1) as host, a_page(site, "supplier1") as bidder:
        assert "rows" in await host.watch(lot_id)
        await site.pool.execute("DELETE FROM role_grant WHERE person_id = $1", await person(site, "buyer"))
        try:
            await eventually(lambda: "rows" not in host.view(lot_id), within_s=WITHIN_S)
            assert host.frames[-2]["who"] == "public"
            before = len(host.frames)
            assert (await bidder.bid(lot_id, 47_000_000))["t"] == "taken"
            await eventually(lambda: site.pool.fetchval("SELECT true"))
            assert len(host.frames) == before, "the public hears nothing of a bid"
        finally:
            org = await site.pool.fetchval("SELECT org_id FROM person WHERE login = 'buyer'")
            await records.add_grant(site.pool, await person(site, "buyer"), Grant(Role.BUYER, "33", org))
        await eventually(lambda: "rows" in host.view(lot_id), within_s=WITHIN_S)


async def test_a_banned_supplier_loses_his_seat_and_is_told_why(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    org = await site.pool.fetchval("SELECT org_id FROM person WHERE login = 'supplier2'")
    async with a_page(site, "supplier2", 1) as page:
        await page.watch(lot_id)
        assert (await page.bid(lot_id, 47_000_000))["t"] == "taken"
        await eventually(lambda: "own" in page.view(lot_id))
        await site.pool.execute(
            "INSERT INTO supplier_ban (org_id, during, reason, authority) "
            "VALUES ($1, daterange('2020-01-01', NULL), '围标', '省财政厅')",
            org,
        )
        try:
            await eventually(lambda: "own" not in page.view(lot_id), within_s=WITHIN_S)
            assert (await page.bid(lot_id, 46_000_000))["code"] == "BANNED"
        finally:
            await site.pool.execute("DELETE FROM supplier_ban WHERE org_id = $1", org)
        await eventually(lambda: "own" in page.view(lot_id), within_s=WITHIN_S)


async def test_a_sweep_of_sessions_whose_time_is_over_leaves_a_bidder_in_a_running_lot(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    cookie = await a_cookie(site, "supplier1")
    async with a_page(site, cookie=cookie) as bidder, a_page(site, "supplier1", 1) as onlooker:
        await bidder.watch(lot_id)
        await eventually(lambda: onlooker.frames)
        await site.pool.execute(
            "UPDATE login_session SET created_at = now() - interval '13 h', expires_at = now() - interval '1 h' "
            "WHERE person_id = $1",
            await person(site, "supplier1"),
        )
        await site.pool.execute("DELETE FROM login_session WHERE expires_at <= now()")
        await is_told_to_go(onlooker)
        assert (await bidder.bid(lot_id, 47_000_000))["t"] == "taken"


async def a_ticket(program: Any, purpose: str) -> str:
    answer = await program.post("/api/tickets", json={"purpose": purpose})
    return f"?ticket={answer.json()['ticket']}"


async def test_a_ticket_for_one_lot_opens_no_other(site: Site) -> None:
    rules = quick_rules(duration_ms=60_000)
    lot_id, other = await a_started_lot(site, rules), await a_started_lot(site, rules)
    async with (
        a_program(site, "supplier1") as program,
        a_page(site, query=await a_ticket(program, f"lot:{lot_id}")) as page,
    ):
        assert (await page.bid(lot_id, 47_000_000))["t"] == "taken"
        assert (await page.bid(other, 47_000_000))["code"] == "LOT_UNKNOWN"
        await page.send({"t": "watch", "lot": str(other)})
        assert (await page.fault())["code"] == "lot_unknown"


async def test_a_ticket_of_a_session_that_has_ended_opens_nothing(site: Site) -> None:
    async with a_program(site, "supplier1") as program:
        query = await a_ticket(program, "lots")
        await program.delete("/api/session")
    async with a_page(site, query=query) as page:
        await is_told_to_go(page)
        assert page.frames == []


async def test_a_cookie_without_an_origin_opens_no_socket(site: Site) -> None:
    where, cookie = site.origin.replace("http", "ws") + "/ws", {"Cookie": await a_cookie(site, "supplier1")}
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(where, additional_headers=cookie, proxy=None):
            pass
    async with connect(where, proxy=None) as nobody:
        assert '"public"' in str(await nobody.recv()), "without a cookie there is nothing to steal"


class Sitting:
    """A guest of a presence, and what became of him."""

    def __init__(self, actor: Actor, bidding: bool) -> None:
        self.actor: Actor | None = actor
        self.bidding, self.gone, self.looked_at = bidding, False, False

    async def sit_anew(self, actor: Actor) -> None:
        self.actor, self.looked_at = actor, True

    def dismiss(self) -> None:
        self.gone = True


async def a_guest(pool: Pool, bidding: bool, now: int) -> Sitting:
    member = await a_person(pool, Role.SUPPLIER, kind="supplier")
    actor = await sessions.by_token(pool, await sessions.begin(pool, member.user_id, now), now)
    assert actor is not None
    return Sitting(actor, bidding)


async def test_an_open_socket_of_a_bidder_is_use_of_his_session_and_outlasts_it(pool: Pool) -> None:
    clock = LaterClock(Clock())
    presence = Presence(pool, clock)  # type: ignore[arg-type]
    bidder, onlooker = await a_guest(pool, True, clock.now_ms()), await a_guest(pool, False, clock.now_ms())
    for guest in (bidder, onlooker):
        presence.enter(guest)
    running = asyncio.create_task(presence.run())
    try:
        clock.ahead_ms = 3 * 3_600_000
        used = "SELECT seen_at > now() + interval '2 h' FROM login_session WHERE id = $1"
        await eventually(lambda: pool.fetchval(used, bidder.actor and bidder.actor.session))
        presence.heard("")
        await eventually(lambda: bidder.looked_at and onlooker.looked_at)
        assert not await pool.fetchval(used, onlooker.actor and onlooker.actor.session), "a look is no use"
        clock.ahead_ms = 13 * 3_600_000
        await eventually(lambda: onlooker.gone)
        assert not bidder.gone
        bidder.bidding = False
        await eventually(lambda: bidder.gone)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
