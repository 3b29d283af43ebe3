"""A closed lot comes back to Postgres exactly once, with its log word for word; deadlines do it by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from accounts.model import Role
from auction.case import access
from auction.lot import live
from auction.lot.model import Alias, Bid, Decrement, LotRules, Opened, Overtime, Refused, Taken
from auction.practice import opening as practice
from auction.practice.opening import PracticeBody, PracticeLot
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from server.deadlines import Deadlines
from server.settle import settle_lot
from tests.auction.notary import NOTARY
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import settled
from tests.support import eventually


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


def practice_rules(duration_ms: int = 600_000) -> LotRules:
    return LotRules(
        ceiling=None,
        decrement=Decrement(amount=0),
        duration_ms=duration_ms,
        overtime=Overtime(extensions_max=0),
        suppliers_min=1,
        big_drop_bp=0,
    )


async def a_practice(pool: Pool, valkey: Valkey, duration_ms: int = 600_000, lots: int = 1) -> Any:
    actor = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    body = PracticeBody("练习", [PracticeLot(f"标{i}", practice_rules(duration_ms), ["甲", "乙"]) for i in range(lots)])
    return actor, await practice.open_practice(pool, valkey, actor, body, Clock().now_ms())


async def bid(valkey: Valkey, lot_id: UUID, alias: str, rid: str, price: int) -> Taken | Refused:
    return await live.place_bid(valkey, lot_id, Bid(rid, Alias(alias), price), Clock().now_ms())


async def nothing(conn: Any, deal: Any) -> None:
    """No one reacts."""


@pytest_asyncio.fixture
async def deadlines(pool: Pool, valkey: Valkey, pipe: Pipe, clock: Clock) -> AsyncIterator[Deadlines]:
    ours = Deadlines(valkey, pipe, pool, clock, nothing, NOTARY)
    task = asyncio.create_task(ours.run())
    yield ours
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_practice_lot_closed_by_its_host_is_settled_and_only_rehearsed(
    pool: Pool, valkey: Valkey, pipe: Pipe
) -> None:
    actor, out = await a_practice(pool, valkey)
    lot = out.lots[0]
    assert isinstance(await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000), Taken)
    assert isinstance(await bid(valkey, lot.lot_id, lot.aliases["乙"], "r-000002", 8_999), Taken)
    await practice.close(pool, valkey, actor, lot.lot_id)
    log = await live.read_log(valkey, lot.lot_id)
    await settled(pool, valkey, lot.lot_id)
    row = await pool.fetchrow(
        "SELECT stage, outcome, final_n FROM result JOIN lot ON id = lot_id WHERE id = $1", lot.lot_id
    )
    assert (row["stage"], row["outcome"], row["final_n"]) == ("rehearsed", "rehearsed", len(log))
    ranks = await pool.fetch("SELECT rank, alias, price FROM standing WHERE lot_id = $1 ORDER BY rank", lot.lot_id)
    assert [tuple(r) for r in ranks] == [(1, lot.aliases["乙"], 8_999), (2, lot.aliases["甲"], 9_000)]
    stored = await pool.fetch("SELECT body::text FROM lot_event WHERE lot_id = $1 ORDER BY n", lot.lot_id)
    entries = await ledger.read_entries(valkey, lot.lot_id)
    assert "[" + ",".join(r["body"] for r in stored) + "]" == b"".join(entries).replace(b"][", b",").decode()
    assert lot.lot_id not in await ledger.outbox(pipe)


async def test_of_many_settlers_at_once_exactly_one_settles(pool: Pool, valkey: Valkey) -> None:
    actor, out = await a_practice(pool, valkey)
    lot_id = out.lots[0].lot_id
    await practice.close(pool, valkey, actor, lot_id)
    done = await asyncio.gather(*(settle_lot(valkey, pool, NOTARY, lot_id, Clock().now_ms()) for _ in range(8)))
    assert done.count(True) <= 1
    assert await pool.fetchval("SELECT count(*) FROM result WHERE lot_id = $1", lot_id) == 1


async def test_a_settled_lot_whose_outbox_entry_came_back_is_not_settled_again(
    pool: Pool, valkey: Valkey, pipe: Pipe
) -> None:
    actor, out = await a_practice(pool, valkey)
    lot_id = out.lots[0].lot_id
    await practice.close(pool, valkey, actor, lot_id)
    await settled(pool, valkey, lot_id)
    await valkey.zadd(ledger.keys_of(lot_id)[6], {str(lot_id): 1})
    assert not await settle_lot(valkey, pool, NOTARY, lot_id, Clock().now_ms())
    assert lot_id not in await ledger.outbox(pipe)


async def test_a_log_that_was_tampered_with_is_not_settled(pool: Pool, valkey: Valkey) -> None:
    from auction.lot.state import BrokenLogError

    actor, out = await a_practice(pool, valkey)
    lot = out.lots[0]
    await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000)
    await practice.close(pool, valkey, actor, lot.lot_id)
    key = ledger.keys_of(lot.lot_id)[4]
    entries = await valkey.xrange(key)
    await valkey.delete(key)
    for name, fields in entries:
        await valkey.xadd(key, {b"e": fields[b"e"].replace(b'"price":9000', b'"price":8000')}, id=name)
    with pytest.raises(BrokenLogError):
        await settle_lot(valkey, pool, NOTARY, lot.lot_id, Clock().now_ms())
    assert await pool.fetchval("SELECT stage FROM lot WHERE id = $1", lot.lot_id) == "running"
    await ledger.settled(valkey, lot.lot_id)


async def test_a_lot_closes_and_settles_by_itself_when_its_time_is_over(
    pool: Pool, valkey: Valkey, deadlines: Deadlines
) -> None:
    _, out = await a_practice(pool, valkey, duration_ms=1_500, lots=3)
    for lot in out.lots:

        async def stage(lot_id: UUID = lot.lot_id) -> bool:
            return bool(await pool.fetchval("SELECT stage FROM lot WHERE id = $1", lot_id) == "rehearsed")

        await eventually(stage, within_s=6)
        closed = (await live.read_log(valkey, lot.lot_id))[-1].at
        opened = (await live.read_log(valkey, lot.lot_id))[0]
        assert isinstance(opened, Opened)
        assert 0 <= closed - opened.closes_at < 500


async def test_a_hand_over_that_was_cut_off_is_done_again(pool: Pool, valkey: Valkey, deadlines: Deadlines) -> None:
    _, out = await a_practice(pool, valkey)
    lot_id = out.lots[0].lot_id
    await valkey.delete(*ledger.keys_of(lot_id)[:5])
    await pool.execute("UPDATE lot SET handed_over_at = NULL, due_at = now() WHERE id = $1", lot_id)

    async def is_live() -> bool:
        return await live.read_tally(valkey, lot_id) is not None

    await eventually(is_live)


async def test_tickets_are_for_the_owners_names_only(pool: Pool, valkey: Valkey) -> None:
    actor, out = await a_practice(pool, valkey)
    given = await practice.give_tickets(pool, valkey, actor, out.auction_id, ["甲"])
    assert set(given) == {"甲"}
    with pytest.raises(Problem) as unknown:
        await practice.give_tickets(pool, valkey, actor, out.auction_id, ["丙"])
    assert unknown.value.status == 422
    other = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    with pytest.raises(Problem) as foreign:
        await practice.give_tickets(pool, valkey, other, out.auction_id, ["甲"])
    assert foreign.value.status == 404


async def test_a_practice_ticket_seats_its_bidder_in_its_own_auction_only(pool: Pool, valkey: Valkey) -> None:
    actor, out = await a_practice(pool, valkey)
    _, other = await a_practice(pool, valkey)
    lot, payload = out.lots[0], {"practice": str(out.auction_id), "alias": out.lots[0].aliases["甲"]}
    seat = await access.seat(pool, None, lot.lot_id, payload)
    assert seat is not None
    assert (seat.kind, seat.alias) == ("bidder", lot.aliases["甲"])
    assert await access.seat(pool, None, other.lots[0].lot_id, payload) is None
    host = await access.seat(pool, actor, lot.lot_id, {})
    assert host is not None
    assert host.kind == "host"
    assert await access.seat(pool, None, lot.lot_id, {}) is None
