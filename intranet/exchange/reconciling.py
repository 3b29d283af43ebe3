"""日对账: each day's statement beside our own book; what came of it is kept and waits until somebody settles it."""

from __future__ import annotations

from datetime import date

import msgspec

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from intranet.exchange import rules
from intranet.exchange.model import Difference, Fault, Heard, Line, Statement
from intranet.exchange.records import SQL
from intranet.outbox.writing import SQL as OUT
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from standards.workdays import day_of

TAKEN = "taken"
KINDS = ("statement", "statement.heard")
"""What the other system sent us, and what it heard of us."""
GRACE_MS = 12 * 3_600_000
"""So long after its end a day may still be without a statement."""


async def reconcile(conn: Connection | Pool, peer: str, statement: Statement) -> list[Difference]:
    """Everything in which our book of the statement's day, in or out, differs from the other system's.

    A message that the two books have under different days is told once, on the day of the statement that has it.
    """
    kind = statement.__struct_config__.tag
    keys = [line.biz_key for line in statement.lines]
    rows = await conn.fetch((OUT if isinstance(statement, Heard) else SQL)["lines_of"], peer, statement.day, keys)
    ours = [_line(row) for row in rows if row["day"] == statement.day]
    moved = [_line(row) for row in rows if row["day"] != statement.day]
    named = [line.biz_key for line in (*ours, *moved)]
    elsewhere = await conn.fetch(SQL["booked_elsewhere"], peer, kind, statement.day, named)
    refused = {row["seq"]: row["outcome"] for row in rows if row["outcome"] not in (TAKEN, None)}
    theirs_moved = frozenset((row["type"], row["biz_key"]) for row in elsewhere)
    return rules.differences(ours, statement.lines, refused, ours_moved=moved, theirs_moved=theirs_moved)


async def of_a_silent_day(conn: Connection | Pool, peer: str, kind: str, day: date) -> list[Difference]:
    """All of our book of a day for which no statement came."""
    rows = await conn.fetch((OUT if kind == KINDS[1] else SQL)["lines_of"], peer, day, [])
    return [Difference(Fault.SILENT, row["type"], row["biz_key"], row["fen"], None) for row in rows]


async def compare(conn: Connection, peer: str, statement: Statement, now_ms: int) -> None:
    """A statement came: what it differs in is noted, and the days that are open are compared again beside it."""
    await _note(conn, peer, statement, now_ms)
    for row in await conn.fetch(SQL["open_statements"], peer, None, ""):
        one = msgspec.convert(row["body"]["data"], Statement | Heard)
        if (one.day, type(one)) != (statement.day, type(statement)):
            await _note(conn, peer, one, now_ms)


async def look_again(conn: Connection, peer: str, day: date, biz_key: str, now_ms: int) -> None:
    """A message came after its ``day``'s statement, or one that a statement has: it may explain a difference."""
    for row in await conn.fetch(SQL["open_statements"], peer, day, biz_key):
        await _note(conn, peer, msgspec.convert(row["body"]["data"], Statement | Heard), now_ms)


async def _note(conn: Connection, peer: str, statement: Statement, now_ms: int) -> None:
    kind, found = statement.__struct_config__.tag, await reconcile(conn, peer, statement)
    await conn.execute(SQL["put_day"], peer, statement.day, kind, len(found), moment(now_ms))


async def note_silence(pool: Pool, now_ms: int) -> int:
    """Note the days of the last month that are over, in our book, and without a statement; how many are new."""
    return len(await pool.fetch(SQL["note_silent"], day_of(now_ms - GRACE_MS), moment(now_ms)))


async def settle(conn: Connection, actor: Actor, peer: str, day: date, kind: str, remark: str, now_ms: int) -> None:
    """Say that the differences of a day are cleared up 核销, and how. A new statement of that day opens it again.

    The caller has made sure that the actor is of finance for the peer's place. Raises ``Problem`` 409 for a day
    without open differences, 422 without a word on how.
    """
    if not remark:
        raise Problem(422, "settle_remark")
    row: Record | None = await conn.fetchrow(SQL["settle"], peer, day, kind, actor.user_id, moment(now_ms), remark)
    if row is None:
        raise Problem(409, "nothing_to_settle")
    detail = {"day": day.isoformat(), "type": kind, "differences": row["differences"], "remark": remark}
    await audit(conn, actor, "fiscal.settled", f"fiscal:{peer}", detail=detail)


def _line(row: Record) -> Line:
    return Line(row["seq"], row["type"], row["biz_key"], row["fen"])
