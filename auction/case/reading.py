"""What may be read of cases, and by whom: lists, one case, the board, what waits. Nothing is changed here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from accounts.model import Actor, Role
from auction.case import access
from auction.case.records import SQL, Db, decode_rules, millis, millis_or_0
from auction.lot.model import LotRules
from plumbing.postgres import Record
from plumbing.problems import Problem

PAGE_SIZE_MAX = 100


class LotBrief(Struct, frozen=True):
    """A lot in a list; times epoch ms, 0 for none."""

    id: UUID
    no: int
    title: str
    stage: str
    opens_at: int
    closes_at: int
    ceiling: int | None


class CaseBrief(Struct, frozen=True):
    """A case in a list."""

    id: UUID
    number: str
    title: str
    category: str
    org_name: str
    region: str
    published_at: int
    lots: list[LotBrief]


class Cases(Struct, frozen=True):
    """A page of cases and how many there are in all."""

    total: int
    cases: list[CaseBrief]


class LineOut(Struct, frozen=True):
    """A line of a lot; ``quantity`` as decimal text."""

    no: int
    name: str
    spec: str
    unit: str
    quantity: str
    unit_ceiling_fen: int | None


class LotOut(Struct, frozen=True):
    """A lot as this person may see it. ``seat`` is his: bidder, host, supervisor, public; ``alias`` his own."""

    id: UUID
    no: int
    title: str
    stage: str
    why: str
    rules: LotRules
    opens_at: int
    closes_at: int
    round_no: int
    lines: list[LineOut]
    award_due_at: int


class PublicationOut(Struct, frozen=True):
    """A notice as it was published; ``sha256`` of its text proves it unchanged."""

    kind: str
    lot_id: UUID | None
    body: dict[str, Any]
    sha256: str
    published_at: int


class CaseOut(Struct, frozen=True):
    """A case with its lots, as this person may see it; ``alias`` his organisation's, if it signed up."""

    id: UUID
    number: str
    ocid: str
    title: str
    category: str
    kind: str
    org_name: str
    region: str
    legal_basis: str
    notice: str
    invitation_only: bool
    seat: str
    alias: str
    signed_up: bool
    published_at: int
    opens_at: int
    budget_fen: int | None
    lots: list[LotOut]
    publications: list[PublicationOut]


def regions_of(actor: Actor | None) -> list[str]:
    """The region prefixes a supervisor oversees; empty for others."""
    grants = actor.grants if actor else ()
    return [grant.region for grant in grants if grant.role == Role.SUPERVISOR and grant.org_id is None]


def _org_of(actor: Actor | None) -> UUID | None:
    return actor.org_id if actor and actor.has(*access.HOSTS) else None


async def list_cases(
    conn: Db,
    actor: Actor | None,
    *,
    stage: str = "",
    words: str = "",
    category: str = "",
    limit: int = 20,
    offset: int = 0,
) -> Cases:
    """Cases this person may know, latest opening first. ``words`` are looked for in title, number and purchaser."""
    plain = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    given = (_org_of(actor), regions_of(actor), stage, plain, category.replace("%", "").replace("_", ""))
    rows = await conn.fetch(SQL["list_cases"], *given, min(limit, PAGE_SIZE_MAX), offset)
    return Cases(rows[0]["total"] if rows else 0, [_brief(row) for row in rows])


def _brief(row: Record) -> CaseBrief:
    lots = [
        LotBrief(
            UUID(lot["id"]), lot["no"], lot["title"], lot["stage"], lot["opens_at"] or 0, lot["closes_at"] or 0,
            lot["ceiling"],
        )
        for lot in row["lots"] or []
    ]  # fmt: skip
    return CaseBrief(
        row["id"], row["number"], row["title"], row["category"], row["org_name"], row["region"],
        millis_or_0(row["published_at"]), lots,
    )  # fmt: skip


async def seat_at(conn: Db, actor: Actor | None, auction_id: UUID) -> tuple[Record, str, Record | None]:
    """The case, this person's place at it, his sign-up. Raises ``Problem`` 404 if he may not know it."""
    row = await conn.fetchrow(SQL["auction_by_id"], auction_id)
    if row is None:
        raise Problem(404, "auction_unknown")
    if access.hosts(actor, row, row["now_ms"]) or (row["practice"] and actor and actor.org_id == row["org_id"]):
        return row, "host", None
    if access.oversees(actor, row, row["now_ms"]):
        return row, "supervisor", None
    if row["published_at"] is None or row["practice"]:
        raise Problem(404, "auction_unknown")
    if actor is None or not actor.has(Role.SUPPLIER):
        return row, "public", None
    return row, "supplier", await conn.fetchrow(SQL["signup_of"], auction_id, actor.org_id)


async def case(conn: Db, actor: Actor | None, auction_id: UUID) -> CaseOut:
    """One case as this person may see it. Never who or how many signed up."""
    row, seat, signup = await seat_at(conn, actor, auction_id)
    lots = [await lot_out(conn, lot) for lot in await conn.fetch(SQL["lots_of"], auction_id)]
    inside = seat in ("host", "supervisor")
    published = await conn.fetch(SQL["publications_of"], auction_id)
    return CaseOut(
        id=row["id"],
        number=row["number"],
        ocid=row["ocid"],
        title=row["title"],
        category=row["category"],
        kind=row["kind"],
        org_name=row["org_name"],
        region=row["region"],
        legal_basis=row["legal_basis"],
        notice=row["notice"],
        invitation_only=row["invitation_only"],
        seat=seat,
        alias=signup["alias"] if signup else "",
        signed_up=bool(signup and signup["status"] == "admitted"),
        published_at=millis_or_0(row["published_at"]),
        opens_at=millis_or_0(row["opens_at"]),
        budget_fen=row["budget_fen"] if inside else None,
        lots=lots,
        publications=[
            PublicationOut(p["kind"], p["lot_id"], p["body"], p["sha256"], millis(p["published_at"])) for p in published
        ],
    )


async def lot_out(conn: Db, lot: Record) -> LotOut:
    """A lot with its lines."""
    lines = [
        LineOut(
            line["no"], line["name"], line["spec"], line["unit"], format(line["quantity"].normalize(), "f"),
            line["unit_ceiling_fen"],
        )
        for line in await conn.fetch(SQL["lines_of"], lot["id"])
    ]  # fmt: skip
    return LotOut(
        id=lot["id"],
        no=lot["no"],
        title=lot["title"],
        stage=lot["stage"],
        why=lot["why"],
        rules=decode_rules(lot["rules"]),
        opens_at=millis_or_0(lot["opens_at"]),
        closes_at=millis_or_0(lot["closes_at"]),
        round_no=lot["round_no"],
        lines=lines,
        award_due_at=millis_or_0(lot["award_due_at"]),
    )


async def board(conn: Db, actor: Actor) -> list[Record]:
    """The running lots 看板 that this host or supervisor may follow, the next to end first."""
    rows: list[Record] = await conn.fetch(SQL["running_lots_of"], _org_of(actor), regions_of(actor))
    return rows
