"""What was typed or stands in a line of a file, read as a product or refused. Pure: no I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from registries.products.model import Fault, Kind, Listing, attributes_of
from registries.products.words import folded
from standards.categories import in_scope, is_code
from standards.money import MoneyError, parse_yuan

FIELDS = ("kind", "sku", "category", "brand", "model", "name", "price")
ATTRIBUTES_MAX, ATTRIBUTE_MAX = 40, 200
_SKU = re.compile(r"[\w.\-/:#+]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_BLANKS = re.compile(r"\s+")


class Wrong(NamedTuple):
    """Why a line is refused, and the words it is about."""

    fault: Fault
    about: str


def read(fields: Mapping[str, str], scopes: Sequence[str]) -> Listing | Wrong:
    """Read a product of a firm registered for ``scopes``; the first fault in the order of ``Fault`` if it is none."""
    given = {name: cleaned(str(value or "")) for name, value in fields.items()}
    f = {name: given.get(name, "") for name in FIELDS}
    category, price = f["category"].upper(), parse_yuan(f["price"])
    attributes = {name: value for name, value in given.items() if name not in FIELDS and value}
    checks = (
        (Fault.KIND, f["kind"], f["kind"] not in tuple(Kind)),
        (Fault.SKU, f["sku"], not _SKU.fullmatch(f["sku"])),
        (Fault.CATEGORY, category, not is_code(category)),
        (Fault.SCOPE, category, not in_scope(scopes, category)),
        (Fault.BRAND, f["brand"], not _sound(f["brand"], 1, 100)),
        (Fault.MODEL, f["model"], not _sound(f["model"], 0, 100)),
        (Fault.NAME, f["name"], not _sound(f["name"], 2, 300)),
        (Fault.PRICE, f["price"], isinstance(price, MoneyError)),
        (Fault.ATTRIBUTE, wrong := _wrong_attribute(category, attributes), bool(wrong)),
    )
    for fault, about, wrong_ in checks:
        if wrong_:
            return Wrong(fault, about[:100])
    assert isinstance(price, int)
    return Listing(
        kind=Kind(f["kind"]), sku=f["sku"], category=category, brand=f["brand"], model=f["model"], name=f["name"],
        price_fen=price, attributes=attributes,
    )  # fmt: skip


def cleaned(text: str) -> str:
    """The text without signs that nobody sees, its blanks one each."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return _BLANKS.sub(" ", seen).strip()


def _sound(text: str, least: int, most: int) -> bool:
    return least <= len(text) <= most and (text.isprintable() or not text) and bool(folded(text) or not least)


def _wrong_attribute(category: str, attributes: Mapping[str, str]) -> str:
    """The first attribute that is too long or no number where one is wanted; "" if all are right."""
    known = attributes_of(category)
    if len(attributes) > ATTRIBUTES_MAX:
        return str(len(attributes))
    for name, value in attributes.items():
        measured = name in known and known[name].measured
        if max(len(name), len(value)) > ATTRIBUTE_MAX or (measured and not _NUMBER.fullmatch(value)):
            return f"{name}={value}"
    return ""
