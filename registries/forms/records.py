"""The table of text forms, and its only caller."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

from msgspec import structs

from plumbing import sql
from plumbing.postgres import Connection, Pool
from registries.forms.model import Fault, Form, Kind, fault_of, in_force
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("records.sql"))


async def forms_of(conn: Connection | Pool, region: str) -> list[Form]:
    """Every version of the place ``region`` (six digits) and of those above it."""
    return [
        Form(row["id"], Kind(row["kind"]), row["region"], row["version"], row["valid_from"], row["body"], row["source"])
        for row in await conn.fetch(SQL["forms_of"], region)
    ]


async def add(conn: Connection, form: Form, earliest: date, set_by: UUID | None) -> Form | Fault:
    """Add ``form`` as the next version of its kind in its place, or why not. For a transaction of the caller."""
    await conn.execute(SQL["lock_form"], form.kind, form.region)
    newest = await conn.fetchrow(SQL["newest"], form.kind, form.region)
    assert newest is not None  # an aggregate always has a row
    fault = fault_of(form, newest["valid_from"], earliest)
    if fault is not None:
        return fault
    form = structs.replace(form, version=(newest["version"] or 0) + 1)
    given = (form.kind, form.region, form.version, form.valid_from, form.body, form.source, set_by)
    return structs.replace(form, id=await conn.fetchval(SQL["add_form"], *given))


async def pin(conn: Connection, auction_id: UUID, region: str, now_ms: int) -> None:
    """Write down for a new case which versions are in force today; it keeps them for ever."""
    found = in_force(await forms_of(conn, region), region, day_of(now_ms))
    if found:
        await conn.execute(SQL["pin_forms"], auction_id, {kind.value: str(form.id) for kind, form in found.items()})
