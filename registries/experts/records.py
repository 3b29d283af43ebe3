"""The tables of draws and their log, and their only caller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.experts.draw import Hand, Ticket, entry_hash

SQL = sql.load(Path(__file__).with_name("drawing.sql"))
BEGINNING = "0" * 64


async def note(conn: Connection, draw_id: UUID, event: str, detail: Mapping[str, Any], now_ms: int) -> None:
    """Add an entry to the log of a draw, which the caller has locked."""
    last = await conn.fetchrow(SQL["last_entry"], draw_id)
    n, before = (last["n"] + 1, last["hash"]) if last else (1, BEGINNING)
    at_ms = max(now_ms, last["at_ms"]) if last else now_ms
    hashed = entry_hash(before, n, at_ms, event, detail)
    await conn.execute(SQL["add_entry"], draw_id, n, at_ms, event, detail, before, hashed)


async def record(conn: Connection | Pool, draw_id: UUID) -> dict[str, Any]:
    """The public record of a draw, as docs/expert-draw.md says. ``Problem`` 404 where there is none."""
    entries = [dict(row) for row in await conn.fetch(SQL["entries"], draw_id)]
    if not entries:
        raise Problem(404, "draw_unknown")
    return {"draw": str(draw_id), "entries": entries}


async def locked(conn: Connection, draw_id: UUID) -> Record:
    """A draw, held until the end of the transaction. ``Problem`` 404 where there is none."""
    await conn.execute(SQL["lock"], draw_id)
    row: Record | None = await conn.fetchrow(SQL["draw"], draw_id)
    if row is None:
        raise Problem(404, "draw_unknown")
    return row


def holds(actor: Actor, row: Record, now_ms: int) -> bool:
    """Whether the actor may see a draw and hold a hand in it: his organisation's, or that of a place he oversees."""
    elsewhere = actor.org_id != row["org_id"] and actor.has(Role.BUYER, Role.HEAD, Role.AGENCY)
    within = may_act(actor, Act.DRAW_HOLD, region=row["region"], org_id=row["org_id"], now_ms=now_ms)
    return within and not elsewhere


def hand_of(actor: Actor, row: Record) -> Hand | None:
    """Which hand the actor has in a draw: whoever asked for it the first; None while he has none."""
    if actor.user_id == row["first_by"]:
        return Hand.FIRST
    return Hand.SECOND if actor.user_id == row["second_by"] else None


async def tickets(conn: Connection | Pool, draw_id: UUID) -> list[Record]:
    """The list of a draw, in its order once it is drawn."""
    rows: list[Record] = await conn.fetch(SQL["tickets"], draw_id)
    return rows


def ticket(row: Record) -> Ticket:
    """The ticket in a row of ``tickets``."""
    return Ticket(row["tier"], row["ticket"], row["unit"], row["weight"])
