"""供应商查询: what a list of suppliers is asked for, by page, address and API, and what is found."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from msgspec import Meta, Struct
from starlette.datastructures import QueryParams

from accounts import names
from plumbing.lists import PAGE_SIZE, PAGES_MAX, plain
from plumbing.postgres import Connection, Pool, Record
from registries.suppliers.model import SizeClass, Standing
from registries.suppliers.records import SQL
from standards import regions
from standards.categories import is_code

PATH = "/suppliers"
STANDINGS = tuple(each.value for each in Standing)
SIZES = tuple(each.value for each in SizeClass)


class Sought(Struct, frozen=True):
    """What is looked for; empty: not asked. ``region`` is a place with all in it, ``at`` a page from 1."""

    words: Annotated[str, Meta(max_length=100)] = ""
    region: Annotated[str, Meta(pattern=r"^([1-9][0-9]{5})?$")] = ""
    standing: Annotated[str, Meta(pattern=f"^({'|'.join(STANDINGS)})?$")] = ""
    category: Annotated[str, Meta(pattern=r"^([ABC]([0-9]{8})?)?$")] = ""
    size: Annotated[str, Meta(pattern=f"^({'|'.join(SIZES)})?$")] = ""
    at: Annotated[int, Meta(ge=1, le=PAGES_MAX)] = 1

    @property
    def asked(self) -> bool:
        """Whether anything but a page is asked for."""
        return bool(self.words or self.region or self.standing or self.category or self.size)

    def link(self, path: str = PATH, **changed: Any) -> str:
        """The address of the same list, changed; a changed search begins at its first page."""
        given = {name: getattr(self, name) for name in ("words", "region", "standing", "category", "size")} | changed
        kept = {name: value for name, value in given.items() if value and (name, value) != ("at", 1)}
        return path + ("?" + urlencode(kept) if kept else "")


def sought(query: QueryParams) -> Sought:
    """What the address of a page asks for; what makes no sense is left out."""

    def one(name: str, fits: bool) -> str:
        return query.get(name, "") if fits else ""

    at, region, category = query.get("at", "1"), query.get("region", ""), query.get("category", "").strip().upper()
    return Sought(
        query.get("words", "").replace("\0", "").strip()[:100],
        one("region", regions.is_code(region)),
        one("standing", query.get("standing") in STANDINGS),
        category if is_code(category) else "",
        one("size", query.get("size") in SIZES),
        max(1, min(PAGES_MAX, int(at))) if at.isascii() and at.isdigit() and len(at) < 9 else 1,
    )


async def search(conn: Connection | Pool, asked: Sought, today: date, most: int = PAGE_SIZE) -> list[Record]:
    """The suppliers found, one page of them: name, code, place, size, scopes, standing today, ``total``."""
    place = regions.prefix_of(asked.region) if asked.region else ""
    key = plain(names.key_of(asked.words)) or plain(asked.words)
    given = (today, place, plain(asked.words), key, asked.category, asked.size, asked.standing)
    return await conn.fetch(SQL["search"], *given, most, (asked.at - 1) * most)
