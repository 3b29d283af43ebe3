"""品目: codes of the 《政府采购品目分类目录》 (财库〔2022〕31号): a letter and four pairs of digits.

``SEED`` holds the few the product begins with; the full catalogue is loaded by an administrator. A scope covers what
lies below it: A02010000 covers A02010105. Which of them a place lists for central purchasing 集中采购目录 and buys in
batches 批量集中采购 is local and yearly, and stands in ``CategoryRule`` rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from msgspec import Struct

from standards import regions

_CODE = re.compile(r"[ABC](?:[0-9]{8})?", re.ASCII)


class ObjectKind(StrEnum):
    """What is bought 采购对象 (政府采购法 §2)."""

    GOODS = "goods"
    WORKS = "works"
    SERVICES = "services"


_KINDS = {"A": ObjectKind.GOODS, "B": ObjectKind.WORKS, "C": ObjectKind.SERVICES}


class Category(Struct, frozen=True):
    """A line of the catalogue 品目."""

    code: str
    name: str

    @property
    def kind(self) -> ObjectKind:
        """Goods, works or services, by its letter."""
        return _KINDS[self.code[0]]


class CategoryRule(Struct, frozen=True):
    """How a place treats ``code`` and all below it, from ``valid_from`` until before ``valid_to``.

    ``catalogued``: in the catalogue of central purchasing 集采目录; ``batch``: must be bought in batches (条例 §24).
    """

    region: str
    code: str
    catalogued: bool
    batch: bool
    valid_from: date
    valid_to: date | None
    source: str

    def holds(self, region: str, on: date) -> bool:
        """Whether it applies in that place on that day."""
        in_time = self.valid_from <= on and (self.valid_to is None or on < self.valid_to)
        return in_time and regions.within(region, self.region)


class Standing(Struct, frozen=True):
    """How a category stands in a place: in the central catalogue, to be batched."""

    catalogued: bool = False
    batch: bool = False
    source: str = ""


def is_code(code: str) -> bool:
    """Whether ``code`` has the form of a category: a letter A, B or C alone, or with eight digits."""
    return bool(_CODE.fullmatch(code))


def stem(code: str) -> str:
    """The code without the pairs of zeros that end it: A02010000 is ``A0201``."""
    while len(code) > 1 and code.endswith("00"):
        code = code[:-2]
    return code


def covers(scope: str, code: str) -> bool:
    """Whether ``code`` is ``scope`` or lies below it."""
    return code.startswith(stem(scope))


def in_scope(scopes: Iterable[str], code: str) -> bool:
    """Whether one of ``scopes`` covers ``code``."""
    return any(covers(scope, code) for scope in scopes)


def parent(code: str) -> str:
    """The category above; of a letter alone "". A02010105 -> A02010100 -> A02010000 -> A02000000 -> A."""
    short = stem(code)[:-2]
    return short if len(short) == 1 else short.ljust(9, "0") if short else ""


def kind_of(code: str) -> ObjectKind:
    """Goods, works or services; ``ValueError`` for what is no code."""
    if not is_code(code):
        raise ValueError(f"{code!r} is no category")
    return _KINDS[code[0]]


def find(code: str) -> Category | None:
    """The category of the seed with that code."""
    return _BY_CODE.get(code)


def standing(rules: Iterable[CategoryRule], code: str, region: str, on: date) -> Standing:
    """How ``code`` stands in a place on a day: of the rules that apply nearest place, then nearest code, wins."""
    holding = [rule for rule in rules if covers(rule.code, code) and rule.holds(region, on)]
    if not holding:
        return Standing()
    rule = max(holding, key=lambda each: (len(each.region), len(stem(each.code)), each.valid_from))
    return Standing(rule.catalogued, rule.batch, rule.source)


SEED: tuple[Category, ...] = tuple(
    Category(code, name)
    for code, name in (
        ("A", "货物"),
        ("A02000000", "设备"),
        ("A02010104", "服务器"),
        ("A02010105", "台式计算机"),
        ("A02010108", "便携式计算机"),
        ("A02010109", "平板式计算机"),
        ("A02010201", "路由器"),
        ("A02010202", "交换设备"),
        ("A02020100", "复印机"),
        ("A02020200", "投影仪"),
        ("A02020400", "多功能一体机"),
        ("A02021000", "打印机"),
        ("A02021003", "A4黑白打印机"),
        ("A02021004", "A4彩色打印机"),
        ("A02021104", "液晶显示器"),
        ("A02021118", "扫描仪"),
        ("A02021301", "碎纸机"),
        ("A02030500", "乘用车"),
        ("A02051227", "电梯"),
        ("A02052305", "空调机组"),
        ("A02061804", "空调机"),
        ("A02080800", "视频会议系统设备"),
        ("A02091001", "普通电视设备（电视机）"),
        ("A02320500", "医用超声波仪器及设备"),
        ("A05000000", "家具和用具"),
        ("A05010201", "办公桌"),
        ("A05010301", "办公椅"),
        ("A05040101", "复印纸"),
        ("A05040201", "鼓粉盒"),
        ("B", "工程"),
        ("B08000000", "修缮工程"),
        ("B08010000", "房屋修缮"),
        ("C", "服务"),
        ("C05040300", "保安服务"),
        ("C16040000", "云计算服务"),
        ("C21040000", "物业管理服务"),
        ("C23090100", "印刷服务"),
        ("C23120301", "车辆维修和保养服务"),
        ("C23120302", "车辆加油、添加燃料服务"),
    )
)
_BY_CODE = {category.code: category for category in SEED}

_GUIDE = "财库〔2019〕69号 地方目录指引，暂作默认；以当地公布的目录为准"
_LISTED = (
    "A02010104", "A02020100", "A02020200", "A02020400", "A02021000", "A02021104", "A02021118", "A02021301", "A02030500",
    "A02051227", "A02061804", "A05010000", "A05040101", "C16040000", "C21040000", "C23090100", "C23120301", "C23120302",
)  # fmt: skip
_BATCHED = ("A02010105", "A02010108")
SEED_RULES: tuple[CategoryRule, ...] = tuple(
    CategoryRule("", code, True, code in _BATCHED, date(2020, 1, 1), None, _GUIDE)
    for code in sorted((*_LISTED, *_BATCHED))
)
"""The default standing of the seed's categories, until a place's own catalogue is loaded."""
