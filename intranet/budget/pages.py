"""预算指标: the pages of indicators. A unit sees its own; finance grants, adjusts and closes those of its places."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.rules import may
from accounts.web import require, stepped_up
from intranet.access import READERS, oversees, own_unit, places, sees
from intranet.budget import indicators
from intranet.budget.model import Fund, Refusal
from intranet.budget.records import SQL, balances_of
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.texts import local
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other

FUNDS = tuple(fund.value for fund in Fund)
POSTINGS_SHOWN = 200


async def _show_list(
    request: Request, actor: Actor, f: dict[str, str], faults: list[Fault], refused: str = ""
) -> Response:
    state = request.state
    asked = lists.wanted(request, "/budget", FUNDS)
    given = (own_unit(actor), places(actor), asked.plain, 0, asked.chosen)
    rows = await state.postgres.fetch(SQL["found"], *given, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    total = rows[0]["total"] if rows else 0
    finance = actor.has(Role.SUPERVISOR)
    response: Response = state.templates.page(
        request,
        "budget.html",
        422 if faults or refused else 200,
        rows=[(row, balances_of(row)) for row in rows],
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        funds=FUNDS,
        units=await state.postgres.fetch(SQL["units"], places(actor)) if finance else [],
        f={"year": str(local(state.clock.now_ms()).year)} | f,
        fault_of={fault.field: fault for fault in faults},
        faults=faults,
        refused=refused,
        finance=finance,
    )
    return response


@page("GET", "/budget", act=Act.BUDGET_READ)
async def budget(request: Request) -> Response:
    """The indicators this reader may see, with what of each is used, frozen and free."""
    return await _show_list(request, await require(request, *READERS), {}, [])


@page("POST", "/budget", act=Act.BUDGET_GRANT, name="grant_indicator")
async def grant(request: Request) -> Response:
    """Grant an indicator 指标下达 to a unit of the reader's places."""
    actor, state, form = await stepped_up(request), request.state, await read_form(request)
    typed = Typed(form, "budget.label")
    fen, year = typed.money("amount"), typed.whole("year", 2000, 2200)
    project, about = typed.text("project", 200), typed.text("about", 100)
    fund = typed.choice("fund", Fund, Fund.GENERAL)
    unit = await state.postgres.fetchrow(SQL["unit"], places(actor), form.get("unit", ""))
    if unit is None:
        typed.wrong("unit", "typed.choice")
    if typed.faults or unit is None or fen is None or year is None:
        return await _show_list(request, actor, form, typed.faults)
    if not may(actor, (Role.SUPERVISOR,), region=unit["region"], org_id=unit["id"], now_ms=state.clock.now_ms()):
        raise Problem(403, "forbidden")
    async with state.postgres.acquire() as conn, conn.transaction():
        made = await indicators.grant(
            conn, region=unit["region"], org_id=unit["id"], year=year, fund=fund, project=project, fen=fen, about=about,
            actor=actor, now_ms=state.clock.now_ms(),
        )  # fmt: skip
    return see_other(f"/budget/{made}", "note.indicator_granted")


async def _indicator(request: Request, actor: Actor) -> Record:
    row: Record | None = await request.state.postgres.fetchrow(SQL["indicator"], request.path_params["indicator_id"])
    if row is None or not sees(actor, row, request.state.clock.now_ms()):
        raise Problem(404, "budget_indicator_unknown")
    return row


async def _show(
    request: Request, actor: Actor, row: Record, f: dict[str, str], faults: list[Fault], refused: str
) -> Response:
    state = request.state
    response: Response = state.templates.page(
        request,
        "indicator.html",
        422 if faults or refused else 200,
        row=row,
        book=balances_of(row),
        postings=await state.postgres.fetch(SQL["postings_of"], row["id"], POSTINGS_SHOWN),
        heir=await state.postgres.fetchval(SQL["heir_of"], row["id"]),
        files=actor.has(Role.BUYER) and actor.org_id == row["org_id"],
        finance=oversees(actor, row, state.clock.now_ms()),
        f=f,
        faults=faults,
        fault_of={fault.field: fault for fault in faults},
        refused=refused,
    )
    return response


@page("GET", "/budget/{indicator_id:uuid}", act=Act.BUDGET_READ)
async def indicator(request: Request) -> Response:
    """One indicator: where its money stands, and every posting that brought it there."""
    actor = await require(request, *READERS)
    return await _show(request, actor, await _indicator(request, actor), {}, [], "")


@page("POST", "/budget/{indicator_id:uuid}/adjustment", act=Act.BUDGET_GRANT)
async def adjustment(request: Request) -> Response:
    """Add to an indicator 追加 or take from what is free of it 调减."""
    actor, state, form = await stepped_up(request), request.state, await read_form(request)
    row = await _overseen(request, actor)
    typed = Typed(form, "budget.label")
    fen, about = typed.money("amount"), typed.text("about", 100)
    if fen is None or typed.faults:
        return await _show(request, actor, row, form, typed.faults, "")
    sign = -1 if form.get("act") == "cut" else 1
    async with state.postgres.acquire() as conn, conn.transaction():
        refusal = await indicators.adjust(conn, row["id"], sign * fen, about, actor, state.clock.now_ms())
    return await _done(request, actor, row["id"], form, refusal, "note.indicator_adjusted")


async def _overseen(request: Request, actor: Actor) -> Record:
    row = await _indicator(request, actor)
    if not oversees(actor, row, request.state.clock.now_ms()):
        raise Problem(404, "budget_indicator_unknown")
    return row


async def _done(request: Request, actor: Actor, indicator_id: UUID, form: Form, outcome: Any, note: str) -> Response:
    if isinstance(outcome, Refusal):
        row = await _indicator(request, actor)
        return await _show(request, actor, row, form, [], lists.in_words(request, Problem(409, f"budget_{outcome}")))
    return see_other(f"/budget/{indicator_id}", note)


ROUTES = collect(globals())
