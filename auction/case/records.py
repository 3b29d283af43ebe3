"""The tables of auctions, and their only caller besides the operations of this room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from accounts.records import millis, moment
from auction.lot.model import LotRules
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record

__all__ = ["SQL", "Db", "copy", "decode_rules", "encode", "millis", "millis_or_0", "moment"]

SQL = sql.load(Path(__file__).with_name("records.sql"))
Db: TypeAlias = "Connection | Pool"


def decode_rules(value: Any) -> LotRules:
    """The rules of a lot as its row keeps them."""
    return msgspec.convert(value, LotRules)


def encode(value: Any) -> Any:
    """A Struct as plain JSON values for a ``jsonb`` column."""
    return msgspec.to_builtins(value)


def millis_or_0(at: datetime | None) -> int:
    """Epoch ms of a column that may be empty."""
    return millis(at) if at else 0


async def copy(conn: Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write many rows of one table at once."""
    await conn.copy_records_to_table(table, records=list(rows), columns=columns)


async def lot(conn: Db, lot_id: UUID, *, lock: bool = False) -> Record | None:
    """A lot with what its case adds; ``lock`` keeps others from moving it until the transaction ends."""
    return await conn.fetchrow(SQL["lot_for_update" if lock else "lot_with_case"], lot_id)
