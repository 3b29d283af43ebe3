"""The verdicts: what a lot answers to a command. Pure; ``live.lua`` is held to it by the differential test.

Every function takes the state and the server's time and returns events to append, or a refusal. None raises.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha1
from typing import TypeAlias

from auction.lot.formats import FORMATS
from auction.lot.model import (
    Barred,
    Bid,
    BidTaken,
    Closed,
    Conformity,
    Decrement,
    Entrant,
    Event,
    Extended,
    FormatName,
    LotRules,
    Opened,
    Outage,
    Prebid,
    PriceBasis,
    Refusal,
    Refused,
    Stage,
    StepAgainst,
    StepKind,
    Visibility,
)
from auction.lot.state import Bidder, LotState, apply
from standards.money import PRICE_MAX

Verdict: TypeAlias = list[Event] | Refused


def step_at(decrement: Decrement, reference: int) -> int:
    """The decrement 最小降幅 that applies at ``reference``, in the lot's unit; a percentage rounds up, at least 1."""
    match decrement.kind:
        case StepKind.PERCENTAGE:
            return max(1, -(-reference * decrement.bp // 10_000))
        case StepKind.BANDS:
            fitting = [band for band in decrement.bands if band.at_or_above <= reference]
            return max(fitting, key=lambda band: band.at_or_above).amount if fitting else decrement.amount
        case _:
            return decrement.amount


def price_max(state: LotState, bidder: Bidder) -> int:
    """The highest price this bidder could bid now 可报最高价; 0 when none is left above zero."""
    rules = state.rules
    top = rules.ceiling or PRICE_MAX
    decrement = rules.decrement
    if bidder.n:
        own_step = step_at(decrement, bidder.price) if decrement.against is StepAgainst.OWN else 1
        top = min(top, bidder.price - max(1, own_step))
    lead = state.lead
    if decrement.against is StepAgainst.LEAD and lead is not None:
        limit = lead.score - max(step_at(decrement, lead.price) * 10_000, 1) - bidder.malus * 10_000
        top = min(top, limit // (10_000 - bidder.deduction_bp))
    return max(0, top)


def token_for(lot_id: str, bidder: Bidder, price: int) -> str:
    """The token that confirms a big drop: bound to the lot, the bidder's standing price and the new one. Not a secret,
    and made of nothing he does not know: the position of his bid would tell how many others there are.
    """
    return sha1(f"{lot_id}|{bidder.alias}|{bidder.price}|{price}".encode(), usedforsecurity=False).hexdigest()[:12]


def _refuse_stage(state: LotState, now_ms: int) -> Refusal | None:
    if state.stage is Stage.PAUSED:
        return Refusal.LOT_PAUSED
    if state.stage in (Stage.CLOSING, Stage.CANCELLED):
        return Refusal.LOT_CLOSED
    if state.stage is not Stage.RUNNING:
        return Refusal.LOT_NOT_RUNNING
    if now_ms < state.opens_at:
        return Refusal.NOT_YET
    return Refusal.LOT_CLOSED if now_ms >= state.closes_at else None


def _refuse_step(state: LotState, bidder: Bidder, price: int) -> Refusal | None:
    rules, decrement = state.rules, state.rules.decrement
    if decrement.against is StepAgainst.LEAD:
        lead = state.lead
        if lead is None:
            return None
        step = step_at(decrement, lead.price)
        score = bidder.score_of(price)
        if score > lead.score - step * 10_000:
            return Refusal.STEP
        return Refusal.EQUAL_LEAD if score == lead.score else None
    if decrement.kind is StepKind.MULTIPLE:
        reference = bidder.price if bidder.n else rules.ceiling or price
        return Refusal.STEP if (reference - price) % decrement.amount else None
    if bidder.n and price > bidder.price - step_at(decrement, bidder.price):
        return Refusal.STEP
    return None


def judge_bid(lot_id: str, state: LotState, bid: Bid, now_ms: int) -> Refused | None:
    """Why ``bid`` is not taken, or None. The repeat of a request id was decided before; see ``Refusal`` for the order.

    A bid at the closing instant is late. A deep drop is never refused, only asked to be confirmed (no hidden floor).
    """
    refusal = _refuse_stage(state, now_ms)
    if refusal:
        return Refused(refusal)
    bidder = state.bidders.get(bid.alias)
    if bidder is None:
        return Refused(Refusal.NOT_REGISTERED)
    if bidder.barred is not Barred.NO:
        return Refused(Refusal.BANNED if bidder.barred is Barred.BANNED else Refusal.CONFLICT)
    refusal = FORMATS[state.rules.format].refuse(state, bidder, now_ms)
    if refusal:
        return Refused(refusal)
    top = price_max(state, bidder)
    if state.rules.ceiling and bid.price > state.rules.ceiling:
        return Refused(Refusal.OVER_CEILING, top)
    if bidder.n and bid.price >= bidder.price:
        return Refused(Refusal.NOT_IMPROVING_OWN, top)
    refusal = _refuse_step(state, bidder, bid.price)
    if refusal:
        return Refused(refusal, top)
    drop_bp = state.rules.big_drop_bp
    if bidder.n and drop_bp and (bidder.price - bid.price) * 10_000 > drop_bp * bidder.price:
        token = token_for(lot_id, bidder, bid.price)
        if bid.token != token:
            return Refused(Refusal.NEEDS_CONFIRM, top, token)
    return None


def place_bid(lot_id: str, state: LotState, bid: Bid, detail: object, now_ms: int) -> Verdict:
    """Judge ``bid`` and, when taken, apply it: the events appended (the bid, perhaps an extension)."""
    refused = judge_bid(lot_id, state, bid, now_ms)
    if refused:
        return refused
    before = state.rank(bid.alias)
    taken = BidTaken(state.n + 1, now_ms, bid.alias, bid.rid, bid.price, detail)
    apply(state, taken)
    end = FORMATS[state.rules.format].extended_to(state, before, state.rank(bid.alias), now_ms)
    if not end:
        return [taken]
    extended = Extended(state.n + 1, now_ms, end, taken.n)
    apply(state, extended)
    return [taken, extended]


def open_lot(state: LotState, entrants: tuple[Entrant, ...], rules_sha256: str, opens_at: int, now_ms: int) -> Verdict:
    """Open the lot 竞价开始 with those admitted; qualifying prices enter first, in the order of admission."""
    if state.stage is not Stage.SIGNUP:
        return Refused(Refusal.LOT_NOT_RUNNING)
    if not entrants:
        return Refused(Refusal.NOT_REGISTERED)
    end = FORMATS[state.rules.format].closes_at(state.rules, opens_at, len(entrants))
    events: list[Event] = [Opened(1, now_ms, opens_at, end, entrants, rules_sha256)]
    apply(state, events[0])
    for entrant in entrants:
        if entrant.opening_price is not None:
            events.append(Prebid(state.n + 1, now_ms, entrant.alias, entrant.opening_price))
            apply(state, events[-1])
    return events


def advance(state: LotState, now_ms: int) -> list[Event]:
    """The turns and pauses of a round that time alone brings. A paused lot stands still."""
    events: list[Event] = []
    if state.stage is not Stage.RUNNING:
        return events
    step: Callable[[LotState, int], Event | None] = FORMATS[state.rules.format].advance
    while (event := step(state, now_ms)) is not None:
        events.append(event)
        apply(state, event)
    return events


def tick(state: LotState, now_ms: int) -> list[Event]:
    """What time alone brings: turns of a round, and the close, exactly once."""
    events = advance(state, now_ms)
    if state.stage is Stage.RUNNING and now_ms >= state.closes_at:
        events.append(Closed(state.n + 1, now_ms))
        apply(state, events[-1])
    return events


def heal(state: LotState, from_ms: int, to_ms: int, now_ms: int) -> list[Event]:
    """An outage over the parameter moves the end by it, with at least ``left_after_outage_min_ms`` left.

    What of it lies before the opening does not count. ``from_ms`` is the shard's last sign of life, which another lot
    may have given shortly before this one opened.
    """
    rules = state.rules
    from_ms = max(from_ms, state.opens_at)
    if state.stage is not Stage.RUNNING or to_ms - from_ms <= rules.outage_pause_after_ms:
        return []
    if from_ms >= state.closes_at:
        return []
    end = max(state.closes_at + to_ms - from_ms, to_ms + rules.left_after_outage_min_ms)
    event = Outage(state.n + 1, now_ms, from_ms, to_ms, end)
    apply(state, event)
    return [event]


def _sealed_problem(rules: LotRules) -> str | None:
    """One total price, and nobody reviews an offer before all are opened."""
    if rules.practice:
        return "sealed_practice"
    if rules.basis is not PriceBasis.TOTAL:
        return "sealed_total"
    return None if rules.conformity is Conformity.AFTER_CLOSE else "sealed_conformity"


def _hidden_problem(rules: LotRules) -> str | None:
    """What would tell bidders more than the visibility level declares."""
    hides_lead = rules.visibility in (Visibility.RANK_ONLY, Visibility.COLOUR)
    if rules.decrement.against is StepAgainst.LEAD and (hides_lead or rules.starting_gate):
        return "lead_hidden"  # every refusal would name the price to beat
    if rules.format is FormatName.ROUND_REVERSE and rules.visibility is Visibility.COLOUR:
        return "rounds_tell_number"
    return None


def lot_problem(rules: LotRules) -> str | None:
    """The first thing wrong with a set of rules, as a text key under ``rules.*``; None when it can be run."""
    overtime, decrement = rules.overtime, rules.decrement
    if rules.ceiling is None and not rules.practice:
        return "ceiling_missing"
    if not rules.practice and rules.suppliers_min < 2:
        return "suppliers_min_too_low"
    if rules.format is FormatName.SEALED_ONE_SHOT:
        return _sealed_problem(rules)
    if decrement.kind in (StepKind.ABSOLUTE, StepKind.MULTIPLE) and decrement.amount < 1 and not rules.practice:
        return "decrement_missing"
    if decrement.kind is StepKind.PERCENTAGE and decrement.bp < 1:
        return "decrement_missing"
    if decrement.kind is StepKind.BANDS and not decrement.bands:
        return "decrement_missing"
    if decrement.kind is StepKind.MULTIPLE and decrement.against is StepAgainst.LEAD:
        return "multiple_needs_own"
    if not rules.practice and (told := _hidden_problem(rules)):
        return told
    if rules.ceiling and decrement.kind is not StepKind.PERCENTAGE and decrement.amount >= rules.ceiling:
        return "decrement_over_ceiling"
    if rules.basis is PriceBasis.DISCOUNT_RATE and rules.ceiling and rules.ceiling > 10_000:
        return "discount_ceiling"
    if overtime.hard_stop_ms is not None and overtime.hard_stop_ms < rules.duration_ms:
        return "hard_stop_before_end"
    if not 60_000 <= rules.duration_ms <= 400 * 60_000 and not rules.practice:
        return "duration"
    return None
