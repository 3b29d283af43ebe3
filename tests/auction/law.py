"""The law as a lot of its own: rules.py and steering.py driven like the referee is, with a clock the test holds."""

from __future__ import annotations

from uuid import UUID

from auction.lot import rules, steering
from auction.lot.model import Bid, Entrant, Event, LotRules, Outcome, Refusal, Refused, Taken
from auction.lot.state import LotState

GAP_MS = 2_000
RENEW_MS = 400


class Shard:
    """The heartbeat of a shard, as the prelude keeps it."""

    def __init__(self) -> None:
        self.last = 0
        self.gaps: list[tuple[int, int]] = []

    def beat(self, now_ms: int) -> None:
        """Record a silence when one is found."""
        if self.last == 0:
            self.last = now_ms
        elif now_ms - self.last > GAP_MS:
            self.gaps.append((self.last, now_ms))
            self.last = now_ms
        elif now_ms - self.last > RENEW_MS:
            self.last = now_ms

    def heartbeat(self, now_ms: int) -> None:
        """What serving processes do once a second."""
        self.beat(now_ms)


class LawLot:
    """One lot decided by the pure rules, with its log and its answers by request id."""

    def __init__(self, lot_id: UUID, lot_rules: LotRules, shard: Shard) -> None:
        self.lot_id, self.shard, self.state = lot_id, shard, LotState(lot_rules)
        self.log: list[Event] = []
        self.seen_gaps = 0
        self.answers: dict[tuple[str, str], Taken] = {}

    def open(self, entrants: tuple[Entrant, ...], opens_at: int, sha: str, now: int) -> None:
        """Open the lot."""
        self.shard.beat(now)
        self.seen_gaps = len(self.shard.gaps)
        events = rules.open_lot(self.state, entrants, sha, opens_at, now)
        assert isinstance(events, list)
        self.log += events

    def _catch_up(self, now: int) -> int:
        self.shard.beat(now)
        now = max(now, self.state.at)
        for gap in self.shard.gaps[self.seen_gaps :]:
            self.log += rules.heal(self.state, *gap, now)
        self.seen_gaps = len(self.shard.gaps)
        self.log += rules.advance(self.state, now)
        return now

    def bid(self, bid: Bid, now: int) -> Outcome:
        """The whole acceptance order, the repeat first."""
        now = self._catch_up(now)
        first = self.answers.get((bid.alias, bid.rid))
        if first:
            same = first.price == bid.price
            return (
                Taken(first.n, first.at, first.price, first.rank, first.closes_at, True)
                if same
                else Refused(Refusal.ID_REUSED)
            )
        verdict = rules.place_bid(str(self.lot_id), self.state, bid, None, now)
        if isinstance(verdict, Refused):
            return verdict
        self.log += verdict
        taken = Taken(verdict[0].n, now, bid.price, self.state.rank(bid.alias), self.state.closes_at)
        self.answers[bid.alias, bid.rid] = taken
        return taken

    def tick(self, now: int) -> None:
        """Time alone."""
        self.log += rules.tick(self.state, self._catch_up(now))

    def steer(self, command: str, now: int, *args: object) -> str:
        """A host's command; the refusal or an empty word."""
        now = self._catch_up(now)
        before = self.state.n
        answer = getattr(steering, command)(self.state, *args, None, now)
        if isinstance(answer, str):
            if self.state.n > before:  # the command itself found the end reached
                from auction.lot.model import Closed

                self.log.append(Closed(self.state.n, now))
            return answer
        self.log += answer
        return ""
