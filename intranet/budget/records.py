"""The tables of the budget, and their only caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from accounts.records import millis, moment
from intranet.budget import rules
from intranet.budget.model import SIDES, Balances, Hold, HoldState, Posting, Refusal, Source
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record

SQL = sql.load(Path(__file__).with_name("records.sql"))


def balances_of(row: Record) -> Balances:
    """The balances of an indicator's row."""
    return Balances(
        indicator_id=row["id"],
        granted=-row["granted_fen"],
        available=row["available_fen"],
        frozen=row["frozen_fen"],
        consumed=row["consumed_fen"],
        paying=row["paying_fen"],
        paid=row["paid_fen"],
        carried=row["carried_fen"],
        closed=row["closed_at"] is not None,
    )


async def balances(conn: Connection | Pool, indicator_id: UUID) -> Balances | None:
    """The indicator as it stands now; None if there is none."""
    row = await conn.fetchrow(SQL["balances"], [indicator_id])
    return balances_of(row) if row else None


async def post(
    conn: Connection, postings: Sequence[Posting], *, about: str, person_id: UUID | None, now_ms: int
) -> Refusal | None:
    """Make ``postings`` together, or say why not and make none. For a transaction of the caller.

    Their indicators stay locked, in one order for everybody, until that transaction ends.
    """
    await conn.execute(SQL["books_shared"])
    return await enter(conn, postings, about=about, person_id=person_id, now_ms=now_ms)


async def enter(
    conn: Connection, postings: Sequence[Posting], *, about: str, person_id: UUID | None, now_ms: int
) -> Refusal | None:
    """``post``, for one who holds the books already."""
    ids = list({posting.indicator_id for posting in postings})
    rows = await conn.fetch(SQL["balances_locked"], ids)
    refusal = rules.judge({row["id"]: balances_of(row) for row in rows}, postings)
    if refusal is not None:
        return refusal
    entry_id, at = uuid4(), moment(now_ms)
    made = [
        (entry_id, each.indicator_id, each.kind, *SIDES[each.kind], each.fen, about, person_id, at) for each in postings
    ]
    await conn.executemany(SQL["add_posting"], made)
    return None


async def hold(conn: Connection | Pool, request_id: str) -> Hold | None:
    """What is held for a request; None for one never heard of."""
    row = await conn.fetchrow(SQL["hold"], request_id)
    if row is None:
        return None
    sources = await conn.fetch(SQL["hold_sources"], request_id)
    return Hold(
        request_id,
        HoldState(row["state"]),
        msgspec.convert(row["asked"], tuple[Source, ...]),
        tuple(Source(each["indicator_id"], each["held_fen"]) for each in sources),
        millis(row["expires_at"]) if row["expires_at"] else None,
    )


async def add_hold(conn: Connection, made: Hold, now_ms: int) -> None:
    """Write a new hold."""
    expires_at = None if made.expires_at_ms is None else moment(made.expires_at_ms)
    given = (made.request_id, msgspec.to_builtins(made.asked), expires_at, moment(now_ms))
    await conn.execute(SQL["add_hold"], *given)
    numbered = enumerate(made.sources, 1)
    rows = [(made.request_id, no, source.indicator_id, source.fen) for no, source in numbered]
    await conn.executemany(SQL["add_hold_source"], rows)


async def keep_sources(conn: Connection, request_id: str, sources: Iterable[Source]) -> None:
    """Write what is left of a hold's sources."""
    rows = [(request_id, source.indicator_id, source.fen) for source in sources]
    await conn.executemany(SQL["reduce_hold_source"], rows)


async def end_hold(conn: Connection, request_id: str, state: HoldState, now_ms: int) -> None:
    """End a hold."""
    await conn.execute(SQL["end_hold"], request_id, state, moment(now_ms))


async def faults(conn: Connection | Pool) -> list[str]:
    """Numbers of indicators whose balances do not agree with their postings and holds: none, or the book is broken."""
    return [row["number"] for row in await conn.fetch(SQL["disagreeing"])]
