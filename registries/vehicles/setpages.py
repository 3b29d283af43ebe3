"""编制、购置申请与定点: quotas of units, the asking for a vehicle, the fixed points of a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.audit import audit
from accounts.model import Actor, Role
from accounts.records import moment
from accounts.rules import may_act
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from registries.filing.doors import counted, read_term, told
from registries.vehicles import operations, records
from registries.vehicles.model import SERVICES, Kind, What, Wish
from registries.vehicles.records import SQL
from standards import regions
from standards.workdays import day_of

KINDS = tuple(each.value for each in Kind)
LABELS = "vehicle.label"


async def named(conn: Connection, name: str, kind: str) -> Record:
    """The organisation of that name or credit code. ``Problem`` 422 where there is none."""
    row = await conn.fetchrow(SQL["unit_named"], name.strip(), kind)
    if row is None:
        raise Problem(422, "vehicle_unit_unknown")
    return row


async def _new(request: Request, f: dict[str, str], faults: list[Fault], refused: str = "") -> Response:
    actor, state = await require(request, Role.BUYER), request.state
    room = {kind: await state.postgres.fetchrow(SQL["room"], actor.org_id, kind) for kind in KINDS}
    status = 422 if faults or refused else 200
    known = {"f": f, "kinds": KINDS, "room": room, **told(faults, refused)}
    response: Response = state.templates.page(request, "vehicle_new.html", status, **known)
    return response


@page("GET", "/vehicles/new", act=Act.VEHICLE_ASK, name="vehicle_new")
async def new(request: Request) -> Response:
    """The form to ask for a vehicle, with the room left in each quota."""
    return await _new(request, {}, [])


def read_wish(form: Form) -> tuple[Wish, list[Fault]]:
    """A vehicle asked for, as typed, and what is wrong with it."""
    typed = Typed(form, LABELS)
    energy = typed.ticked("new_energy")
    if not typed.raw("kind"):
        typed.wrong("kind", "typed.missing")
    wish = Wish(
        kind=typed.choice("kind", Kind, Kind.EMERGENCY),
        model=typed.text("model", 100),
        price_fen=typed.money("price") or 0,
        engine_ml=typed.whole("engine_ml", 1, 20_000, need=not energy) or 0,
        new_energy=energy,
        tank_ml=1_000 * (typed.whole("tank_l", 1, 2_000, need=not energy) or 0),
        reason=typed.text("reason", 500),
    )
    if not wish.price_fen and not typed.faults:
        typed.wrong("price", "typed.missing")
    return wish, typed.faults


@page("POST", "/vehicles/new", act=Act.VEHICLE_ASK, name="vehicle_ask")
async def ask(request: Request) -> Response:
    """Ask for a vehicle: beyond the quota, the price or the displacement it is refused."""
    actor, state, form = await require(request, Role.BUYER), request.state, await read_form(request)
    wish, faults = read_wish(form)
    if faults:
        return await _new(request, form, faults)
    now_ms = state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            again = form.get("again", "") not in ("", "0")
            made = await operations.ask(conn, actor, wish, now_ms, day_of(now_ms), again=again)
    except Problem as problem:
        return await _new(request, form, [], lists.in_words(request, problem))
    return see_other(f"/vehicles/{made}", "note.vehicle_asked")


async def _quotas(request: Request, refused: str = "", f: Form | None = None, faults: Sequence[Fault] = ()) -> Response:
    actor, state = await require(request), request.state
    now_ms = state.clock.now_ms()
    asked = lists.wanted(request, "/vehicles/quotas", KINDS)
    seen = (records.places_of(actor, now_ms), actor.org_id)
    start = (asked.at - 1) * lists.PAGE_SIZE
    rows = await state.postgres.fetch(SQL["quotas"], *seen, asked.plain, asked.chosen, lists.PAGE_SIZE, start)
    known: dict[str, Any] = {"asked": asked, "kinds": KINDS, "place": regions.full_name}
    known |= told(list(faults), refused)
    known["history"] = await state.postgres.fetch(SQL["quota_history"], list({row["org_id"] for row in rows}))
    known["may_set"] = bool(reach(actor, Act.VEHICLE_QUOTA, now_ms).places)
    response: Response = state.templates.page(
        request, "vehicle_quotas.html", 409 if refused else 200, f=f or {}, **counted(rows), **known
    )
    return response


@page("GET", "/vehicles/quotas", act=Act.VEHICLE_READ, name="vehicle_quotas")
async def quotas(request: Request) -> Response:
    """The quotas of the reader's unit or places, with what each has."""
    return await _quotas(request)


@page("POST", "/vehicles/quotas", act=Act.VEHICLE_QUOTA, name="vehicle_quota")
async def set_quota(request: Request) -> Response:
    """Set a unit's quota: the unit by name or credit code."""
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    typed, now_ms = Typed(form, LABELS), state.clock.now_ms()
    if not typed.raw("kind"):
        typed.wrong("kind", "typed.missing")
    kind, number = typed.choice("kind", Kind, Kind.EMERGENCY), typed.whole("number", 0, 10_000)
    unit, document = typed.text("unit", 200), typed.text("document", 200)
    try:
        if typed.faults or number is None:
            raise Problem(422, "vehicle_fields")
        async with state.postgres.acquire() as conn, conn.transaction():
            row = await named(conn, unit, "buyer")
            _within(actor, Act.VEHICLE_QUOTA, row["region"], now_ms)
            await operations.set_quota(conn, actor, row["id"], kind, number, document, now_ms)
    except Problem as problem:
        return await _quotas(request, lists.in_words(request, problem), form, typed.faults)
    return see_other("/vehicles/quotas", "note.vehicle_quota_set")


def _within(actor: Actor, act: Act, region: str, now_ms: int) -> None:
    """Raises ``Problem`` 422 for a place that is not the actor's."""
    if not may_act(actor, act, region=region, now_ms=now_ms):
        raise Problem(422, "vehicle_unit_unknown")


async def _points(request: Request, refused: str = "", f: Form | None = None, faults: Sequence[Fault] = ()) -> Response:
    actor, state = await require(request), request.state
    now_ms = state.clock.now_ms()
    given = (records.places_of(actor, now_ms), day_of(now_ms), actor.org_id)
    response: Response = state.templates.page(
        request,
        "vehicle_points.html",
        409 if refused else 200,
        f=f or {},
        rows=await state.postgres.fetch(SQL["points"], *given),
        services=[each.value for each in SERVICES],
        regions=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        place=lambda part: regions.full_name(part.ljust(6, "0")),
        may_set=actor.has(Role.SUPERVISOR),
        today=day_of(now_ms),
        **told(list(faults), refused),
    )
    return response


@page("GET", "/vehicles/points", act=Act.VEHICLE_READ, name="vehicle_points")
async def points(request: Request) -> Response:
    """The fixed points of the reader's places, or what his firm is."""
    return await _points(request)


@page("POST", "/vehicles/points", act=Act.VEHICLE_APPROVE, name="vehicle_point")
async def add_point(request: Request) -> Response:
    """Name a firm, by name or credit code, a fixed point of a place for a service and a time."""
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    typed, now_ms = Typed(form, LABELS), state.clock.now_ms()
    service, region = typed.choice("service", What, What.FUEL), typed.raw("region")
    firm, contract = typed.text("firm", 200), typed.text("contract", 100)
    try:
        if service not in SERVICES:
            typed.wrong("service", "typed.choice")
        if region not in regions.NAMES:
            typed.wrong("region", "typed.choice" if region else "typed.missing")
        if typed.faults:
            raise Problem(422, "vehicle_fields")
        begins, ends = read_term(typed, day_of(now_ms))
        async with state.postgres.acquire() as conn, conn.transaction():
            _within(actor, Act.VEHICLE_APPROVE, region, now_ms)
            row = await named(conn, firm, "supplier")
            part = regions.prefix_of(region)
            if await conn.fetchval(SQL["same_point"], row["id"], part, service, begins, ends):
                raise Problem(409, "vehicle_same_point")
            given = (row["id"], part, service, begins, ends, contract, actor.user_id, moment(now_ms))
            await conn.execute(SQL["add_point"], *given)
            detail = {"service": service, "region": part, "contract": contract}
            await audit(conn, actor, "vehicle.point_added", f"organisation:{row['id']}", detail=detail)
    except Problem as problem:
        return await _points(request, lists.in_words(request, problem), form, typed.faults)
    return see_other("/vehicles/points", "note.vehicle_point_added")


@page("POST", "/vehicles/points/{point_id:uuid}/end", act=Act.VEHICLE_APPROVE, name="vehicle_point_end")
async def end_point(request: Request) -> Response:
    """End an agreement from today on; what the firm recorded before stays."""
    actor, state = await require(request, Role.SUPERVISOR), request.state
    now_ms = state.clock.now_ms()
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(SQL["lock_point"], request.path_params["point_id"])
        if row is None or not may_act(actor, Act.VEHICLE_APPROVE, region=row["region"].ljust(6, "0"), now_ms=now_ms):
            raise Problem(404, "vehicle_unknown")
        await conn.execute(SQL["end_point"], row["id"], day_of(now_ms))
        await audit(
            conn, actor, "vehicle.point_ended", f"organisation:{row['org_id']}", detail={"point": str(row["id"])}
        )
    return see_other("/vehicles/points", "note.vehicle_point_ended")


ROUTES = collect(globals())
