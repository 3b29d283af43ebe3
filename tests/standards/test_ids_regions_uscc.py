"""Ids sort by time; places lie inside places; a doubtful credit code is a warning."""

from __future__ import annotations

import csv
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import regions, uscc
from standards.ids import moment_ms, ocid, uuid7
from standards.uscc import UsccIssue
from tests.support import SHARED

MOMENTS = st.integers(0, (1 << 48) - 1)
CHANCE = st.binary(min_size=10, max_size=10)


@given(MOMENTS, MOMENTS, CHANCE, CHANCE)
def test_ids_are_version_7_keep_their_moment_and_sort_by_it(one: int, two: int, here: bytes, there: bytes) -> None:
    first, second = uuid7(one, here), uuid7(two, there)
    assert first.version == 7
    assert first.variant == "specified in RFC 4122"
    assert moment_ms(first) == one
    assert one >= two or first < second


@given(MOMENTS, CHANCE)
def test_all_but_six_bits_of_chance_reach_the_id(now_ms: int, rand: bytes) -> None:
    chance = int.from_bytes(rand, "big") & (1 << 74) - 1
    ident = uuid7(now_ms, rand)
    assert (ident.int >> 64 & 0xFFF) << 62 | ident.int & (1 << 62) - 1 == chance


def test_moments_and_chance_of_another_size_are_refused() -> None:
    for now_ms, rand in ((-1, bytes(10)), (1 << 48, bytes(10)), (0, bytes(9))):
        with pytest.raises(ValueError):
            uuid7(now_ms, rand)
    with pytest.raises(ValueError):
        moment_ms(UUID(int=0))


def test_an_ocid_bears_the_prefix_and_the_id() -> None:
    assert ocid(uuid7(0, bytes(10)), "ocds-abcdef") == "ocds-abcdef-00000000000070008000000000000000"


def test_a_district_lies_in_its_city_its_province_and_everywhere() -> None:
    assert [regions.within("330106", prefix) for prefix in ("330106", "3301", "33", "", "3302", "32")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip
    assert [regions.prefix_of(code) for code in ("330000", "330100", "330106")] == ["33", "3301", "330106"]
    assert [regions.parent(code) for code in ("330106", "330100", "330000")] == ["330100", "330000", ""]
    assert regions.full_name("330106") == "浙江省杭州市西湖区"
    assert regions.full_name("440305") == "广东省440305"
    assert regions.find("331002") == regions.Region("331002", "椒江区", 3, "331000")
    assert regions.find("999999") is None
    assert [region.code for region in regions.children("330000")][:2] == ["330100", "330200"]
    assert len(regions.children("")) == 34


@pytest.mark.parametrize(("code", "good"), [("330106", True), ("033010", False), ("33010", False), ("３３0106", False)])
def test_a_code_has_six_plain_digits(code: str, good: bool) -> None:
    assert regions.is_code(code) is good


@pytest.mark.parametrize(("prefix", "good"), [("", True), ("33", True), ("3301", True), ("330", False), ("x", False)])
def test_a_prefix_has_two_four_or_six_digits(prefix: str, good: bool) -> None:
    assert regions.is_prefix(prefix) is good


def test_our_names_are_those_of_the_public_table() -> None:
    path = SHARED / "data" / "regions" / "china_divisions_gbt2260.csv"
    if not path.exists():
        pytest.skip("../shared/data is not there")
    with path.open(encoding="utf-8") as file:
        known = {row["code"]: (row["name"], row["parent"]) for row in csv.DictReader(file)}
    ours = {code: name for code, name in regions.NAMES.items() if code[:2] not in ("71", "81", "82")}
    assert {code: (name, regions.parent(code)) for code, name in ours.items()} == {code: known[code] for code in ours}
    assert {code for code in known if code.startswith("33")} == {code for code in ours if code.startswith("33")}


@pytest.mark.parametrize("code", ["91110000101623741K", "911101066976941872", "91350100M000100Y43"])
def test_a_sound_credit_code_passes(code: str) -> None:
    assert uscc.check(code) == uscc.UsccCheck(code, None, code[17])
    assert uscc.check(f" {code[:8].lower()}-{code[8:].lower()} ").issue is None


def test_an_issued_code_with_a_wrong_check_character_is_a_warning_not_a_refusal() -> None:
    found = uscc.check("91350211M0000XUF46")
    assert (found.issue, found.expected) == (UsccIssue.CHECK_CHARACTER, "R")
    assert found.acceptable
    assert found.needs_proof


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("", UsccIssue.LENGTH),
        ("91110000101623741", UsccIssue.LENGTH),
        ("9111000060003IOZSV", UsccIssue.CHARACTERS),
        ("９1110000101623741K", UsccIssue.CHARACTERS),
        ("9111A000101623741K", UsccIssue.REGION),
    ],
)
def test_what_is_no_code_at_all_is_not_acceptable(text: str, issue: UsccIssue) -> None:
    assert uscc.check(text).issue is issue
    assert not uscc.check(text).acceptable


@given(st.text(uscc.ALPHABET, min_size=17, max_size=17))
def test_the_check_character_follows_the_standard_even_when_the_sum_is_a_multiple_of_31(body: str) -> None:
    weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    total = sum(uscc.ALPHABET.index(char) * weight for char, weight in zip(body, weights, strict=True))
    assert uscc.check_character(body) == uscc.ALPHABET[(31 - total % 31) % 31]


def test_a_body_whose_sum_is_a_multiple_of_31_gets_a_zero() -> None:
    assert uscc.check_character("0" * 17) == "0"


def test_the_public_cases_agree() -> None:
    path = SHARED / "data" / "uscc" / "uscc_cases.csv"
    if not path.exists():
        pytest.skip("../shared/data is not there")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 115
    for row in rows:
        assert (uscc.check(row["uscc"]).issue is None) is (row["valid"] == "1"), row
