"""评审专家开放接口: the experts of the caller's places, for other systems, masked."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.web import require
from plumbing.lists import PAGE_SIZE, PAGES_MAX, plain
from plumbing.web import collect, op
from registries.experts import library
from registries.experts.listpages import KINDS
from registries.experts.model import Status, Title
from standards.workdays import day_of


class ExpertsSought(Struct, frozen=True):
    """What is looked for; empty: not asked. ``chosen``: a standing, ``waits`` for review, or ``ended`` term."""

    words: Annotated[str, Meta(max_length=100)] = ""
    chosen: Annotated[str, Meta(pattern=f"^({'|'.join(KINDS)})?$")] = ""
    at: Annotated[int, Meta(ge=1, le=PAGES_MAX)] = 1


class ExpertOut(Struct, frozen=True):
    """An expert 评审专家 without number, birth, employer or relatives; of his name the first sign."""

    id: UUID
    name: str
    region: str
    title: Title
    specialties: tuple[str, ...]
    status: Status
    good_until: date | None


class ExpertsOut(Struct, frozen=True):
    """A page of the list: how many there are in all, and how many stand on a page."""

    total: int
    page_size: int
    experts: list[ExpertOut]


def masked(name: str) -> str:
    """The first sign of a name."""
    return name[:1] + "*" * max(1, min(2, len(name) - 1))


@op("GET", "/api/experts", tag="experts", summary=("评审专家", "Review experts"), act=Act.EXPERT_REVIEW)
async def list_experts(request: Request, query: ExpertsSought) -> ExpertsOut:
    """The experts of the caller's places, masked, whoever waits for a decision first; twenty a page."""
    actor, now_ms = await require(request), request.state.clock.now_ms()
    places = list(reach(actor, Act.EXPERT_REVIEW, now_ms).places)
    within = (PAGE_SIZE, (query.at - 1) * PAGE_SIZE)
    given = (places, plain(query.words), query.chosen, day_of(now_ms), *within)
    rows = await request.state.postgres.fetch(library.SQL["found"], *given)
    found = []
    for row in rows:
        one = library.dossier_of(row)
        about = (one.title, one.specialties, Status(row["status"]), row["good_until"])
        found.append(ExpertOut(row["person_id"], masked(one.name), row["region"], *about))
    return ExpertsOut(rows[0]["total"] if rows else 0, PAGE_SIZE, found)


ROUTES = collect(globals())
