"""入驻的页面: the form for whoever comes, where his registration stands, and the list of the place's administrator."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from accounts import passwords, rules, throttle
from accounts.acts import OPEN, SIGNED_IN, Act
from accounts.admin.rules import reach
from accounts.model import Actor, Role
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from registries.joining import operations
from registries.joining.operations import KINDS, SQL, Filed
from registries.outside.model import Answer, FirmExtract, Register
from registries.parameters import records as parameters
from registries.suppliers import checking, filings
from registries.suppliers.dossier import Dossier
from registries.suppliers.reading import NOTHING, read_head, read_holders, read_region, read_scope
from standards import regions

FILED_PER_ADDRESS, LOOKED_UP_PER_ADDRESS = 10, 30
HOUR_S = 3_600


async def _form(
    request: Request, f: dict[str, str], faults: list[Fault], refused: str = "", answer: Answer | None = None
) -> Response:
    state = request.state
    firm = answer.extract if answer is not None and isinstance(answer.extract, FirmExtract) else None
    response: Response = state.templates.page(
        request,
        "register.html",
        422 if faults or refused else 200,
        kinds=KINDS,
        regions=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        categories=await parameters.all_categories(state.postgres),
        f=f,
        asks=state.registers is not None,
        answer=answer,
        told=checking.told(firm) if firm else {},
        place=regions.full_name,
        faults=faults,
        fault_of={fault.field: fault for fault in reversed(faults)},
        refused=refused,
    )
    return response


@page("GET", "/register", act=OPEN)
async def register(request: Request) -> Response:
    """The form."""
    return await _form(request, {"kind": "supplier"}, [])


def read_filed(form: Form, secret: bytes) -> tuple[Filed, list[Fault]]:
    """A registration as typed, and what is wrong with it."""
    typed = Typed(form, "joining.label")
    kind, region = typed.raw("kind"), read_region(typed)
    if kind not in KINDS:
        typed.wrong("kind", "typed.choice" if kind else "typed.missing")
    firm = kind != "expert"
    name, code = typed.text("name", 200, need=firm), typed.text("uscc", 40, need=firm)
    supplier = _supplier(typed, secret, name, code, region) if kind == "supplier" else None
    person, login, phone = typed.text("person", 100), typed.text("login", 64), typed.text("phone", 30)
    if supplier is not None:
        supplier = msgspec.structs.replace(supplier, contact=person, phone=phone)
    new = form.exact.get("new", "")[:201]
    if not new:
        typed.wrong("new", "typed.missing")
    elif new != form.exact.get("again", "")[:201]:
        typed.wrong("new", "problem.passwords_differ")
    elif not rules.password_is_fit(new, login):
        typed.wrong("new", "problem.password_unfit", least=rules.PASSWORD_LENGTH_MIN)
    filed = Filed(kind, name, region, code if firm else "", person, login, phone, supplier, typed.ticked("pledge"))
    return filed, typed.faults


def _supplier(typed: Typed, secret: bytes, name: str, code: str, region: str) -> Dossier:
    head_name, head_number, head_key = read_head(typed, secret, NOTHING)
    return Dossier(
        name=name, uscc=code, region=region, categories=read_scope(typed), head_name=head_name,
        head_number=head_number, head_key=head_key, address=typed.text("address", 300, need=False),
        capital_fen=typed.money("capital", need=False) or 0, shareholders=read_holders(typed, secret, NOTHING),
    )  # fmt: skip


async def _told(request: Request, form: Form) -> Answer | None:
    """What the company register says of the firm in the form, taken over into the form; thirty questions an hour."""
    state = request.state
    if state.registers is None or form.get("kind") not in ("supplier", "agency") or not form.get("uscc"):
        return None
    address = request.client.host if request.client else ""
    await throttle.count(state.valkey, "register_lookup", address, most=LOOKED_UP_PER_ADDRESS, window_s=HOUR_S)
    answer = (await checking.answers(state, form["uscc"], registers=(Register.FIRM,))).get(Register.FIRM)
    if answer is not None and isinstance(answer.extract, FirmExtract):
        form.update(checking.filled(form, answer.extract, NOTHING))
    return answer


@page("POST", "/register", act=OPEN, name="file_registration")
async def file(request: Request) -> Response:
    """File a registration; ten an hour from one address."""
    state, form = request.state, await read_form(request)
    answer = await _told(request, form)
    shown = {name: value for name, value in form.items() if name not in ("new", "again")}
    if form.get("what") == "lookup":
        return await _form(request, shown, [], "", answer)
    filed, faults = read_filed(form, await filings.number_secret(state.postgres, state.settings))
    if faults:
        return await _form(request, shown, faults, "", answer)
    address = request.client.host if request.client else ""
    await throttle.count(state.valkey, "registration", address, most=FILED_PER_ADDRESS, window_s=HOUR_S)
    if filed.supplier is not None:
        await checking.answers(state, filed.uscc)
    hashed = await passwords.hash_password(form.exact["new"])
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await operations.file(conn, filed, hashed, state.clock.now_ms())
    except Problem as problem:
        return await _form(request, shown, [], lists.in_words(request, problem), answer)
    home = "/suppliers/own" if filed.supplier else "/registration"
    return see_other(f"/login?next={home}", "note.registration_filed")


@page("GET", "/registration", act=SIGNED_IN)
async def registration(request: Request) -> Response:
    """Where the reader's own registration stands."""
    actor, state = await require(request), request.state
    if actor.has(Role.SUPPLIER):
        return see_other("/suppliers/own")
    row = await state.postgres.fetchrow(SQL["registration_of"], actor.user_id)
    if row is None:
        raise Problem(404, "registration_unknown")
    response: Response = state.templates.page(request, "registration.html", row=row, place=regions.full_name)
    return response


async def _list(request: Request, actor: Actor, refused: str = "") -> Response:
    state = request.state
    asked = lists.wanted(request, "/admin/registrations", KINDS)
    places = list(reach(actor, Act.REGISTRATION_DECIDE, state.clock.now_ms()).places)
    rows = await state.postgres.fetch(
        SQL["registrations"], places, asked.plain, asked.chosen, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE
    )
    total = rows[0]["total"] if rows else 0
    response: Response = state.templates.page(
        request,
        "registrations.html",
        409 if refused else 200,
        rows=rows,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        kinds=KINDS,
        place=regions.full_name,
        refused=refused,
        faults=[],
        fault_of={},
    )
    return response


@page("GET", "/admin/registrations", act=Act.REGISTRATION_DECIDE)
async def registrations(request: Request) -> Response:
    """The registrations of the reader's places: those that wait first."""
    return await _list(request, await require(request))


@page("POST", "/admin/registrations/{registration_id:uuid}", act=Act.REGISTRATION_DECIDE)
async def decide(request: Request) -> Response:
    """Let a registration in, or refuse it."""
    actor, state, form = await require(request), request.state, await read_form(request)
    yes, remark = form.get("decision") == "approve", form.get("remark", "")[:500]
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            thing = request.path_params["registration_id"]
            await operations.decide(conn, actor, thing, yes, remark, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _list(request, actor, lists.in_words(request, problem))
    return see_other("/admin/registrations", "note.registration_approved" if yes else "note.registration_refused")


ROUTES = collect(globals())
