"""Categories cover what lies below them; a deal adds up."""

from __future__ import annotations

import csv
from datetime import date
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import categories
from standards.categories import CategoryRule, ObjectKind, Standing
from standards.deal import Deal, DealFault, DealLine, Source, fault_of, line_total
from tests.support import SHARED

ON = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("scope", "code", "covered"),
    [
        ("A02010000", "A02010105", True),
        ("A02010105", "A02010105", True),
        ("A", "A02010105", True),
        ("A02021000", "A02021003", True),
        ("A02021000", "A02021104", False),
        ("A02010105", "A02010000", False),
        ("C", "A02010105", False),
        ("A10000000", "A01000000", False),
    ],
)
def test_a_scope_covers_itself_and_all_below_it(scope: str, code: str, covered: bool) -> None:
    assert categories.covers(scope, code) is covered
    assert categories.in_scope(["B", scope], code) is covered


def test_the_letter_tells_goods_works_and_services() -> None:
    assert [categories.kind_of(code) for code in ("A02010105", "B", "C21040000")] == [
        ObjectKind.GOODS, ObjectKind.WORKS, ObjectKind.SERVICES,
    ]  # fmt: skip
    for bad in ("", "D", "A0201", "a02010105", "A0201010５"):
        with pytest.raises(ValueError):
            categories.kind_of(bad)


def test_a_category_has_its_parents() -> None:
    chain = ["A02010105"]
    while chain[-1]:
        chain.append(categories.parent(chain[-1]))
    assert chain == ["A02010105", "A02010100", "A02010000", "A02000000", "A", ""]


def test_the_nearest_place_then_the_nearest_code_tells_how_a_category_stands() -> None:
    start = date(2026, 1, 1)

    def rule(region: str, code: str, catalogued: bool, batch: bool) -> CategoryRule:
        return CategoryRule(region, code, catalogued, batch, start, None, region + code)

    rules = [rule("", "A02010105", True, True), rule("33", "A02010000", True, False), rule("33", "A02", False, False)]
    assert categories.standing(rules, "A02010105", "330106", ON) == Standing(True, False, "33A02010000")
    assert categories.standing(rules, "A02010105", "320100", ON).batch
    assert categories.standing(rules, "C21040000", "330106", ON) == Standing()
    assert categories.standing(rules, "A02010105", "330106", date(2025, 12, 31)) == Standing()


def test_the_seed_agrees_with_the_public_catalogue() -> None:
    path = SHARED / "data" / "catalogue" / "procurement_catalogue_2022.csv"
    if not path.exists():
        pytest.skip("../shared/data is not there")
    with path.open(encoding="utf-8") as file:
        known = {row["code"]: (row["name"], row["parent"]) for row in csv.DictReader(file)}
    for category in categories.SEED:
        assert known[category.code] == (category.name, categories.parent(category.code)), category
    assert all(rule.code in known for rule in categories.SEED_RULES)


def a_deal(**changes: object) -> Deal:
    lines = (
        DealLine(1, "台式计算机", "台", "20", 450_000, 9_000_000),
        DealLine(2, "网线", "米", "12.5", 333, 4_163),
    )
    fields = {
        "deal_id": UUID(int=1), "source": Source.AUCTION, "case_id": UUID(int=2), "lot_id": UUID(int=3),
        "number": "JJ330000-2026-0001", "ocid": "ocds-000000-1", "title": "计算机", "region": "330000",
        "buyer_org": UUID(int=4), "buyer_name": "学校", "supplier_org": UUID(int=5), "supplier_name": "公司",
        "supplier_uscc": "91110000101623741K", "legal_basis": "mall_local", "category": "A02010105",
        "amount_fen": 7_653_539, "contract_fen": 9_004_163, "awarded_at_ms": 1, "rule_set_sha256": "", "lines": lines,
    }  # fmt: skip
    return Deal(**(fields | changes))  # type: ignore[arg-type]


def test_a_deal_adds_up_to_the_fen_and_travels_as_json() -> None:
    deal = a_deal()
    assert fault_of(deal) is None
    assert msgspec.json.decode(msgspec.json.encode(deal), type=Deal) == deal
    assert fault_of(a_deal(lines=())) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"contract_fen": 0}, DealFault.AMOUNT),
        ({"amount_fen": 900_000_000_001}, DealFault.AMOUNT),
        ({"supplier_org": UUID(int=4)}, DealFault.BUYER_SELLS),
        ({"contract_fen": 9_004_162}, DealFault.LINES),
        ({"lines": (DealLine(1, "a", "台", "2", 50, 99),), "contract_fen": 99}, DealFault.LINE_TOTAL),
    ],
)
def test_a_deal_that_does_not_add_up_is_none(changes: dict[str, object], fault: DealFault) -> None:
    assert fault_of(a_deal(**changes)) is fault


@given(st.integers(1, 10**9), st.decimals(0, 10**6, places=3))
def test_a_line_is_unit_price_times_quantity_half_up(price: int, quantity: object) -> None:
    exact = int(str(quantity).replace(".", "")) * price
    assert line_total(price, str(quantity)) == (exact * 2 + 1000) // 2000


@pytest.mark.parametrize("quantity", ["", "-1", "1e3", "1.", "１", "1,000", ".5", "x"])
def test_a_quantity_is_a_plain_decimal(quantity: str) -> None:
    with pytest.raises(ValueError):
        line_total(7, quantity)
