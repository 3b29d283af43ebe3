"""采购计划: the pages of plans. A unit's handler files, its head decides, finance looks on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.flows import engine
from accounts.flows.model import Kind
from accounts.model import Actor, Role
from accounts.web import require, stepped_up
from intranet.access import READERS, of_unit, own_unit, places, sees
from intranet.budget.model import Source
from intranet.plans import operations
from intranet.plans.model import LIFE, METHOD_OF_BASIS, Method, PlanDraft, State, Step
from intranet.plans.operations import SQL
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from registries.parameters import records as parameters
from standards.categories import is_code
from standards.money import plain

STATES = tuple(state.value for state in State)
SOURCES_MAX = 4
BY_CASE = frozenset(method for methods in METHOD_OF_BASIS.values() for method in methods)
"""The methods whose plans a case of this platform carries out."""


@page("GET", "/plans", act=Act.PLAN_READ)
async def plans(request: Request) -> Response:
    """The plans this reader may see."""
    actor, state = await require(request, *READERS), request.state
    asked = lists.wanted(request, "/plans", STATES)
    given = (own_unit(actor), places(actor), asked.plain, asked.chosen)
    rows = await state.postgres.fetch(SQL["found"], *given, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    total = rows[0]["total"] if rows else 0
    response: Response = state.templates.page(
        request,
        "plans.html",
        rows=rows,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        states=STATES,
        may_file=actor.has(Role.BUYER),
    )
    return response


def read_plan(form: Form) -> tuple[PlanDraft | None, list[Fault]]:
    """A plan as typed; None with what is wrong."""
    typed = Typed(form, "plan.label")
    code = typed.raw("category").split(" ")[0].upper()
    if not is_code(code) or len(code) == 1:
        typed.wrong("category", "typed.missing" if not code else "typed.choice")
    share = 0 if typed.raw("small_share") in ("", "0", "0%") else typed.percent("small_share")
    amount, sources = typed.money("amount"), []
    for n in range(1, SOURCES_MAX + 1):
        chosen = typed.raw(f"source-{n}-indicator")
        if chosen or typed.raw(f"source-{n}-amount"):
            sources.append(_source(typed, n, chosen))
    if not sources:
        typed.wrong("source-1-indicator", "typed.missing")
    draft = (
        typed.text("title", 200), code, typed.choice("method", Method, Method.MALL), amount or 0,
        tuple(source for source in sources if source), typed.text("project", 100, need=False), share or 0,
        typed.text("small_reason", 500, need=False), typed.text("approval_no", 100, need=False),
    )  # fmt: skip
    return (None if typed.faults else PlanDraft(*draft)), typed.faults


def _source(typed: Typed, n: int, chosen: str) -> Source | None:
    fen = typed.money(f"source-{n}-amount")
    try:
        return Source(UUID(chosen), fen or 0)
    except ValueError:
        typed.wrong(f"source-{n}-indicator", "typed.choice" if chosen else "typed.missing")
        return None


def as_typed(draft: PlanDraft) -> dict[str, str]:
    """A plan as the fields of its form."""
    f = {
        "title": draft.title, "category": draft.category, "method": draft.method.value,
        "amount": plain(draft.amount_fen), "project": draft.project, "small_share": f"{draft.small_share_bp / 100:g}",
        "small_reason": draft.small_reason, "approval_no": draft.approval_no,
    }  # fmt: skip
    for n, source in enumerate(draft.sources, 1):
        f |= {f"source-{n}-indicator": str(source.indicator_id), f"source-{n}-amount": plain(source.fen)}
    return f


def _chosen(f: dict[str, str]) -> list[UUID]:
    """The indicators a form names."""
    found = []
    for n in range(1, SOURCES_MAX + 1):
        with suppress(ValueError):
            found.append(UUID(f.get(f"source-{n}-indicator", "")))
    return found


async def _form(
    request: Request, actor: Actor, action: str, f: dict[str, str], faults: list[Fault], refused: str = ""
) -> Response:
    state = request.state
    response: Response = state.templates.page(
        request,
        "plan_form.html",
        422 if faults or refused else 200,
        action=action,
        f=f,
        faults=faults,
        fault_of={fault.field: fault for fault in reversed(faults)},
        refused=refused,
        methods=tuple(Method),
        indicators=await state.postgres.fetch(SQL["to_choose"], actor.org_id, _chosen(f)),
        categories=await parameters.all_categories(state.postgres),
        numbers=range(1, SOURCES_MAX + 1),
    )
    return response


async def _file(request: Request, plan_id: UUID | None) -> Response:
    actor, state, form = await require(request, Role.BUYER), request.state, await read_form(request)
    if plan_id:
        await _plan(request, actor)
    action = f"/plans/{plan_id}" if plan_id else "/plans"
    draft, faults = read_plan(form)
    if draft is None:
        return await _form(request, actor, action, form, faults)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            filed = await operations.file(conn, actor, draft, state.clock.now_ms(), plan_id)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _form(request, actor, action, form, [], lists.in_words(request, problem))
    return see_other(f"/plans/{filed}", "note.plan_filed")


@page("GET", "/plans/new", act=Act.PLAN_FILE)
async def new_plan(request: Request) -> Response:
    """An empty form; ``?indicator=``: of that indicator."""
    given = {"small_share": "100", "source-1-indicator": request.query_params.get("indicator", "")}
    return await _form(request, await require(request, Role.BUYER), "/plans", given, [])


@page("POST", "/plans", act=Act.PLAN_FILE)
async def file_plan(request: Request) -> Response:
    """File a plan, or the form again with what stops it above."""
    return await _file(request, None)


async def _plan(request: Request, actor: Actor) -> Record:
    row: Record | None = await request.state.postgres.fetchrow(SQL["plan"], request.path_params["plan_id"])
    if row is None or not sees(actor, row, request.state.clock.now_ms()):
        raise Problem(404, "plan_unknown")
    return row


async def _show(request: Request, actor: Actor, refused: str = "") -> Response:
    state, row = request.state, await _plan(request, actor)
    now_ms = state.clock.now_ms()
    handler = of_unit(actor, Role.BUYER, now_ms, row["region"], row["org_id"])
    response: Response = state.templates.page(
        request,
        "plan.html",
        409 if refused else 200,
        row=row,
        sources=await state.postgres.fetch(SQL["sources_of"], row["id"]),
        uses=await state.postgres.fetch(SQL["uses_of"], row["id"]),
        refused=refused,
        flow=await engine.progress(state.postgres, Kind.PLAN, row["id"]),
        may_decide=await engine.is_turn_of(state.postgres, actor, Kind.PLAN, row["id"], now_ms),
        may_withdraw=handler and (State(row["state"]), Step.WITHDRAW) in LIFE,
        may_file_again=handler and row["state"] == State.RETURNED,
        may_open=handler and row["state"] == State.APPROVED and row["method"] in BY_CASE,
    )
    return response


@page("GET", "/plans/{plan_id:uuid}", act=Act.PLAN_READ)
async def plan(request: Request) -> Response:
    """One plan: what it is, its money, what the checks watch, and the cases that carry it out."""
    return await _show(request, await require(request, *READERS))


@page("GET", "/plans/{plan_id:uuid}/edit", act=Act.PLAN_FILE)
async def edit_plan(request: Request) -> Response:
    """The form of a plan that was returned."""
    actor = await require(request, Role.BUYER)
    row = await _plan(request, actor)
    if row["state"] != State.RETURNED:
        return see_other(f"/plans/{row['id']}")
    async with request.state.postgres.acquire() as conn:
        draft = await operations.draft_of(conn, row)
    return await _form(request, actor, f"/plans/{row['id']}", as_typed(draft), [])


@page("POST", "/plans/{plan_id:uuid}", act=Act.PLAN_FILE)
async def file_again(request: Request) -> Response:
    """File a returned plan again."""
    return await _file(request, request.path_params["plan_id"])


async def _act(request: Request, roles: tuple[Role, ...], note: str, act: Any) -> Response:
    actor, state, plan_id = await require(request, *roles), request.state, request.path_params["plan_id"]
    form = await read_form(request)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await act(conn, actor, plan_id, form, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, actor, lists.in_words(request, problem))
    return see_other(f"/plans/{plan_id}", note)


@page("POST", "/plans/{plan_id:uuid}/decision", act=Act.PLAN_DECIDE)
async def decide_plan(request: Request) -> Response:
    """The post whose turn it is approves a plan or returns it."""
    await stepped_up(request)

    async def act(conn: Any, actor: Actor, plan_id: UUID, form: Form, now_ms: int) -> None:
        yes, remark = form.get("act") == "approve", form.get("remark", "")[:500]
        await operations.decide(conn, actor, plan_id, yes, remark, now_ms)

    return await _act(request, READERS, "note.plan_decided", act)


@page("POST", "/plans/{plan_id:uuid}/withdrawal", act=Act.PLAN_FILE)
async def withdraw_plan(request: Request) -> Response:
    """Take back a plan that is not approved."""

    async def act(conn: Any, actor: Actor, plan_id: UUID, form: Form, now_ms: int) -> None:
        await operations.withdraw(conn, actor, plan_id, now_ms)

    return await _act(request, (Role.BUYER,), "note.plan_withdrawn", act)


ROUTES = collect(globals())
