"""代理机构名录: the list for everybody and as a file, one agency as each reader may see it, marks and appraisals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import OPEN, SIGNED_IN, Act
from accounts.audit import audit
from accounts.model import Role
from accounts.rules import may_act
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.problems import Problem, language
from plumbing.spreadsheets import csv_file
from plumbing.typed import Typed
from plumbing.web import collect, page, read_form, see_other
from registries.agencies import reading, records, rules
from registries.agencies.model import MEASURES, Appraisal, Dossier, Mark, MarkKind, Standing
from registries.agencies.records import BOOK, SQL
from registries.filing.doors import counted, read_term
from registries.filing.model import changes
from registries.filing.sight import Sight, sight_of
from standards import regions
from standards.workdays import day_of

EXPORT_MAX = 20_000
COLUMNS = ("name", "uscc", "region", "standing", "credit", "cases", "registered_at")
STANDINGS = tuple(each.value for each in Standing)
ASKABLE = (*STANDINGS, "late")


@page("GET", "/agencies", act=OPEN)
async def agencies(request: Request) -> Response:
    """The agencies, with what the address asks for."""
    state, actor = request.state, await sessions.actor(request)
    askable = ASKABLE if actor is not None and actor.has(Role.SUPERVISOR) else STANDINGS
    asked = lists.wanted(request, "/agencies", askable)
    rows = await records.search(state.postgres, asked, day_of(state.clock.now_ms()))
    response: Response = state.templates.page(
        request,
        "agencies.html",
        **counted(rows),
        kind="agency",
        asked=asked,
        standings=askable,
        places=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        place=regions.full_name,
        exports=actor is not None,
    )
    return response


@page("GET", "/agencies/export.csv", act=SIGNED_IN, name="agencies_export")
async def export(request: Request) -> Response:
    """What the search finds, at most ``EXPORT_MAX`` agencies, as a file of public columns; written down."""
    actor, state, lang = await require(request), request.state, language(request)
    asked = lists.wanted(request, "/agencies", ASKABLE if actor.has(Role.SUPERVISOR) else STANDINGS)
    rows = await records.search(state.postgres, asked, day_of(state.clock.now_ms()), EXPORT_MAX)
    say = state.texts.say
    await audit(state.postgres, actor, "agency.exported", detail={"words": asked.words, "rows": len(rows)})
    cells = [
        (
            row["name"], row["uscc"], regions.full_name(row["region"]), say(f"agency.standing.{row['standing']}", lang),
            row["credit"], row["cases"], f"{row['registered_at']:%Y-%m-%d}",
        )
        for row in rows
    ]  # fmt: skip
    headings = [say(f"agency.label.{name}", lang) for name in COLUMNS]
    return csv_file("agencies.csv", headings, cells)


@page("GET", "/agencies/{org_id:uuid}", act=OPEN)
async def agency(request: Request) -> Response:
    """One agency: where it stands, its credit, what it ran; of its dossier what this reader may see."""
    return await _show(request)


async def _show(request: Request, refused: str = "", f: Mapping[str, str] | None = None) -> Response:
    state, actor, org_id = request.state, await sessions.actor(request), request.path_params["org_id"]
    pool, now_ms = state.postgres, state.clock.now_ms()
    facts = await records.facts(pool, org_id)
    if facts is None:
        raise Problem(404, "agency_unknown")
    today, sight = day_of(now_ms), sight_of(actor, Act.AGENCY_REVIEW, org_id, facts.region, now_ms)
    dossier = await BOOK.in_force(pool, org_id, active=facts.status == "active")
    dossier = dossier or Dossier(name=facts.name, uscc=facts.uscc, region=facts.region)
    buys = actor is not None and actor.has(Role.BUYER)
    response: Response = state.templates.page(
        request,
        "agency.html",
        409 if refused else 200,
        kind="agency",
        facts=facts,
        word=rules.standing(facts, today).value,
        credit=rules.credit(facts.marks, today),
        lines=reading.lines_for(dossier, sight),
        versions=await BOOK.versions(pool, org_id) if sight is Sight.WHOLE else [],
        as_lines=reading.as_lines,
        changes=changes,
        marks=await pool.fetch(SQL["marks_of"], org_id, today),
        mark_kinds=[each.value for each in MarkKind],
        activity=await pool.fetch(SQL["activity"], org_id),
        sums=await pool.fetchrow(SQL["statistics"], org_id),
        appraisals=await pool.fetch(SQL["appraisals"], org_id),
        to_appraise=await pool.fetch(SQL["to_appraise"], org_id, actor.org_id) if actor and buys else [],
        measures=MEASURES,
        measured=await pool.fetchrow(SQL["measured"], org_id),
        quarters=await pool.fetch(SQL["by_quarter"], org_id, datetime.combine(today, time())),
        late=await pool.fetch(SQL["late_of"], org_id) if sight is Sight.WHOLE else [],
        asked_case=request.query_params.get("case", ""),
        may_mark=may_act(actor, Act.AGENCY_MARK, region=facts.region, now_ms=now_ms),
        own=actor is not None and actor.org_id == org_id,
        place=regions.full_name,
        today=today,
        refused=refused,
        f=f or {},
    )
    return response


@page("POST", "/agencies/{org_id:uuid}/marks", act=Act.AGENCY_MARK, name="agency_mark")
async def mark(request: Request) -> Response:
    """Record what an authority decided: a ban holds from its first day, a violation takes credit."""
    await stepped_up(request)
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    org_id, now_ms, typed = request.path_params["org_id"], state.clock.now_ms(), Typed(form, "agency.label")
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            facts = await records.facts(conn, org_id)
            if facts is None or not may_act(actor, Act.AGENCY_MARK, region=facts.region, now_ms=now_ms):
                raise Problem(404, "agency_unknown")
            begins, ends = read_term(typed, day_of(now_ms))
            if not typed.raw("mark"):
                typed.wrong("mark", "typed.missing")
            kind, points = typed.choice("mark", MarkKind, MarkKind.VIOLATION), typed.whole("points", 0, 100, need=False)
            reason, authority = typed.text("reason", 500), typed.text("authority", 200)
            if typed.faults:
                raise Problem(422, "agency_mark_fields")
            sign = -1 if kind is MarkKind.COMMENDATION else 1
            capped = min(points or 0, 20) if sign < 0 else points or 0
            found = Mark(kind, begins, ends, reason, authority, sign * capped)
            await conn.fetchval(BOOK.sql["lock"], org_id)
            if await conn.fetchval(SQL["same_mark"], org_id, kind, begins, ends, found.points, reason, authority):
                raise Problem(409, "ban_same")
            await records.mark(conn, actor, org_id, found)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, lists.in_words(request, problem), form)
    return see_other(f"/agencies/{org_id}", "note.agency_marked")


@page("POST", "/agencies/marks/{mark_id:uuid}/end", act=Act.AGENCY_MARK, name="agency_mark_end")
async def end_mark(request: Request) -> Response:
    """End a mark before its time, with the reason; what was so before stays on record."""
    await stepped_up(request)
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    now_ms, why = state.clock.now_ms(), form.get("reason", "")[:500]
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(SQL["mark"], request.path_params["mark_id"])
        if row is None or not may_act(actor, Act.AGENCY_MARK, region=row["region"], now_ms=now_ms):
            raise Problem(404, "agency_unknown")
        if not why:
            raise Problem(422, "reason_missing")
        if not await conn.fetchval(SQL["end_mark"], row["id"], day_of(now_ms), actor.user_id, why):
            raise Problem(409, "ban_over")
        detail = {"mark": str(row["id"]), "kind": row["kind"], "why": why}
        await audit(conn, actor, "agency.mark_ended", f"agency:{row['org_id']}", detail=detail)
    return see_other(f"/agencies/{row['org_id']}", "note.agency_mark_ended")


@page("POST", "/agencies/{org_id:uuid}/appraisals", act=Act.AGENCY_APPRAISE, name="agency_appraise")
async def appraise(request: Request) -> Response:
    """The purchaser's appraisal of a case of his that this agency ran and that is over."""
    actor, state, form = await require(request, Role.BUYER), request.state, await read_form(request)
    org_id, typed = request.path_params["org_id"], Typed(form, "agency.measure")
    scores = [typed.whole(name, 1, 5) or 0 for name in MEASURES]
    words = typed.text("words", 500, need=False)
    try:
        if typed.faults:
            raise Problem(422, "agency_scores")
        auction_id = _uuid(form.get("case", ""))
        async with state.postgres.acquire() as conn, conn.transaction():
            given = Appraisal(scores[0], scores[1], scores[2], scores[3], words)
            await records.appraise(conn, actor, org_id, auction_id, given, state.clock.now_ms())
    except Problem as problem:
        return await _show(request, lists.in_words(request, problem))
    return see_other(f"/agencies/{org_id}", "note.agency_appraised")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(409, "agency_not_to_appraise") from None


ROUTES = collect(globals())
