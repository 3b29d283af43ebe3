"""What a closed lot comes to 成交判定: pure, used by the settler and again after every review decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from auction.lot.model import LIFE_CYCLE, Alias, BidTaken, Event, LotRules, Prebid, Stage, Turn
from auction.lot.state import LotState
from auction.lot.views import effective


class Candidate(Struct, frozen=True):
    """One standing offer at the close, best first by ``rank``; prices in the lot's unit, ``at`` epoch ms.

    ``pending`` means conformity 响应审查 is not decided; ``low_price`` is "", flagged, accepted or excluded.
    """

    rank: int
    alias: Alias
    price: int
    effective: int
    n: int
    at: int
    detail: object = None
    valid: bool = True
    why_not: str = ""
    pending: bool = False
    low_price: str = ""


def after(stage: Stage, *turns: Turn) -> Stage:
    """Where a lot stands after ``turns`` in order. Raises ``KeyError`` for a pair that the life cycle does not have."""
    for turn in turns:
        stage = LIFE_CYCLE[stage, turn]
    return stage


def candidates(state: LotState, log: Sequence[Event], conformity: Mapping[str, str]) -> list[Candidate]:
    """The board at the close. ``conformity`` by alias: pass, fail, pending; an alias not named has passed.

    An offer above the ceiling is invalid (87号令 §63(4)); barred bidders have left the board already.
    """
    offers = {event.n: event for event in log if isinstance(event, BidTaken | Prebid)}
    found = []
    for rank, (score, n, alias) in enumerate(state.board, 1):
        bidder, verdict = state.bidders[alias], conformity.get(alias, "pass")
        over = state.rules.ceiling is not None and bidder.price > state.rules.ceiling
        why_not = "over_ceiling" if over else "nonconforming" if verdict == "fail" else ""
        found.append(
            Candidate(
                rank=rank,
                alias=alias,
                price=bidder.price,
                effective=effective(score),
                n=n,
                at=offers[n].at if n in offers else bidder.at,
                detail=getattr(offers.get(n), "detail", None),
                valid=not why_not,
                why_not=why_not,
                pending=verdict == "pending" and not over,
            )
        )
    return found


def flag(found: Sequence[Candidate], flagged: Mapping[str, object]) -> list[Candidate]:
    """Mark the valid offers that look abnormally low 异常低价 and were not decided on yet."""
    return [
        structs.replace(one, low_price="flagged") if one.valid and one.alias in flagged and not one.low_price else one
        for one in found
    ]


def next_turn(rules: LotRules, found: Sequence[Candidate]) -> Turn:
    """What settlement leads to. Counted are valid offers only; a practice lot 模拟竞价 never becomes a result."""
    if rules.practice:
        return Turn.SETTLE_PRACTICE
    if any(one.pending for one in found):
        return Turn.SETTLE_REVIEW
    valid = [one for one in found if one.valid]
    if len(valid) < max(1, rules.suppliers_min):
        return Turn.SETTLE_FAIL
    if any(one.low_price == "flagged" for one in valid):
        return Turn.SETTLE_ABNORMAL
    return Turn.SETTLE_AWARD


def next_in_rank(found: Sequence[Candidate], after_rank: int = 0) -> Candidate | None:
    """The best valid offer behind ``after_rank``; None when nobody is left."""
    return next((one for one in found if one.valid and one.rank > after_rank), None)
