"""异常低价: screens that raise a question about an offer, in exact integers. A person decides; no screen refuses.

财库〔2026〕2号: below 50 % of the mean of all conforming offers, below 50 % of the second lowest, or below 45 % of the
ceiling (of the budget where there is none); a purchaser may announce up to 65 %. Two further screens are Prozorro's.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from standards.money import scale_half_up
from standards.params import RuleSet

WHOLE_BP = 10_000


class Screen(StrEnum):
    """What an offer is measured against. Name for people: ``lowprice.<value>``."""

    MEAN_OF_ALL = "mean_of_all"
    SECOND_LOWEST = "second_lowest"
    CEILING = "ceiling"
    MEAN_OF_OTHERS_INITIAL = "mean_of_others_initial"
    NEXT_IN_RANK = "next_in_rank"


INCLUSIVE = frozenset({Screen.MEAN_OF_OTHERS_INITIAL, Screen.NEXT_IN_RANK})
"""Screens that fire at the very threshold; the others only below it 低于."""


class LowPriceTest(Struct, frozen=True):
    """One test: fires below (or at, see ``INCLUSIVE``) ``share_bp`` of what the price is measured against."""

    screen: Screen
    share_bp: int


PROZORRO = (LowPriceTest(Screen.MEAN_OF_OTHERS_INITIAL, 6_000), LowPriceTest(Screen.NEXT_IN_RANK, 7_000))
"""Prozorro: 40 % below the mean of the others' first offers, or 30 % below the next in rank."""


class Offer(Struct, frozen=True):
    """A valid, conforming offer, in the lot's unit. ``initial`` is the first price of its bidder."""

    alias: str
    price: int
    initial: int


class Finding(Struct, frozen=True):
    """A test that fired: the price, ``reference`` it was measured against (half up), its ``share_bp`` of it (half up)
    and the ``threshold_bp`` it stayed below.
    """

    screen: Screen
    price: int
    reference: int
    share_bp: int
    threshold_bp: int


def tests_of(rules: RuleSet) -> tuple[LowPriceTest, ...]:
    """The tests of a case by its pinned parameters."""
    return (
        LowPriceTest(Screen.MEAN_OF_ALL, rules.number("lowprice.mean_bp")),
        LowPriceTest(Screen.SECOND_LOWEST, rules.number("lowprice.second_bp")),
        LowPriceTest(Screen.CEILING, rules.number("lowprice.ceiling_bp")),
    )


def screen(offers: Sequence[Offer], at: int, ceiling: int | None, tests: Sequence[LowPriceTest]) -> tuple[Finding, ...]:
    """What fires for ``offers[at]``; ``offers`` are all valid ones by rank, best first. ``ceiling``: or the budget.

    A test that has nothing to measure against (no ceiling, no other offer) does not fire.
    """
    findings = []
    for test in tests:
        total, count = _reference(test.screen, offers, at, ceiling)
        if count == 0 or total <= 0:
            continue
        scaled, bar = offers[at].price * WHOLE_BP * count, test.share_bp * total
        if scaled < bar or (scaled == bar and test.screen in INCLUSIVE):
            share_bp = scale_half_up(offers[at].price, WHOLE_BP * count, total)
            reference = scale_half_up(total, 1, count)
            findings.append(Finding(test.screen, offers[at].price, reference, share_bp, test.share_bp))
    return tuple(findings)


def flagged(
    offers: Sequence[Offer], ceiling: int | None, tests: Sequence[LowPriceTest]
) -> dict[str, tuple[Finding, ...]]:
    """By alias, what fired for each offer for which something did. ``offers`` as for ``screen``."""
    found = {offer.alias: screen(offers, at, ceiling, tests) for at, offer in enumerate(offers)}
    return {alias: findings for alias, findings in found.items() if findings}


def _reference(kind: Screen, offers: Sequence[Offer], at: int, ceiling: int | None) -> tuple[int, int]:
    """Sum and number of what the offer is measured against: their quotient is the reference, exact."""
    if kind is Screen.CEILING:
        return (ceiling or 0, 1)
    if kind is Screen.MEAN_OF_ALL:
        return sum(offer.price for offer in offers), len(offers)
    if kind is Screen.MEAN_OF_OTHERS_INITIAL:
        return sum(offer.initial for n, offer in enumerate(offers) if n != at), len(offers) - 1
    if kind is Screen.NEXT_IN_RANK:
        return (offers[at + 1].price, 1) if at + 1 < len(offers) else (0, 0)
    lowest = sorted(offer.price for offer in offers)
    return (lowest[1], 1) if len(lowest) > 1 else (0, 0)
