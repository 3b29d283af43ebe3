"""The list of cases 项目列表: what there is, what runs now, what waits on whoever looks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import OPEN
from accounts.model import Actor, Role
from accounts.todo.waiting import steps_of
from auction.case import access, reading
from auction.doors import wording
from auction.doors.pagekit import tone
from auction.lot import live
from auction.lot.model import PriceBasis
from plumbing import sql
from plumbing.postgres import Record
from plumbing.valkey import RedisError
from plumbing.web import collect, page
from registries.parameters import records as parameters
from standards.categories import stem

SQL = sql.load(Path(__file__).with_name("casepages.sql"))
PAGE_SIZE = 12
PAGES_MAX = 10_000
GROUPS: dict[str, tuple[str, ...]] = {
    "preparing": ("draft", "approving", "scheduled"),
    "signup": ("signup",),
    "running": ("running", "opening", "paused", "closing"),
    "deciding": ("conformity_review", "abnormal_review", "award_pending", "buyer_confirm", "on_hold"),
    "done": ("published", "contracted"),
    "ended": ("failed", "cancelled"),
}
"""Stages as people look for them. ``list.group.<name>``."""
_FIRST = (
    "running", "opening", "paused", "closing", "on_hold", "signup", "abnormal_review", "conformity_review",
    "buyer_confirm", "award_pending", "scheduled", "approving", "draft", "published", "contracted", "failed",
    "cancelled", "rehearsed",
)  # fmt: skip
VIEWS = ("all", "open", "mine")


class Wanted(Struct, frozen=True):
    """What is looked for: a view, a group of stages, words, a category, a page."""

    view: str = "all"
    group: str = ""
    words: str = ""
    category: str = ""
    at: int = 1

    def link(self, **changed: Any) -> str:
        """The address of the same search, changed; a changed search begins at its first page."""
        asked = {name: getattr(self, name) for name in ("view", "group", "words", "category")} | changed
        kept = {
            name: value for name, value in asked.items() if value and (name, value) not in (("view", "all"), ("at", 1))
        }
        return "/auctions" + ("?" + urlencode(kept) if kept else "")


def wanted(query: Any, views: tuple[str, ...], groups: tuple[str, ...]) -> Wanted:
    """What the address asks for; what makes no sense is left out."""
    view, group, page_ = query.get("view", ""), query.get("group", ""), query.get("at", "1")
    category = query.get("category", "").split(" ")[0].upper()[:9]
    return Wanted(
        view=view if view in views else "all",
        group=group if group in groups else "",
        words=query.get("words", "").replace("\0", "").strip()[:100],
        category=stem(category) if category.isascii() and category.isalnum() else "",
        at=max(1, min(PAGES_MAX, int(page_))) if page_.isascii() and page_.isdigit() and len(page_) < 9 else 1,
    )


def chief_lot(lots: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The lot whose stage stands for the case: what runs before what waits before what is over."""
    return min(lots, key=lambda lot: (_FIRST.index(lot["stage"]), lot["no"]), default=None)


def _price(lot: dict[str, Any]) -> str:
    basis = PriceBasis(lot["basis"] or "total")
    return wording.amount_text(lot["ceiling"], basis) if lot["ceiling"] else ""


async def found_cases(request: Request, actor: Actor | None, asked: Wanted) -> tuple[list[dict[str, Any]], int]:
    """A page of cases with the lot that stands for each, and how many there are in all."""
    words = asked.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    host = actor.org_id if actor and actor.has(*access.HOSTS) else None
    rows = await request.state.postgres.fetch(
        SQL["list_for"], actor.org_id if actor else None, host, reading.regions_of(actor),
        list(GROUPS.get(asked.group, ())), words, asked.category, asked.view, PAGE_SIZE, (asked.at - 1) * PAGE_SIZE,
    )  # fmt: skip
    cases = [_case(row) for row in rows]
    await _true_ends(request, [case["chief"] for case in cases if case["chief"]])
    return cases, rows[0]["total"] if rows else 0


def _case(row: Record) -> dict[str, Any]:
    lots = row["lots"] or []
    prices = [_price(lot) for lot in lots]
    return {**dict(row), "lots": lots, "chief": chief_lot(lots), "price": prices[0] if len(prices) == 1 else ""}


async def _true_ends(request: Request, lots: list[dict[str, Any]]) -> None:
    """The end of running lots as the live store has it now; what was planned while the store is away."""
    running = [lot for lot in lots if lot["stage"] == "running"]
    try:
        told = await asyncio.gather(*(live.read_tally(request.state.valkey, UUID(lot["id"])) for lot in running))
    except (RedisError, OSError):
        return
    for lot, tally in zip(running, told, strict=True):
        if tally is not None:
            lot["closes_at"] = tally[2]


@page("GET", "/auctions", act=OPEN)
async def auctions(request: Request) -> Response:
    """The list of cases this person may know, with search, filters and pages, and what waits on him."""
    actor = await sessions.actor(request)
    hosting = bool(actor and actor.has(*access.HOSTS, Role.SUPERVISOR))
    groups = tuple(GROUPS) if hosting else tuple(GROUPS)[1:]
    views = tuple(view for view in VIEWS if view == "all" or (actor is not None and (view == "mine" or not hosting)))
    asked = wanted(request.query_params, views, groups)
    cases, total = await found_cases(request, actor, asked)
    now_ms = request.state.clock.now_ms()
    waiting = await steps_of(request.state.postgres, actor.user_id, now_ms) if actor else []
    response: Response = request.state.templates.page(
        request,
        "list.html",
        cases=cases,
        total=total,
        asked=asked,
        views=views,
        groups=groups,
        pages=max(1, -(-total // PAGE_SIZE)),
        waiting=[step for step in waiting if step.mine],
        tone=tone,
        categories=await parameters.all_categories(request.state.postgres),
        may_open=bool(actor and actor.has(Role.BUYER)),
        may_practise=bool(actor and actor.has(Role.SUPPLIER)),
        now=now_ms,
    )
    return response


ROUTES = collect(globals())
