"""The state of a running lot and the reducer 归约: the log applied event by event.

This is the specification. ``live.lua`` keeps the same state in Valkey; the differential test holds both together, the
settler recounts every result with it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from auction.lot.model import (
    Alias,
    Barred,
    BarredFrom,
    BidTaken,
    Broadcast,
    Cancelled,
    Closed,
    Event,
    Extended,
    LotRules,
    Opened,
    Outage,
    Paused,
    Prebid,
    Resumed,
    Stage,
    TurnBegan,
    Voided,
)

NOBODY = Alias("")


@dataclass(slots=True)
class Bidder:
    """One bidder's standing. ``n`` 0 means no offer yet; ``score`` is the effective price 评审价 × 10,000."""

    alias: Alias
    deduction_bp: int = 0
    malus: int = 0
    barred: Barred = Barred.NO
    n: int = 0
    price: int = 0
    score: int = 0
    at: int = 0

    def score_of(self, price: int) -> int:
        """The exact ranking score of ``price`` for this bidder (policy deduction and malus, domain A4)."""
        return price * (10_000 - self.deduction_bp) + self.malus * 10_000


@dataclass(slots=True)
class LotState:
    """All that decides the next bid. ``board`` is sorted best first: ``(score, n, alias)``; ties to the earlier n."""

    rules: LotRules
    stage: Stage = Stage.SIGNUP
    n: int = 0
    at: int = 0
    opens_at: int = 0
    closes_at: int = 0
    hard_stop_at: int = 0
    left_ms: int = 0
    extensions: int = 0
    offers: int = 0  # taken and not struck
    round: int = 0
    turn: int = 0
    turn_who: Alias = NOBODY
    turn_ends_at: int = 0
    order: tuple[Alias, ...] = ()
    bidders: dict[Alias, Bidder] = field(default_factory=dict)
    board: list[tuple[int, int, Alias]] = field(default_factory=list)

    @property
    def lead(self) -> Bidder | None:
        """The best standing offer, or None."""
        return self.bidders[self.board[0][2]] if self.board else None

    def rank(self, alias: Alias) -> int:
        """The bidder's rank from 1; 0 without an offer."""
        bidder = self.bidders.get(alias)
        if bidder is None or bidder.n == 0:
            return 0
        return bisect_left(self.board, (bidder.score, bidder.n, alias)) + 1

    def stand(self, bidder: Bidder, n: int, price: int, at: int) -> None:
        """Put the bidder's standing to ``price`` at position ``n`` (0: no standing)."""
        if bidder.n:
            del self.board[bisect_left(self.board, (bidder.score, bidder.n, bidder.alias))]
        bidder.n, bidder.price, bidder.at = n, price, at
        bidder.score = bidder.score_of(price) if n else 0
        if n:
            insort(self.board, (bidder.score, n, bidder.alias))


class BrokenLogError(Exception):
    """The log does not follow from itself: a gap, a wrong cause, an event that no rule allows."""


def _opened(state: LotState, event: Opened) -> None:
    state.stage = Stage.RUNNING
    state.opens_at, state.closes_at = event.opens_at, event.closes_at
    hard_stop_ms = state.rules.overtime.hard_stop_ms
    state.hard_stop_at = event.opens_at + hard_stop_ms if hard_stop_ms is not None else 0
    state.turn_ends_at = event.opens_at + state.rules.rounds.first_pause_ms
    for entrant in event.entrants:
        state.bidders[entrant.alias] = Bidder(entrant.alias, entrant.deduction_bp, entrant.malus)


def _prebid(state: LotState, event: Prebid) -> None:
    state.stand(state.bidders[event.who], event.n, event.price, event.at)
    state.offers += 1


def _bid(state: LotState, event: BidTaken) -> None:
    state.stand(state.bidders[event.who], event.n, event.price, event.at)
    state.offers += 1


def _extended(state: LotState, event: Extended) -> None:
    state.closes_at = event.closes_at
    state.extensions += 1


def _paused(state: LotState, event: Paused) -> None:
    state.stage = Stage.PAUSED
    state.left_ms = event.left_ms


def _shift(state: LotState, closes_at: int) -> None:
    """Move every deadline of the lot by what the end moves."""
    by = closes_at - state.closes_at
    state.closes_at = closes_at
    state.turn_ends_at += by
    if state.hard_stop_at:
        state.hard_stop_at += by


def _resumed(state: LotState, event: Resumed) -> None:
    state.stage = Stage.RUNNING
    state.left_ms = 0
    _shift(state, event.closes_at)


def _outage(state: LotState, event: Outage) -> None:
    _shift(state, event.closes_at)


def _broadcast(state: LotState, event: Broadcast) -> None:
    """Nothing of the state changes; the event itself is the message."""


def _voided(state: LotState, event: Voided) -> None:
    state.offers -= 1
    bidder = state.bidders[event.who]
    if bidder.n == event.target:
        state.stand(bidder, event.back_n, event.back_price, event.at)


def _barred(state: LotState, event: BarredFrom) -> None:
    bidder = state.bidders[event.who]
    bidder.barred = event.why
    if bidder.n:
        state.stand(bidder, 0, 0, event.at)


def _turn(state: LotState, event: TurnBegan) -> None:
    state.round, state.turn, state.turn_who = event.round, event.turn, event.who
    state.turn_ends_at = event.ends_at
    if event.order:
        state.order = event.order


def _closed(state: LotState, event: Closed) -> None:
    state.stage = Stage.CLOSING
    state.left_ms = 0


def _cancelled(state: LotState, event: Cancelled) -> None:
    state.stage = Stage.CANCELLED
    state.left_ms = 0


_APPLY: dict[type, Callable[[LotState, object], None]] = {
    Opened: _opened,  # type: ignore[dict-item]
    Prebid: _prebid,  # type: ignore[dict-item]
    BidTaken: _bid,  # type: ignore[dict-item]
    Extended: _extended,  # type: ignore[dict-item]
    Paused: _paused,  # type: ignore[dict-item]
    Resumed: _resumed,  # type: ignore[dict-item]
    Outage: _outage,  # type: ignore[dict-item]
    Broadcast: _broadcast,  # type: ignore[dict-item]
    Voided: _voided,  # type: ignore[dict-item]
    BarredFrom: _barred,  # type: ignore[dict-item]
    TurnBegan: _turn,  # type: ignore[dict-item]
    Closed: _closed,  # type: ignore[dict-item]
    Cancelled: _cancelled,  # type: ignore[dict-item]
}


def apply(state: LotState, event: Event) -> LotState:
    """Apply one event in place and return the state. Raises ``BrokenLogError`` on a gap or when time runs backwards."""
    if event.n != state.n + 1:
        raise BrokenLogError(f"position {event.n} follows {state.n}")
    if event.at < state.at:
        raise BrokenLogError(f"time runs backwards at position {event.n}")
    _APPLY[type(event)](state, event)
    state.n, state.at = event.n, event.at
    return state


def reduce(rules: LotRules, log: Iterable[Event]) -> LotState:
    """The state that follows from the whole log."""
    state = LotState(rules)
    for event in log:
        apply(state, event)
    return state
