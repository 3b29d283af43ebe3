"""Deadlines fire by themselves: after a restart, in any of several workers, and once each."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest_asyncio

from auction.lot import live
from auction.lot.model import Opened
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.deadlines import Deadlines
from tests.auction.notary import NOTARY
from tests.auction.walk import MINUTE, a_cast, a_draft, nothing, published, rules, signed_up, stage
from tests.support import eventually

NOW = Clock().now_ms


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


class Workers:
    """Several workers' deadlines at once."""

    def __init__(self, valkey: Valkey, pool: Pool, count: int) -> None:
        self.pipe = Pipe(valkey)
        self.all = [Deadlines(valkey, self.pipe, pool, Clock(), nothing, NOTARY) for _ in range(count)]

    async def __aenter__(self) -> Workers:
        self.tasks = [asyncio.create_task(one.run()) for one in self.all]
        return self

    async def __aexit__(self, *error: Any) -> None:
        for task in self.tasks:
            task.cancel()
        for task, one in zip(self.tasks, self.all, strict=True):
            with suppress(asyncio.CancelledError):
                await task
            await one.close()
        await self.pipe.close()


def reached(pool: Pool, lot_id: UUID, wanted: str) -> Any:
    async def ask() -> bool:
        return await stage(pool, lot_id) == wanted

    return ask


async def turns_of_the_loop(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def a_signed_up_lot(pool: Pool, valkey: Valkey) -> UUID:
    cast = await a_cast(pool)
    auction_id, lot_id = await published(pool, valkey, cast, a_draft(NOW() + MINUTE, rules()))
    await signed_up(pool, cast, auction_id, lot_id)
    return lot_id


async def test_a_lot_opens_closes_and_settles_while_nobody_touches_it(pool: Pool, valkey: Valkey) -> None:
    lot_id = await a_signed_up_lot(pool, valkey)
    soon = "UPDATE lot SET opens_at = now() + '1.2 s', due_at = now() + '1.2 s', rules = rules || $2 WHERE id = $1"
    await pool.execute(soon, lot_id, {"duration_ms": 1_500})
    async with Workers(valkey, pool, 3):
        await eventually(reached(pool, lot_id, "running"), within_s=8)
        await eventually(reached(pool, lot_id, "failed"), within_s=8)
    log = await live.read_log(valkey, lot_id)
    assert [type(event).__name__ for event in log] == ["Opened", "Closed"]
    assert isinstance(log[0], Opened)
    assert log[0].at - log[0].opens_at < 900
    assert await pool.fetchval("SELECT count(*) FROM result WHERE lot_id = $1", lot_id) == 1
    starts = "SELECT count(*) FROM audit_event WHERE object = $1 AND event = 'lot.start'"
    assert await pool.fetchval(starts, f"lot:{lot_id}") == 1


async def test_an_opening_that_came_while_nothing_ran_gets_its_whole_time_afterwards(
    pool: Pool, valkey: Valkey
) -> None:
    lot_id = await a_signed_up_lot(pool, valkey)
    hour_ago = "UPDATE lot SET opens_at = now() - '1 h'::interval, due_at = now() - '1 h'::interval WHERE id = $1"
    await pool.execute(hour_ago, lot_id)
    async with Workers(valkey, pool, 1):
        await eventually(reached(pool, lot_id, "running"), within_s=8)

        async def is_live() -> bool:
            return await live.read_tally(valkey, lot_id) is not None

        await eventually(is_live)
    opened = (await live.read_log(valkey, lot_id))[0]
    assert isinstance(opened, Opened)
    assert opened.closes_at - opened.at > MINUTE - 5_000


async def test_a_lot_that_closed_while_postgres_was_not_asked_is_settled_from_the_outbox(
    pool: Pool, valkey: Valkey, pipe: Pipe
) -> None:
    lot_id = await a_signed_up_lot(pool, valkey)
    await pool.execute(
        "UPDATE lot SET opens_at = now(), due_at = now(), rules = rules || $2 WHERE id = $1",
        lot_id,
        {"duration_ms": 300},
    )
    async with Workers(valkey, pool, 1):
        await eventually(reached(pool, lot_id, "running"), within_s=8)

    async def is_closed() -> bool:
        return (await live.tick(valkey, lot_id)).stage == "closing"

    await eventually(is_closed)
    async with Workers(valkey, pool, 2):
        await eventually(reached(pool, lot_id, "failed"), within_s=8)
    assert lot_id not in await ledger.outbox(pipe)


async def test_a_stop_in_the_moment_in_which_a_loop_wakes_up_is_heard(pool: Pool, valkey: Valkey, pipe: Pipe) -> None:
    """``asyncio.wait_for`` of Python 3.11 swallows such a cancellation."""
    for turns in (0, 1, 2, 3) * 5:
        deadlines = Deadlines(valkey, pipe, pool, Clock(), nothing, NOTARY)
        task = asyncio.create_task(deadlines.run())
        await turns_of_the_loop(10)
        deadlines.watch(UUID(int=turns), NOW() + MINUTE)
        await turns_of_the_loop(turns)
        task.cancel()
        _, running = await asyncio.wait([task], timeout=5)
        assert not running
