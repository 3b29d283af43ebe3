"""Deadlines 时限: what time brings to lots and cases, in every worker, after any restart.

Loops that never end by themselves: dues of Postgres, live lots (timers and heartbeat), the outbox. Each does its
work idempotently, so any number of workers may run them; a store that is away is tried again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from heapq import heappop, heappush
from uuid import UUID

from auction.case import dues, recovery
from auction.case.award import OnDeal
from auction.lot import live
from auction.lot.model import Stage
from auction.lot.state import BrokenLogError
from auction.lot.timekeeping import Timekeeper
from auction.transcript.notary import Notary
from ledger import log as ledger
from plumbing import logs
from plumbing.clock import Clock
from plumbing.faults import BROKEN_PIPES, ever
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.settle import settle_lot

log = logs.get(__name__)
DUES_EVERY_S = 1.0
LOOK_EVERY_S = 1.0
BEAT_EVERY_S, BEAT_AGAIN_S = 0.5, 0.2
OUTBOX_EVERY_S = 2.0
EARLY_MS, DOUBTED_AGAIN_MS = 3, 250
AT_ONCE = 16
SETTLED_AT_ONCE = 3
"""Settlements share the pool with the doors of the process; the rest wait."""


class Deadlines:
    """One worker's share of the deadlines. ``run`` until cancelled."""

    def __init__(self, valkey: Valkey, pipe: Pipe, pool: Pool, clock: Clock, on_deal: OnDeal, notary: Notary) -> None:
        self._valkey, self._pipe, self._pool, self._clock, self._on_deal = valkey, pipe, pool, clock, on_deal
        self._notary = notary
        self._due: dict[UUID, int] = {}
        self._heap: list[tuple[int, UUID]] = []
        self._versions: dict[UUID, str] = {}
        self._outages: dict[int, int] = {}
        self._timekeeper = Timekeeper(clock)
        self._settling: set[UUID] = set()
        self._broken: dict[UUID, str] = {}
        self._changed = asyncio.Event()
        self._gate, self._settle_gate = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(SETTLED_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve all deadlines until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(ever("dues", self._dues, DUES_EVERY_S))
            group.create_task(ever("live lots", self._look, LOOK_EVERY_S))
            group.create_task(ever("heartbeats", self._beats, BEAT_EVERY_S))
            group.create_task(ever("timers", self._timers, 0))
            group.create_task(ever("outbox", self._outbox, OUTBOX_EVERY_S))

    async def close(self) -> None:
        """Let settlements under way come to their end; call it after ``run`` was cancelled."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ── cases in Postgres ────────────────────────────────────────────────────────────────────────────────────────

    async def _dues(self) -> None:
        """Everything due by now; then, within the next second, whatever comes due."""
        while True:
            now = self._clock.now_ms()
            if not await dues.take_one(self._pool, self._valkey, now, self._on_deal, self.watch):
                break
        next_at = await dues.next_due_ms(self._pool)
        wait_ms = (next_at or 0) - self._clock.now_ms()
        if next_at and wait_ms < DUES_EVERY_S * 1000:
            await asyncio.sleep(max(0, wait_ms) / 1000)
            if await dues.take_one(self._pool, self._valkey, self._clock.now_ms(), self._on_deal, self.watch):
                await self._dues()

    # ── live lots ────────────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, lot_id: UUID, due_at: int) -> None:
        """Mind a live lot whose next deadline is ``due_at`` (epoch ms)."""
        if self._due.get(lot_id) != due_at:
            self._due[lot_id] = due_at
            heappush(self._heap, (due_at, lot_id))
            self._changed.set()

    def _forget(self, lot_id: UUID) -> None:
        self._due.pop(lot_id, None)
        self._versions.pop(lot_id, None)

    async def _look(self) -> None:
        """See which lots run and when they are due; tell the store that their shards are served."""
        running = dict(await ledger.running_lots(self._pipe))
        for lot_id in self._due.keys() - running.keys():
            self._forget(lot_id)
        for lot_id, due_at in running.items():
            self.watch(lot_id, due_at)

    async def _beats(self) -> None:
        """Tell the store that the shards of running lots are served, and mind the lots of one that was not.

        One round trip outside the gate: behind a queue of other work a late heartbeat would read as an outage. A shard
        that does not agree on the time is asked again soon.
        """
        keeper = self._timekeeper
        while True:
            by_shard: dict[int, list[UUID]] = {}
            for lot_id in self._due:
                by_shard.setdefault(ledger.shard_of(lot_id), []).append(lot_id)
            asked_at = self._clock.now_ms()
            asked = {shard: shard in keeper.sure for shard in by_shard}
            beats = await live.heartbeats(self._pipe, asked, now=self._clock.now_ms) if asked else []
            answers = dict(zip(asked, beats, strict=True))
            keeper.heard(asked_at, answers)
            for shard, beat in answers.items():
                self._mind_outages(shard, beat.outages, by_shard[shard])
            if not keeper.sure:
                return
            await asyncio.sleep(BEAT_AGAIN_S)

    def _mind_outages(self, shard: int, count: int, lots: list[UUID]) -> None:
        """Have the lots of a shard with a new outage on record catch up."""
        before = self._outages.get(shard)
        self._outages[shard] = count
        if before != count:
            if before is not None:
                log.warning("deadlines.outage", shard=shard, lots=len(lots))
            for lot_id in lots:
                self.watch(lot_id, self._clock.now_ms())

    async def _timers(self) -> None:
        """Tick each lot at its deadline."""
        self._changed.clear()
        now, ripe = self._clock.now_ms() + EARLY_MS, []
        while self._heap and self._heap[0][0] <= now:
            due_at, lot_id = heappop(self._heap)
            if self._due.get(lot_id) == due_at:
                ripe.append(lot_id)
        for lot_id in ripe:
            self._due.pop(lot_id, None)
        await asyncio.gather(*(self._tick(lot_id) for lot_id in ripe))
        wait_s = (self._heap[0][0] - self._clock.now_ms()) / 1000 if self._heap else LOOK_EVERY_S
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(wait_s, 0.002), LOOK_EVERY_S)):
                await self._changed.wait()

    async def _tick(self, lot_id: UUID) -> None:
        async with self._gate:
            version = self._versions.get(lot_id) or await live.version_of(self._valkey, lot_id)
            self._versions[lot_id] = version or live.VERSION
            steered = await live.tick(self._valkey, lot_id, self._versions[lot_id], self._clock.now_ms)
        if steered.stage == Stage.RUNNING:
            later_ms = DOUBTED_AGAIN_MS if steered.refusal else EARLY_MS
            self.watch(lot_id, max(steered.due_at, self._clock.now_ms() + later_ms))
            return
        self._forget(lot_id)
        if steered.stage in (Stage.CLOSING, Stage.CANCELLED):
            self._settle_soon(lot_id)

    # ── closed lots ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _outbox(self) -> None:
        """Settle whatever is closed, oldest first. A lot whose record does not hold together is left, and told once."""
        for lot_id in await ledger.outbox(self._pipe):
            self._settle_soon(lot_id)

    def _settle_soon(self, lot_id: UUID) -> None:
        """Settle beside the loops, so that a slow Postgres holds up no deadline and no heartbeat."""
        if lot_id not in self._settling:
            self._settling.add(lot_id)
            task = asyncio.create_task(self._settle(lot_id), name=f"settle {lot_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _settle(self, lot_id: UUID) -> None:
        try:
            async with self._settle_gate:
                with logs.about(lot=str(lot_id)):
                    await settle_lot(self._valkey, self._pool, self._notary, lot_id, self._clock.now_ms())
        except BrokenLogError as error:
            if self._broken.get(lot_id) != str(error):
                self._broken[lot_id] = str(error)
                log.error("settlement.refused", lot=str(lot_id), why=str(error))
                with suppress(*BROKEN_PIPES):
                    await recovery.found(self._pool, self._valkey, lot_id, str(error), self._clock.now_ms())
        except Exception as error:
            log.warning("settlement.put_off", lot=str(lot_id), why=f"{type(error).__name__}: {error}")
        finally:
            self._settling.discard(lot_id)
