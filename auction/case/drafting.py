"""立项: a purchaser drafts a case, with its lots, lines and rules; the legal gate derives what the law allows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import access, lawful, publishing
from auction.case.records import SQL, Db, encode, moment
from auction.lot.model import LotRules, PriceBasis, Stage
from auction.lot.rules import lot_problem
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from registries.agencies import records as agencies
from registries.forms import records as forms
from standards.workdays import day_of

Title = Annotated[str, Meta(min_length=1, max_length=200)]
Fen = Annotated[int, Meta(ge=0, le=900_000_000_000)]


class DraftLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A line 采购标的 of a lot. There is no field for a brand or model: the demand may name none (74号令 §10)."""

    name: Title
    quantity: Annotated[Decimal, Meta()]
    spec: Annotated[str, Meta(max_length=4_000)] = ""
    unit: Annotated[str, Meta(max_length=20)] = ""
    unit_ceiling_fen: Annotated[int, Meta(ge=1, le=900_000_000_000)] | None = None


class DraftLot(Struct, frozen=True, forbid_unknown_fields=True):
    """A lot 标包 with the rules it will be run by."""

    title: Title
    rules: LotRules
    lines: Annotated[list[DraftLine], Meta(max_length=200)] = []


class FewSuppliers(Struct, frozen=True, forbid_unknown_fields=True):
    """The recorded approval 批准 of fewer valid suppliers than the parameters ask for: its document and why."""

    document_no: Annotated[str, Meta(min_length=1, max_length=100)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Draft(Struct, frozen=True, forbid_unknown_fields=True):
    """A case as drafted. Money in fen, times epoch ms. ``posts`` are the approvals it needs, in order.

    ``in_framework``, ``agreement_price_fen``, ``uniform`` and ``urgent_small`` are facts for the legal gate.
    ``agency_org_id``: the agency 代理机构 that hosts beside the purchaser.
    """

    title: Title
    kind: Literal["goods", "services", "works"]
    category: Annotated[str, Meta(min_length=1, max_length=50)]
    budget_fen: Annotated[int, Meta(ge=1, le=900_000_000_000)]
    opens_at: int
    lots: Annotated[list[DraftLot], Meta(min_length=1, max_length=200)]
    budget_project: Annotated[str, Meta(max_length=100)] = ""
    plan_no: Annotated[str, Meta(max_length=100)] = ""
    in_framework: bool = False
    agreement_price_fen: Annotated[int, Meta(ge=1, le=900_000_000_000)] | None = None
    uniform: bool = False
    urgent_small: bool = False
    notice: Annotated[str, Meta(max_length=20_000)] = ""
    invitation_only: bool = False
    invited: Annotated[list[UUID], Meta(max_length=500)] = []
    posts: Annotated[tuple[Literal["department", "finance", "head"], ...], Meta(min_length=1, max_length=3)] = ("head",)
    signup_from: int | None = None
    agency_org_id: UUID | None = None
    few_suppliers: FewSuppliers | None = None


def check(draft: Draft, now_ms: int) -> None:
    """Raises ``Problem`` 422 for the first thing wrong with a draft by itself; nothing is written."""
    if draft.opens_at <= now_ms:
        raise Problem(422, "opening_passed", accept={"opens_at_min": now_ms + 1})
    if draft.signup_from is not None and draft.signup_from >= draft.opens_at:
        raise Problem(422, "signup_after_opening", accept={"signup_from_max": draft.opens_at - 1})
    if len(set(draft.posts)) != len(draft.posts):
        raise Problem(422, "posts_twice")
    if draft.invitation_only and not draft.invited:
        raise Problem(422, "invited_missing")
    ceilings = 0
    for no, lot in enumerate(draft.lots, 1):
        wrong = lot_problem(lot.rules)
        if lot.rules.practice:
            wrong = "practice_elsewhere"
        if lot.rules.basis is PriceBasis.UNIT_PRICES and not lot.lines:
            wrong = "lines_missing"
        if wrong:
            raise Problem(422, "rules_refused", accept={"lot": no, "rule": wrong}, rule=wrong)
        for line in lot.lines:
            check_quantity(line.quantity)
        ceilings += 0 if lot.rules.basis is PriceBasis.DISCOUNT_RATE else lot.rules.ceiling or 0
    if ceilings > draft.budget_fen:
        raise Problem(
            422, "ceiling_over_budget", accept={"ceilings_max": draft.budget_fen}, budget_fen=draft.budget_fen
        )


def check_quantity(quantity: Decimal) -> None:
    """Raises ``Problem`` 422 unless the quantity is above 0, below a billion, with at most 3 decimals."""
    if not quantity.is_finite() or not 0 < quantity < 1_000_000_000 or quantity != round(quantity, 3):
        raise Problem(422, "quantity_wrong")


async def create(conn: Connection, actor: Actor, draft: Draft, now_ms: int) -> UUID:
    """Write a new case in DRAFT with its parameters and texts pinned; its id. Refused: see ``check`` and the gate."""
    check(draft, now_ms)
    if not actor.has(Role.BUYER):
        raise Problem(403, "forbidden")
    await _check_agency(conn, draft, actor.region, now_ms)
    rule_set = await lawful.rule_set(conn, actor.region, now_ms)
    gate, told = await lawful.derive(conn, actor.org_id, actor.region, None, draft, rule_set, now_ms)
    number: str = await conn.fetchval(SQL["next_number"], actor.region, False)
    given = (
        number, f"ocds-yangcai-{number}", actor.region, actor.org_id, draft.agency_org_id, draft.title, draft.category,
        draft.kind, draft.budget_fen, draft.budget_project, draft.plan_no, draft.in_framework, gate.legal_basis,
        told, rule_set.values, rule_set.hash, draft.notice, draft.invitation_only, draft.posts,
        _moment(draft.signup_from), moment(draft.opens_at), actor.user_id,
    )  # fmt: skip
    auction_id: UUID = await conn.fetchval(SQL["add_auction"], *given)
    await forms.pin(conn, auction_id, actor.region, now_ms)
    await _add_lots(conn, auction_id, actor.region, actor.org_id, draft)
    await audit(conn, actor, "auction.drafted", f"auction:{auction_id}", detail={"number": number})
    return auction_id


async def edit(conn: Connection, actor: Actor, auction_id: UUID, draft: Draft, now_ms: int) -> None:
    """Replace a draft's content; its number, owner and pinned parameters stay. Refused once it was submitted."""
    check(draft, now_ms)
    row = await ours(conn, actor, auction_id, now_ms)
    await still_draft(conn, auction_id)
    await _check_agency(conn, draft, row["region"], now_ms)
    rule_set = lawful.pinned(row)
    gate, told = await lawful.derive(conn, row["org_id"], row["region"], auction_id, draft, rule_set, now_ms)
    await conn.execute(SQL["drop_lots"], auction_id)
    await conn.execute(SQL["drop_invitations"], auction_id)
    given = (
        draft.agency_org_id, draft.title, draft.category, draft.kind, draft.budget_fen, draft.budget_project,
        draft.plan_no, draft.in_framework, gate.legal_basis, told, draft.notice, draft.invitation_only,
        draft.posts, _moment(draft.signup_from), moment(draft.opens_at),
    )  # fmt: skip
    await conn.execute(SQL["change_auction"], auction_id, *given)
    await _add_lots(conn, auction_id, row["region"], row["org_id"], draft)
    await audit(conn, actor, "auction.edited", f"auction:{auction_id}")


async def _check_agency(conn: Connection, draft: Draft, region: str, now_ms: int) -> None:
    """Raises ``Problem`` 422 for an agency that is not published, is banned, or has nobody who may host there."""
    chosen = draft.agency_org_id
    if chosen and chosen not in {row["id"] for row in await agencies.choosable(conn, region, day_of(now_ms))}:
        raise Problem(422, "agency_unfit")


async def check_agency_still(conn: Connection, agency: UUID | None, now_ms: int) -> None:
    """Raises ``Problem`` 422 for an agency whose registration does not hold now: what has not begun ends (§22)."""
    if agency is not None and not await agencies.published(conn, agency, day_of(now_ms)):
        raise Problem(422, "agency_unfit")


async def ours(conn: Db, actor: Actor, auction_id: UUID, now_ms: int, *roles: Role) -> Record:
    """The case, if the actor may host it in one of ``roles``. Raises ``Problem`` 404 otherwise, as if it were not."""
    row = await conn.fetchrow(SQL["auction_by_id"], auction_id)
    if row is None or not access.hosts(actor, row, now_ms, *roles):
        raise Problem(404, "auction_unknown")
    return row


async def still_draft(conn: Connection, auction_id: UUID) -> list[Record]:
    """The case's lots, locked. Raises ``Problem`` 409 unless all are drafts."""
    rows = await publishing.lots_locked(conn, auction_id)
    for row in rows:
        if row["stage"] != Stage.DRAFT:
            raise Problem(409, "stage_passed", accept={"stage": Stage.DRAFT.value}, stage=row["stage"])
    return rows


async def _add_lots(conn: Connection, auction_id: UUID, region: str, org_id: UUID, draft: Draft) -> None:
    kept = await conn.fetch(SQL["lots_of"], auction_id)  # those that repeat a failed lot
    opens_at = moment(draft.opens_at)
    for row, lot in zip(kept, draft.lots, strict=False):
        await conn.execute(SQL["change_lot"], row["id"], lot.title, encode(lot.rules), opens_at)
        await add_lines(conn, row["id"], lot.lines)
    taken = {row["no"] for row in kept}
    numbers = (no for no in range(1, 10_000) if no not in taken)
    for no, lot in zip(numbers, draft.lots[len(kept) :], strict=False):
        given = (auction_id, region, org_id, no, lot.title, encode(lot.rules), opens_at, 1, None)
        lot_id = await conn.fetchval(SQL["add_lot"], *given)
        await add_lines(conn, lot_id, lot.lines)
    await conn.executemany(SQL["invite"], [(auction_id, org) for org in dict.fromkeys(draft.invited)])


async def add_lines(conn: Connection, lot_id: UUID, lines: list[DraftLine]) -> None:
    """Write a lot's lines, numbered from 1."""
    rows = [
        (lot_id, no, line.name, line.spec, line.unit, line.quantity, line.unit_ceiling_fen)
        for no, line in enumerate(lines, 1)
    ]
    await conn.executemany(SQL["add_line"], rows)


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else moment(ms)


def from_json(value: object) -> Draft:
    """A draft from plain JSON values; raises ``msgspec.ValidationError``."""
    return msgspec.convert(value, Draft)
