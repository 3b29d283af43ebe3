"""What the clients lived through, stamped in one sequence: each sending of a bid, its answer, each view shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

TAKEN = "taken"


@dataclass(slots=True)
class Ask:
    """One sending of a bid. ``sent`` and ``answered`` are stamps (0: no answer came).

    ``code`` is "taken" or the refusal's; ``at`` the server's time (epoch ms), ``paid`` the price (fen) in the answer.
    """

    who: str
    rid: str
    price: int
    sent: int
    answered: int = 0
    code: str = ""
    at: int = 0
    paid: int = 0

    @property
    def bid(self) -> tuple[str, str]:
        """Bidder and request id: one bid, however often it is sent."""
        return self.who, self.rid


class Seen(NamedTuple):
    """A view shown to the host: its position in the log, and the leading price there (0: nobody leads)."""

    n: int
    price: int


class History:
    """Everything that happened at one lot, seen from outside."""

    def __init__(self) -> None:
        self._stamps = count(1)
        self.asks: list[Ask] = []
        self.seen: list[Seen] = []

    def ask(self, who: str, rid: str, price: int) -> Ask:
        """Note a bid in the moment before it is sent."""
        ask = Ask(who, rid, price, next(self._stamps))
        self.asks.append(ask)
        return ask

    def answer(self, ask: Ask, frame: dict[str, Any]) -> None:
        """Note the answer in the moment it is read."""
        ask.answered = next(self._stamps)
        ask.code = TAKEN if frame["t"] == "taken" else frame["code"]
        ask.at, ask.paid = frame.get("at", 0), frame.get("price", 0)

    def show(self, view: dict[str, Any]) -> None:
        """Note a view of the host's."""
        if "n" in view:
            self.seen.append(Seen(view["n"], (view.get("lead") or {}).get("price", 0)))

    def taken(self) -> list[Ask]:
        """The sendings that were answered as taken."""
        return [ask for ask in self.asks if ask.code == TAKEN]


class Record(NamedTuple):
    """What the product holds of a lot in the end.

    ``log``: the settled events in order; ``results``: rows of its result; ``final_n``: the position the result names;
    ``standings``: (alias, price, n), best first; ``live``: the log as Valkey still has it, None when it is gone;
    ``signed``: the largest size signed in the transcript, None where that is not asked; ``by_host``: closed by hand.
    """

    log: Sequence[dict[str, Any]]
    results: int
    final_n: int
    standings: Sequence[tuple[str, int, int]]
    live: Sequence[dict[str, Any]] | None
    signed: int | None
    by_host: bool
