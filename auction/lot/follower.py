"""One process's eyes on the live lots: follows each watched lot's log and shows every audience its own view.

Entries come by channel right after they are durable; what a lost message leaves out is read back by position, at the
latest a second later. Frames go out at the ticks of a lot's own clock, 20 a second: when one comes says nothing of what
else happened.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from auction.lot import live, messages
from auction.lot.model import LIVE_STAGES, Event, LotRules, Opened, Stage
from auction.lot.showing import Scene, Sight
from auction.lot.state import BrokenLogError, LotState, apply
from ledger import log as ledger
from plumbing.hub import Delivery, Fan, Reader
from plumbing.sockets.frames import Frame, framed
from plumbing.stopping import heed
from plumbing.valkey import Channels, RedisError, Valkey

FRAME_EVERY_S = 0.05
LOOK_EVERY_S = 1.0
HERE_S = 6
ECHOES_MAX = 16

log = logging.getLogger("yangcai.follower")
_encode = msgspec.json.Encoder().encode


def next_tick(lot_id: UUID, now_s: float) -> float:
    """The next instant (s) at which frames of this lot go out. Lots tick in turn, not all at once.

    Were a frame sent as soon as there is one, and the next held back, an observer could tell from the delay that
    something he may not see had just happened.
    """
    phase = lot_id.int % 1_000 / 1_000
    return (int(now_s / FRAME_EVERY_S - phase) + 1 + phase) * FRAME_EVERY_S


class Shelf(Struct):
    """A lot as Postgres has it, for lots that Valkey does not rule: before the opening and after settlement."""

    rules: LotRules
    stage: str
    opens_at: int
    closes_at: int
    log: list[Event]


Shelved = Callable[[UUID], Awaitable[Shelf | None]]


class Audience:
    """Everyone who sees the same view of one lot in this process, with its own gap-free counter."""

    def __init__(self, lot_id: UUID, sight: Sight) -> None:
        self.lot_id, self.sight = lot_id, sight
        self.epoch, self.k = uuid4().hex[:8], 0
        self.readers: dict[Reader, int] = {}
        """With the ``k`` of the last whole view each was given."""
        self._whole: tuple[int, Frame] | None = None

    def _snapshot(self) -> Frame:
        """The whole view, made once for all who ask for it while it lasts: after an outage that is everyone."""
        if self._whole is None or self._whole[0] != self.k:
            snapshot = messages.Snapshot(self.lot_id, self.epoch, self.k, self.sight.view)
            self._whole = self.k, framed(_encode(snapshot))
        return self._whole[1]

    def snapshot(self, reader: Reader) -> bytes:
        """The frame that brings ``reader`` to where this audience stands."""
        self.readers[reader] = self.k
        return self._snapshot().text

    def join(self, reader: Reader, since: str) -> None:
        """Let a reader in, who has seen ``since``."""
        self.readers[reader] = self.k
        if since == f"{self.epoch}:{self.k}":
            frame = framed(_encode(messages.Current(self.lot_id, self.k)))
        else:
            frame = self._snapshot()
        reader.stream(self.lot_id, frame, self.snapshot)

    def show(self, scene: Scene) -> Delivery | None:
        """Make the frame of what changed since the last one, for every reader; None when nothing did."""
        patch = self.sight.look(scene)
        if not patch:
            return None
        self.k += 1
        frame = framed(_encode(messages.Delta(self.lot_id, self.k, patch)))
        return Delivery(self.lot_id, frame, self.k, self.readers, self.snapshot)


class Follower:
    """One lot's state in this process, reduced from its log."""

    def __init__(self, lot_id: UUID, shelf: Shelf) -> None:
        self.lot_id = lot_id
        self.audiences: dict[str, Audience] = {}
        self.dirty, self.timer = False, False
        self.echoes: deque[bytes] = deque(maxlen=ECHOES_MAX)
        """What was taken at first hand and will come by the channel, too."""
        self._deliveries: list[Delivery] = []
        self._broken = ""
        self.scene = Scene(shelf.rules)
        self.scene.state.opens_at, self.scene.state.closes_at = shelf.opens_at, shelf.closes_at
        self.scene.stage = shelf.stage
        self.take(shelf.log)

    @property
    def state(self) -> LotState:
        """The state of the lot as far as its log is known here."""
        return self.scene.state

    def begin_anew(self, rules: LotRules) -> None:
        """Forget everything: the lot opened under rules other than those it was shelved with."""
        stage, online = self.scene.stage, self.scene.online
        self.scene = Scene(rules)
        self.scene.stage, self.scene.online = stage, online

    def take(self, events: list[Event]) -> bool:
        """Apply what is new; False when a gap shows (read back, then take again)."""
        scene, state = self.scene, self.scene.state
        for event in events:
            if event.n <= state.n:
                continue
            if event.n != state.n + 1:
                return False
            apply(state, event)
            scene.keep(event)
            self.dirty = True
        # Once settled, Postgres names the stage; until then the log does.
        live_now = state.stage in LIVE_STAGES or scene.stage in ("signup", "running", "paused")
        if state.n and live_now and scene.stage != Stage.ON_HOLD:
            scene.stage = state.stage.value
        return True

    def broken(self, error: BrokenLogError) -> None:
        """Its log can be followed no further: told once."""
        if self._broken != str(error):
            self._broken = str(error)
            log.error("lot %s can be shown no further: %s", self.lot_id, error)

    def told(self, stage: str, opens_at: int) -> None:
        """Postgres names another stage or opening. The log of a live lot stands above it, unless the lot is held."""
        if self.state.n == 0 and stage not in LIVE_STAGES:
            self.scene.stage, self.state.opens_at = stage, opens_at
        elif self.state.n:
            self.scene.stage = self.state.stage.value if stage in LIVE_STAGES else stage
        self.dirty = True

    def audience(self, key: str) -> Audience:
        """The audience ``key``: ``host``, ``public`` or ``b:<alias>``; made when needed."""
        found = self.audiences.get(key)
        if found is None:
            found = self.audiences[key] = Audience(self.lot_id, Sight(self.scene, key))
        return found

    @property
    def under_way(self) -> bool:
        """Whether somebody has not been given the last frame yet."""
        return not all(delivery.done for delivery in self._deliveries)

    def flush(self, fan: Fan) -> None:
        """Show every audience where the lot stands."""
        self.dirty = False
        self.scene.glance()
        shows = [audience.show(self.scene) for audience in self.audiences.values()]
        self.scene.seen()
        self._deliveries = [delivery for delivery in shows if delivery]
        fan.spread(self._deliveries)


class Room:
    """竞价大厅: all followed lots of this process, their channel and the once-a-second look for what was missed."""

    def __init__(self, valkey: Valkey, channels: Channels, shelved: Shelved) -> None:
        self._valkey, self._channels, self._shelved = valkey, channels, shelved
        self._lots: dict[UUID, Follower] = {}
        self._fan = Fan()
        self._opening: dict[UUID, asyncio.Lock] = {}
        self._look: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the once-a-second look; needs a running loop."""
        self._look = asyncio.create_task(self._looking(), name="follower-look")

    async def close(self) -> None:
        """End the look."""
        if self._look:
            self._look.cancel()
            with suppress(asyncio.CancelledError):
                await self._look

    async def follow(self, lot_id: UUID) -> Follower | None:
        """The follower of ``lot_id``, begun when needed; None when no such lot exists."""
        async with self._opening.setdefault(lot_id, asyncio.Lock()):
            if lot_id in self._lots:
                return self._lots[lot_id]
            shelf = await self._read(lot_id)
            if shelf is None:
                return None
            follower = self._lots[lot_id] = Follower(lot_id, shelf)
            await self._channels.listen(ledger.channel_of(lot_id), lambda body: self._heard(follower, body))
            await self._fill(follower)
            return follower

    async def _read(self, lot_id: UUID) -> Shelf | None:
        shelf = await self._shelved(lot_id)
        rules = await live.read_rules(self._valkey, lot_id)
        if rules is None or shelf is None:
            return shelf
        return Shelf(rules, shelf.stage, shelf.opens_at, shelf.closes_at, await live.read_log(self._valkey, lot_id))

    def runs(self, lot_id: UUID) -> bool:
        """Whether the lot, as far as it is followed here, runs or is paused."""
        follower = self._lots.get(lot_id)
        return follower is not None and follower.scene.stage in LIVE_STAGES

    async def join(self, lot_id: UUID, key: str, reader: Reader, since: str = "") -> bool:
        """Put ``reader`` into the audience ``key`` of the lot; False when no such lot exists."""
        follower = await self.follow(lot_id)
        if follower is None:
            return False
        follower.audience(key).join(reader, since)
        return True

    def leave(self, lot_id: UUID, key: str, reader: Reader) -> None:
        """Take ``reader`` out of the audience."""
        reader.forget(lot_id)
        follower = self._lots.get(lot_id)
        if follower and key in follower.audiences:
            follower.audiences[key].readers.pop(reader, None)

    def here(self, lot_id: UUID, body: bytes) -> None:
        """Events that this process itself wrote into a lot; the same message will come by its channel."""
        follower = self._lots.get(lot_id)
        if follower is None:
            return
        events = live.decode(body)
        if follower.state.n and events[0].n == follower.state.n + 1:
            follower.echoes.append(body)
            self._take(follower, events)
            self._soon(follower)

    async def _heard(self, follower: Follower, body: bytes) -> None:
        if body in follower.echoes:
            follower.echoes.remove(body)
            return
        if body[:1] == b"{":
            follower.scene.stage = msgspec.json.decode(body)["stage"]
            follower.dirty = True
            self._soon(follower)
            return
        await self._offer(follower, live.decode(body))

    def told(self, lot_id: UUID, stage: str, opens_at: int) -> None:
        """Postgres has a new stage or opening (epoch ms) for a lot; nothing happens when nobody here follows it."""
        follower = self._lots.get(lot_id)
        if follower:
            follower.told(stage, opens_at)
            self._soon(follower)

    async def _offer(self, follower: Follower, events: list[Event]) -> None:
        if follower.state.n == 0 and events and isinstance(events[0], Opened):
            rules = await live.read_rules(self._valkey, follower.lot_id)
            if rules and rules != follower.state.rules:
                follower.begin_anew(rules)
        if not self._take(follower, events):
            await self._fill(follower)
        if follower.dirty:
            self._soon(follower)

    def _take(self, follower: Follower, events: list[Event]) -> bool:
        """False when events are missing in between."""
        try:
            return follower.take(events)
        except BrokenLogError as error:
            follower.broken(error)
            return True

    async def _fill(self, follower: Follower) -> None:
        with suppress(RedisError, OSError):
            try:
                missed = await live.read_log(self._valkey, follower.lot_id, follower.state.n)
            except BrokenLogError as error:
                follower.broken(error)
                return
            if missed:
                await self._offer(follower, missed)

    def _soon(self, follower: Follower) -> None:
        """Show it at the lot's next tick."""
        if not follower.timer:
            follower.timer = True
            loop = asyncio.get_running_loop()
            loop.call_at(next_tick(follower.lot_id, loop.time()), self._tick, follower)

    def _tick(self, follower: Follower) -> None:
        follower.timer = False
        if follower.under_way:  # none before the last is delivered
            self._soon(follower)
        elif follower.dirty:
            follower.flush(self._fan)

    async def _looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with suppress(RedisError, OSError):
                await self._look_once()
            heed()
            self._drop_idle()

    async def _look_once(self) -> None:
        """For each followed lot: is the log longer than what we have, and who of the bidders is here."""
        followers = list(self._lots.values())
        if not followers:
            return
        async with self._valkey.pipeline(transaction=False) as pipe:
            for follower in followers:
                self._ask(pipe, follower)
            answers: list[Any] = await pipe.execute()
        for follower, n, here in zip(followers, answers[1::3], answers[2::3], strict=True):
            if n is not None and int(n) > follower.state.n:
                await self._fill(follower)
            online = {alias.decode() for alias in here}
            if online != follower.scene.online and "host" in follower.audiences:
                follower.scene.online, follower.dirty = online, True
                self._soon(follower)

    def _ask(self, pipe: Any, follower: Follower) -> None:
        key = ledger.keys_of(follower.lot_id)[0]
        here = [key[2:] for key, audience in follower.audiences.items() if key[:2] == "b:" and audience.readers]
        if here:
            pairs = [part for alias in here for part in (alias, "1")]
            pipe.execute_command("HSETEX", f"{key}:here", "EX", HERE_S, "FIELDS", len(here), *pairs)
        else:
            pipe.echo("-")
        pipe.hget(key, "n")
        pipe.hkeys(f"{key}:here")

    def _drop_idle(self) -> None:
        """Stop following lots nobody here watches."""
        for lot_id, follower in list(self._lots.items()):
            for key, audience in list(follower.audiences.items()):
                if not audience.readers and key != "host":
                    del follower.audiences[key]
            if not any(audience.readers for audience in follower.audiences.values()):
                del self._lots[lot_id]
                self._opening.pop(lot_id, None)
                asyncio.get_running_loop().create_task(self._channels.forget(ledger.channel_of(lot_id)))
