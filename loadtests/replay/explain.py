"""Why the record names another price or winner than its own lowest bid: the first reason that the record shows.

The rules that are replayed end where the bidding ends; the record's award came after, with refusals, tie-breaks for
small suppliers and awards by group. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from loadtests.replay.oracle import Verdict
from loadtests.replay.record import Item, Session

AGREES = ""
NO_AWARD = "no award in the record"
TIEBREAK = "tie-break for small suppliers"
REFUSED = "leader refused later (Recusa, Inabilitado)"
ACCEPTED_FIRST = "leader accepted first, replaced later (Aceite)"
REFUSED_ELSEWHERE = "leader refused in another item of the session"
GROUP = "awarded by group total"
TIE = "equal best prices, the record awards the other"
STRUCK = "a bid was struck by the buyer"
UNEXPLAINED = "not explained by the record"
_REFUSALS = frozenset({"Recusa", "Inabilitado"})


def _names(item: Item, events: frozenset[str], supplier: str) -> bool:
    return any(note.event in events and supplier in note.text for note in item.notes)


def _refused_elsewhere(session: Session, supplier: str) -> bool:
    return any(_names(item, _REFUSALS, supplier) for item in session.items)


def explain(session: Session, item: Item, verdict: Verdict) -> str:
    """Empty when price and winner agree, else the reason."""
    leader, best = verdict.leader, verdict.best_value
    if item.best_value is None:
        return NO_AWARD
    same_price, same_winner = item.best_value == best, item.winner == leader
    if same_price and same_winner:
        return AGREES
    reasons: list[tuple[str, Callable[[], bool]]] = [
        (TIEBREAK, lambda: bool(item.tiebreaks) and item.best_value is not None and item.best_value < best),
        (REFUSED, lambda: _names(item, _REFUSALS, leader)),
        (TIE, lambda: same_price and verdict.tied),
        (GROUP, lambda: bool(item.group)),
        (REFUSED_ELSEWHERE, lambda: _refused_elsewhere(session, leader)),
        (ACCEPTED_FIRST, lambda: _names(item, frozenset({"Aceite"}), leader)),
        (STRUCK, lambda: bool(item.struck)),
    ]
    return next((name for name, holds in reasons if holds()), UNEXPLAINED)
