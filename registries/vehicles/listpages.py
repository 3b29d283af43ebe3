"""公务用车名录: the list with alerts first, as a file, and what vehicles cost by unit."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.audit import audit
from accounts.web import require
from plumbing import lists
from plumbing.problems import language
from plumbing.spreadsheets import csv_file
from plumbing.web import collect, page
from registries.filing.doors import counted
from registries.vehicles import records
from registries.vehicles.model import ALERTS, Kind, Stage
from registries.vehicles.records import SQL
from standards import regions
from standards.money import plain
from standards.workdays import day_of

EXPORT_MAX = 20_000
COLUMNS = ("plate", "model", "unit", "region", "kind", "stage", "price", "km", "year", "alerts")
CHOICES = ("alerted", *ALERTS, *(each.value for each in Kind), *(each.value for each in Stage))


@page("GET", "/vehicles", act=Act.VEHICLE_READ)
async def vehicles(request: Request) -> Response:
    """The vehicles of the reader's unit or places, those with alerts first."""
    actor, state = await require(request), request.state
    now_ms = state.clock.now_ms()
    asked = lists.wanted(request, "/vehicles", CHOICES)
    rows = await records.search(state.postgres, actor, asked, day_of(now_ms), now_ms)
    response: Response = state.templates.page(
        request,
        "vehicles.html",
        **counted(rows),
        asked=asked,
        choices=CHOICES,
        places=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        place=regions.full_name,
    )
    return response


@page("GET", "/vehicles/export.csv", act=Act.VEHICLE_READ, name="vehicles_export")
async def export(request: Request) -> Response:
    """What the search finds, at most ``EXPORT_MAX`` vehicles, as a file; written down."""
    actor, state, lang = await require(request), request.state, language(request)
    now_ms, say = state.clock.now_ms(), state.texts.say
    asked = lists.wanted(request, "/vehicles", CHOICES)
    rows = await records.search(state.postgres, actor, asked, day_of(now_ms), now_ms, EXPORT_MAX)
    await audit(state.postgres, actor, "vehicle.exported", detail={"words": asked.words, "rows": len(rows)})
    cells = [
        (
            row["plate"], row["model"], row["org_name"], regions.full_name(row["region"]),
            say(f"vehicle.word.{row['kind']}", lang), say(f"vehicle.word.{row['stage']}", lang),
            plain(row["price_fen"]) if row["whole"] else "", row["km"], plain(row["year_fen"]),
            " ".join(say(f"vehicle.word.{one}", lang) for one in row["alerts_now"]),
        )
        for row in rows
    ]  # fmt: skip
    headings = [say(f"vehicle.label.{name}", lang) for name in COLUMNS]
    return csv_file("vehicles.csv", headings, cells)


@page("GET", "/vehicles/statistics", act=Act.VEHICLE_READ)
async def statistics(request: Request) -> Response:
    """What each unit's vehicles cost in the last year, drawn to one scale."""
    actor, state = await require(request), request.state
    now_ms = state.clock.now_ms()
    asked = lists.wanted(request, "/vehicles/statistics", ())
    given = (records.places_of(actor, now_ms), actor.org_id, day_of(now_ms))
    start = (asked.at - 1) * lists.PAGE_SIZE
    rows = await state.postgres.fetch(SQL["statistics"], *given, asked.plain, lists.PAGE_SIZE, start)
    months = await state.postgres.fetch(SQL["months_of_all"], *given)
    response: Response = state.templates.page(
        request,
        "vehicle_statistics.html",
        **counted(rows),
        asked=asked,
        most=(rows[0]["most"] if rows else 0) or 1,
        months=months,
        month_most=max(one["fuel"] + one["repair"] + one["insurance"] for one in months) or 1,
    )
    return response


ROUTES = collect(globals())
