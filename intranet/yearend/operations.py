"""A year's close proposed, done or dropped. Each for a transaction of the caller; a refusal is a ``Problem``."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from intranet.access import places
from intranet.budget.model import Refusal
from intranet.budget.records import SQL as BUDGET
from intranet.plans.operations import close_indicator
from plumbing import sql
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.texts import local

SQL = sql.load(Path(__file__).with_name("records.sql"))


async def propose(conn: Connection, actor: Actor, place: str, year: int, carry: bool, now_ms: int) -> UUID:
    """Propose to close ``year`` for ``place``, one the actor has the finance of. Nothing moves yet.

    Raises ``Problem`` 403 for another's place, 422 for a year to come or one with nothing open, 409 for a second one.
    """
    if place not in places(actor):
        raise Problem(403, "forbidden")
    if year > local(now_ms).year:
        raise Problem(422, "year_to_come")
    if not await conn.fetch(SQL["open_indicators"], year, place):
        raise Problem(422, "year_nothing_open")
    made: UUID | None = await conn.fetchval(SQL["propose"], place, year, carry, actor.user_id, moment(now_ms))
    if made is None:
        raise Problem(409, "year_proposed")
    await audit(conn, actor, "year.proposed", f"year_close:{made}", detail={"year": year, "carry": carry})
    return made


async def carry_out(conn: Connection, actor: Actor, close_id: UUID, typed_year: str, now_ms: int) -> int:
    """Close every open indicator of a proposal, all or none 结转; how many. It cannot be undone.

    Raises ``Problem`` 403 for whoever proposed it, 422 for another year typed than the one closed, 409 while a payment
    is under way.
    """
    row = await _proposal(conn, actor, close_id)
    if row["proposed_by"] == actor.user_id:
        raise Problem(403, "second_person_needed")
    if typed_year.strip() != str(row["year"]):
        raise Problem(422, "year_not_typed", year=row["year"])
    await conn.execute(BUDGET["books_alone"])
    indicators = await conn.fetch(SQL["open_indicators"], row["year"], row["place"])
    for each in indicators:
        heir = await close_indicator(conn, each["id"], carry=row["carry"], actor=actor, now_ms=now_ms)
        if isinstance(heir, Refusal):
            raise Problem(409, f"budget_{heir}", accept={"indicator": each["number"]})
    await conn.execute(SQL["decide"], close_id, "done", actor.user_id, moment(now_ms), len(indicators))
    detail = {"year": row["year"], "indicators": len(indicators)}
    await audit(conn, actor, "year.closed", f"year_close:{close_id}", detail=detail)
    return len(indicators)


async def drop(conn: Connection, actor: Actor, close_id: UUID, now_ms: int) -> None:
    """Drop a proposal; its own proposer may, too."""
    await _proposal(conn, actor, close_id)
    await conn.execute(SQL["decide"], close_id, "dropped", actor.user_id, moment(now_ms), None)
    await audit(conn, actor, "year.dropped", f"year_close:{close_id}")


async def _proposal(conn: Connection, actor: Actor, close_id: UUID) -> Record:
    row = await conn.fetchrow(SQL["locked"], close_id)
    if row is None or not any(row["place"].startswith(place) for place in places(actor)):
        raise Problem(404, "year_unknown")
    if row["state"] != "proposed":
        raise Problem(409, "year_passed")
    return row
