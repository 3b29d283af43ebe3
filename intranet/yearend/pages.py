"""年终结转: what a close would do, indicator by indicator, its proposal, and the second person's word."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.web import require, stepped_up
from intranet.access import places
from intranet.budget.records import balances_of
from intranet.yearend import operations
from intranet.yearend.operations import SQL
from plumbing import lists
from plumbing.problems import Problem
from plumbing.texts import local
from plumbing.typed import Typed
from plumbing.web import Form, collect, page, read_form, see_other
from standards import regions

PAGE = "/budget/year-end"
SUMMED = ("available", "frozen", "consumed", "paid")


def _chosen(request: Request, actor: Actor, form: Form | None = None) -> tuple[str, int]:
    """The place and the year asked for; else the reader's first place and this year."""
    asked = request.query_params if form is None else form
    mine, now = places(actor), local(request.state.clock.now_ms()).year
    place = asked.get("place", "")
    year = Typed({"year": asked.get("year", "")}).whole("year", 2000, 2200)
    return (place if place in mine else (mine or [""])[0]), year or now


async def _show(request: Request, actor: Actor, place: str, year: int, refused: str = "") -> Response:
    state = request.state
    rows = [(row, balances_of(row)) for row in await state.postgres.fetch(SQL["open_indicators"], year, place)]
    proposals = await state.postgres.fetch(SQL["proposals"], place)
    response: Response = state.templates.page(
        request,
        "year_end.html",
        422 if refused else 200,
        rows=rows,
        sums={part: sum(getattr(book, part) for _, book in rows) for part in SUMMED},
        paying=[row for row, book in rows if book.paying],
        proposal=next((each for each in proposals if each["state"] == "proposed" and each["year"] == year), None),
        past=[each for each in proposals if each["state"] != "proposed"],
        place=place,
        places=places(actor),
        name_of=lambda prefix: regions.full_name(prefix.ljust(6, "0")) if prefix else "",
        year=year,
        me=actor.user_id,
        refused=refused,
        faults=[],
    )
    return response


@page("GET", PAGE, act=Act.BUDGET_CLOSE)
async def year_end(request: Request) -> Response:
    """The open indicators of a year, and where each one's money would go."""
    actor = await require(request, Role.SUPERVISOR)
    return await _show(request, actor, *_chosen(request, actor))


async def _act(request: Request, note: str, act: Any) -> Response:
    actor, state, form = await stepped_up(request), request.state, await read_form(request)
    place, year = _chosen(request, actor, form)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await act(conn, actor, form, place, year, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, actor, place, year, lists.in_words(request, problem))
    return see_other(f"{PAGE}?place={place}&year={year}", note)


@page("POST", PAGE, act=Act.BUDGET_CLOSE)
async def propose_close(request: Request) -> Response:
    """Propose a close; the next person carries it out."""

    async def act(conn: Any, actor: Actor, form: Form, place: str, year: int, now_ms: int) -> None:
        await operations.propose(conn, actor, place, year, form.get("carry") == "yes", now_ms)

    return await _act(request, "note.year_proposed", act)


@page("POST", PAGE + "/{close_id:uuid}", act=Act.BUDGET_CLOSE)
async def decide_close(request: Request) -> Response:
    """Carry a proposal out, or drop it."""

    async def act(conn: Any, actor: Actor, form: Form, place: str, year: int, now_ms: int) -> None:
        close_id = request.path_params["close_id"]
        if form.get("act") == "drop":
            await operations.drop(conn, actor, close_id, now_ms)
        else:
            await operations.carry_out(conn, actor, close_id, form.get("typed_year", ""), now_ms)

    return await _act(request, "note.year_decided", act)


ROUTES = collect(globals())
