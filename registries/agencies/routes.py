"""代理机构开放接口: the registry for other systems: who is published, where each stands today. Public things only."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts.acts import OPEN
from plumbing.lists import PAGE_SIZE, PAGES_MAX, Wanted
from plumbing.problems import Problem
from plumbing.web import collect, op
from registries.agencies import records, rules
from registries.agencies.model import Mark, Standing
from standards.workdays import day_of


class AgenciesSought(Struct, frozen=True):
    """What is looked for; empty: not asked. ``region`` is a place with all in it, ``at`` a page from 1."""

    words: Annotated[str, Meta(max_length=100)] = ""
    region: Annotated[str, Meta(pattern=r"^([1-9][0-9]{5})?$")] = ""
    standing: Annotated[str, Meta(pattern=f"^({'|'.join(each.value for each in Standing)})?$")] = ""
    at: Annotated[int, Meta(ge=1, le=PAGES_MAX)] = 1


class AgencyOut(Struct, frozen=True):
    """An agency 代理机构 of the list, with its standing and credit today and how many cases it ran."""

    id: UUID
    name: str
    uscc: str
    region: str
    standing: Standing
    credit: int
    cases: int


class AgenciesOut(Struct, frozen=True):
    """A page of the list: how many there are in all, and how many stand on a page."""

    total: int
    page_size: int
    agencies: list[AgencyOut]


class AgencyDetailOut(Struct, frozen=True):
    """One agency with what authorities decided of it."""

    id: UUID
    name: str
    uscc: str
    region: str
    standing: Standing
    credit: int
    marks: list[Mark]


@op("GET", "/api/agencies", tag="agencies", summary=("代理机构名录", "Agencies"), act=OPEN)
async def list_agencies(request: Request, query: AgenciesSought) -> AgenciesOut:
    """Agencies by words in name or code, place and standing today; twenty a page."""
    asked = Wanted("", query.words, query.standing, query.at, query.region)
    rows = await records.search(request.state.postgres, asked, day_of(request.state.clock.now_ms()))
    found = [
        AgencyOut(
            row["org_id"], row["name"], row["uscc"], row["region"], Standing(row["standing"]), row["credit"],
            row["cases"],
        )
        for row in rows
    ]  # fmt: skip
    return AgenciesOut(rows[0]["total"] if rows else 0, PAGE_SIZE, found)


@op(
    "GET", "/api/agencies/{org_id:uuid}", tag="agencies", summary=("代理机构", "One agency"), act=OPEN, errors=(404,)
)  # fmt: skip
async def get_agency(request: Request, org_id: UUID) -> AgencyDetailOut:
    """One agency: where it stands today, its credit and marks."""
    facts = await records.facts(request.state.postgres, org_id)
    if facts is None:
        raise Problem(404, "agency_unknown")
    today = day_of(request.state.clock.now_ms())
    return AgencyDetailOut(
        facts.org_id, facts.name, facts.uscc, facts.region, rules.standing(facts, today),
        rules.credit(facts.marks, today), list(facts.marks),
    )  # fmt: skip


ROUTES = collect(globals())
