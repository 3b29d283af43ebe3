"""审计查询: the page of supervisors and audit administrators. What they look for and take away is written down too."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts import throttle
from accounts.acts import Act
from accounts.audit import audit
from accounts.audit.check import chain_state, check, keys_of
from accounts.audit.records import SQL
from accounts.audit.searching import (
    COLUMNS,
    EXPORT_MAX,
    FIELDS,
    PAGE_SIZE,
    Wanted,
    cells,
    per_bar,
    search,
    typed,
    wanted,
)
from accounts.web import require
from plumbing.problems import language
from plumbing.spreadsheets import as_csv
from plumbing.web import collect, page

READERS = ("supervisor", "auditor")
CHECKS_PER_HOUR = 6
BAR_WIDTH, BARS_HEIGHT = 10, 96


def _told(asked: Wanted) -> dict[str, str]:
    """What was looked for, for the trail."""
    texts = {name: getattr(asked, name) for name in FIELDS[:-2] if getattr(asked, name)}
    return texts | {"since": typed(asked.since_ms), "until": typed(asked.until_ms)}


def bars_of(counts: list[tuple[int, dict[str, int]]]) -> list[dict[str, Any]]:
    """The bars of the plot: where each outcome's part stands, in units of the drawing, from the top."""
    most = max((sum(each.values()) for _, each in counts), default=0) or 1
    bars = []
    for i, (at, each) in enumerate(counts):
        y, parts = float(BARS_HEIGHT), []
        for result in ("failed", "refused", "done"):
            height = round(each[result] * BARS_HEIGHT / most, 2)
            y -= height
            if height:
                parts.append({"result": result, "y": round(y, 2), "height": height})
        bars.append({"x": i * BAR_WIDTH, "at": at, "parts": parts, "sum": sum(each.values()), **each})
    return bars


@page("GET", "/audit", act=Act.AUDIT_READ, name="audit_page")
async def audit_page(request: Request) -> Response:
    """The search, its plot by the hour, a page of acts, and the state of the chain."""
    actor, pool = await require(request, *READERS), request.state.postgres
    asked = wanted(request.query_params, request.state.clock.now_ms())
    rows = await search(pool, actor, asked, PAGE_SIZE + 1)
    if request.query_params and asked.before is None:
        await audit(pool, actor, "audit.searched", detail=_told(asked))
    say = request.state.texts
    events = sorted(key.removeprefix("act.") for key in say.section("act", "zh"))
    response: Response = request.state.templates.page(
        request,
        "audit.html",
        asked=asked,
        rows=rows[:PAGE_SIZE],
        more=len(rows) > PAGE_SIZE,
        last=rows[PAGE_SIZE - 1]["id"] if len(rows) > PAGE_SIZE else None,
        bars=bars_of(await per_bar(pool, actor, asked)),
        bar_width=BAR_WIDTH,
        bars_height=BARS_HEIGHT,
        chain=await chain_state(pool),
        witness=await pool.fetchrow(SQL["witness"]),
        events=events,
        since=typed(asked.since_ms),
        until=typed(asked.until_ms),
        known=say,
    )
    return response


@page("GET", "/audit/export.csv", act=Act.AUDIT_READ, name="audit_export")
async def export(request: Request) -> Response:
    """What the search finds, at most ``EXPORT_MAX`` acts, for a spreadsheet. The export itself is written down."""
    actor, pool, lang = await require(request, *READERS), request.state.postgres, language(request)
    asked = wanted(request.query_params, request.state.clock.now_ms())
    rows = await search(pool, actor, asked, EXPORT_MAX)
    await audit(pool, actor, "audit.exported", detail={**_told(asked), "acts": len(rows)})
    headings = [request.state.texts.say(f"audit.column.{name}", lang) for name in COLUMNS]
    named = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
    return Response(as_csv(headings, map(cells, rows)), headers=named, media_type="text/csv; charset=utf-8")


@page("GET", "/audit/chain", act=Act.AUDIT_READ, name="audit_chain")
async def verify(request: Request) -> Response:
    """Check the whole chain now, from its first act; six times an hour for one person."""
    actor, state = await require(request, *READERS), request.state
    await throttle.count(state.valkey, "audit-check", str(actor.user_id), most=CHECKS_PER_HOUR, window_s=3_600)
    async with state.postgres.acquire() as conn:
        head = await conn.fetchrow(SQL["head"])
        origin = head["note"].split("\n", 1)[0] if head else ""
        verdict = await check(conn, await keys_of(conn, origin))
    await audit(state.postgres, actor, "audit.checked", detail={"acts": verdict.acts, "faults": len(verdict.faults)})
    response: Response = state.templates.page(
        request, "audit_chain.html", verdict=verdict, chain=await chain_state(state.postgres)
    )
    return response


ROUTES = collect(globals())
