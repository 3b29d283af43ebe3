"""金额: money as integers of fen 分, how it is read from people and how it is written for them.

No binary fractions anywhere: 100.1 - 10.2 must be 89.9.
"""

from __future__ import annotations

import re
from enum import StrEnum

PRICE_MAX = 900_000_000_000
"""The largest price in fen (9 thousand million yuan): times 10,000 basis points it stays exact below 2^53."""
TEXT_LENGTH_MAX = 40


class MoneyError(StrEnum):
    """Why a text is no price, in order of precedence. Sentences: ``money.<value>``."""

    EMPTY = "empty"
    FULL_WIDTH = "full_width"
    NOT_A_NUMBER = "not_a_number"
    EXPONENT = "exponent"
    LETTERS = "letters"
    NEGATIVE = "negative"
    MALFORMED = "malformed"
    SEPARATORS = "separators"
    DECIMALS = "decimals"
    TOO_LARGE = "too_large"
    ZERO = "zero"


_BLANKS = " \t\r\n"
_FULL_WIDTH = re.compile("[\uff01-\uff5e\u3000\u3002]")
_NAN = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_EXPONENT = re.compile(r"[+-]?[0-9.,]+[eE][+-]?[0-9]+", re.ASCII)
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_SHAPE = re.compile(r"([0-9][0-9,]*)(?:\.([0-9]+))?", re.ASCII)


def parse_yuan(text: str) -> int | MoneyError:
    """Read an amount of yuan 元 as people type it and give fen, 1 to ``PRICE_MAX``; or say why not. Never raises.

    Taken: ``1234.5``, ``1,234.50``, with blanks around. Refused: letters and words, full-width digits, signs, zero,
    NaN, ``1e5``, a third decimal, wrong thousands separators, leading zeros, a missing digit beside the point.
    """
    text = text.strip(_BLANKS)
    if not text:
        return MoneyError.EMPTY
    unreadable = _unreadable(text)
    if unreadable is not None:
        return unreadable
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return MoneyError.MALFORMED
    whole, decimals = shape[1], shape[2] or ""
    if "," in whole and not _GROUPED.fullmatch(whole):
        return MoneyError.SEPARATORS
    digits = whole.replace(",", "")
    if not _WHOLE.fullmatch(digits):
        return MoneyError.MALFORMED
    if len(decimals) > 2:
        return MoneyError.DECIMALS
    if len(digits) > 15:
        return MoneyError.TOO_LARGE
    fen = int(digits) * 100 + int((decimals + "00")[:2])
    if fen == 0:
        return MoneyError.ZERO
    return fen if fen <= PRICE_MAX else MoneyError.TOO_LARGE


def _unreadable(text: str) -> MoneyError | None:
    if _FULL_WIDTH.search(text):
        return MoneyError.FULL_WIDTH
    if _NAN.fullmatch(text):
        return MoneyError.NOT_A_NUMBER
    if _EXPONENT.fullmatch(text):
        return MoneyError.EXPONENT
    if any(char.isalpha() or (char.isdigit() and not char.isascii()) for char in text):
        return MoneyError.LETTERS
    if text[0] in "-\u2212":
        return MoneyError.NEGATIVE
    if len(text) > TEXT_LENGTH_MAX:
        return MoneyError.TOO_LARGE if text.isascii() and text.replace(",", "").isdigit() else MoneyError.MALFORMED
    return None


def yuan(fen: int) -> str:
    """Write fen as people read it: ``¥1,234,567.00``, ``-¥0.01``."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}¥{fen // 100:,}.{fen % 100:02d}"


def plain(fen: int) -> str:
    """Write fen for a form field that ``parse_yuan`` reads back: ``1234567.00``. ``fen`` is not negative."""
    return f"{fen // 100}.{fen % 100:02d}"


def wan(fen: int) -> str:
    """Write fen in ten thousands of yuan 万元, two decimals, half up: 12345600 is ``12.35万元``."""
    hundredths = scale_half_up(fen, 1, 10_000)
    sign, hundredths = ("-", -hundredths) if hundredths < 0 else ("", hundredths)
    return f"{sign}{hundredths // 100:,}.{hundredths % 100:02d}万元"


def upper(fen: int) -> str:
    """Write fen in banker's characters 大写金额: 123456789 is 壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分.

    ``fen`` is 0 to ``PRICE_MAX``; ``ValueError`` otherwise.
    """
    if not 0 <= fen <= PRICE_MAX:
        raise ValueError("fen is out of range")
    import cn2an  # a tenth of a second, and few processes ever write a sum in words

    return "零元整" if fen == 0 else str(cn2an.an2cn(plain(fen), "rmb"))


def scale_half_up(value: int, num: int, den: int) -> int:
    """``value * num / den`` exactly, rounded half away from zero. ``den`` is positive."""
    if den <= 0:
        raise ValueError("den must be positive")
    product = value * num
    size = (2 * abs(product) + den) // (2 * den)
    return size if product >= 0 else -size
