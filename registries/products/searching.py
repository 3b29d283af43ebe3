"""商品查询: what a list of products is asked for, by page, address and API, and what is found.

Words are looked for first; where they find nothing, as pinyin or a part of it; where that finds nothing, each word as
the registry's own word that sounds most like it, which forgives a typing error and a wrong character.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from msgspec import Meta, Struct
from starlette.datastructures import QueryParams

from plumbing.lists import PAGE_SIZE, PAGES_MAX, plain
from plumbing.postgres import Connection, Pool, Record
from registries.products import words
from registries.products.model import Flag, Kind
from registries.products.records import SQL
from standards.categories import is_code, stem

PATH = "/products"
KINDS, FLAGS, ORDERS = tuple(map(str, Kind)), tuple(map(str, Flag)), ("price", "dear")
GATHERED_MAX, FOUND_MAX = 5_000, 200
"""So many are ordered, so many shown where there are more: whoever finds them looks for too little."""
SPOKEN_MIN = 3
YUAN_MAX = 9_000_000_000

_TODAY = "f.held_until > $3::date"
# $1 words and marks all of which are had, $2 a part of what is spoken; each empty when not asked; $3 today.
_REST = f"""
    p.stage = 'listed' AND ($2 = '' OR p.sounds LIKE '%' || $2 || '%')
    AND ($4 = '' OR p.kind = $4) AND ($5 = '' OR {{category}} LIKE $5 || '%')
    AND ($6::bigint = 0 OR {{price}} >= $6) AND ($7::bigint = 0 OR {{price}} <= $7)
    AND ($8 = '' OR p.flagged_until > $3::date
         AND EXISTS (SELECT FROM product_flag f WHERE f.product_id = p.id AND f.flag = $8 AND {_TODAY}))
"""
_FITS = f"{_REST.format(category='p.category', price='p.price_fen')} AND ($1 = '' OR p.words @@ $1::text::tsquery)"
_ORDINARY = f"SELECT p.id, p.price_fen FROM product p WHERE {_FITS} AND NOT coalesce(p.flagged_until > $3::date, false)"
_SHOWN = f"""
SELECT p.id, p.kind, p.sku, p.category, p.brand, p.model, p.name, p.price_fen, p.attributes, p.standard_id, p.region,
       o.name AS org_name, c.total, ARRAY(
           SELECT f.flag FROM product_flag f WHERE f.product_id = p.id AND {_TODAY} ORDER BY f.flag DESC) AS flags
FROM chosen c JOIN product p USING (id) JOIN organisation o ON o.id = p.org_id ORDER BY c.first DESC, {{p}}
"""
# In the default order what has a distinction that holds today stands in front: for display only. What is found by sound
# is gathered and then ordered; where that is very much, or nothing was asked in words, it is read in its order.
_STATEMENT = f"""
WITH front AS (SELECT p.id, p.price_fen FROM product p WHERE {_FITS} AND p.flagged_until > $3::date LIMIT {FOUND_MAX}),
rest AS MATERIALIZED ({_ORDINARY} {{ordered}}),
found AS (SELECT *, {{first}} AS first FROM front UNION ALL SELECT *, 0 FROM rest),
chosen AS (SELECT *, count(*) OVER () AS total FROM found ORDER BY first DESC, {{bare}} LIMIT $9 OFFSET $10)
{_SHOWN}
"""
# By price, what words or a category find: one step of prices after the other, until there are enough. Each step is its
# own question to the index of words, which knows the steps, so that of a hundred thousand the cheapest are read alone;
# the indexes of prices and categories would only be read in vain.
_IN_STEP = _REST.format(category="(p.category || '')", price="(p.price_fen + 0)")
_STEPS = f"""
WITH ends AS (
    SELECT (SELECT price_fen FROM product WHERE stage = 'listed' ORDER BY price_fen, id LIMIT 1) AS least,
           (SELECT price_fen FROM product WHERE stage = 'listed' ORDER BY price_fen DESC, id DESC LIMIT 1) AS most),
steps AS (
    SELECT at FROM ends CROSS JOIN LATERAL generate_series(
        product_price_step(greatest(least, $6::bigint)),
        product_price_step(CASE $7::bigint WHEN 0 THEN most ELSE least(most, $7) END)) AS at ORDER BY at {{way}}),
found AS MATERIALIZED (
    SELECT one.* FROM steps CROSS JOIN LATERAL (
        SELECT p.id, p.price_fen FROM product p
        WHERE {_IN_STEP} AND p.words @@ ($1::text::tsquery && format('''$%s''', steps.at)::tsquery)
        ORDER BY {{by}} LIMIT {FOUND_MAX}) AS one
    LIMIT {FOUND_MAX}),
chosen AS (SELECT *, 0 AS first, count(*) OVER () AS total FROM found ORDER BY {{bare}} LIMIT $9 OFFSET $10)
{_SHOWN}
"""
_BY = {"": "{0}id DESC", "price": "{0}price_fen, {0}id DESC", "dear": "{0}price_fen DESC, {0}id DESC"}


def _statements(limit: str) -> dict[str, str]:
    return {
        order: _STATEMENT.format(
            ordered=limit.format(by=each.format("p.")), p=each.format("p."), bare=each.format(""), first=int(not order)
        )
        for order, each in _BY.items()
    }


_GATHERED = _statements(f"LIMIT {GATHERED_MAX}") | {"": _statements(f"LIMIT {FOUND_MAX}")[""]}
_IN_ORDER = _statements(f"ORDER BY {{by}} LIMIT {FOUND_MAX}")
_BY_STEPS = {
    order: _STEPS.format(way=way, by=_BY[order].format("p."), p=_BY[order].format("p."), bare=_BY[order].format(""))
    for order, way in (("price", ""), ("dear", "DESC"))
}


class Sought(Struct, frozen=True):
    """What is looked for; empty: not asked. ``least`` and ``most`` in yuan, ``at`` a page from 1."""

    words: Annotated[str, Meta(max_length=100)] = ""
    kind: Annotated[str, Meta(pattern=f"^({'|'.join(KINDS)})?$")] = ""
    category: Annotated[str, Meta(pattern=r"^([ABC]([0-9]{8})?)?$")] = ""
    flag: Annotated[str, Meta(pattern=f"^({'|'.join(FLAGS)})?$")] = ""
    least: Annotated[int, Meta(ge=0, le=YUAN_MAX)] = 0
    most: Annotated[int, Meta(ge=0, le=YUAN_MAX)] = 0
    order: Annotated[str, Meta(pattern=f"^({'|'.join(ORDERS)})?$")] = ""
    at: Annotated[int, Meta(ge=1, le=PAGES_MAX)] = 1

    @property
    def asked(self) -> bool:
        """Whether anything but a page is asked for."""
        return bool(self.words or self.kind or self.category or self.flag or self.least or self.most)

    def link(self, path: str = PATH, **changed: Any) -> str:
        """The address of the same list, changed; a changed search begins at its first page."""
        names = ("words", "kind", "category", "flag", "least", "most", "order")
        given = {name: getattr(self, name) for name in names} | changed
        kept = {name: value for name, value in given.items() if value and (name, value) != ("at", 1)}
        return path + ("?" + urlencode(kept) if kept else "")


def sought(query: QueryParams) -> Sought:
    """What the address of a page asks for; what makes no sense is left out."""

    def number(name: str, otherwise: int, most: int) -> int:
        text = query.get(name, "")
        return min(most, int(text)) if text.isascii() and text.isdigit() and len(text) < 12 else otherwise

    def one(name: str, among: tuple[str, ...]) -> str:
        return query.get(name, "") if query.get(name) in among else ""

    category = query.get("category", "").strip().upper()
    return Sought(
        query.get("words", "").replace("\0", "").strip()[:100],
        one("kind", KINDS),
        category if is_code(category) else "",
        one("flag", FLAGS),
        number("least", 0, YUAN_MAX),
        number("most", 0, YUAN_MAX),
        one("order", ORDERS),
        max(1, number("at", 1, PAGES_MAX)),
    )


def _query(wanted: list[str]) -> str:
    return " & ".join("'" + each.replace("'", "''") + "'" for each in wanted)


async def _corrected(conn: Connection | Pool, wanted: list[str]) -> list[str]:
    """The words as the registry knows them: each as it is, or the nearest in sound; those like none are left out."""
    rows = await conn.fetch(SQL["nearest"], wanted, [words.spoken(each) for each in wanted])
    return [row["word"] for row in rows]


async def _look(conn: Connection | Pool, way: tuple[str, str], asked: Sought, today: date, most: int) -> list[Record]:
    (had, sound), category = way, stem(asked.category) if asked.category else ""
    if len(category) > 1:
        had = f"{had} & '#{category}'" if had else f"'#{category}'"
    given = (had, sound, today, asked.kind, category, asked.least * 100, asked.most * 100, asked.flag)
    page = (most, (asked.at - 1) * most)
    if asked.order and had and not sound:
        return await conn.fetch(_BY_STEPS[asked.order], *given, *page)
    if had or sound:
        rows = await conn.fetch(_GATHERED[asked.order], *given, *page)
        if not asked.order or not rows or rows[0]["total"] < GATHERED_MAX:
            return rows
    return await conn.fetch(_IN_ORDER[asked.order], *given, *page)


async def search(conn: Connection | Pool, asked: Sought, today: date, most: int = PAGE_SIZE) -> list[Record]:
    """The products found, one page of them, with ``total``: ``FOUND_MAX`` or more where there are very many."""
    wanted = words.wanted(asked.words)
    if asked.words and not wanted:
        return []
    rows = await _look(conn, (_query(wanted), ""), asked, today, most)
    spoken = words.spoken(asked.words)
    if not rows and " " not in spoken and len(spoken) >= SPOKEN_MIN:
        rows = await _look(conn, ("", plain(spoken)), asked, today, most)
    if not rows and wanted:
        corrected = await _corrected(conn, wanted)
        if corrected and corrected != wanted:
            rows = await _look(conn, (_query(corrected), ""), asked, today, most)
    return rows
