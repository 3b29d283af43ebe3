"""公务用车的办理: each in the caller's transaction, each an entry of the vehicle's record and of the audit trail."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.parameters import records as parameters
from registries.vehicles import rules
from registries.vehicles.model import STAGES, Kind, Limits, Refusal, Stage, What, Wish
from registries.vehicles.records import SQL, entry_of, services_of, vehicle_of


class Doing(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be entered of a vehicle: the day, what it cost, the rest, and what changes at the vehicle itself."""

    what: What
    day: date
    amount_fen: int = 0
    content: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    point: UUID | None = None


async def set_quota(
    conn: Connection, actor: Actor, org_id: UUID, kind: Kind, number: int, document: str, now_ms: int
) -> None:
    """Set how many vehicles of a kind a unit may have; a lower one than it has raises an alert, it takes nothing."""
    await conn.execute(SQL["lock_quota"], org_id)
    await conn.execute(SQL["set_quota"], org_id, kind, number, document, actor.user_id, moment(now_ms))
    detail = {"kind": kind, "number": number, "document": document}
    await audit(conn, actor, "vehicle.quota_set", f"organisation:{org_id}", detail=detail)


async def limits_of(
    conn: Connection | Pool, region: str, kind: Kind, new_energy: bool, now_ms: int
) -> tuple[Limits, int]:
    """What the place allows for a vehicle of a kind, and from how many times the mean a repair is dear."""
    rule_set = await parameters.rule_set(conn, region, now_ms)
    return rules.limits_for(rule_set, kind, new_energy=new_energy), rule_set.number("vehicles.repair_times")


async def _room(conn: Connection, org_id: UUID, kind: str) -> tuple[int, int]:
    """A unit's quota of a kind and how many it has or has asked for; they hold until the transaction ends."""
    await conn.execute(SQL["lock_quota"], org_id)
    row = await conn.fetchrow(SQL["room"], org_id, kind)
    return (row["quota"], row["held"]) if row else (0, 0)


async def ask(conn: Connection, actor: Actor, wish: Wish, now_ms: int, today: date, *, again: bool = False) -> UUID:
    """Ask to buy a vehicle for the actor's unit. ``Problem`` 409 beyond quota, price or displacement, and for what is
    asked for already, unless ``again``.
    """
    limits, _ = await limits_of(conn, actor.region, wish.kind, wish.new_energy, now_ms)
    quota, held = await _room(conn, actor.org_id, wish.kind)
    same = (actor.org_id, wish.kind, wish.model, wish.price_fen)
    if not again and await conn.fetchval(SQL["same_wish"], *same):
        raise Problem(409, "vehicle_same_wish")
    refused = rules.judge_wish(wish, limits, quota=quota, held=held)
    if refused is not None:
        told = {Refusal.OVER_PRICE: limits.price_fen // 100, Refusal.OVER_ENGINE: limits.engine_ml}
        raise Problem(409, f"vehicle_{refused}", quota=quota, held=held, most=told.get(refused, 0))
    given = (wish.kind, wish.model, wish.price_fen, wish.engine_ml, wish.new_energy, wish.tank_ml, actor.user_id)
    made: UUID = await conn.fetchval(SQL["add_vehicle"], actor.org_id, actor.region, *given)
    entry = (What.ASK, today, wish.price_fen, {"note": wish.reason}, None, actor.user_id, moment(now_ms))
    await conn.execute(SQL["add_entry"], made, actor.org_id, *entry)
    await audit(conn, actor, "vehicle.ask", f"vehicle:{made}", detail={"kind": wish.kind, "fen": wish.price_fen})
    return made


async def enter(conn: Connection, actor: Actor, row: Record, doing: Doing, now_ms: int, today: date) -> None:
    """Enter what happened to a vehicle (``row``: locked) and find its alerts anew.

    ``Problem`` 409 where its stage does not allow it, a day that has not come, a plate or VIN in use, or a firm that
    is no fixed point for this service there.
    """
    before = vehicle_of(row)
    after = STAGES.get((before.stage, doing.what))
    if after is None:
        raise Problem(409, "vehicle_stage")
    if doing.day > today and doing.what is not What.DISPATCH:
        raise Problem(422, "vehicle_day")
    if doing.point and doing.what not in await services_of(conn, doing.point, before.region, doing.day):
        raise Problem(403, "vehicle_no_point")
    names = ("stage", "org_id", "region", "plate", "vin", "price_fen", "km", "insured_until")
    new = {name: row[name] for name in names} | {"stage": after} | doing.changed
    try:
        async with conn.transaction():
            await conn.execute(SQL["change_vehicle"], row["id"], *[new[name] for name in names])
    except asyncpg.UniqueViolationError:
        raise Problem(409, "vehicle_taken") from None
    differs = {name: [str(row[name] or ""), str(new[name] or "")] for name in names if row[name] != new[name]}
    content = {name: value for name, value in doing.content.items() if value} | {"changes": differs}
    entry = (doing.what, doing.day, doing.amount_fen, content, doing.point, actor.user_id, moment(now_ms))
    await conn.execute(SQL["add_entry"], row["id"], before.org_id, *entry)
    await find_alerts(conn, row["id"], now_ms)
    await audit(conn, actor, f"vehicle.{doing.what}", f"vehicle:{row['id']}", detail={"day": str(doing.day)})


async def find_alerts(conn: Connection, vehicle_id: UUID, now_ms: int) -> None:
    """Find the alerts that a vehicle's entries raise, and keep them with it."""
    row = await conn.fetchrow(SQL["lock_vehicle"], vehicle_id)
    if row is None:
        raise LookupError(f"no vehicle {vehicle_id}")
    vehicle = vehicle_of(row)
    limits, times = await limits_of(conn, vehicle.region, vehicle.kind, vehicle.new_energy, now_ms)
    entries = [entry_of(row) for row in await conn.fetch(SQL["entries"], vehicle_id) if not row["void"]]
    await conn.execute(
        SQL["set_alerts"], vehicle_id, [str(each) for each in rules.alerts(vehicle, entries, limits, times)]
    )


async def correct(conn: Connection, actor: Actor, row: Record, entry_id: UUID, *, finance: bool) -> dict[str, Any]:
    """Let an entry of fuel, repair or insurance count no more; what the vehicle says of itself from now on.

    Its own firm may, and finance. ``Problem`` 404 for another's, 409 for one that is void already or no such entry.
    """
    found = await conn.fetchrow(SQL["void"], entry_id, row["id"])
    if found is None:
        raise Problem(409, "vehicle_no_entry")
    if not finance and found["point_org_id"] != actor.org_id:
        raise Problem(404, "vehicle_unknown")
    rows = [one for one in await conn.fetch(SQL["entries"], row["id"]) if not one["void"]]
    entries = [entry_of(one) for one in rows]
    changes = [one["content"].get("changes") or {} for one in rows if one["what"] == What.REGISTER]
    until = changes[-1].get("insured_until", ["", ""])[1] if changes else ""
    registered = date.fromisoformat(until) if until else None
    return {"km": rules.odometer(entries), "insured_until": rules.insured_until(entries, registered)}


async def has_room(conn: Connection, org_id: UUID, row: Record) -> bool:
    """Whether the unit that is to have a vehicle has room in its quota; holds until the transaction ends."""
    quota, held = await _room(conn, org_id, row["kind"])
    return rules.may_transfer(vehicle_of(row), quota=quota, held=held)


async def check_decision(conn: Connection, actor: Actor, row: Record, yes: bool, note: str) -> None:
    """Whether finance may decide so on a purchase. ``Problem`` 403 for who asked, 409 for who set the quota 不相容职务
    and beyond the quota by now, 422 without a reason for a refusal.
    """
    if row["asked_by"] == actor.user_id:
        raise Problem(403, "forbidden")
    if not yes and not note:
        raise Problem(422, "reason_missing")
    if yes and await conn.fetchval(SQL["quota_setter"], row["org_id"], row["kind"]) == actor.user_id:
        raise Problem(409, "vehicle_same_person")
    quota, held = await _room(conn, row["org_id"], row["kind"])
    if yes and Stage(row["stage"]) is Stage.ASKED and held > quota:
        raise Problem(409, "vehicle_beyond_quota", quota=quota, held=held, most=0)
