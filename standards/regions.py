"""行政区划: GB/T 2260 codes of six digits, and who lies inside whom.

A prefix stands for a place and all in it: ``33`` Zhejiang, ``3301`` Hangzhou, ``330106`` one district, "" everywhere.
The provinces and all of Zhejiang to county level are here; an administrator's file brings the rest of the country
(``learn``); other places pass by their code alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from standards.region_names import PROVINCES, ZHEJIANG

_CODE = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_PREFIX = re.compile(r"(?:[1-9][0-9](?:[0-9]{2}){0,2})?", re.ASCII)

BUILT_IN: dict[str, str] = {**PROVINCES, **ZHEJIANG}
NAMES: dict[str, str] = dict(BUILT_IN)
"""Every place known by name in this process."""


def learn(loaded: Mapping[str, str]) -> None:
    """Know the names an administrator has loaded, in place of those known from an earlier load; {} forgets them."""
    for code in NAMES.keys() - BUILT_IN.keys() - loaded.keys():
        del NAMES[code]
    NAMES.update({**BUILT_IN, **loaded})


class Region(Struct, frozen=True):
    """A place 行政区划. ``level`` is 1 province, 2 city, 3 county."""

    code: str
    name: str
    level: int
    parent: str


def is_code(code: str) -> bool:
    """Whether ``code`` has the form of a region: six ASCII digits, the first not zero."""
    return bool(_CODE.fullmatch(code))


def is_prefix(prefix: str) -> bool:
    """Whether ``prefix`` may stand in a grant or a parameter: empty, or two, four or six digits."""
    return bool(_PREFIX.fullmatch(prefix))


def prefix_of(code: str) -> str:
    """The prefix a place reaches: 330000 is ``33``, 330100 is ``3301``, 330106 itself."""
    if code.endswith("0000"):
        return code[:2]
    return code[:4] if code.endswith("00") else code


def within(code: str, prefix: str) -> bool:
    """Whether the place ``code`` is inside ``prefix``."""
    return code.startswith(prefix)


def level(code: str) -> int:
    """1 for a province, 2 for a city, 3 for a county."""
    return len(prefix_of(code)) // 2


def parent(code: str) -> str:
    """The place above: of 330106 it is 330100, of 330000 it is ""."""
    prefix = prefix_of(code)[:-2]
    return prefix.ljust(6, "0") if prefix else ""


def find(code: str) -> Region | None:
    """The place of that code, if its name is known here."""
    name = NAMES.get(code)
    return None if name is None else Region(code, name, level(code), parent(code))


def children(code: str) -> list[Region]:
    """The known places directly below ``code`` ("" gives the provinces), by code."""
    found = [find(other) for other in sorted(NAMES) if parent(other) == code]
    return [region for region in found if region is not None]


def full_name(code: str) -> str:
    """``浙江省杭州市西湖区``; of an unknown place what is known above it, then the code."""
    parts: list[str] = []
    at = code
    while at:
        if at in NAMES:
            parts.append(NAMES[at])
        at = parent(at)
    return "".join(reversed(parts)) + ("" if code in NAMES else code)
