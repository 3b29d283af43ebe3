"""商品批量导入: a file of goods is read whole, judged in short steps, and goes over in one transaction.

Its lines wait beside the registry. With faults nothing goes over unless the firm says that the good lines shall.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

import orjson
from asyncpg import UniqueViolationError
from msgspec import structs

from accounts.audit import audit
from accounts.model import Actor
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.parameters.importing import FileFault, text_of
from registries.products import words
from registries.products.model import Fault, Listing
from registries.products.reading import FIELDS, Wrong, read
from registries.products.records import SQL
from registries.suppliers import records as suppliers

LINES_MAX, FILE_BYTES_MAX = 50_000, 32 << 20
STEP = 500
SLICE = 2_500
FAULTS_TOLD = 500
_NEED = set(FIELDS) - {"kind"}
Line = tuple[int, dict[str, str], str]


def lines_of(raw: bytes) -> list[Line] | FileFault:
    """The lines of a file, CSV with a header or one JSON object a line: number, fields, fault; or why it is none."""
    text = text_of(raw)
    if isinstance(text, FileFault):
        return text
    first = text.lstrip()[:1]
    if not first:
        return FileFault.EMPTY
    found = _json_lines(text) if first == "{" else _csv_lines(text)
    if isinstance(found, FileFault):
        return found
    return FileFault.LONG if len(found) > LINES_MAX else found or FileFault.EMPTY


def _json_lines(text: str) -> list[Line]:
    found: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            given = orjson.loads(line)
        except orjson.JSONDecodeError:
            given = None
        if isinstance(given, dict) and not any(isinstance(value, dict | list) for value in given.values()):
            found.append((number, {str(name)[:300]: _cell(value) for name, value in given.items()}, ""))
        else:
            found.append((number, {}, Fault.WIDTH))
    return found


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\0", "")[:1_000]


def _csv_lines(text: str) -> list[Line] | FileFault:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    found: list[Line] = []
    try:
        header = [cell.strip() for cell in next(reader)]
        if not _NEED.issubset(header) or len(set(header)) != len(header):
            return FileFault.HEADER
        for row in reader:
            if any(cell.strip() for cell in row):
                fits = len(row) == len(header)
                fields = {name: _cell(cell) for name, cell in zip(header, row, strict=True)} if fits else {}
                found.append((reader.line_num, fields, "" if fits else Fault.WIDTH))
    except csv.Error:
        return FileFault.QUOTES
    return found


async def begin(conn: Connection, actor: Actor, name: str, raw: bytes, now_ms: int) -> UUID:
    """Keep a file's lines beside the registry. ``Problem`` 409 for no supplier, 422 for what is no file."""
    if await suppliers.facts(conn, actor.org_id) is None:
        raise Problem(409, "supplier_not_registered")
    found = await asyncio.to_thread(lines_of, raw)
    if isinstance(found, FileFault):
        raise Problem(422, f"import_{found}", text=f"problem.product_import_{found}", most=LINES_MAX)
    given = (actor.org_id, actor.user_id, name[:200] or "—", len(found), now_ms)
    import_id: UUID = await conn.fetchval(SQL["open_import"], *given)
    rows = ((import_id, line, fields, fault) for line, fields, fault in found)
    columns = ["import_id", "line", "fields", "fault"]
    await conn.copy_records_to_table("product_import_line", records=rows, columns=columns)
    faulty = sum(1 for *_, fault in found if fault)
    await conn.execute(SQL["step_import"], import_id, faulty)
    return import_id


def stored(listing: Listing) -> tuple[dict[str, Any], str]:
    """A product as its row will have it, and the key of what it is."""
    text = f"{listing.brand} {listing.model} {listing.name}"
    known = structs.asdict(listing) | {"words": words.tokens(text), "sounds": words.sounds(text)}
    return known, words.identity(listing.brand, listing.model, listing.name, listing.attributes)


def _judged(rows: list[Record], scopes: Sequence[str]) -> list[tuple[int, Any, str, str, str]]:
    return [_judge(row["line"], row["fields"], scopes) for row in rows]


def _judge(line: int, fields: Mapping[str, str], scopes: Sequence[str]) -> tuple[int, Any, str, str, str]:
    found = read({"kind": "good", **{name: value for name, value in fields.items() if value}}, scopes)
    if isinstance(found, Wrong):
        return line, dict(fields), "", found.fault, found.about
    known, identity = stored(found)
    return line, known, identity, "", ""


async def learn(conn: Connection, found: Sequence[Sequence[str]]) -> None:
    """Keep the words of some products, how each is spoken and how many have it."""
    heard = Counter(chain.from_iterable(found))
    every = sorted(heard)
    given = (every, [words.spoken(word) for word in every], [heard[word] for word in every])
    await conn.execute(SQL["learn"], *given)


async def step(conn: Connection, actor: Actor, import_id: UUID) -> Record:
    """Judge the next ``STEP`` lines, in the caller's transaction. ``LookupError`` for another's file."""
    kept = await conn.fetchrow(SQL["lock_import"], import_id, actor.org_id)
    if kept is None:
        raise LookupError(import_id)
    facts = await suppliers.facts(conn, actor.org_id)
    rows = await conn.fetch(SQL["next_lines"], import_id, STEP)
    judged = await asyncio.to_thread(_judged, rows, facts.categories if facts else ())
    if judged:
        numbers = [each[0] for each in judged]
        await conn.execute(SQL["judged_lines"], import_id, *map(list, zip(*judged, strict=True)))
        await learn(conn, [known["words"] for _, known, _, fault, _ in judged if not fault])
        await conn.execute(SQL["mark_twice"], import_id, numbers)
        await conn.execute(SQL["mark_sku_twice"], import_id, numbers)
        await conn.execute(SQL["mark_listed"], import_id, numbers, actor.org_id)
    row = await conn.fetchrow(SQL["step_import"], import_id, len(judged))
    assert row is not None
    return row


async def take(conn: Connection, actor: Actor, import_id: UUID, good_ones: bool, now_ms: int) -> int:
    """Let the file go over whole, or with ``good_ones`` its good lines; how many. ``Problem`` 409 if it may not yet."""
    kept = await conn.fetchrow(SQL["lock_import"], import_id, actor.org_id)
    if kept is None:
        raise LookupError(import_id)
    if kept["stage"] != "judged":
        raise Problem(409, "product_import_not_judged")
    if kept["faults"] and not good_ones:
        raise Problem(409, "product_import_faulty", faults=kept["faults"])
    last = await conn.fetchval("SELECT max(line) FROM product_import_line WHERE import_id = $1", import_id)
    taken = 0
    for at in range(0, (last or 0) + 1, SLICE):
        given = (import_id, actor.org_id, actor.region, now_ms, actor.user_id, at, at + SLICE)
        try:
            taken += int((await conn.execute(SQL["take"], *given)).rpartition(" ")[2])
        except UniqueViolationError:
            raise Problem(409, "product_import_overtaken") from None
    await conn.execute(SQL["end_import"], import_id, "taken")
    await conn.execute(SQL["clear_lines"], import_id)
    await audit(conn, actor, "product.imported", f"product_import:{import_id}", detail={"products": taken})
    return taken


async def of(pool: Pool, actor: Actor, import_id: UUID) -> tuple[Record, list[Record]]:
    """A file and its faulty lines, at most ``FAULTS_TOLD``; ``LookupError`` for another's."""
    kept = await pool.fetchrow(SQL["import"], import_id, actor.org_id)
    if kept is None:
        raise LookupError(import_id)
    return kept, await pool.fetch(SQL["faulty"], import_id, FAULTS_TOLD)
