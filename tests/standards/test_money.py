"""Money is read strictly, written for people, and scaled exactly."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.money import PRICE_MAX, MoneyError, parse_yuan, plain, scale_half_up, upper, wan, yuan
from tests.support import SHARED

FEN = st.integers(1, PRICE_MAX)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0.01", 1),
        ("1", 100),
        ("1234.5", 123_450),
        ("1,234.50", 123_450),
        ("1,234,567", 123_456_700),
        ("123,456.78", 12_345_678),
        (" 99.90\n", 9_990),
        ("9000000000", PRICE_MAX),
        ("9,000,000,000.00", PRICE_MAX),
    ],
)
def test_an_amount_as_people_type_it_is_read_to_the_fen(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", MoneyError.EMPTY),
        ("   ", MoneyError.EMPTY),
        ("１２３", MoneyError.FULL_WIDTH),
        ("12．5", MoneyError.FULL_WIDTH),
        ("1，234", MoneyError.FULL_WIDTH),
        ("－5", MoneyError.FULL_WIDTH),
        ("NaN", MoneyError.NOT_A_NUMBER),
        ("-inf", MoneyError.NOT_A_NUMBER),
        ("Infinity", MoneyError.NOT_A_NUMBER),
        ("1e5", MoneyError.EXPONENT),
        ("1.5E-3", MoneyError.EXPONENT),
        ("abc", MoneyError.LETTERS),
        ("12a", MoneyError.LETTERS),
        ("0x10", MoneyError.LETTERS),
        ("一百", MoneyError.LETTERS),
        ("100元", MoneyError.LETTERS),
        ("١٢", MoneyError.LETTERS),
        ("²", MoneyError.LETTERS),
        ("-5", MoneyError.NEGATIVE),
        ("-0", MoneyError.NEGATIVE),
        ("−5", MoneyError.NEGATIVE),
        ("+5", MoneyError.MALFORMED),
        ("1_000", MoneyError.MALFORMED),
        ("1.2.3", MoneyError.MALFORMED),
        ("5.", MoneyError.MALFORMED),
        (".5", MoneyError.MALFORMED),
        ("007", MoneyError.MALFORMED),
        ("00.5", MoneyError.MALFORMED),
        ("1 000", MoneyError.MALFORMED),
        ("1\x00", MoneyError.MALFORMED),
        ("1,23", MoneyError.SEPARATORS),
        ("1234,567", MoneyError.SEPARATORS),
        ("0,123", MoneyError.SEPARATORS),
        ("1,,234", MoneyError.SEPARATORS),
        ("1,234,", MoneyError.SEPARATORS),
        ("1.234", MoneyError.DECIMALS),
        ("1.000", MoneyError.DECIMALS),
        ("9000000000.01", MoneyError.TOO_LARGE),
        ("9" * 16, MoneyError.TOO_LARGE),
        ("9" * 5_000, MoneyError.TOO_LARGE),
        ("0", MoneyError.ZERO),
        ("0.00", MoneyError.ZERO),
    ],
)
def test_what_is_no_price_is_refused_with_its_reason(text: str, why: MoneyError) -> None:
    assert parse_yuan(text) is why


@given(st.text(max_size=60))
def test_no_text_makes_it_raise_and_what_it_takes_is_in_range(text: str) -> None:
    found = parse_yuan(text)
    assert isinstance(found, MoneyError) or 1 <= found <= PRICE_MAX


@given(FEN)
def test_what_is_written_is_read_back(fen: int) -> None:
    assert parse_yuan(plain(fen)) == fen
    assert parse_yuan(yuan(fen).removeprefix("¥")) == fen


def test_amounts_are_written_for_people() -> None:
    assert yuan(123_456_700) == "¥1,234,567.00"
    assert yuan(-1) == "-¥0.01"
    assert wan(12_345_600) == "12.35万元"
    assert wan(900_000_000_000) == "900,000.00万元"


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (123_456_789, "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
        (1, "壹分"),
        (2_000_005, "贰万元零伍分"),
        (10_000, "壹佰元整"),
        (100_000_000_101, "壹拾亿零壹元零壹分"),
        (PRICE_MAX, "玖拾亿元整"),
        (0, "零元整"),
    ],
)
def test_amounts_are_written_in_bankers_characters(fen: int, words: str) -> None:
    assert upper(fen) == words


def test_an_amount_out_of_range_is_not_put_into_words() -> None:
    for fen in (-1, PRICE_MAX + 1):
        with pytest.raises(ValueError):
            upper(fen)


@given(st.integers(-PRICE_MAX, PRICE_MAX), st.integers(0, 10_000), st.integers(1, 10_000))
def test_scaling_is_exact_and_half_goes_up(value: int, num: int, den: int) -> None:
    whole, rest = divmod(abs(value) * num, den)
    size = whole + (1 if 2 * rest >= den else 0)
    assert scale_half_up(value, num, den) == (size if value >= 0 else -size)


def test_scaling_by_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        scale_half_up(1, 1, 0)


def test_the_weighted_price_of_the_golden_file() -> None:
    assert scale_half_up(47_500_000, 7, 9) == 36_944_444
    path = SHARED / "golden" / "min_step_and_meat.json"
    if not path.exists():
        pytest.skip("../shared/golden is not there")
    golden = json.loads(path.read_text(encoding="utf-8"))["meat"]
    num, den = (int(part) for part in golden["coef"].split("/"))
    fen = int(Decimal(golden["price"]) * 100)
    assert scale_half_up(fen, den, num) == int(Decimal(golden["weighted"]) * 100)
    half = Decimal("0.5").quantize(Decimal(1), ROUND_HALF_UP)
    assert scale_half_up(1, 1, 2) == int(half)


def test_a_decrement_is_exact_where_binary_fractions_are_not() -> None:
    own, step, bid = (parse_yuan(text) for text in ("100.1", "10.2", "89.9"))
    assert isinstance(own, int)
    assert isinstance(step, int)
    assert bid == own - step
