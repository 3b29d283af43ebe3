"""Rounds 轮次竞价: turn by turn, worst first, best last, with pauses; the whole timetable is fixed at the opening."""

from __future__ import annotations

from auction.lot.model import Alias, Event, LotRules, Refusal, TurnBegan
from auction.lot.state import Bidder, LotState


def closes_at(rules: LotRules, opens_at: int, bidders: int) -> int:
    """First pause, then ``count`` rounds of one turn per bidder with pauses between."""
    rounds = rules.rounds
    return (
        opens_at
        + rounds.first_pause_ms
        + rounds.count * bidders * rounds.turn_ms
        + (rounds.count - 1) * rounds.pause_ms
    )


def due_at(state: LotState) -> int:
    """The end of the turn or pause under way."""
    return min(state.turn_ends_at, state.closes_at)


def worst_first(state: LotState) -> tuple[Alias, ...]:
    """Without an offer first (as admitted), then the worst, the best last; of equals the later first."""
    silent = [alias for alias, bidder in state.bidders.items() if bidder.n == 0]
    return tuple(silent + [alias for _, _, alias in reversed(state.board)])


def advance(state: LotState, now_ms: int) -> Event | None:
    """The next turn or pause, once the one under way is over and the lot has not reached its end."""
    ended = state.turn_ends_at
    if now_ms < ended or ended >= state.closes_at:
        return None
    rules, n = state.rules.rounds, state.n + 1
    if state.turn and state.turn < len(state.order):
        who = state.order[state.turn]
        return TurnBegan(n, now_ms, state.round, state.turn + 1, who, ended + rules.turn_ms)
    if state.turn and rules.pause_ms:
        return TurnBegan(n, now_ms, state.round, 0, Alias(""), ended + rules.pause_ms)
    order = worst_first(state)
    return TurnBegan(n, now_ms, state.round + 1, 1, order[0], ended + rules.turn_ms, order)


def refuse(state: LotState, bidder: Bidder, now_ms: int) -> Refusal | None:
    """Only the bidder whose turn it is may bid."""
    return None if state.turn and state.turn_who == bidder.alias else Refusal.NOT_YOUR_TURN


def extended_to(state: LotState, rank_before: int, rank_after: int, now_ms: int) -> int:
    """Rounds never move their end: everyone has the last word once per round."""
    return 0
