"""The tables of the agency registry, and their only caller."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.records import millis, moment
from plumbing import lists, sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.agencies import rules
from registries.agencies.model import AgencyFacts, Appraisal, Dossier, Mark, Status
from registries.filing.book import Book
from registries.filing.model import Stage
from standards import regions
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("records.sql"))
BOOK = Book("agency", Dossier, Act.AGENCY_REVIEW)


async def facts(conn: Connection | Pool, org_id: UUID) -> AgencyFacts | None:
    """The agency as registered; None if it is not."""
    row = await conn.fetchrow(SQL["agencies_by_id"], [org_id])
    if row is None:
        return None
    return msgspec.convert(dict(row), AgencyFacts)


async def put(conn: Connection, org_id: UUID, region: str, status: Status) -> None:
    """Write where an agency is at home and stands. ``LookupError`` if there is no such agency organisation."""
    if await conn.fetchval(SQL["put_agency"], org_id, region, status) is None:
        raise LookupError(f"no agency organisation {org_id}")


async def choosable(conn: Connection | Pool, region: str, today: date) -> list[Record]:
    """Id and name of the agencies that may be chosen for a case of ``region``: published, not banned, with a host."""
    return await conn.fetch(SQL["choosable"], region, today)


async def published(conn: Connection | Pool, org_id: UUID, today: date) -> bool:
    """Whether an agency is published and no ban holds."""
    return bool(await conn.fetchval(SQL["standing_of"], org_id, today) == "active")


async def file(
    conn: Connection, actor: Actor, dossier: Dossier, now_ms: int, changed_on: date | None = None, late: int = 0
) -> None:
    """Keep the dossier of the actor's agency and let it wait for the check at home. Refused as by ``Book.keep``.

    ``changed_on``: since when a change holds; ``late``: how many working days too late it is filed.
    """
    now = await conn.fetchval(BOOK.sql["lock"], actor.org_id)
    after = rules.status_after_filing(Status(now) if now else None)
    kept = await BOOK.keep(conn, actor.org_id, dossier, now_ms, actor.user_id)
    if after is not Status.ACTIVE:
        await BOOK.carry(conn, actor.org_id, kept.dossier)
        await put(conn, actor.org_id, dossier.region, after)
    await conn.execute(SQL["note_change"], kept.id, changed_on, late)
    detail = {"filing": str(kept.id), "standing": after, "late_workdays": late}
    await audit(conn, actor, "agency.filed", f"agency:{actor.org_id}", detail=detail)


async def told_before(conn: Connection | Pool, org_id: UUID, since: date, today: date) -> tuple[date, date]:
    """Since when a change holds by what was told since the last approval, and the day of its first filing.

    To file once more, or corrected, makes it neither earlier nor later.
    """
    row = await conn.fetchrow(SQL["told_before"], org_id)
    if row is None or row["filed_at"] is None:
        return since, today
    return min(since, row["changed_on"] or since), day_of(millis(row["filed_at"]))


async def decide(
    conn: Connection, actor: Actor, filing_id: UUID, decision: Stage, remark: str, proven: bool, now_ms: int
) -> None:
    """Publish a filing, return it, or reject it; refused as by ``Book.decide``."""
    org_id, after, dossier = await BOOK.decide(conn, actor, filing_id, decision, remark, proven, now_ms)
    if dossier is not None:
        await put(conn, org_id, dossier.region, Status(after))


async def search(
    conn: Connection | Pool, asked: lists.Wanted, today: date, most: int = lists.PAGE_SIZE
) -> list[Record]:
    """The agencies found, one page of them, with standing and credit today, mean appraisal, number of cases, total."""
    place = regions.prefix_of(asked.region) if asked.region else ""
    return await conn.fetch(SQL["search"], today, place, asked.plain, asked.chosen, most, (asked.at - 1) * most)


async def mark(conn: Connection, actor: Actor, org_id: UUID, found: Mark) -> None:
    """Record what an authority decided of an agency."""
    given = (org_id, found.kind, found.begins, found.ends, found.points, found.reason, found.authority, actor.user_id)
    made = await conn.fetchval(SQL["add_mark"], *given)
    detail = {"mark": str(made), "kind": found.kind, "until": str(found.ends or ""), "authority": found.authority}
    await audit(conn, actor, "agency.marked", f"agency:{org_id}", detail=detail)


async def appraise(
    conn: Connection, actor: Actor, org_id: UUID, auction_id: UUID, given: Appraisal, now_ms: int
) -> None:
    """Keep the purchaser's appraisal of a case that is over. 409 where there is one, or the case is not his."""
    row = (auction_id, org_id, actor.org_id, given.competence, given.speed, given.service, given.integrity, given.words)
    if not await conn.fetchval(SQL["add_appraisal"], *row, actor.user_id, moment(now_ms)):
        raise Problem(409, "agency_not_to_appraise")
    await audit(conn, actor, "agency.appraised", f"agency:{org_id}", detail={"auction": str(auction_id)})
