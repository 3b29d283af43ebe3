"""An abnormally low price is found by exact figures, and only asked about."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.case import lowprice
from auction.case.lowprice import PROZORRO, Finding, LowPriceTest, Offer, Screen
from standards.params import resolve
from tests.support import SHARED

RULES = resolve([], "330106", date(2026, 11, 22))
TESTS = lowprice.tests_of(RULES)
PRICES = st.lists(st.integers(1, 10_000), min_size=1, max_size=6).map(sorted)


def offers(*prices: int) -> list[Offer]:
    """Valid offers at these prices, best first, each at its first price."""
    return [Offer(f"S{n}", price, price) for n, price in enumerate(prices, 1)]


def fired(prices: list[int], ceiling: int | None, at: int = 0) -> list[Screen]:
    return [finding.screen for finding in lowprice.screen(offers(*prices), at, ceiling, TESTS)]


@pytest.mark.parametrize(
    ("prices", "ceiling", "screens"),
    [
        ([41, 78, 80, 89], 100, [Screen.CEILING]),
        ([45, 78, 80, 89], 100, []),
        ([4_499, 7_800, 8_000, 8_900], 10_000, [Screen.CEILING]),
        ([4_500, 7_800, 8_000, 8_900], 10_000, []),
        ([50, 100], None, []),
        ([49, 100], None, [Screen.SECOND_LOWEST]),
        ([50, 101, 149], None, [Screen.SECOND_LOWEST]),
        ([50, 100, 150], None, []),
        ([10, 10, 100, 100], None, [Screen.MEAN_OF_ALL]),
        ([10, 70, 100], 200, [Screen.MEAN_OF_ALL, Screen.SECOND_LOWEST, Screen.CEILING]),
        ([10], None, []),
        ([44], 100, [Screen.CEILING]),
    ],
)
def test_an_offer_is_asked_about_below_the_thresholds_and_not_at_them(
    prices: list[int], ceiling: int | None, screens: list[Screen]
) -> None:
    assert fired(prices, ceiling) == screens


def test_a_finding_tells_what_was_compared() -> None:
    (finding,) = lowprice.screen(offers(41, 78, 80, 89), 0, 100, TESTS)
    assert finding == Finding(Screen.CEILING, price=41, reference=100, share_bp=4_100, threshold_bp=4_500)


def test_every_offer_is_looked_at_not_the_best_alone() -> None:
    found = lowprice.flagged(offers(10, 12, 100, 110), 200, TESTS)
    assert set(found) == {"S1", "S2"}
    assert Screen.SECOND_LOWEST not in [finding.screen for finding in found["S2"]]


def test_a_purchaser_may_announce_up_to_65_percent() -> None:
    raised = [LowPriceTest(test.screen, 6_500) for test in TESTS]
    assert [f.screen for f in lowprice.screen(offers(60, 90, 95), 0, 100, raised)] == [Screen.CEILING]
    assert fired([60, 90, 95], 100) == []


@given(PRICES, st.integers(1, 20_000) | st.none(), st.data())
def test_the_screens_agree_with_fractions(prices: list[int], ceiling: int | None, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(prices) - 1))
    price = Fraction(prices[at])
    expected = []
    if price < Fraction(1, 2) * Fraction(sum(prices), len(prices)):
        expected.append(Screen.MEAN_OF_ALL)
    if len(prices) > 1 and price < Fraction(1, 2) * sorted(prices)[1]:
        expected.append(Screen.SECOND_LOWEST)
    if ceiling is not None and price < Fraction(45, 100) * ceiling:
        expected.append(Screen.CEILING)
    assert fired(prices, ceiling, at) == expected


@pytest.mark.parametrize(
    ("initial", "final", "reasons"),
    [
        ([110_000, 100_000, 120_000], [50_000, 100_000, 110_000], [0, 1]),
        ([1_100_000, 83_300, 80_000], [49_000, 70_000, 85_000], [1]),
        ([60_000, 100_000, 100_000], [60_000, 85_714, 85_000], [0]),
        ([60_000, 99_999, 100_000], [60_000, 85_714, 85_000], []),
    ],
)
def test_the_screens_of_prozorro_fire_at_their_thresholds(
    initial: list[int], final: list[int], reasons: list[int]
) -> None:
    ranked = [Offer(f"S{n}", price, first) for n, (price, first) in enumerate(zip(final, initial, strict=True))]
    found = {finding.screen for finding in lowprice.screen(ranked, 0, None, PROZORRO)}
    assert found == {PROZORRO[n].screen for n in reasons}


def test_the_golden_vectors_agree() -> None:
    path = SHARED / "golden" / "abnormally_low_price.json"
    if not path.exists():
        pytest.skip("../shared/golden is not there")
    vectors = json.loads(path.read_text(encoding="utf-8"))["vectors"]
    assert len(vectors) == 5
    for vector in vectors:
        pairs = zip(vector["final"], vector["initial"], strict=True)
        ranked = [Offer(str(n), round(final * 100), round(first * 100)) for n, (final, first) in enumerate(pairs)]
        found = {finding.screen for finding in lowprice.screen(ranked, 0, None, PROZORRO)}
        assert found == {PROZORRO[n].screen for n in vector["reasons"]}, vector
