"""What the host may do to a running lot 主持: pure verdicts, mirrored by ``steer_lot`` in ``live.lua``.

Who may ask, the second person and the reason are checked before; here stands only what the lot itself allows.
"""

from __future__ import annotations

from auction.lot.model import (
    Alias,
    Barred,
    BarredFrom,
    Broadcast,
    Cancelled,
    Closed,
    Event,
    Paused,
    Resumed,
    Stage,
    Voided,
)
from auction.lot.rules import tick
from auction.lot.state import LotState, apply


def _over(state: LotState, now_ms: int) -> list[Event] | None:
    """The events of a lot whose end this very command found reached; None while it is live."""
    events = tick(state, now_ms)
    return None if state.stage in (Stage.RUNNING, Stage.PAUSED) else events


def pause(state: LotState, note: object, now_ms: int) -> list[Event] | str:
    """暂停: the remaining time is kept. Refused unless running."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    if state.stage is not Stage.RUNNING:
        return "LOT_NOT_RUNNING"
    return [_done(state, Paused(state.n + 1, now_ms, state.closes_at - now_ms, note))]


def resume(state: LotState, note: object, now_ms: int) -> list[Event] | str:
    """恢复: the end moves so that the remaining time is what it was. Refused unless paused."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    if state.stage is not Stage.PAUSED:
        return "LOT_NOT_RUNNING"
    return [_done(state, Resumed(state.n + 1, now_ms, now_ms + state.left_ms, note))]


def broadcast(state: LotState, note: object, now_ms: int) -> list[Event] | str:
    """公告: a word to all."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    return [_done(state, Broadcast(state.n + 1, now_ms, note))]


def void(
    state: LotState, target: int, who: Alias, seen_n: int, back: tuple[int, int], note: object, now_ms: int
) -> list[Event] | str:
    """报价作废. ``seen_n`` is the bidder's position as read before; LOT_MOVED when he has bid since."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    bidder = state.bidders.get(who)
    if bidder is None:
        return "NOT_REGISTERED"
    if bidder.n != seen_n:
        return "LOT_MOVED"
    return [_done(state, Voided(state.n + 1, now_ms, target, who, *back, note))]


def bar(state: LotState, who: Alias, why: Barred, note: object, now_ms: int) -> list[Event] | str:
    """取消资格: the bidder may bid no more and his standing is gone."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    bidder = state.bidders.get(who)
    if bidder is None:
        return "NOT_REGISTERED"
    if bidder.barred is not Barred.NO:
        return "BANNED"
    return [_done(state, BarredFrom(state.n + 1, now_ms, who, why, note))]


def cancel(state: LotState, note: object, now_ms: int) -> list[Event] | str:
    """取消采购: the lot ends without a result."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    return [_done(state, Cancelled(state.n + 1, now_ms, note))]


def close(state: LotState, note: object, now_ms: int) -> list[Event] | str:
    """The host of a practice lot 模拟竞价 ends it; refused for any other lot."""
    if _over(state, now_ms) is not None:
        return "LOT_CLOSED"
    if not state.rules.practice:
        return "LOT_NOT_RUNNING"
    return [_done(state, Closed(state.n + 1, now_ms, note))]


def _done(state: LotState, event: Event) -> Event:
    apply(state, event)
    return event
