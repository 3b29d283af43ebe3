"""The nouns of the product registry: what is filed, its stage, its distinctions, what is wrong with a line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from standards.categories import covers


class Kind(StrEnum):
    """What a product is: published by the owner of its brand, or offered by a seller."""

    STANDARD = "standard"  # 品牌标准商品
    GOOD = "good"  # 普通商品


class Stage(StrEnum):
    """Where a product stands. A standard product is reviewed before it is listed."""

    WAITING = "waiting"
    LISTED = "listed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Flag(StrEnum):
    """A distinction 标识 with evidence: shown first in lists, never a condition or a score (条例 §20)."""

    ZHEJIANG = "zhejiang"  # 浙江制造精品
    ENERGY = "energy"  # 节能产品
    GREEN = "green"  # 环境标志产品


class Fault(StrEnum):
    """What is wrong with what was filed, in order of precedence. Sentences: ``product.fault.<value>``."""

    WIDTH = "width"
    KIND = "kind"
    SKU = "sku"
    CATEGORY = "category"
    SCOPE = "scope"
    BRAND = "brand"
    MODEL = "model"
    NAME = "name"
    PRICE = "price"
    ATTRIBUTE = "attribute"
    TWICE = "twice"  # 重复上架
    TWICE_LISTED = "twice_listed"


class Listing(Struct, frozen=True, kw_only=True):
    """What a firm files of one product. ``price_fen`` of a standard product is its market reference 市场参考价."""

    kind: Kind
    sku: str
    category: str
    brand: str
    model: str
    name: str
    price_fen: int
    attributes: dict[str, str] = {}


class Attribute(Struct, frozen=True):
    """An attribute 商品属性 of a category; ``better``: "high", "low" or "" where it is no question of quality."""

    zh: str
    en: str
    unit: str | None = None  # None: a text
    better: str = ""

    @property
    def measured(self) -> bool:
        """Whether its value is a number."""
        return self.unit is not None


@lru_cache(maxsize=1)
def _book() -> Mapping[str, dict[str, Attribute]]:
    text = Path(__file__).with_name("attributes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, dict[str, Attribute]])


def attributes_of(category: str) -> dict[str, Attribute]:
    """The attributes of a category, those of the categories above it first."""
    found = sorted((scope, of) for scope, of in _book().items() if covers(scope, category))
    return {name: each for _, of in found for name, each in of.items()}
