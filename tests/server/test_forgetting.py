"""A settled lot leaves the live store only behind a verified copy; whoever asks later is answered from Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from msgspec import structs

from accounts.model import Role
from auction.case import late
from auction.lot import live
from auction.lot.model import Alias, Bid, Overtime, Refusal, Refused, Taken
from auction.practice import opening as practice
from auction.practice.opening import PracticeBody, PracticeLot
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import RedisError, Valkey
from server.forgetting import Forgetting
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import settled
from tests.live import a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.support import eventually

BIDS = [("甲", "r-000001", 9_000), ("乙", "r-000002", 8_900), ("甲", "r-000003", 8_800), ("乙", "r-000004", 8_750)]
RULES = quick_rules(
    ceiling=None, duration_ms=30_000, suppliers_min=1, overtime=Overtime(window_ms=60_000, extend_ms=40_000, rank_max=1)
)


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


async def a_settled_lot(pool: Pool, valkey: Valkey) -> tuple[UUID, list[tuple[Bid, Taken]]]:
    """A practice lot with four bids, one of which moved the end; with the first answer to each."""
    actor = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    body = PracticeBody("练习", [PracticeLot("标一", RULES, ["甲", "乙"])])
    lot = (await practice.open_practice(pool, valkey, actor, body, Clock().now_ms())).lots[0]
    answers = []
    for name, rid, price in BIDS:
        bid = Bid(rid, Alias(lot.aliases[name]), price)
        taken = await live.place_bid(valkey, lot.lot_id, bid, Clock().now_ms())
        assert isinstance(taken, Taken)
        answers.append((bid, taken))
    await practice.close(pool, valkey, actor, lot.lot_id)
    await settled(pool, valkey, lot.lot_id)
    return lot.lot_id, answers


def sweep(pool: Pool, valkey: Valkey, kept_h: int = 0) -> Forgetting:
    return Forgetting(valkey, pool, Clock(), kept_h)


async def left(pool: Pool) -> list[Any]:
    return [row["lot_id"] for row in await pool.fetch("SELECT lot_id FROM leftover")]


async def test_the_first_answers_are_the_same_after_the_live_store_has_let_the_lot_go(
    fresh_pool: Pool, valkey: Valkey
) -> None:
    lot_id, answers = await a_settled_lot(fresh_pool, valkey)
    assert await sweep(fresh_pool, valkey).take_one()
    assert not await ledger.known(valkey, lot_id)
    assert await left(fresh_pool) == []
    for bid, taken in answers:
        assert await late.answer(fresh_pool, lot_id, bid) == structs.replace(taken, repeat=True)
        reused = structs.replace(bid, price=bid.price - 1)
        assert await late.answer(fresh_pool, lot_id, reused) == Refused(Refusal.ID_REUSED)
        other = structs.replace(bid, alias=Alias("Z9"))
        assert await late.answer(fresh_pool, lot_id, other) == Refused(Refusal.LOT_CLOSED)
    new = structs.replace(answers[0][0], rid="r-000009")
    assert await late.answer(fresh_pool, lot_id, new) == Refused(Refusal.LOT_CLOSED)
    assert await late.answer(fresh_pool, uuid4(), new) == Refused(Refusal.LOT_UNKNOWN)
    assert len({taken.closes_at for _, taken in answers}) > 1, "a bid of the test moved the end"


async def test_before_its_hours_are_over_a_settled_lot_stays_in_the_live_store(
    fresh_pool: Pool, valkey: Valkey
) -> None:
    lot_id, _ = await a_settled_lot(fresh_pool, valkey)
    assert not await sweep(fresh_pool, valkey, kept_h=24).take_one()
    assert await ledger.known(valkey, lot_id)
    assert await left(fresh_pool) == [lot_id]


@pytest.mark.parametrize("spoil", ["an entry", "the last entry", "a line of Postgres"])
async def test_where_the_copy_does_not_fit_the_lot_stays(fresh_pool: Pool, valkey: Valkey, spoil: str) -> None:
    lot_id, _ = await a_settled_lot(fresh_pool, valkey)
    key = ledger.keys_of(lot_id)[4]
    entries = await valkey.xrange(key)
    if spoil == "a line of Postgres":
        await fresh_pool.execute("ALTER TABLE lot_event DISABLE TRIGGER lot_event_stays")
        await fresh_pool.execute("UPDATE lot_event SET body = replace(body::text, '8800', '8801')::json")
    elif spoil == "the last entry":
        await valkey.xdel(key, entries[-1][0])
    else:
        await valkey.delete(key)
        for name, fields in entries:
            await valkey.xadd(key, {b"e": fields[b"e"].replace(b'"price":8800', b'"price":8700')}, id=name)
    assert await sweep(fresh_pool, valkey).take_one()
    assert await ledger.known(valkey, lot_id)
    assert await left(fresh_pool) == [lot_id]
    assert not await sweep(fresh_pool, valkey).take_one(), "put off, so that it keeps no other lot waiting"


async def test_a_lot_that_still_waits_for_its_settler_stays(fresh_pool: Pool, valkey: Valkey) -> None:
    lot_id, _ = await a_settled_lot(fresh_pool, valkey)
    await valkey.zadd(ledger.keys_of(lot_id)[6], {str(lot_id): 1})
    await sweep(fresh_pool, valkey).take_one()
    assert await ledger.known(valkey, lot_id)
    await ledger.settled(valkey, lot_id)


async def test_a_connection_cut_between_the_comparison_and_the_removal_leaves_the_lot_to_the_next_look(
    fresh_pool: Pool, valkey: Valkey
) -> None:
    lot_id, _ = await a_settled_lot(fresh_pool, valkey)
    await valkey.execute_command("CLIENT", "PAUSE", 10_000, "WRITE")  # type: ignore[no-untyped-call]
    try:
        looking = asyncio.create_task(sweep(fresh_pool, valkey).take_one())

        async def held_back() -> Any:
            return [c for c in await valkey.client_list() if c["cmd"] == "unlink" and "b" in c["flags"]]

        for client in await eventually(held_back):
            await valkey.client_kill_filter(_id=client["id"])
        with pytest.raises((RedisError, OSError)):
            await looking
    finally:
        await valkey.client_unpause()
    assert await ledger.known(valkey, lot_id)
    assert await left(fresh_pool) == [lot_id]
    assert await sweep(fresh_pool, valkey).take_one()
    assert not await ledger.known(valkey, lot_id)


@pytest_asyncio.fixture
async def other(fresh_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else to the same database."""
    conn = await asyncpg.connect(fresh_url)
    yield conn
    await conn.close()


async def test_a_connection_cut_after_the_removal_changes_no_answer_and_is_made_up_for(
    fresh_pool: Pool, valkey: Valkey, other: asyncpg.Connection
) -> None:
    lot_id, answers = await a_settled_lot(fresh_pool, valkey)
    async with other.transaction():
        await other.execute("LOCK TABLE leftover IN SHARE MODE")  # may be read and locked by row, not written
        looking = asyncio.create_task(sweep(fresh_pool, valkey).take_one())
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM leftover%'"
        )
        pid = await eventually(lambda: fresh_pool.fetchval(waiting))
        assert not await ledger.known(valkey, lot_id)
        await other.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await looking
    assert await left(fresh_pool) == [lot_id]
    bid, taken = answers[1]
    assert await late.answer(fresh_pool, lot_id, bid) == structs.replace(taken, repeat=True)
    assert await sweep(fresh_pool, valkey).take_one()
    assert await left(fresh_pool) == []


async def test_who_comes_late_is_answered_at_every_door_as_if_the_lot_were_still_live(
    fresh_pool: Pool, fresh_url: str, valkey: Valkey, valkey_url: str
) -> None:
    async with a_live_site(fresh_pool, valkey_url, fresh_url) as site:
        lot_id = await a_started_lot(site, quick_rules(duration_ms=4_000))
        async with a_page(site, "supplier1") as one, a_program(site, "buyer") as host:
            await one.watch(lot_id)
            first = await one.bid(lot_id, 47_000_000, id="r-000001")
            assert first["t"] == "taken"
            over = ("running", "closing")
            await eventually(lambda: one.view(lot_id)["stage"] not in over, within_s=10)
            view, where = one.view(lot_id), f"/api/lots/{lot_id}/transcript.jsonl"
            signed = (await host.get(where)).raise_for_status().content
            assert await sweep(fresh_pool, valkey).take_one()
            assert not await ledger.known(valkey, lot_id)
            again = await one.bid(lot_id, 47_000_000, id="r-000001")
            assert again == first | {"repeat": True}
            assert (await one.bid(lot_id, 46_000_000, id="r-000001"))["code"] == "ID_REUSED"
            assert (await one.bid(lot_id, 46_000_000, id="r-000002"))["code"] == "LOT_CLOSED"
            assert (await host.get(where)).content == signed
        async with a_page(site, "supplier1") as late_comer:
            assert await late_comer.watch(lot_id) == view
