"""合批: bids that arrive together are decided together, in the order of their arrival, each for itself."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from auction.lot import batching, live
from auction.lot.batching import Batches, Offer
from auction.lot.model import Alias, Bid, BidTaken, Entrant, LotRules, Outcome, Overtime, Refusal, Refused, Taken
from ledger import log as ledger
from plumbing import valkey
from plumbing.clock import Clock
from plumbing.engines import Places, ValkeyEngine
from plumbing.engines.process import Child
from plumbing.pipe import Pipe
from plumbing.valkey import Valkey
from tests.support import eventually

ALIASES = [Alias(f"A{number}") for number in range(20)]
RULES = LotRules(
    ceiling=48_000_000, duration_ms=600_000, practice=True, big_drop_bp=0, overtime=Overtime(extensions_max=0)
)


async def an_open_lot(client: Valkey, clock: Clock) -> UUID:
    lot_id = uuid4()
    await live.load(client)
    await live.open_lot(client, lot_id, RULES, tuple(map(Entrant, ALIASES)), clock.now_ms())
    return lot_id


@asynccontextmanager
async def the_batches(client: Valkey, clock: Clock) -> AsyncIterator[Batches]:
    pipe = Pipe(client)
    batches = Batches(client, pipe, clock, lambda lot_id, events: None)
    yield batches
    batches.close()
    await pipe.close()


def offer(batches: Batches, lot_id: UUID, bid: Bid) -> asyncio.Future[Outcome]:
    decided: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    batches.offer(batches.lane(lot_id), Offer(bid, lambda offer, outcome, now_ms: decided.set_result(outcome)))
    return decided


def some_bids(count: int) -> list[Bid]:
    return [Bid(f"request-{i}", ALIASES[i % len(ALIASES)], 40_000_000 - 1_000 * i) for i in range(count)]


async def test_bids_of_one_moment_share_calls_and_keep_their_order(valkey_client: Valkey, clock: Clock) -> None:
    lot_id = await an_open_lot(valkey_client, clock)
    async with the_batches(valkey_client, clock) as batches:
        bids = some_bids(2_000)
        outcomes = await asyncio.gather(*(offer(batches, lot_id, bid) for bid in bids))
    assert [outcome for outcome in outcomes if not isinstance(outcome, Taken)] == []
    log = [event for event in await live.read_log(valkey_client, lot_id) if isinstance(event, BidTaken)]
    assert [(event.rid, event.who, event.price) for event in log] == [(bid.rid, bid.alias, bid.price) for bid in bids]
    assert [event.n for event in log] == [outcome.n for outcome in outcomes if isinstance(outcome, Taken)]
    calls = await valkey_client.xlen(ledger.keys_of(lot_id)[4]) - 1
    assert calls == -(-2_000 // batching.BATCH_MAX)


async def test_one_bad_bid_and_one_deaf_caller_spoil_no_other_bid(valkey_client: Valkey, clock: Clock) -> None:
    def deaf(offer: Offer, outcome: Outcome, now_ms: int) -> None:
        raise RuntimeError(outcome)

    lot_id, other = await an_open_lot(valkey_client, clock), uuid4()
    async with the_batches(valkey_client, clock) as batches:
        one = offer(batches, lot_id, Bid("request-1", ALIASES[0], 40_000_000))
        batches.offer(batches.lane(lot_id), Offer(Bid("request-2", ALIASES[1], 40_000_000), deaf))
        stranger = offer(batches, lot_id, Bid("request-3", Alias("ZZ"), 39_000_000))
        again = offer(batches, lot_id, Bid("request-1", ALIASES[0], 40_000_000))
        nowhere = offer(batches, other, Bid("request-4", ALIASES[0], 39_000_000))
        last = offer(batches, lot_id, Bid("request-5", ALIASES[2], 38_000_000))
        first = await one
        assert isinstance(first, Taken)
        assert first.n == 2
        assert await stranger == Refused(Refusal.NOT_REGISTERED)
        assert await again == Taken(first.n, first.at, first.price, first.rank, first.closes_at, repeat=True)
        assert await nowhere == Refused(Refusal.LOT_UNKNOWN)
        outcome = await last
        assert isinstance(outcome, Taken)
        assert (outcome.n, outcome.rank) == (4, 1)


async def test_a_lot_goes_on_with_the_functions_it_opened_with(valkey_client: Valkey, clock: Clock) -> None:
    older = await valkey.load_library(valkey_client, "auction", live.SOURCE + "\n-- an older release\n")
    lot_id = uuid4()
    await live.open_lot(valkey_client, lot_id, RULES, tuple(map(Entrant, ALIASES)), clock.now_ms(), older)
    async with the_batches(valkey_client, clock) as batches:
        assert isinstance(await offer(batches, lot_id, some_bids(1)[0]), Taken)
        assert batches._versions == {lot_id: older}


class AloneEngine:
    """A Valkey that nobody starts again by himself."""

    def __init__(self, folder: Path) -> None:
        self.engine = ValkeyEngine(Places(folder))
        self.child: Child | None = None

    async def start(self) -> None:
        self.child = await self.engine.start()
        await eventually(self.engine.ready)

    def signal(self, number: signal.Signals) -> None:
        assert self.child is not None
        os.kill(self.child.pid, number)

    async def end(self) -> None:
        assert self.child is not None
        await self.child.stop()


async def test_bids_on_their_way_outlive_a_store_that_hangs_or_dies_and_are_unknown_when_it_stays_away(
    short_tmp: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "TRY_AGAIN_S", 0.15)
    alone = AloneEngine(short_tmp / "batches")
    await alone.start()
    client = valkey.connect(alone.engine.url)
    lot_id = await an_open_lot(client, clock)
    bids = some_bids(60)
    async with the_batches(client, clock) as batches:
        assert isinstance(await offer(batches, lot_id, bids[0]), Taken)
        alone.signal(signal.SIGSTOP)
        waiting = []
        for bid in bids[1:20]:
            waiting.append(offer(batches, lot_id, bid))
            await asyncio.sleep(0)  # one turn of the loop: the bid leaves by itself while it may
        assert batches.lane(lot_id).under_way == batching.CALLS_UNDER_WAY_MAX
        await asyncio.sleep(1.3)  # the fault itself: longer than a caller's clock may be off
        alone.signal(signal.SIGCONT)
        assert all(isinstance(outcome, Taken) for outcome in await asyncio.gather(*waiting))
        alone.signal(signal.SIGSTOP)
        waiting = [offer(batches, lot_id, bid) for bid in bids[20:40]]
        await asyncio.sleep(0)  # one turn of the loop: the call leaves
        alone.signal(signal.SIGKILL)
        await alone.start()
        assert all(isinstance(outcome, Taken) for outcome in await asyncio.gather(*waiting))
        alone.signal(signal.SIGKILL)
        away = await asyncio.gather(*(offer(batches, lot_id, bid) for bid in bids[40:]))
        assert away == [Refused(Refusal.OUTCOME_UNKNOWN)] * 20
        await alone.start()
        assert isinstance(await offer(batches, lot_id, bids[40]), Taken)
        assert not batches._lanes
        log = [event for event in await live.read_log(client, lot_id) if isinstance(event, BidTaken)]
        assert [event.rid for event in log] == [bid.rid for bid in bids[:41]]
    await client.aclose()
    await alone.end()
