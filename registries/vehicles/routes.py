"""公务用车开放接口: the vehicles that the caller may see, for other systems."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts.acts import Act
from accounts.web import require
from plumbing.lists import PAGE_SIZE, PAGES_MAX, Wanted
from plumbing.web import collect, op
from registries.vehicles import records
from registries.vehicles.listpages import CHOICES
from registries.vehicles.model import Kind, Stage
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
            Stage(row["stage"]), row["price_fen"], row["km"], row["year_fen"], list(row["alerts_now"]),
        )
        for row in rows
    ]  # fmt: skip
    return VehiclesOut(rows[0]["total"] if rows else 0, PAGE_SIZE, found)


ROUTES = collect(globals())
