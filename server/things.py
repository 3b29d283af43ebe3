"""What a right may be limited to 限定对象: the one place where accounts hear of a room's things."""

from __future__ import annotations

from accounts.admin.model import Thing
from auction.case.records import SQL
from plumbing.postgres import Connection


async def find_case(conn: Connection, number: str) -> Thing | None:
    """The case of a number."""
    row = await conn.fetchrow(SQL["thing_of"], number)
    return None if row is None else Thing(row["id"], row["number"], row["region"], tuple(row["orgs"]))
