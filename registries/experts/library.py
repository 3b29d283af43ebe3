"""专家入库的办理: an expert files, his home approves or returns it; leave, pauses. In the caller's transaction."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.experts import rules
from registries.experts.model import Dossier, Expert, Span, Status
from registries.parameters import records as parameters
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("library.sql"))
SETTABLE = {(Status.ACTIVE, "pause"): Status.PAUSED, (Status.PAUSED, "resume"): Status.ACTIVE}
"""What the registry does with an expert beside his filings: ``{(standing, deed): standing}``."""
CLOSABLE = frozenset({Status.ACTIVE, Status.PAUSED})


def dossier_of(row: Record) -> Dossier:
    """The dossier in a row with ``content``."""
    return msgspec.convert(row["content"], Dossier)


def expert_of(row: Record) -> Expert:
    """The expert in a row of ``listed``. Units that a change names count from its filing on, before it is reviewed."""
    leaves, dossier = msgspec.convert(row["leaves"], tuple[Span, ...]), dossier_of(row)
    if row["filed"] is not None:
        dossier = rules.with_units_of(dossier, msgspec.convert(row["filed"], Dossier))
    return Expert(
        id=str(row["person_id"]),
        status=Status(row["status"]),
        dossier=dossier,
        good_until=row["good_until"],
        leaves=leaves,
    )


async def file(conn: Connection, actor: Actor, dossier: Dossier, now_ms: int) -> UUID:
    """Keep a dossier as filed and let it wait; one that waited is replaced. An expert in the registry stays what he is.

    Raises ``Problem`` 422 where a condition of 198号 §6 is not met.
    """
    lacks = rules.conditions(dossier, day_of(now_ms))
    if lacks:
        raise Problem(422, f"expert_lacks_{lacks[0]}")
    content = msgspec.to_builtins(dossier)
    await conn.execute(SQL["put"], actor.user_id, actor.org_id, dossier.region, content)
    await conn.fetchval(SQL["lock"], actor.user_id)
    await conn.execute(SQL["replace_waiting"], actor.user_id)
    made: UUID = await conn.fetchval(SQL["add_filing"], actor.user_id, dossier.region, content, moment(now_ms))
    await audit(conn, actor, "expert.filed", f"expert:{actor.user_id}", detail={"filing": str(made)})
    return made


async def expert(conn: Connection | Pool, actor: Actor, person_id: UUID, now_ms: int) -> Record:
    """An expert the actor looks after: his home, or the home of what he filed, is the actor's. 404 for every other."""
    row: Record | None = await conn.fetchrow(SQL["expert"], person_id)
    filed: Record | None = await conn.fetchrow(SQL["last_filing"], person_id)
    places = [each["region"] for each in (row, filed) if each is not None]
    if row is None or not any(may_act(actor, Act.EXPERT_REVIEW, region=place, now_ms=now_ms) for place in places):
        raise Problem(404, "expert_unknown")
    return row


async def decide(conn: Connection, actor: Actor, person_id: UUID, yes: bool, remark: str, now_ms: int) -> None:
    """Approve what waits, which begins a new term until the examination 复审, or return it with a reason.

    Raises ``Problem`` 404 outside of the actor's places, 409 when nothing waits, 422 without a reason for a return.
    """
    await expert(conn, actor, person_id, now_ms)
    now = Status(await conn.fetchval(SQL["lock"], person_id))
    if not yes and not remark:
        raise Problem(422, "reason_missing")
    stage = "approved" if yes else "returned"
    row = await conn.fetchrow(SQL["decide"], person_id, stage, moment(now_ms), actor.user_id, remark)
    if row is None:
        raise Problem(409, "filing_decided")
    if not may_act(actor, Act.EXPERT_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "expert_unknown")
    if yes:
        dossier, on = dossier_of(row), day_of(now_ms)
        years = (await parameters.rule_set(conn, row["region"], now_ms)).number("experts.term_years")
        given = (person_id, row["content"], row["region"], rules.year_later(on, years))
        await conn.execute(SQL["carry"], *given)
        await conn.execute(SQL["reached"], person_id, dossier.phone)
    elif now in (Status.DRAFT, Status.REVIEWING):
        await conn.execute(SQL["set_status"], person_id, Status.DRAFT)
    await audit(conn, actor, f"expert.{stage}", f"expert:{person_id}", detail={"remark": remark})


async def set_standing(conn: Connection, actor: Actor, person_id: UUID, deed: str, reason: str, now_ms: int) -> None:
    """Pause, resume or close an expert, with a reason. Raises ``Problem`` 404, 409 where the deed does not fit, 422."""
    await expert(conn, actor, person_id, now_ms)
    now = Status(await conn.fetchval(SQL["lock"], person_id))
    after = Status.CLOSED if deed == "close" and now in CLOSABLE else SETTABLE.get((now, deed))
    if after is None:
        raise Problem(409, "expert_standing")
    if not reason:
        raise Problem(422, "reason_missing")
    await conn.execute(SQL["set_status"], person_id, after)
    await conn.execute(SQL["add_change"], person_id, now, after, reason, actor.user_id, moment(now_ms))
    await audit(conn, actor, "expert.standing", f"expert:{person_id}", detail={"standing": after, "reason": reason})


async def take_leave(conn: Connection, actor: Actor, first: date, last: date, reason: str, now_ms: int) -> None:
    """Days on which he is not drawn, both counted. Raises ``Problem`` 422 for a span that ends before it begins, has
    passed or is longer than a year, 404 for whoever is not registered, 409 for days of a leave that stands.
    """
    if not first <= last or last < day_of(now_ms) or (last - first).days > 366:
        raise Problem(422, "leave_unfit")
    if await conn.fetchval(SQL["lock"], actor.user_id) is None:
        raise Problem(404, "expert_unknown")
    if await conn.fetchval(SQL["leave_overlaps"], actor.user_id, first, last):
        raise Problem(409, "leave_stands")
    await conn.execute(SQL["add_leave"], actor.user_id, first, last, reason)
    await audit(conn, actor, "expert.leave", f"expert:{actor.user_id}", detail={"first": first.isoformat()})


async def end_leave(conn: Connection, actor: Actor, leave_id: UUID, now_ms: int) -> None:
    """He is back 销假: a leave that lasts ends yesterday, one to come is dropped. ``Problem`` 404 for any other."""
    given = (leave_id, actor.user_id, day_of(now_ms))
    if not (await conn.fetchval(SQL["drop_leave"], *given) or await conn.fetchval(SQL["end_leave"], *given)):
        raise Problem(404, "expert_unknown")
    await audit(conn, actor, "expert.leave_ended", f"expert:{actor.user_id}", detail={"leave": str(leave_id)})
