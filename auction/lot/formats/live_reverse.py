"""Continuous live reverse auction 电子反拍: everyone bids down until the end, which late bids may move."""

from __future__ import annotations

from auction.lot.model import Event, LotRules, Refusal
from auction.lot.state import Bidder, LotState


def closes_at(rules: LotRules, opens_at: int, bidders: int) -> int:
    """The announced duration after the opening."""
    return opens_at + rules.duration_ms


def due_at(state: LotState) -> int:
    """Only the end is due."""
    return state.closes_at


def advance(state: LotState, now_ms: int) -> Event | None:
    """Time alone changes nothing before the end."""
    return None


def refuse(state: LotState, bidder: Bidder, now_ms: int) -> Refusal | None:
    """Anyone admitted may bid at any moment."""
    return None


def extended_to(state: LotState, rank_before: int, rank_after: int, now_ms: int) -> int:
    """A bid that improves its rank to within ``rank_max`` in the last ``window_ms`` moves the end (domain A2)."""
    overtime = state.rules.overtime
    if now_ms < state.closes_at - overtime.window_ms or rank_after > overtime.rank_max:
        return 0
    if rank_before and rank_after >= rank_before:
        return 0
    if overtime.extensions_max is not None and state.extensions >= overtime.extensions_max:
        return 0
    end = now_ms + overtime.extend_ms
    if state.hard_stop_at:
        end = min(end, state.hard_stop_at)
    return end if end > state.closes_at else 0
