"""The tables of the supplier registry, and their only caller."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import msgspec

from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from registries.suppliers.model import Ban, SizeClass, Status, SupplierFacts
from standards import categories as categories_

SQL = sql.load(Path(__file__).with_name("records.sql"))


def _facts(row: Record) -> SupplierFacts:
    return SupplierFacts(
        org_id=row["org_id"],
        name=row["name"],
        uscc=row["uscc"],
        region=row["region"],
        status=Status(row["status"]),
        size_class=SizeClass(row["size_class"]),
        prison=row["prison"],
        welfare=row["welfare"],
        head_name=row["head_name"],
        head_key=row["head_key"],
        controllers=frozenset(row["controllers"]),
        categories=tuple(row["categories"]),
        certificate_until=row["certificate_until"],
        bans=msgspec.convert(row["bans"], tuple[Ban, ...]),
    )


async def facts(conn: Connection | Pool, org_id: UUID) -> SupplierFacts | None:
    """The supplier as registered; None if it is not."""
    return (await facts_of(conn, [org_id])).get(org_id)


async def facts_of(conn: Connection | Pool, org_ids: Iterable[UUID]) -> dict[UUID, SupplierFacts]:
    """Several suppliers by id, in one query; those not registered are missing."""
    rows = await conn.fetch(SQL["suppliers_by_id"], list(org_ids))
    return {row["org_id"]: _facts(row) for row in rows}


async def put(conn: Connection, given: SupplierFacts) -> None:
    """Register a supplier, or change its registration. Name, credit code and region stay those of its organisation;
    its bans are not touched. ``LookupError`` if there is no such supplier organisation, ``ValueError`` for a scope that
    is no category.
    """
    for code in given.categories:
        categories_.kind_of(code)
    row = (
        given.org_id, given.status, given.size_class, given.prison, given.welfare, given.head_name,
        given.head_key or None, sorted(given.controllers), list(given.categories), given.certificate_until,
    )  # fmt: skip
    if await conn.fetchval(SQL["put_supplier"], *row) is None:
        raise LookupError(f"no supplier organisation {given.org_id}")


async def ban(conn: Connection, org_id: UUID, found: Ban, set_by: UUID | None) -> UUID:
    """Record a ban decided by an authority; its id."""
    given = (org_id, found.begins, found.ends, found.reason, found.authority, set_by)
    ident: UUID = await conn.fetchval(SQL["add_ban"], *given)
    return ident


async def matching(conn: Connection | Pool, category: str) -> list[UUID]:
    """The suppliers in good standing in whose scope the category lies: those a framework must invite (110号令 §33)."""
    return [row["org_id"] for row in await conn.fetch(SQL["matching"], category)]
