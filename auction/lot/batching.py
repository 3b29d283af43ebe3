"""合批: bids of one lot that arrive while calls are under way join the next call.

No timer decides: an idle lot's bid leaves at once, a busy lot's bids share one write to disk. The order of arrival is
the order in the call. One caller that goes away, or one bid that is bad, changes nothing for the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID
from weakref import WeakValueDictionary

from msgspec import Struct

from auction.lot import live, metrics
from auction.lot.model import Bid, Outcome, Refusal, Refused
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.valkey import RedisError, Valkey

BATCH_MAX = 256
CALLS_UNDER_WAY_MAX = 4  # of one lot
TRIES, TRY_AGAIN_S = 12, 0.25

log = logging.getLogger("yangcai.bids")


class Offer(Struct, gc=False):
    """A bid on its way, and who is told what came of it, once."""

    bid: Bid
    decided: Callable[[Any, Outcome, int], None]  # (this offer, what came of it, the time in epoch ms)


Told: TypeAlias = Callable[[UUID, bytes], None]
"""Hears what was written into a lot: a JSON array of events, durable."""


class Lane:
    """One lot's bids on their way. Whoever bids there holds it; it goes with the last of them."""

    __slots__ = ("__weakref__", "leaving", "lot_id", "under_way", "version", "waiting")

    def __init__(self, lot_id: UUID, version: str) -> None:
        self.lot_id, self.version = lot_id, version  # of the functions the lot was opened with; empty until known
        self.waiting: deque[Offer] = deque()
        self.under_way, self.leaving = 0, False


class _Call:
    """Some bids of a lane in one question to the store. The pipe hands it the answer."""

    __slots__ = ("_batches", "lane", "offers", "tries")

    def __init__(self, batches: Batches, lane: Lane, offers: list[Offer]) -> None:
        self._batches, self.lane, self.offers = batches, lane, offers
        self.tries = TRIES

    def done(self) -> bool:
        """It always waits for its answer."""
        return False

    def set_result(self, answer: Any) -> None:
        """What was decided."""
        try:
            judged = live.judged(answer)
            if len(judged.outcomes) != len(self.offers):
                raise ValueError(f"{len(judged.outcomes)} outcomes")
        except Exception:
            log.exception("what the store said to %d bids could not be read", len(self.offers))
            self._batches.give_up(self)
        else:
            self._batches.judged(self, judged)

    def set_exception(self, error: Exception) -> None:
        """Nobody knows what was decided."""
        self._batches.lost(self, error)


class Batches:
    """All bids of this process on their way to the live store."""

    def __init__(self, valkey: Valkey, pipe: Pipe, clock: Clock, told: Told) -> None:
        self._valkey, self._pipe, self._clock, self._told = valkey, pipe, clock, told
        self._lanes: WeakValueDictionary[UUID, Lane] = WeakValueDictionary()
        self._versions: dict[UUID, str] = {}
        self._leaving: list[Lane] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._away = self._closed = False

    def lane(self, lot_id: UUID) -> Lane:
        """The lane of a lot; one for all who bid there."""
        lane = self._lanes.get(lot_id)
        if lane is None:
            lane = self._lanes[lot_id] = Lane(lot_id, self._versions.get(lot_id, ""))
        return lane

    def offer(self, lane: Lane, offer: Offer) -> None:
        """Take the bid along. It is told once what came of it.

        A store that stays away, or a bug, gives ``OUTCOME_UNKNOWN``: the same id asked again gets the first outcome.
        """
        lane.waiting.append(offer)
        if not lane.leaving and lane.under_way < self._calls_max(lane):
            lane.leaving = True
            if not self._leaving:  # at the end of this turn of the loop, with whatever else arrives in it
                asyncio.get_running_loop().call_soon(self._leave_all)
            self._leaving.append(lane)

    def close(self) -> None:
        """Give up what is under way; its outcome is unknown."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    # ── a call's way ───────────────────────────────────────────────────────────────────────────────────────────────

    def _calls_max(self, lane: Lane) -> int:
        """One while a call may have to wait or come again: a later one would overtake it."""
        return CALLS_UNDER_WAY_MAX if lane.version and not self._away else 1

    def _leave_all(self) -> None:
        """Whatever arrived in the last turn of the loop, for all lots in one write."""
        lanes, self._leaving = self._leaving, []
        for lane in lanes:
            lane.leaving = False
            self._leave(lane)
        self._pipe.flush()

    def _leave(self, lane: Lane) -> None:
        """Start as many calls as may be under way."""
        waiting = lane.waiting
        while waiting and lane.under_way < self._calls_max(lane):
            offers = [waiting.popleft() for _ in range(min(len(waiting), BATCH_MAX))]
            lane.under_way += 1
            call = _Call(self, lane, offers)
            if lane.version:
                self._ask(call, lane.version)
            else:
                self._ask_later(call, 0)

    def _ask(self, call: _Call, version: str) -> None:
        bids, now_ms = (
            [offer.bid for offer in call.offers],
            self._clock.now_ms(),
        )  # when it goes out: waiting is no skew
        self._pipe.call(call, *live.question(call.lane.lot_id, bids, now_ms, version))

    def judged(self, call: _Call, judged: live.Judged) -> None:
        """The next call may leave; hand out what was decided; then tell the watchers.

        Where the store does not agree with the time it was told, it decided nothing: the call lay waiting, or a clock
        was stepped and one is about to take the other's time. Asked again with the same ids, which is safe.
        """
        if _doubted(judged.outcomes[0]):  # a call has one time
            self._tell("the store does not agree with the clock of this process")
            self._ask_again(call, TRY_AGAIN_S)
            return
        self._tell("")
        metrics.BATCH_BIDS.count(len(call.offers))
        self._free(call)
        self._hand_out(call.offers, judged.outcomes)
        if judged.events:
            self._told(call.lane.lot_id, judged.events)

    def lost(self, call: _Call, error: Exception) -> None:
        """Ask again while the store is coming back."""
        if self._closed:
            return
        if not isinstance(error, RedisError | OSError):
            log.error("%d bids could not be carried", len(call.offers), exc_info=error)
            self.give_up(call)
            return
        self._tell(f"the store is away: {type(error).__name__}: {error}")
        self._ask_again(call, TRY_AGAIN_S)

    def give_up(self, call: _Call) -> None:
        """Nobody knows what came of the bids that are left."""
        self._free(call)
        self._hand_out(call.offers, [Refused(Refusal.OUTCOME_UNKNOWN)] * len(call.offers))

    def _ask_again(self, call: _Call, wait_s: float) -> None:
        """What is left of the call once more, a bounded number of times."""
        call.tries -= 1
        if call.offers and call.tries:
            self._ask_later(call, wait_s)
        else:
            self.give_up(call)

    def _ask_later(self, call: _Call, wait_s: float) -> None:
        task = asyncio.get_running_loop().create_task(self._prepare(call, wait_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _prepare(self, call: _Call, wait_s: float) -> None:
        """Wait, learn the lot's version, ask."""
        await asyncio.sleep(wait_s)
        try:
            version = call.lane.version or await self._version(call.lane)
        except Exception as error:
            self.lost(call, error)
        else:
            self._ask(call, version)

    async def _version(self, lane: Lane) -> str:
        """The version of the functions that the lot was opened with; our own for a lot the store does not know yet."""
        lane.version = await live.version_of(self._valkey, lane.lot_id)
        if lane.version:
            if len(self._versions) > 50_000:
                self._versions.clear()
            self._versions[lane.lot_id] = lane.version
        return lane.version or live.VERSION

    def _free(self, call: _Call) -> None:
        """The call is done: what waits for its place leaves."""
        call.lane.under_way -= 1
        if call.lane.waiting and not self._closed:
            self._leave(call.lane)
            self._pipe.flush()

    def _hand_out(self, offers: list[Offer], outcomes: list[Outcome]) -> None:
        """Tell each caller his own outcome; one that fails to hear it disturbs nobody."""
        now_ms = self._clock.now_ms()
        for offer, outcome in zip(offers, outcomes, strict=True):
            try:
                offer.decided(offer, outcome, now_ms)
            except Exception:
                log.exception("the answer to bid %s was not heard", offer.bid.rid)

    def _tell(self, trouble: str) -> None:
        """One line when the store goes and one when it is back, however many bids wait for it."""
        if bool(trouble) != self._away:
            self._away = bool(trouble)
            log.warning(trouble or "the store is back")


def _doubted(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.code is Refusal.CLOCK_SKEW
