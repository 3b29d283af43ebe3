"""供应商开放接口: the registry for other systems: who is registered, where each stands today. Public things only."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from accounts.acts import OPEN
from plumbing.lists import PAGE_SIZE
from plumbing.problems import Problem
from plumbing.web import collect, op
from registries.outside import records as outside
from registries.outside.model import CreditExtract, CreditKind, Register
from registries.suppliers import records, rules
from registries.suppliers.model import Ban, SizeClass, Standing
from registries.suppliers.searching import Sought, search
from standards.workdays import day_of


class SupplierOut(Struct, frozen=True):
    """A supplier 供应商 of the list. ``standing`` is today's."""

    id: UUID
    name: str
    uscc: str
    region: str
    size_class: SizeClass
    categories: list[str]
    standing: Standing


class SuppliersOut(Struct, frozen=True):
    """A page of the list: how many there are in all, and how many stand on a page."""

    total: int
    page_size: int
    suppliers: list[SupplierOut]


class BanOut(Struct, frozen=True):
    """A ban 禁止参加政府采购活动 from a day until before another (null: until lifted)."""

    begins: date | None
    ends: date | None
    reason: str
    authority: str
    holds: bool


class CreditOut(Struct, frozen=True):
    """A credit record 信用记录, public, that the credit register told of when it was last asked."""

    kind: CreditKind
    number: str
    authority: str
    since: date
    until: date | None


class SupplierDetailOut(Struct, frozen=True):
    """One supplier with bans and credit records. ``certificate_until``: the first day a certificate holds no more."""

    id: UUID
    name: str
    uscc: str
    region: str
    size_class: SizeClass
    categories: list[str]
    standing: Standing
    certificate_until: date | None
    bans: list[BanOut]
    credit: list[CreditOut]


@op("GET", "/api/suppliers", tag="suppliers", summary=("供应商名录", "Suppliers"), act=OPEN)
async def list_suppliers(request: Request, query: Sought) -> SuppliersOut:
    """Suppliers by words in name or code, place, standing today, category they supply, size; twenty a page."""
    rows = await search(request.state.postgres, query, day_of(request.state.clock.now_ms()))
    found = [
        SupplierOut(
            row["org_id"], row["name"], row["uscc"], row["region"], SizeClass(row["size_class"]),
            list(row["categories"]), Standing(row["standing"]),
        )
        for row in rows
    ]  # fmt: skip
    return SuppliersOut(rows[0]["total"] if rows else 0, PAGE_SIZE, found)


@op(
    "GET",
    "/api/suppliers/{org_id:uuid}",
    tag="suppliers",
    summary=("供应商", "One supplier"),
    act=OPEN,
    errors=(404,),
)
async def get_supplier(request: Request, org_id: UUID) -> SupplierDetailOut:
    """One supplier: where it stands today, and its bans."""
    facts = await records.facts(request.state.postgres, org_id)
    if facts is None:
        raise Problem(404, "supplier_unknown")
    today = day_of(request.state.clock.now_ms())
    told = (await outside.known(request.state.postgres, facts.uscc)).get(Register.CREDIT)
    entries = told.extract.entries if told is not None and isinstance(told.extract, CreditExtract) else ()
    return SupplierDetailOut(
        facts.org_id, facts.name, facts.uscc, facts.region, facts.size_class, list(facts.categories),
        rules.standing(facts, today), facts.certificate_until, [_ban(each, today) for each in facts.bans],
        [CreditOut(each.kind, each.number, each.authority, each.since, each.until) for each in entries],
    )  # fmt: skip


def _ban(found: Ban, today: date) -> BanOut:
    return BanOut(found.begins, found.ends, found.reason, found.authority, found.holds(today))


ROUTES = collect(globals())
