"""The doors that load a file of categories or of places, and what the command line does with one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct, structs
from starlette.requests import Request

from accounts import rules as accounts_rules
from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Role
from accounts.web import require
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.web import collect, op, read_body
from registries.parameters import records
from registries.parameters.importing import CATEGORIES, LINES_MAX, REGIONS, Book, FileFault, Report, judge
from registries.parameters.routes import PROVINCE
from standards import regions
from standards.categories import Category

FILE_BYTES_MAX = 1 << 20
Told = Callable[[Connection, dict[str, Any]], Awaitable[None]]


class Shelf(Struct, frozen=True):
    """Where a file goes: its book, what is known of it, how it is written, and its event in the trail."""

    name: str
    book: Book
    known: Callable[[Connection], Awaitable[Mapping[str, str]]]
    put: Callable[[Connection, Mapping[str, str]], Awaitable[None]]


async def _categories(conn: Connection) -> dict[str, str]:
    return {each.code: each.name for each in await records.all_categories(conn)}


async def _put_categories(conn: Connection, found: Mapping[str, str]) -> None:
    await records.put_categories(conn, [Category(code, name) for code, name in found.items()])


async def _regions(conn: Connection) -> dict[str, str]:
    return {**regions.BUILT_IN, **await records.loaded_regions(conn)}


SHELVES = {
    "categories": Shelf("categories", CATEGORIES, _categories, _put_categories),
    "regions": Shelf("regions", REGIONS, _regions, records.put_regions),
}


async def load(conn: Connection, shelf: Shelf, raw: bytes, tell: Told, *, commit: bool) -> Report | FileFault:
    """Judge a file; without a fault and with ``commit`` write it whole and ``tell`` the trail, in one transaction."""
    async with conn.transaction():
        judged = await asyncio.to_thread(judge, raw, await shelf.known(conn), shelf.book)
        if isinstance(judged, FileFault):
            return judged
        found, report = judged
        if not commit or report.faults:
            return report
        await shelf.put(conn, found)
        await tell(conn, {"lines": report.lines, "new": report.new, "renamed": len(report.renamed)})
    return structs.replace(report, committed=True)


class ImportQuery(Struct, frozen=True):
    """``commit``: write it; else it is only judged."""

    commit: bool = False


async def _by_door(request: Request, shelf: Shelf, commit: bool) -> Report:
    actor, state = await require(request, Role.OPERATOR), request.state
    if not accounts_rules.may(actor, (Role.OPERATOR,), region=PROVINCE, now_ms=state.clock.now_ms()):
        raise Problem(403, "forbidden")
    raw = await read_body(request, FILE_BYTES_MAX)

    async def tell(conn: Connection, told: dict[str, Any]) -> None:
        await audit(conn, actor, f"{shelf.name}.loaded", f"{shelf.name}:all", detail=told)

    async with state.postgres.acquire() as conn:
        report = await load(conn, shelf, raw, tell, commit=commit)
    if isinstance(report, FileFault):
        raise Problem(422, f"import_{report.value}", most=LINES_MAX)
    if commit and report.faults:
        raise Problem(422, "import_faulty", n=report.faults)
    return report


@op("POST", "/api/categories/import", tag="parameters", summary=("导入品目", "Load categories"), act=Act.STANDARDS_SET,
    errors=(422,))  # fmt: skip
async def import_categories(request: Request, query: ImportQuery) -> Report:
    """Judge a CSV file (columns ``code`` and ``name``, at most 1 MiB) line by line; with ``commit`` write it whole.

    One faulty line, and nothing of the file is written (422 ``import_faulty``).
    """
    return await _by_door(request, SHELVES["categories"], query.commit)


@op("POST", "/api/regions/import", tag="parameters", summary=("导入行政区划", "Load places"), act=Act.STANDARDS_SET,
    errors=(422,))  # fmt: skip
async def import_regions(request: Request, query: ImportQuery) -> Report:
    """Judge a CSV file of places (GB/T 2260 codes, like categories); every process knows what was written at once."""
    return await _by_door(request, SHELVES["regions"], query.commit)


ROUTES = collect(globals())
