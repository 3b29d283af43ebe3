"""一车一档的页面: one vehicle's whole record, and what each department may enter in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor
from accounts.rules import may_act
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.typed import Typed
from plumbing.web import collect, page, read_form, see_other
from registries.filing.doors import told
from registries.vehicles import operations, records, rules
from registries.vehicles.model import SERVICES, What
from registries.vehicles.operations import Doing
from registries.vehicles.records import SQL
from registries.vehicles.setpages import LABELS, named
from standards import regions
from standards.workdays import day_of

SENT_MOST, SENT_AHEAD = timedelta(days=30), timedelta(days=90)
INSURED_MOST = timedelta(days=3 * 366 + 31)
Read = Callable[[Connection, Actor, Record, Typed, date], Awaitable[Doing]]


def _day(typed: Typed, name: str, default: date | None) -> date | None:
    try:
        return date.fromisoformat(typed.raw(name)) if typed.raw(name) else default
    except ValueError:
        typed.wrong(name, "filing.day_wrong")
        return default


def _insurance(typed: Typed, day: date, until: date | None, *, need: bool) -> None:
    """An insurance ends after its day and within three years."""
    if (until is None and need) or (until is not None and not day < until <= day.replace(day=1) + INSURED_MOST):
        typed.wrong("until", "vehicle.until_wrong")


def seats(actor: Actor, row: Record, now_ms: int) -> dict[str, bool]:
    """What the reader may do to this vehicle, by his seat 席位: ask (the unit), dispatch, approve (finance)."""
    region, own = row["region"], row["org_id"] == actor.org_id
    return {
        "ask": own and may_act(actor, Act.VEHICLE_ASK, region=region, org_id=actor.org_id, now_ms=now_ms),
        "dispatch": own and may_act(actor, Act.VEHICLE_DISPATCH, region=region, org_id=actor.org_id, now_ms=now_ms),
        "approve": may_act(actor, Act.VEHICLE_APPROVE, region=region, now_ms=now_ms),
    }


async def _show(request: Request, refused: str = "", f: Mapping[str, str] | None = None, faults: Any = ()) -> Response:
    actor, state, pool = await require(request), request.state, request.state.postgres
    now_ms = state.clock.now_ms()
    today = day_of(now_ms)
    row = await pool.fetchrow(SQL["vehicle"], request.path_params["vehicle_id"], today)
    if row is None or not await records.sees(pool, actor, row, today, now_ms):
        raise Problem(404, "vehicle_unknown")
    whole = records.sees_whole(actor, row, now_ms)
    months = await pool.fetch(SQL["months"], row["id"], today)
    entries = await pool.fetch(SQL["entries"], row["id"])
    found = records.vehicle_of(row)
    allowed = await operations.limits_of(pool, found.region, found.kind, found.new_energy, now_ms)
    counted = [one for one in entries if not one["void"]]
    each = rules.raised_by_each(found, [records.entry_of(one) for one in counted], *allowed)
    raised = dict(zip((one["id"] for one in counted), each, strict=True))
    response: Response = state.templates.page(
        request,
        "vehicle.html",
        409 if refused else 200,
        row=row,
        whole=whole,
        entries=[
            (one, raised.get(one["id"], []) if whole else [])
            for one in reversed(entries)
            if whole or one["point_org_id"] == actor.org_id
        ],
        firm=actor.org_id,
        months=months,
        most=max(one["fuel"] + one["repair"] + one["insurance"] for one in months) or 1,
        seats=seats(actor, row, now_ms),
        services=await records.services_of(pool, actor.org_id, row["region"], today),
        place=regions.full_name,
        regions=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        today=today,
        f=f or {},
        tried=request.url.path.rpartition("/")[2] if refused else "",
        **told(list(faults), refused),
    )
    return response


@page("GET", "/vehicles/{vehicle_id:uuid}", act=Act.VEHICLE_READ)
async def vehicle(request: Request) -> Response:
    """One vehicle: where its record stands, alerts, costs by month, everything that happened."""
    return await _show(request)


async def _entered(request: Request, seat: str, read: Read) -> Response:
    """Enter what the form says, if the reader has that seat; the page with what was refused otherwise."""
    actor, state, form = await require(request), request.state, await read_form(request)
    now_ms, typed = state.clock.now_ms(), Typed(form, LABELS)
    today = day_of(now_ms)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            row = await conn.fetchrow(SQL["lock_vehicle"], request.path_params["vehicle_id"])
            seen = row is not None and await records.sees(conn, actor, row, today, now_ms)
            if not seen or (seat != "serve" and not seats(actor, row, now_ms)[seat]):
                raise Problem(404, "vehicle_unknown")
            doing = await read(conn, actor, row, typed, today)
            if typed.faults:
                raise Problem(422, "vehicle_fields")
            await operations.enter(conn, actor, row, doing, now_ms, today)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, lists.in_words(request, problem), form, typed.faults)
    return see_other(f"/vehicles/{row['id']}", f"note.vehicle_{doing.what}")


@page("POST", "/vehicles/{vehicle_id:uuid}/decision", act=Act.VEHICLE_APPROVE, name="vehicle_decide")
async def decide(request: Request) -> Response:
    """Finance's decision on the purchase asked for."""

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        yes, note = typed.raw("decision") == "approve", typed.text("note", 500, need=False)
        if not yes and typed.raw("decision") != "refuse":
            typed.wrong("decision", "typed.choice")
            return Doing(what=What.REFUSE, day=today)
        await operations.check_decision(conn, actor, row, yes, note)
        return Doing(what=What.APPROVE if yes else What.REFUSE, day=today, content={"note": note})

    return await _entered(request, "approve", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/withdrawal", act=Act.VEHICLE_ASK, name="vehicle_withdraw")
async def withdraw(request: Request) -> Response:
    """The unit withdraws a purchase that is not decided yet; its place in the quota is free."""

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        return Doing(what=What.WITHDRAW, day=today, content={"note": typed.text("note", 500, need=False)})

    return await _entered(request, "ask", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/correction", act=Act.VEHICLE_READ, name="vehicle_correct")
async def correct(request: Request) -> Response:
    """The fixed point that made an entry, or finance, corrects it: it stays, and counts no more."""
    now_ms = request.state.clock.now_ms()

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        try:
            entry = UUID(typed.raw("entry"))
        except ValueError:
            raise Problem(409, "vehicle_no_entry") from None
        note = typed.text("note", 500)
        if typed.faults:
            return Doing(what=What.CORRECT, day=today)
        finance = may_act(actor, Act.VEHICLE_APPROVE, region=row["region"], now_ms=now_ms)
        changed = await operations.correct(conn, actor, row, entry, finance=finance)
        return Doing(what=What.CORRECT, day=today, content={"note": note, "entry": str(entry)}, changed=changed)

    return await _entered(request, "serve", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/asset", act=Act.VEHICLE_ASK, name="vehicle_asset")
async def register(request: Request) -> Response:
    """The unit registers what it bought as an asset: plate, VIN, what it cost, its insurance."""

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        plate, vin = rules.plate_of(typed.text("plate", 20)), rules.vin_of(typed.text("vin", 30))
        day, until = _day(typed, "day", today) or today, _day(typed, "until", None)
        for name, found in (("plate", plate), ("vin", vin)):
            if found is None and typed.raw(name):
                typed.wrong(name, f"vehicle.{name}_wrong")
        _insurance(typed, day, until, need=False)
        price = typed.money("price") or row["price_fen"]
        changed = {"plate": plate, "vin": vin, "price_fen": price, "insured_until": until}
        return Doing(what=What.REGISTER, day=day, amount_fen=price, changed=changed)

    return await _entered(request, "ask", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/transfer", act=Act.VEHICLE_APPROVE, name="vehicle_transfer")
async def transfer(request: Request) -> Response:
    """Finance transfers the vehicle to another unit of its places with room in its quota, or disposes of it."""
    now_ms = request.state.clock.now_ms()

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        note = typed.text("note", 500)
        if typed.ticked("dispose") and typed.raw("unit"):
            raise Problem(422, "vehicle_both")
        if typed.ticked("dispose"):
            return Doing(what=What.DISPOSE, day=today, content={"note": note})
        unit = await named(conn, typed.text("unit", 200), "buyer")
        if not may_act(actor, Act.VEHICLE_APPROVE, region=unit["region"], now_ms=now_ms):
            raise Problem(422, "vehicle_unit_unknown")
        if await conn.fetchval(SQL["quota_setter"], unit["id"], row["kind"]) == actor.user_id:
            raise Problem(409, "vehicle_same_person")
        if unit["id"] == row["org_id"] or not await operations.has_room(conn, unit["id"], row):
            raise Problem(409, "vehicle_no_room")
        changed = {"org_id": unit["id"], "region": unit["region"]}
        return Doing(what=What.TRANSFER, day=today, content={"note": note, "to": unit["name"]}, changed=changed)

    return await _entered(request, "approve", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/dispatch", act=Act.VEHICLE_DISPATCH, name="vehicle_dispatch")
async def dispatch(request: Request) -> Response:
    """Send the vehicle somewhere for some days, with a driver."""

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        day, place = _day(typed, "day", today) or today, typed.raw("place")
        until = _day(typed, "until", day) or day
        if place not in regions.NAMES:
            typed.wrong("place", "typed.choice")
        if not day <= until <= day + SENT_MOST or day > today + SENT_AHEAD:
            typed.wrong("until", "vehicle.sent_wrong")
        elif not typed.faults and await conn.fetchval(SQL["dispatched"], row["id"], day, until):
            raise Problem(409, "vehicle_sent")
        content = {"place": place, "until": until.isoformat(), "driver": typed.text("driver", 60)}
        return Doing(what=What.DISPATCH, day=day, content=content | {"note": typed.text("note", 500, need=False)})

    return await _entered(request, "dispatch", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/service", act=Act.VEHICLE_SERVE, name="vehicle_service")
async def serve(request: Request) -> Response:
    """A fixed point records what it did: fuel taken, a repair, an insurance and until when."""

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        what, day = typed.choice("what", What, What.FUEL), _day(typed, "day", today) or today
        if what not in SERVICES:
            typed.wrong("what", "typed.choice")
        km = typed.whole("km", 0, 9_999_999, need=what is What.FUEL) or 0
        litres = typed.quantity("litres") if what is What.FUEL else None
        until = _day(typed, "until", None) if what is What.INSURANCE else None
        if what is What.INSURANCE:
            _insurance(typed, day, until, need=True)
        place = typed.raw("place")
        if place not in regions.NAMES and (place or what is What.FUEL):
            typed.wrong("place", "typed.choice" if place else "typed.missing")
        if km > row["km"] + rules.KM_FAR and not typed.ticked("again"):
            typed.wrong("km", "vehicle.km_far")
        content = {"km": km, "ml": int(litres * 1_000) if litres else 0, "place": place}
        content |= {"note": typed.text("note", 500, need=False), "until": until.isoformat() if until else ""}
        changed: dict[str, Any] = {"km": max(km, row["km"])} if km else {}
        changed |= {"insured_until": max(until, row["insured_until"] or until)} if until else {}
        amount = typed.money("amount") or 0
        seen = [str(content[name] or "") for name in ("km", "ml")]
        same = (row["id"], what, day, amount, actor.org_id, *seen)
        if not typed.faults and not typed.ticked("again") and await conn.fetchval(SQL["same_entry"], *same):
            raise Problem(409, "vehicle_same_entry")
        return Doing(
            what=what, day=day, point=actor.org_id, amount_fen=amount, content=content, changed=changed
        )  # fmt: skip

    return await _entered(request, "serve", read)


@page("POST", "/vehicles/{vehicle_id:uuid}/clearing", act=Act.VEHICLE_APPROVE, name="vehicle_clear")
async def clear(request: Request) -> Response:
    """Finance clears the alerts with a word on what was found."""

    async def read(conn: Connection, actor: Actor, row: Record, typed: Typed, today: date) -> Doing:
        content = {"note": typed.text("note", 500), "alerts": list(row["alerts"])}
        return Doing(what=What.CLEAR, day=today, content=content)

    return await _entered(request, "approve", read)


ROUTES = collect(globals())
