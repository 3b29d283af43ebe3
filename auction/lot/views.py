"""Who may see what 可见性: the view of a lot as a pure function of role and public state.

Nothing beyond what the visibility level declares follows from a view: no counts, no positions, no names. A view is a
flat JSON object whose values change in place; ``patch_between`` makes the RFC 7396 merge patch from one to the next.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from auction.lot.model import (
    Alias,
    BidTaken,
    Broadcast,
    Cancelled,
    Closed,
    Event,
    Extended,
    HostView,
    LotRules,
    Opened,
    Outage,
    Paused,
    Prebid,
    Resumed,
    Stage,
    StepAgainst,
    TurnBegan,
    Visibility,
    Voided,
)
from auction.lot.rules import price_max
from auction.lot.state import LotState

View: TypeAlias = dict[str, Any]
_SHOWS_RANK = (Visibility.RANK_ONLY, Visibility.LEAD_AND_RANK)
_SHOWS_LEAD = (Visibility.LEAD_PRICE, Visibility.LEAD_AND_RANK)


def effective(score: int) -> int:
    """The effective price 评审价 shown for a ranking score, half up to the lot's unit."""
    return (score + 5_000) // 10_000


def shows_rank(rules: LotRules) -> bool:
    """Whether the level shows a bidder his rank."""
    return rules.visibility in _SHOWS_RANK


def clean(view: View) -> View:
    """Without the absent: in a view, as in a merge patch, None means not there."""
    return {key: clean(value) if isinstance(value, dict) else value for key, value in view.items() if value is not None}


def clock_view(state: LotState) -> View:
    """What everyone sees of a lot: stage and times."""
    return {
        "stage": state.stage.value,
        "opens_at": state.opens_at,
        "closes_at": state.closes_at,
        "left_ms": state.left_ms if state.stage is Stage.PAUSED else None,
        "extensions": state.extensions,
        "hard_stop_at": state.hard_stop_at or None,
        "ceiling": state.rules.ceiling,
    }


def public_view(state: LotState) -> View:
    """The public 公众 sees that the lot runs and when it ends, never a price before publication."""
    return clean(clock_view(state))


def _turn_view(state: LotState, alias: Alias) -> View | None:
    if not state.rules.format.value.startswith("round"):
        return None
    return {
        "round": state.round,
        "rounds": state.rules.rounds.count,
        "mine": bool(state.turn) and state.turn_who == alias,
        "ends_at": state.turn_ends_at,
    }


def standing_view(state: LotState, alias: Alias) -> View:
    """One bidder's part of his view that is no history: his own standing, and of the market what the level declares,
    after his own first offer if the starting gate is set. None marks what is not there.
    """
    rules, bidder = state.rules, state.bidders.get(alias)
    view: View = {"turn": _turn_view(state, alias)}
    if bidder is None:
        return view
    gate_open = bool(bidder.n) or not rules.starting_gate
    lead = state.lead
    rank = state.rank(alias)
    view["barred"] = bidder.barred.value or None
    view["price"] = bidder.price or None
    view["effective"] = effective(bidder.score) if bidder.n else None
    view["deduction_bp"] = bidder.deduction_bp
    view["rank"] = rank if rank and shows_rank(rules) else None
    view["leading"] = rank == 1 if rank and rules.visibility is not Visibility.LEAD_PRICE else None
    view["lead"] = effective(lead.score) if lead and gate_open and rules.visibility in _SHOWS_LEAD else None
    hides_max = rules.decrement.against is StepAgainst.LEAD and not gate_open
    view["price_max"] = None if hides_max else price_max(state, bidder)
    return view


def market_facts(state: LotState) -> tuple[object, ...]:
    """All of the market that ``standing_view`` of any bidder follows from, besides that bidder's rank and standing."""
    rules, lead = state.rules, state.lead
    heeds_lead = rules.visibility in _SHOWS_LEAD or rules.decrement.against is StepAgainst.LEAD
    turn = (state.round, state.turn, state.turn_who, state.turn_ends_at)
    return (lead.n if lead and heeds_lead else 0, turn)


def bidder_view(state: LotState, alias: Alias, own: View, marks: View) -> View:
    """What one bidder sees. ``own`` is his history, ``marks`` what was told to all; both numbered from "1"."""
    view = {**clock_view(state), "marks": marks, **standing_view(state, alias)}
    if alias in state.bidders:
        view["own"] = own
    return clean(view)


def host_sees_all(state: LotState) -> bool:
    """Whether the host sees every standing now, or the lead alone."""
    return state.rules.host_view is not HostView.LEAD or state.stage not in (Stage.RUNNING, Stage.PAUSED)


def overview(state: LotState) -> View:
    """The host's part of his view that is neither history nor a standing. None marks what is not there."""
    lead = state.lead
    turn = _turn_view(state, Alias(""))
    return {
        "n": state.n,
        "lead": {"alias": lead.alias, "price": lead.price, "effective": effective(lead.score)} if lead else None,
        "turn": turn and {**turn, "who": state.turn_who},
        "offers": state.offers if host_sees_all(state) else None,
        "enough": len(state.board) >= state.rules.suppliers_min if host_sees_all(state) else None,
    }


def host_row(state: LotState, alias: Alias, rank: int) -> View:
    """One standing as the host sees it; ``rank`` from 1."""
    bidder = state.bidders[alias]
    return {"rank": rank, "price": bidder.price, "effective": effective(bidder.score), "at": bidder.at}


def online_view(state: LotState, online: set[str]) -> View:
    """Who of the bidders is connected."""
    return dict.fromkeys(sorted(online & {str(alias) for alias in state.bidders}), True)


def host_view(state: LotState, marks: View, lines: View, online: set[str]) -> View:
    """What the host 主持人 and the supervisor see: every standing by alias, or the lead alone where declared.

    ``lines`` are the last lines of the log by position, ``online`` the aliases of who is connected.
    """
    view = {**clock_view(state), "marks": marks, **overview(state)}
    if host_sees_all(state):
        view["rows"] = {alias: host_row(state, alias, i) for i, (_, _, alias) in enumerate(state.board, 1)}
        view["lines"] = lines
        view["online"] = online_view(state, online)
    return clean(view)


def mark_of(event: Event) -> View | None:
    """The line an event leaves for everyone 过程记录; None for what only the host or its bidder may see."""
    body: View
    match event:
        case Opened():
            body = {"kind": "opened", "closes_at": event.closes_at}
        case Extended():
            body = {"kind": "extended", "closes_at": event.closes_at}
        case Paused():
            body = {"kind": "paused", "left_ms": event.left_ms, "note": event.note}
        case Resumed():
            body = {"kind": "resumed", "closes_at": event.closes_at, "note": event.note}
        case Outage():
            body = {"kind": "outage", "closes_at": event.closes_at, "ms": event.to_ms - event.from_ms}
        case Broadcast():
            body = {"kind": "broadcast", "note": event.note}
        case TurnBegan(turn=0):
            body = {"kind": "round_pause", "round": event.round}
        case TurnBegan(turn=1):
            body = {"kind": "round", "round": event.round}
        case Voided():
            body = {"kind": "voided", "note": event.note}
        case Closed():
            body = {"kind": "closed"}
        case Cancelled():
            body = {"kind": "cancelled", "note": event.note}
        case _:
            return None
    return clean({"at": event.at, **body})


def log_line(event: Event) -> View | None:
    """The host's line of the log: bids by alias besides what everyone is told."""
    match event:
        case BidTaken():
            return {"kind": "bid", "at": event.at, "who": event.who, "price": event.price}
        case Prebid():
            return {"kind": "prebid", "at": event.at, "who": event.who, "price": event.price}
        case Voided():
            body = {"kind": "voided", "at": event.at, "who": event.who, "target": event.target, "note": event.note}
            return clean(body)
        case _:
            return mark_of(event)


def patch_between(old: View, new: View) -> View:
    """The RFC 7396 merge patch that leads from ``old`` to ``new``; empty when they are equal."""
    patch: View = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = patch_between(before, value)
            if inner:
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch


def merge(view: View, patch: View) -> View:
    """Apply a merge patch; what every client does with a ``delta``."""
    merged = dict(view)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            before = merged.get(key)
            merged[key] = merge(before if isinstance(before, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def absorb(view: View, patch: View) -> None:
    """Apply a merge patch in place, at no cost for what does not change. Tables of ``view`` must be its own; the rows
    in them may be shared, and are replaced.
    """
    for key, value in patch.items():
        table = view.get(key)
        if value is None:
            view.pop(key, None)
        elif isinstance(value, dict) and isinstance(table, dict):
            for name, row in value.items():
                if row is None:
                    table.pop(name, None)
                elif isinstance(row, dict):
                    before = table.get(name)
                    table[name] = merge(before if isinstance(before, dict) else {}, row)
                else:
                    table[name] = row
        else:
            view[key] = merge({}, value) if isinstance(value, dict) else value
