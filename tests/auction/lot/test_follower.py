"""Snapshot + deltas == later snapshot, for every audience, through lost messages and several processes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import msgspec
import pytest

from auction.lot import live, views
from auction.lot.follower import Room, Shelf
from auction.lot.model import Alias, Bid, Decrement, Entrant, LotRules, Overtime, Taken, Visibility
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.hub import FRAMES_PENDING_MAX, Outbox
from plumbing.valkey import Channels, Valkey
from tests.support import eventually

ALIASES = [Alias("A1"), Alias("B2"), Alias("C3")]


class Reader:
    """What a page does: keeps a view from snapshot and deltas, and minds the counter."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.view: views.View = {}
        self.k = -1
        self.frames: list[str] = []
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while (frame := await self.outbox.take()) is not None:
            message = msgspec.json.decode(frame)
            self.frames.append(message["t"])
            if message["t"] == "snapshot":
                self.view, self.k = message["view"], message["k"]
            elif message["t"] == "delta":
                assert message["k"] == self.k + 1
                self.k = message["k"]
                self.view = views.merge(self.view, message["patch"])


async def nothing_shelved(lot_id: UUID) -> Shelf | None:
    return Shelf(LotRules(ceiling=480_000), "running", 0, 0, [])


@asynccontextmanager
async def a_room(valkey: Valkey, url: str) -> AsyncIterator[Room]:
    channels = Channels(url)
    room = Room(valkey, channels, nothing_shelved)
    room.start()
    yield room
    await room.close()
    await channels.close()


async def an_open_lot(valkey: Valkey, clock: Clock, **changes: object) -> UUID:
    lot_id = uuid4()
    await live.load(valkey)
    base: dict[str, object] = {
        "ceiling": 480_000,
        "decrement": Decrement(amount=100),
        "big_drop_bp": 0,
        "overtime": Overtime(window_ms=1_800_000, extend_ms=1_800_000),
    }
    lot_rules = LotRules(**(base | changes))  # type: ignore[arg-type]
    await live.open_lot(valkey, lot_id, lot_rules, tuple(Entrant(alias) for alias in ALIASES), clock.now_ms())
    return lot_id


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_every_audience_ends_where_a_fresh_snapshot_stands(
    valkey_client: Valkey, valkey_url: str, clock: Clock, visibility: Visibility
) -> None:
    lot_id = await an_open_lot(valkey_client, clock, visibility=visibility)
    keys = ["host", "public", *(f"b:{alias}" for alias in ALIASES)]
    dice = random.Random(visibility.value)
    async with a_room(valkey_client, valkey_url) as one, a_room(valkey_client, valkey_url) as other:
        readers = {(room, key): Reader() for room in (one, other) for key in keys}
        for (room, key), reader in readers.items():
            assert await room.join(lot_id, key, reader.outbox)
        price = dict.fromkeys(ALIASES, 480000)
        for i in range(60):
            alias = dice.choice(ALIASES)
            price[alias] -= dice.randint(100, 3_000)
            outcome = await live.place_bid(valkey_client, lot_id, Bid(f"r{i}", alias, price[alias]), clock.now_ms())
            assert isinstance(outcome, Taken)
            if i % 20 == 19:
                await live.steer(valkey_client, lot_id, "broadcast", {"text": f"{i}"})
        state = await live.read_state(valkey_client, lot_id)
        assert state is not None

        def settled() -> bool:
            return all(reader.view == fresh(room, key) for (room, key), reader in readers.items())

        def fresh(room: Room, key: str) -> views.View:
            follower = room._lots[lot_id]
            assert follower.state.n == state.n
            return msgspec.json.decode(msgspec.json.encode(follower.scene.view_of(key)))  # type: ignore[no-any-return]

        await eventually(settled)
        assert readers[one, "host"].view == readers[other, "host"].view


async def test_what_a_lost_message_left_out_is_read_back(valkey_client: Valkey, valkey_url: str, clock: Clock) -> None:
    lot_id = await an_open_lot(valkey_client, clock)
    async with a_room(valkey_client, valkey_url) as room:
        reader = Reader()
        await room.join(lot_id, "b:A1", reader.outbox)
        version = live.VERSION
        # The referee is asked by itself and nobody publishes: a process killed between the step and the push.
        args = [clock.now_ms(), "r1", "A1", 470_000, "", "null"]
        await live._call(valkey_client, "place_bids", lot_id, version, *args)
        await eventually(lambda: reader.view.get("price") == 470_000, within_s=3)


async def test_a_returning_reader_who_missed_nothing_gets_no_snapshot(
    valkey_client: Valkey, valkey_url: str, clock: Clock
) -> None:
    lot_id = await an_open_lot(valkey_client, clock)
    async with a_room(valkey_client, valkey_url) as room:
        first, second = Reader(), Reader()
        await room.join(lot_id, "b:A1", first.outbox)
        audience = room._lots[lot_id].audiences["b:A1"]
        await room.join(lot_id, "b:A1", second.outbox, f"{audience.epoch}:{audience.k}")
        await eventually(lambda: second.frames == ["current"])
        third = Reader()
        await room.join(lot_id, "b:A1", third.outbox, f"{audience.epoch}:{audience.k + 1}")
        await eventually(lambda: third.frames == ["snapshot"])


async def test_a_slow_reader_keeps_only_the_newest(valkey_client: Valkey, valkey_url: str, clock: Clock) -> None:
    lot_id = await an_open_lot(valkey_client, clock)
    async with a_room(valkey_client, valkey_url) as room:
        outbox = Outbox()  # nobody takes
        await room.join(lot_id, "host", outbox)
        follower = room._lots[lot_id]
        for i in range(60):
            events = (await live.steer(valkey_client, lot_id, "broadcast", {"text": str(i)})).events
            follower.take(events)
            follower.flush(room._fan)
            assert len(outbox._frames) <= FRAMES_PENDING_MAX + 1
        frame = await outbox.take()
        assert frame is not None
        message = msgspec.json.decode(frame)
        assert message["t"] == "snapshot"
        assert message["view"]["n"] == follower.state.n


async def test_lots_stay_apart(valkey_client: Valkey, valkey_url: str, clock: Clock) -> None:
    one, other = await an_open_lot(valkey_client, clock), await an_open_lot(valkey_client, clock)
    async with a_room(valkey_client, valkey_url) as room:
        reader = Reader()
        await room.join(other, "public", reader.outbox)
        await live.place_bid(valkey_client, one, Bid("r1", ALIASES[0], 470_000), clock.now_ms())
        await live.place_bid(valkey_client, other, Bid("r1", ALIASES[0], 460_000), clock.now_ms())
        await eventually(lambda: room._lots[other].state.n == 3)
        assert ledger.shard_of(one) == one.int % 256
        assert one not in room._lots
