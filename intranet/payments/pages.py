"""支付: the pages of payments. A unit's handler files against its contracts, its posts decide, finance looks on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.flows import engine
from accounts.flows.model import Kind
from accounts.model import Actor, Role
from accounts.web import require, stepped_up
from intranet.access import READERS, own_unit, places, sees
from intranet.payments import operations
from intranet.payments.model import LIFE, Application, State, Step
from intranet.payments.operations import SQL
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other

SHOWN = 100


async def _list(request: Request, actor: Actor, f: dict[str, str], faults: list[Fault], refused: str = "") -> Response:
    state, whose = request.state, (own_unit(actor), places(actor), SHOWN)
    contracts = await state.postgres.fetch(SQL["contracts"], *whose)
    response: Response = state.templates.page(
        request,
        "payments.html",
        422 if faults or refused else 200,
        contracts=contracts,
        rows=await state.postgres.fetch(SQL["payments"], *whose),
        may_file=actor.has(Role.BUYER) and any(each["left_fen"] for each in contracts),
        f=f,
        faults=faults,
        fault_of={fault.field: fault for fault in faults},
        refused=refused,
    )
    return response


@page("GET", "/payments", act=Act.BUDGET_READ)
async def payments(request: Request) -> Response:
    """Contracts with what of each is asked for and paid, and the applications of the reader's unit or places."""
    return await _list(request, await require(request, *READERS), {}, [])


@page("POST", "/payments", act=Act.PAYMENT_FILE)
async def file_payment(request: Request) -> Response:
    """File an application against a contract."""
    actor, state, form = await require(request, Role.BUYER), request.state, await read_form(request)
    typed = Typed(form, "payment.label")
    fen, contract = typed.money("amount"), typed.text("contract", 100)
    acceptance_no, about = typed.text("acceptance_no", 100), typed.text("about", 200)
    if typed.faults or fen is None:
        return await _list(request, actor, form, typed.faults)
    asked = Application(contract or "", fen, acceptance_no or "", about or "")
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            made = await operations.file(conn, actor, asked, state.clock.now_ms())
    except Problem as problem:
        if problem.status == 403:
            raise
        return await _list(request, actor, form, [], lists.in_words(request, problem))
    return see_other(f"/payments/{made}", "note.payment_filed")


async def _payment(request: Request, actor: Actor) -> Record:
    row: Record | None = await request.state.postgres.fetchrow(SQL["payment"], request.path_params["payment_id"])
    if row is None or not sees(actor, row, request.state.clock.now_ms()):
        raise Problem(404, "payment_unknown")
    return row


async def _show(request: Request, actor: Actor, refused: str = "") -> Response:
    row, state = await _payment(request, actor), request.state
    now, own = State(row["state"]), actor.org_id == row["org_id"]
    response: Response = state.templates.page(
        request,
        "payment.html",
        409 if refused else 200,
        row=row,
        parts=await state.postgres.fetch(SQL["parts"], row["id"]),
        flow=await engine.progress(state.postgres, Kind.PAYMENT, row["id"]),
        decides=await engine.is_turn_of(state.postgres, actor, Kind.PAYMENT, row["id"], state.clock.now_ms()),
        withdraws=own and actor.has(Role.BUYER) and (now, Step.WITHDRAW) in LIFE,
        refused=refused,
        faults=[],
    )
    return response


@page("GET", "/payments/{payment_id:uuid}", act=Act.BUDGET_READ)
async def payment(request: Request) -> Response:
    """One application: what it pays, who decided, and what the treasury made of it."""
    return await _show(request, await require(request, *READERS))


async def _act(request: Request, roles: tuple[Role, ...], note: str, act: Any) -> Response:
    actor, state, payment_id = await require(request, *roles), request.state, request.path_params["payment_id"]
    form = await read_form(request)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await act(conn, actor, payment_id, form, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, actor, lists.in_words(request, problem))
    return see_other(f"/payments/{payment_id}", note)


@page("POST", "/payments/{payment_id:uuid}/decision", act=Act.PAYMENT_DECIDE)
async def decide_payment(request: Request) -> Response:
    """The post whose turn it is approves an application or declines it."""
    await stepped_up(request)

    async def act(conn: Any, actor: Actor, payment_id: UUID, form: Form, now_ms: int) -> None:
        yes, why = form.get("act") == "approve", form.get("remark", "")[:500]
        await operations.decide(conn, actor, payment_id, yes, why, now_ms)

    return await _act(request, (Role.BUYER, Role.HEAD), "note.payment_decided", act)


@page("POST", "/payments/{payment_id:uuid}/withdrawal", act=Act.PAYMENT_FILE)
async def withdraw_payment(request: Request) -> Response:
    """The handler takes an undecided application back."""

    async def act(conn: Any, actor: Actor, payment_id: UUID, form: Form, now_ms: int) -> None:
        await operations.withdraw(conn, actor, payment_id, now_ms)

    return await _act(request, (Role.BUYER,), "note.payment_withdrawn", act)


ROUTES = collect(globals())
