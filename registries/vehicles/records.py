"""The tables of the vehicle registry, and their only caller: who sees what, and what is found."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.model import Actor
from plumbing import lists, sql
from plumbing.postgres import Connection, Pool, Record
from registries.vehicles.model import Entry, Vehicle, What
from standards import regions

SQL = sql.load(Path(__file__).with_name("records.sql"))


def places_of(actor: Actor, now_ms: int) -> list[str]:
    """The places whose vehicles somebody sees: where he sets quotas or approves."""
    return [
        *reach(actor, Act.VEHICLE_APPROVE, now_ms).places,
        *reach(actor, Act.VEHICLE_QUOTA, now_ms).places,
    ]  # fmt: skip


def vehicle_of(row: Record) -> Vehicle:
    """A vehicle as recorded."""
    return msgspec.convert({name: row[name] for name in Vehicle.__struct_fields__}, Vehicle)


def entry_of(row: Record) -> Entry:
    """Something that happened, as the rules read it."""
    given = {name: value for name, value in row["content"].items() if name in Entry.__struct_fields__}
    return msgspec.convert({**given, "what": row["what"], "day": row["day"], "amount_fen": row["amount_fen"]}, Entry)


async def search(
    conn: Connection | Pool, actor: Actor, asked: lists.Wanted, today: date, now_ms: int, most: int = lists.PAGE_SIZE
) -> list[Record]:
    """The vehicles found that the actor may see, those with alerts first; one page of them, with the ``total``."""
    place = regions.prefix_of(asked.region) if asked.region else ""
    seen = (places_of(actor, now_ms), actor.org_id, today)
    return await conn.fetch(SQL["search"], *seen, asked.plain, asked.chosen, place, most, (asked.at - 1) * most)


def sees_whole(actor: Actor, row: Record, now_ms: int) -> bool:
    """Whether the actor sees the whole record of this vehicle: of his unit, or of his places."""
    return bool(row["org_id"] == actor.org_id or row["region"].startswith(tuple(places_of(actor, now_ms)) or ("-",)))


async def sees(conn: Connection | Pool, actor: Actor, row: Record, today: date, now_ms: int) -> bool:
    """Whether the actor may see this vehicle: the whole record, or as a fixed point what it needs to serve it."""
    if sees_whole(actor, row, now_ms):
        return True
    return bool(row["stage"] == "active" and await services_of(conn, actor.org_id, row["region"], today))


async def services_of(conn: Connection | Pool, org_id: UUID, region: str, today: date) -> list[str]:
    """What a firm may record as a fixed point for vehicles of that place today."""
    return [
        str(each) for each in (What.FUEL, What.REPAIR, What.INSURANCE)
        if await conn.fetchval(SQL["serves"], org_id, each, region, today)
    ]  # fmt: skip
