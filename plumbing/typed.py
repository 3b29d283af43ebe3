"""What people type into forms 表单: read strictly, refused in words, never guessed. Pure: no I/O, the time is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from msgspec import Struct

from plumbing.texts import SHANGHAI
from standards.money import MoneyError, parse_yuan

E = TypeVar("E", bound=StrEnum)
_QUANTITY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_MOMENT = re.compile(r"(20[0-9]{2})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(:00)?", re.ASCII)


class Fault(Struct, frozen=True):
    """Something typed that is not right: the field, the sentence with its parameters, the field's name for people.

    ``line``, ``lot``: of which line, of which lot's own rules; 0 where that is no question.
    """

    field: str
    key: str
    label: str
    params: dict[str, Any] = {}
    line: int = 0
    lot: int = 0


def line_of(name: str) -> tuple[str, int]:
    """``line-3-quantity`` is field ``line_quantity`` of line 3, ``ceiling-2`` is ``ceiling``; others are themselves."""
    first, _, rest = name.partition("-")
    number, _, last = rest.partition("-")
    if not number.isdigit():
        return name, 0
    return (f"{first}_{last}", int(number)) if last else (first, 0)


class Typed:
    """The fields of a form and what is wrong with them. Each reader gives None when it has noted a fault.

    ``labels``: the catalogue's section with the fields' names for people (``<labels>.<field>``). ``lot``: the fields
    are those of this lot's own rules, ``own-<lot>-<field>``.
    """

    def __init__(self, fields: Mapping[str, str], labels: str = "wizard.label", lot: int = 0) -> None:
        self.fields, self.labels, self.lot = fields, labels, lot
        self.prefix = f"own-{lot}-" if lot else ""
        self.faults: list[Fault] = []

    def raw(self, name: str) -> str:
        """As typed, blanks cut off; empty when it was not sent."""
        return str(self.fields.get(self.prefix + name, "")).strip()

    def wrong(self, name: str, key: str, **params: Any) -> None:
        """Note a fault of a field: the sentence ``key``."""
        plain, line = line_of(name)
        self.faults.append(Fault(self.prefix + name, key, f"{self.labels}.{plain}", params, line, self.lot))

    def ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.raw(name) not in ("", "0")

    def text(self, name: str, most: int, *, need: bool = True) -> str:
        """A text of at most ``most`` characters."""
        found = self.raw(name)
        if not found and need:
            self.wrong(name, "typed.missing")
        if len(found) > most:
            self.wrong(name, "typed.too_long", most=most)
        return found[:most]

    def money(self, name: str, *, need: bool = True) -> int | None:
        """An amount of yuan, in fen."""
        found = self.raw(name)
        if not found and not need:
            return None
        value = parse_yuan(found)
        if isinstance(value, MoneyError):
            self.wrong(name, f"money.{value.value}")
            return None
        return value

    def percent(self, name: str, most_bp: int = 10_000) -> int | None:
        """A percentage above zero with at most two decimals, in basis points."""
        found = self.raw(name).removesuffix("%").strip()
        value = parse_yuan(found)
        if isinstance(value, MoneyError):
            key = f"money.{value.value}" if value in (MoneyError.FULL_WIDTH, MoneyError.EXPONENT) else "typed.percent"
            self.wrong(name, "typed.missing" if value is MoneyError.EMPTY else key)
            return None
        if value > most_bp:
            self.wrong(name, "typed.percent_most", most=f"{most_bp / 100:g}")
            return None
        return value

    def whole(self, name: str, least: int, most: int, *, need: bool = True) -> int | None:
        """A whole number from ``least`` to ``most``."""
        found = self.raw(name)
        if not found and not need:
            return None
        if not _WHOLE.fullmatch(found) or not least <= int(found) <= most:
            self.wrong(name, "typed.whole" if found else "typed.missing_number", least=least, most=most)
            return None
        return int(found)

    def quantity(self, name: str) -> Decimal | None:
        """A quantity above 0 with at most three decimals."""
        found = self.raw(name)
        if not _QUANTITY.fullmatch(found) or Decimal(found) <= 0:
            self.wrong(name, "typed.quantity" if found else "typed.missing")
            return None
        return Decimal(found)

    def moment(self, name: str, *, need: bool = True) -> int | None:
        """A ``datetime-local`` of Shanghai, in epoch ms."""
        found = self.raw(name)
        if not found and not need:
            return None
        matched = _MOMENT.fullmatch(found)
        try:
            numbers = [int(part) for part in matched.groups()[:5]] if matched else []
            there = datetime(*numbers, tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]
        except (TypeError, ValueError):
            self.wrong(name, "typed.moment" if found else "typed.missing")
            return None
        return int(there.timestamp() * 1000)

    def choice(self, name: str, among: type[E], default: E) -> E:
        """One of the words of an enum; the default when nothing was sent."""
        found = self.raw(name)
        if not found:
            return default
        try:
            return among(found)
        except ValueError:
            self.wrong(name, "typed.choice")
            return default


def moment_text(ms: int) -> str:
    """Epoch ms as a ``datetime-local`` of Shanghai."""
    return f"{datetime.fromtimestamp(ms / 1000, SHANGHAI):%Y-%m-%dT%H:%M}"
