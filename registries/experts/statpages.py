"""专家库统计与导出: who is in the library, how draws went, how often each was called; the list as a file."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.audit import audit
from accounts.records import moment
from accounts.web import require
from plumbing import lists, sql
from plumbing.problems import language
from plumbing.spreadsheets import csv_file
from plumbing.web import collect, page
from registries.experts import library
from registries.experts.listpages import KINDS
from standards import categories, regions
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("statistics.sql"))
EXPORT_MAX = 20_000
CODE_LENGTH = 9
YEAR_MS = 365 * 86_400_000
COLUMNS = ("name", "region", "title", "categories", "employer", "again", "standing")
OF_ALL, OF_A_YEAR = ("by_specialty", "by_region", "by_title"), ("by_stage", "often", "appraised")


def category_name(stem: str) -> str:
    """The name of a category by the first signs of its code; empty where the seed has none."""
    found = categories.find(stem.ljust(CODE_LENGTH, "0"))
    return found.name if found else ""


@page("GET", "/experts/statistics", act=Act.EXPERT_REVIEW, name="expert_statistics")
async def statistics(request: Request) -> Response:
    """The library and the last year's draws of the reader's places in numbers; calls only of published draws."""
    actor, state = await require(request), request.state
    now_ms, pool = state.clock.now_ms(), state.postgres
    places, since = list(reach(actor, Act.EXPERT_REVIEW, now_ms).places), moment(now_ms - YEAR_MS)
    found = {name: await pool.fetch(SQL[name], places) for name in OF_ALL}
    found |= {name: await pool.fetch(SQL[name], places, since) for name in OF_A_YEAR}
    response: Response = state.templates.page(
        request,
        "expert_statistics.html",
        found=found,
        answers=await pool.fetchrow(SQL["answers"], places, since),
        place=regions.full_name,
        category=category_name,
    )
    return response


@page("GET", "/experts/export.csv", act=Act.EXPERT_REVIEW, name="experts_export")
async def export(request: Request) -> Response:
    """What the search finds, at most ``EXPORT_MAX`` experts, without their numbers, as a file; written down."""
    actor, state, lang = await require(request), request.state, language(request)
    now_ms, asked, say = state.clock.now_ms(), lists.wanted(request, "/experts", KINDS), state.texts.say
    places = list(reach(actor, Act.EXPERT_REVIEW, now_ms).places)
    given = (places, asked.plain, asked.chosen, day_of(now_ms), EXPORT_MAX, 0)
    rows = await state.postgres.fetch(library.SQL["found"], *given)
    await audit(state.postgres, actor, "expert.exported", detail={"words": asked.words, "rows": len(rows)})
    cells = []
    for row in rows:
        dossier = library.dossier_of(row)
        jobs = " ".join(one.unit.name for one in dossier.employments if one.until is None)
        cells.append((
            dossier.name, regions.full_name(row["region"]), say(f"expert.title.{dossier.title}", lang),
            " ".join(dossier.specialties), jobs, row["good_until"], say(f"expert.standing.{row['status']}", lang),
        ))  # fmt: skip
    return csv_file("experts.csv", [say(f"expert.column.{name}", lang) for name in COLUMNS], cells)


ROUTES = collect(globals())
