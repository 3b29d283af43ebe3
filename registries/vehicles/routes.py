"""公务用车开放接口: the vehicles that the caller may see, for other systems."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts.acts import Act
from accounts.web import require
from plumbing.lists import PAGE_SIZE, PAGES_MAX, Wanted
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.web import collect, op
from registries.vehicles import records
from registries.vehicles.listpages import CHOICES
from registries.vehicles.model import Kind, Stage, What
from registries.vehicles.records import SQL
from standards.workdays import day_of


class VehiclesSought(Struct, frozen=True):
    """What is looked for; empty: not asked. ``chosen``: an alert, a kind or a stage."""

    words: Annotated[str, Meta(max_length=100)] = ""
    region: Annotated[str, Meta(pattern=r"^([1-9][0-9]{5})?$")] = ""
    chosen: Annotated[str, Meta(pattern=f"^({'|'.join(CHOICES)})?$")] = ""
    at: Annotated[int, Meta(ge=1, le=PAGES_MAX)] = 1


class VehicleOut(Struct, frozen=True):
    """A vehicle 公务用车 with its alerts today and what fuel, repair and insurance cost in the last year, in fen."""

    id: UUID
    plate: str
    model: str
    unit: str
    region: str
    kind: Kind
    stage: Stage
    price_fen: int
    km: int
    year_fen: int
    alerts: list[str]


class VehiclesOut(Struct, frozen=True):
    """A page of the list: how many there are in all, and how many stand on a page."""

    total: int
    page_size: int
    vehicles: list[VehicleOut]


@op("GET", "/api/vehicles", tag="vehicles", summary=("公务用车", "Official vehicles"), act=Act.VEHICLE_READ)
async def list_vehicles(request: Request, query: VehiclesSought) -> VehiclesOut:
    """The vehicles of the caller's unit or places, those with alerts first; twenty a page."""
    actor, now_ms = await require(request), request.state.clock.now_ms()
    asked = Wanted("", query.words, query.chosen, query.at, query.region)
    rows = await records.search(request.state.postgres, actor, asked, day_of(now_ms), now_ms)
    found = [
        VehicleOut(
            row["id"], row["plate"], row["model"], row["org_name"], row["region"], Kind(row["kind"]),
            Stage(row["stage"]), row["price_fen"] if row["whole"] else 0, row["km"], row["year_fen"],
            list(row["alerts_now"]),
        )
        for row in rows
    ]  # fmt: skip
    return VehiclesOut(rows[0]["total"] if rows else 0, PAGE_SIZE, found)


class EntryOut(Struct, frozen=True):
    """Something that happened to a vehicle; ``content``: ``ml`` of fuel, ``km``, ``place``, ``until``, ``note``."""

    what: What
    day: date
    amount_fen: int
    unit: str
    point: str
    content: dict[str, str | int]


class VehicleDetailOut(VehicleOut, frozen=True):
    """One vehicle with its record, the oldest first; a fixed point sees what it did itself, no prices and no alerts."""

    vin: str
    engine_ml: int
    new_energy: bool
    tank_ml: int
    insured_until: date | None
    entries: list[EntryOut]


def _entry(row: Record) -> EntryOut:
    plain = {name: value for name, value in row["content"].items() if isinstance(value, str | int)}
    return EntryOut(What(row["what"]), row["day"], row["amount_fen"], row["unit"], row["point"] or "", plain)


@op("GET", "/api/vehicles/{vehicle_id:uuid}", tag="vehicles", summary=("公务用车", "One vehicle"),
    act=Act.VEHICLE_READ, errors=(404,))  # fmt: skip
async def get_vehicle(request: Request, vehicle_id: UUID) -> VehicleDetailOut:
    """One vehicle that the caller may see: purchase, asset, dispatch, fuel, repair and insurance in one record."""
    actor, pool, now_ms = await require(request), request.state.postgres, request.state.clock.now_ms()
    today = day_of(now_ms)
    row = await pool.fetchrow(SQL["vehicle"], vehicle_id, today)
    if row is None or not await records.sees(pool, actor, row, today, now_ms):
        raise Problem(404, "vehicle_unknown")
    whole = records.sees_whole(actor, row, now_ms)
    every = await pool.fetch(SQL["entries"], vehicle_id)
    year_fen = await pool.fetchval(SQL["year_of"], vehicle_id, today, None if whole else actor.org_id)
    return VehicleDetailOut(
        row["id"], row["plate"], row["model"], row["org_name"], row["region"], Kind(row["kind"]), Stage(row["stage"]),
        row["price_fen"] if whole else 0, row["km"], year_fen, list(row["alerts_now"]) if whole else [], row["vin"],
        row["engine_ml"], row["new_energy"], row["tank_ml"], row["insured_until"],
        [_entry(one) for one in every if whole or one["point_org_id"] == actor.org_id],
    )  # fmt: skip


ROUTES = collect(globals())
