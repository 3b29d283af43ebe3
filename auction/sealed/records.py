"""The tables of sealed quotes, and their only caller besides the operations of cases."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from accounts.model import Actor
from auction.sealed import model
from auction.sealed.model import Office, Seat
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record

SQL = sql.load(Path(__file__).with_name("records.sql"))
Db: TypeAlias = "Connection | Pool"


async def seats(conn: Db, auction_id: UUID) -> list[Seat]:
    """The pinned roster 开启人名册 of a case, in its order; empty before the case is submitted."""
    rows = await conn.fetch(SQL["seats_of"], auction_id)
    found = (Seat(Office(row["office"]), row["pinned"], row["public_key"]) for row in rows if row["pinned"])
    return model.in_order(found)


async def seat_of(conn: Db, actor: Actor, auction_id: UUID) -> Record | None:
    """The actor's seat in the case's roster: office and fingerprint; None when he has none."""
    return await conn.fetchrow(SQL["seat_of"], auction_id, actor.user_id)


def told(roster: list[Seat]) -> dict[str, object]:
    """The roster as the notice publishes it: offices and fingerprints, nobody's name."""
    return {
        "roster_sha256": model.roster_sha256(roster),
        "offices": [{"office": seat.office.value, "fingerprint": seat.fingerprint} for seat in roster],
    }
