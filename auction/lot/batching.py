"""合批: bids of one lot that arrive while calls are under way join the next call.

No timer decides: an idle lot's bid leaves at once, a busy lot's bids share one write to disk. The order of arrival is
the order in the call. One caller that goes away, or one bid that is bad, changes nothing for the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

from auction.lot import live, metrics
from auction.lot.model import Bid, Outcome, Refusal, Refused
from ledger.log import channel_of
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.valkey import RedisError, Valkey

BATCH_MAX = 256
CALLS_UNDER_WAY_MAX = 4  # of one lot
TRIES, TRY_AGAIN_S = 12, 0.25
WAITED_MS = 500
"""Half of what the store allows a caller's clock to be off: a call that took less cannot have been refused for it."""

Decided: TypeAlias = Callable[[Outcome], None]
Offer: TypeAlias = tuple[Bid, Decided]

log = logging.getLogger("yangcai.bids")


class _Lane:
    """One lot's bids on their way."""

    __slots__ = ("leaving", "lot_id", "under_way", "waiting")

    def __init__(self, lot_id: UUID) -> None:
        self.lot_id = lot_id
        self.waiting: deque[Offer] = deque()
        self.under_way, self.leaving = 0, False


class Batches:
    """All bids of this process on their way to the live store."""

    def __init__(self, valkey: Valkey, pipe: Pipe, clock: Clock) -> None:
        self._valkey, self._pipe, self._clock = valkey, pipe, clock
        self._lanes: dict[UUID, _Lane] = {}
        self._versions: dict[UUID, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._away = False

    def offer(self, lot_id: UUID, bid: Bid, decided: Decided) -> None:
        """Take the bid along; ``decided`` is called once with what came of it.

        A store that stays away, or a bug, gives ``OUTCOME_UNKNOWN``: the same id asked again gets the first outcome.
        """
        lane = self._lanes.get(lot_id)
        if lane is None:
            lane = self._lanes[lot_id] = _Lane(lot_id)
        lane.waiting.append((bid, decided))
        if not lane.leaving and lane.under_way < self._calls_max(lot_id):
            lane.leaving = True  # at the end of this turn of the loop, with whatever else arrives in it
            asyncio.get_running_loop().call_soon(self._leave, lane)

    def close(self) -> None:
        """Give up what is under way; its outcome is unknown."""
        self._lanes.clear()
        for task in self._tasks:
            task.cancel()

    def _calls_max(self, lot_id: UUID) -> int:
        """One while a call may have to wait or come again: a later one would overtake it."""
        return CALLS_UNDER_WAY_MAX if lot_id in self._versions and not self._away else 1

    def _leave(self, lane: _Lane) -> None:
        """Start as many calls as may be under way."""
        lane.leaving = False
        while lane.waiting and lane.under_way < self._calls_max(lane.lot_id):
            batch = [lane.waiting.popleft() for _ in range(min(len(lane.waiting), BATCH_MAX))]
            lane.under_way += 1
            task = asyncio.get_running_loop().create_task(self._carry(lane, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not lane.under_way:
            self._lanes.pop(lane.lot_id, None)

    async def _carry(self, lane: _Lane, batch: list[Offer]) -> None:
        """One call and, while the store is coming back, the same again; then make room for the next."""
        try:
            for _ in range(TRIES):
                batch = await self._call(lane.lot_id, batch)
                if not batch:
                    return
        except asyncio.CancelledError:
            lane.waiting.clear()
            raise
        except Exception:
            log.exception("%d bids could not be carried", len(batch))
        finally:
            lane.under_way -= 1
            self._leave(lane)
        _hand_out(batch, [Refused(Refusal.OUTCOME_UNKNOWN)] * len(batch))

    async def _call(self, lot_id: UUID, batch: list[Offer]) -> list[Offer]:
        """Ask once and hand out what was decided; the bids to ask again with the same ids, which is safe.

        A call that lay waiting carries an old time, which the store takes for a clock that is off: asked again too.
        """
        try:
            version = await self._version(lot_id)
            asked_at = self._clock.now_ms()  # read when the call goes out: waiting is no skew
            judged = await live.place_bids(self._pipe, lot_id, [bid for bid, _ in batch], asked_at, version)
        except (RedisError, OSError) as error:
            self._tell(f"the store is away: {type(error).__name__}: {error}")
            await asyncio.sleep(TRY_AGAIN_S)
            return batch
        self._tell("")
        if judged.events:
            self._pipe.tell("PUBLISH", channel_of(lot_id), judged.events)
        metrics.BATCH_BIDS.count(len(batch))
        if self._clock.now_ms() - asked_at < WAITED_MS:
            _hand_out(batch, judged.outcomes)
            return []
        pairs = list(zip(batch, judged.outcomes, strict=True))
        known = [(offer, outcome) for offer, outcome in pairs if not _skewed(outcome)]
        _hand_out([offer for offer, _ in known], [outcome for _, outcome in known])
        return [offer for offer, outcome in pairs if _skewed(outcome)]

    def _tell(self, trouble: str) -> None:
        """One line when the store goes and one when it is back, however many bids wait for it."""
        if bool(trouble) != self._away:
            self._away = bool(trouble)
            log.warning(trouble or "the store is back")

    async def _version(self, lot_id: UUID) -> str:
        version = self._versions.get(lot_id)
        if version is None:
            version = await live.version_of(self._valkey, lot_id)
            if len(self._versions) > 50_000:
                self._versions.clear()
            if version:
                self._versions[lot_id] = version
        return version or live.VERSION


def _skewed(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.code is Refusal.CLOCK_SKEW


def _hand_out(batch: Sequence[Offer], outcomes: Sequence[Outcome]) -> None:
    """Tell each caller his own outcome; one that fails to hear it disturbs nobody."""
    for (bid, decided), outcome in zip(batch, outcomes, strict=True):
        try:
            decided(outcome)
        except Exception:
            log.exception("the answer to bid %s was not heard", bid.rid)
