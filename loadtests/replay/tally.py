"""What a replay counts while it runs, and what came of each item. Numbers only; ``table`` shows them."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from loadtests.replay.oracle import Verdict
from loadtests.replay.record import Item, Session


class ItemOutcome(Struct, frozen=True):
    """An item after its close: what the server said, beside what it had to say. Ranking is (supplier, value)."""

    item: Item
    verdict: Verdict
    answers: tuple[str, ...]
    ranking: tuple[tuple[str, int], ...]
    stage: str
    final_n: int
    award: str

    @property
    def best_agrees(self) -> bool:
        """Is our best price the oracle's?"""
        return (self.ranking[0][1] if self.ranking else 0) == self.verdict.best_value

    @property
    def leader_agrees(self) -> bool:
        """Is our leader the oracle's?"""
        return (self.ranking[0][0] if self.ranking else "") == self.verdict.leader

    @property
    def difference(self) -> str:
        """The first way in which the item differs from the oracle; empty when it does not."""
        if not self.best_agrees:
            return f"best price {self.ranking[:1]} where {self.verdict.ranking[:1]} was due"
        if not self.leader_agrees:
            return f"leader {self.ranking[:1]} where {self.verdict.ranking[:1]} was due"
        if self.ranking != self.verdict.ranking:
            return "a rank below the first"
        if self.answers != self.verdict.per_bid:
            pairs = enumerate(zip(self.answers, self.verdict.per_bid, strict=True))
            at, (told, due) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
            told, due = told or "taken", due or "taken"
            return f"bid {self.item.bids[at].seq} was answered {told} where {due} was due"
        if self.other_events < 0:
            return f"the log ends at {self.final_n}, too early for {self.verdict.taken} bids"
        return ""

    @property
    def other_events(self) -> int:
        """What the log holds besides the opening, the bids taken and the close: outages that were made good."""
        return self.final_n - self.verdict.taken - 2


class Tally:
    """The running count of one replay."""

    def __init__(self, sessions: list[Session], verdicts: dict[tuple[str, str], Verdict]) -> None:
        self.sessions, self.verdicts = sessions, verdicts
        self.bids_total = sum(len(item.bids) for session in sessions for item in session.playable)
        self.items_total = sum(len(session.playable) for session in sessions)
        self.sent = self.taken = self.repeats = self.reconnects = self.sockets = self.resent = self.held_back = 0
        self.refused: Counter[str] = Counter()
        self.outcomes: dict[tuple[str, str], ItemOutcome] = {}
        self.agreeing = 0
        self.answer_ms: list[float] = []
        self.late_ms: list[float] = []
        self.wall_s = self.open_s = 0.0

    @property
    def refusals(self) -> int:
        """All refusals so far."""
        return sum(self.refused.values())

    @property
    def done(self) -> int:
        """How many bids have their final answer."""
        return self.taken + self.refusals

    def answered(self, code: str) -> None:
        """One bid has its final answer: empty code when taken."""
        if code:
            self.refused[code] += 1
        else:
            self.taken += 1

    def closed(self, outcome: ItemOutcome) -> None:
        """One item has its result."""
        self.outcomes[outcome.item.session, outcome.item.number] = outcome
        self.agreeing += not outcome.difference

    @property
    def differing(self) -> list[ItemOutcome]:
        """The items that differ from the oracle."""
        return [outcome for outcome in self.outcomes.values() if outcome.difference]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
