"""A lot as Postgres keeps it, for those who watch one that Valkey does not rule: before it opens, after it settled."""

from __future__ import annotations

from uuid import UUID

from auction.case.records import SQL, Db, decode_rules, millis_or_0
from auction.lot import live
from auction.lot.follower import Shelf


async def shelved(conn: Db, lot_id: UUID) -> Shelf | None:
    """The lot with its stored log (empty before settlement); None when there is no such lot."""
    row = await conn.fetchrow(SQL["shelf_of"], lot_id)
    if row is None:
        return None
    lines = [event["body"].encode() for event in await conn.fetch(SQL["events_of"], lot_id, 0)]
    log = live.decode(b"[" + b",".join(lines) + b"]")
    return Shelf(
        decode_rules(row["rules"]), row["stage"], millis_or_0(row["opens_at"]), millis_or_0(row["closes_at"]), log
    )
