"""The law as a lot of its own: rules.py and steering.py driven like the referee is, with a clock the test holds."""

from __future__ import annotations

from uuid import UUID

from auction.lot import rules, steering
from auction.lot.model import Bid, Entrant, Event, LotRules, Outcome, Refusal, Refused, Stage, Taken
from auction.lot.state import LotState

GAP_MS = 2_000
RENEW_MS = 400
SKEW_MS = 1_000
DOUBT_MS = 1_000


class Shard:
    """The heartbeat and the time of a shard, as the prelude keeps them.

    ``stepped_ms``: how far the store's wall clock stands from the callers', for the test to change.
    """

    def __init__(self) -> None:
        self.last = 0
        self.gaps: list[tuple[int, int]] = []
        self.stepped_ms = self.shift = 0
        self.doubt: tuple[int, int] | None = None

    def beat(self, caller: int) -> tuple[int, bool]:
        """The shard's time and whether the caller agrees; then a silence is recorded when one is found."""
        now = caller + self.stepped_ms + self.shift
        if now < self.last - SKEW_MS:
            self.shift += self.last - now
            now = self.last
        if abs(caller - now) > SKEW_MS:
            return now, False
        if self.last == 0:
            self.last = now
        elif now - self.last > GAP_MS:
            self.gaps.append((self.last, now))
            self.last = now
        elif now - self.last > RENEW_MS:
            self.last = now
        return now, True

    def take(self, caller: int) -> tuple[int, bool]:
        """Where no lot runs, the shard's time is the caller's."""
        self.shift, self.last = -self.stepped_ms, caller
        return self.beat(caller)

    def heartbeat(self, caller: int, sure: bool = False) -> bool:
        """What serving processes do once a second; whether the caller agrees."""
        now, agreed = self.beat(caller)
        if agreed:
            self.doubt = None
        elif sure:
            by = caller - now
            if self.doubt is None or abs(by - self.doubt[1]) > SKEW_MS:
                self.doubt = (caller, by)
            elif caller - self.doubt[0] >= DOUBT_MS:
                self.doubt, self.shift = None, max(caller, self.last) - caller - self.stepped_ms
                agreed = self.beat(caller)[1]
        return agreed


class LawLot:
    """One lot decided by the pure rules, with its log and its answers by request id."""

    def __init__(self, lot_id: UUID, lot_rules: LotRules, shard: Shard) -> None:
        self.lot_id, self.shard, self.state = lot_id, shard, LotState(lot_rules)
        self.log: list[Event] = []
        self.seen_gaps = 0
        self.answers: dict[tuple[str, str], Taken] = {}

    def open(self, entrants: tuple[Entrant, ...], opens_at: int, sha: str, now: int) -> None:
        """Open the lot."""
        now, agreed = self.shard.beat(now)
        if not agreed:
            now, _ = self.shard.take(now)
        self.seen_gaps = len(self.shard.gaps)
        events = rules.open_lot(self.state, entrants, sha, opens_at, now)
        assert isinstance(events, list)
        self.log += events

    def _catch_up(self, caller: int) -> int | None:
        """The lot's time; None where the caller's clock and the shard's disagree."""
        now, agreed = self.shard.beat(caller)
        if not agreed and self.state.stage is not Stage.RUNNING:
            now, agreed = self.shard.take(caller)
        if not agreed:
            return None
        now = max(now, self.state.at)
        for gap in self.shard.gaps[self.seen_gaps :]:
            self.log += rules.heal(self.state, *gap, now)
        self.seen_gaps = len(self.shard.gaps)
        self.log += rules.advance(self.state, now)
        return now

    def bid(self, bid: Bid, caller: int) -> Outcome:
        """The whole acceptance order, the repeat first."""
        now = self._catch_up(caller)
        if now is None:
            return Refused(Refusal.CLOCK_SKEW)
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

    def tick(self, caller: int) -> None:
        """Time alone."""
        now = self._catch_up(caller)
        self.log += [] if now is None else rules.tick(self.state, now)

    def steer(self, command: str, caller: int, *args: object) -> str:
        """A host's command; the refusal or an empty word."""
        now = self._catch_up(caller)
        if now is None:
            return "CLOCK_SKEW"
        before = self.state.n
        answer = getattr(steering, command)(self.state, *args, None, now)
        if isinstance(answer, str):
            if self.state.n > before:  # the command itself found the end reached
                from auction.lot.model import Closed

                self.log.append(Closed(self.state.n, now))
            return answer
        self.log += answer
        return ""
