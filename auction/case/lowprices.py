"""异常低价审查: which offers of a lot look abnormally low, by the parameters its case has pinned."""

from __future__ import annotations

from collections.abc import Sequence

from auction.case import lawful, lowprice
from auction.case.records import encode
from auction.lot.model import LotRules, PriceBasis
from auction.lot.settlement import Candidate
from plumbing.postgres import Record


def flagged(row: Record, rules: LotRules, found: Sequence[Candidate]) -> dict[str, object]:
    """By alias, what fired: screens with the figures they compared, for all valid offers; empty when nothing is low.

    Measured against the ceiling, or the case's budget where a lot by total has none (财库〔2026〕2号).
    """
    offers = [lowprice.Offer(one.alias, one.price, one.price) for one in found if one.valid]
    budget = row["budget_fen"] if rules.basis is not PriceBasis.DISCOUNT_RATE else None
    tests = lowprice.tests_of(lawful.pinned(row))
    fired = lowprice.flagged(sorted(offers, key=lambda offer: offer.price), rules.ceiling or budget, tests)
    return {alias: {"findings": encode(findings)} for alias, findings in fired.items()}
