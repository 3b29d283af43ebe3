"""同款识别与价格监测: which pairs are one product, and when a price is told of."""

from __future__ import annotations

import pytest

from registries.products.comparing import compare, measured
from registries.products.matching import SURE, Offered, rarity_of, score
from registries.products.model import attributes_of
from registries.products.pricing import Against, Watched, deviations, line_of, middle

CATALOGUE = [
    Offered("联想 ThinkPad T14 Gen5 笔记本电脑 i5 16G 512G", "联想", "21ML001", 6999),
    Offered("联想 ThinkPad T16 Gen3 笔记本电脑 i7 32G 1T", "联想", "21MN002", 9999),
    Offered("惠普 LaserJet M208dw 黑白激光打印机", "惠普", "M208DW", 1499),
    Offered("得力 A4 复印纸 70g 500张", "得力", "7756", 22),
    Offered("华硕 灵耀14 笔记本电脑 Ultra5 16G", "华硕", "UX3405", 5999),
]
RARITY = rarity_of(each.words for each in CATALOGUE)


def test_one_product_in_other_words_is_suggested_and_its_sister_is_not() -> None:
    same = Offered("ThinkPad T14 第五代 商务本 (21ML-001) 酷睿i5/16G/512G", "Lenovo 联想", "", 6799)
    assert score(same, CATALOGUE[0], RARITY) >= SURE
    assert score(same, CATALOGUE[1], RARITY) < SURE
    assert max(CATALOGUE, key=lambda each: score(same, each, RARITY)) is CATALOGUE[0]


def test_a_score_does_not_depend_on_which_of_the_two_comes_first_by_much() -> None:
    for one in CATALOGUE:
        for other in CATALOGUE:
            there, back = score(one, other, RARITY), score(other, one, RARITY)
            assert (there >= SURE) == (back >= SURE)
            assert (there >= SURE) == (one is other)


@pytest.mark.parametrize(
    ("price", "reference", "before", "peers", "told"),
    [
        (11_000, 10_000, None, (), {}),
        (11_001, 10_000, None, (), {Against.REFERENCE: 1_001}),
        (1_000, 10_000, None, (), {}),  # far below the reference alone is a good price
        (12_000, None, 10_000, (), {}),
        (12_010, None, 10_000, (), {Against.HISTORY: 2_010}),
        (7_990, None, 10_000, (), {Against.HISTORY: -2_010}),
        (20_000, None, None, (10_000,), {}),  # one other seller is no market
        (7_000, None, None, (10_000, 10_000), {Against.PEERS: -3_000}),
        (13_000, 10_000, 10_000, (10_000, 10_000, 9_000), dict.fromkeys(Against, 3_000)),
        (10_000, None, None, (), {}),
    ],
)
def test_a_price_is_told_of_when_it_lies_too_far(
    price: int, reference: int | None, before: int | None, peers: tuple[int, ...], told: dict[Against, int]
) -> None:
    found = deviations(Watched(price, reference, before, peers))
    assert {each.against: each.by_bp for each in found} == told


def test_the_middle_of_an_even_number_is_the_lower_one() -> None:
    assert (middle([3]), middle([4, 1]), middle([5, 1, 3])) == (3, 1, 3)


def test_a_line_of_prices_steps_from_the_first_to_the_last() -> None:
    assert line_of([(0, 5)]) == ""
    assert line_of([(10, 200), (0, 100)]) == "0,120 600,120 600,0"
    assert line_of([(0, 5), (10, 5)]).startswith("0,120")


def test_products_are_compared_by_what_can_be_measured_of_two_or_more() -> None:
    known = attributes_of("A02010108")
    values = [{"ram_gb": "16", "weight_kg": "1.2"}, {"ram_gb": "8", "weight_kg": "2.2", "mark": "9000"}, {"cpu": "i5"}]
    assert measured(known, values) == ["ram_gb", "weight_kg"]
    found = compare(known, values, [600_000, 400_000, 500_000])
    assert [(each.score, each.x, each.y) for each in found] == [(100, 600, 0), (0, 0, 240), (None, 300, 240)]
    assert compare(known, [], []) == []
