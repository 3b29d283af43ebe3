"""属地审核的页面: the filings that wait in the reader's places, each with what it changes, and the decision."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.model import Actor
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from registries.suppliers import filings, kin, reading
from registries.suppliers.dossier import Stage
from standards import regions

REVIEWS = "/suppliers/filings"
KINDS = ("first", "change")
DECISIONS = {"approve": Stage.APPROVED, "return": Stage.RETURNED, "reject": Stage.REJECTED}


@page("GET", "/suppliers/filings", act=Act.SUPPLIER_REVIEW)
async def waiting(request: Request) -> Response:
    """What waits for a decision in the reader's places, the longest first."""
    actor, state = await require(request), request.state
    asked = lists.wanted(request, REVIEWS, KINDS)
    places = list(reach(actor, Act.SUPPLIER_REVIEW, state.clock.now_ms()).places)
    given = (places, asked.plain, asked.chosen, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(filings.SQL["waiting"], *given)
    total = rows[0]["total"] if rows else 0
    response: Response = state.templates.page(
        request,
        "supplier_filings.html",
        rows=rows,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        kinds=KINDS,
        place=regions.full_name,
    )
    return response


async def _show(request: Request, actor: Actor, refused: str = "") -> Response:
    state = request.state
    row = await filings.filing(state.postgres, actor, request.path_params["filing_id"], state.clock.now_ms())
    before, dossier = await filings.before(state.postgres, row), filings.dossier_of(row)
    response: Response = state.templates.page(
        request,
        "supplier_filing.html",
        409 if refused else 200,
        row=row,
        dossier=dossier,
        is_change=before is not None,
        changes=reading.changes(before, dossier),
        lines=reading.as_lines(dossier),
        history=await state.postgres.fetch(filings.SQL["history"], row["org_id"]),
        kin=await kin.of(state.postgres, row["org_id"], dossier),
        place=regions.full_name,
        refused=refused,
    )
    return response


@page("GET", "/suppliers/filings/{filing_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def filing(request: Request) -> Response:
    """One filing: what it changes, and the decision while it waits."""
    return await _show(request, await require(request))


@page("POST", "/suppliers/filings/{filing_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def decide(request: Request) -> Response:
    """Approve the filing or return it."""
    actor, state, form = await require(request), request.state, await read_form(request)
    decision, remark = DECISIONS.get(form.get("decision", "")), form.get("remark", "")[:500]
    proven = form.get("proven", "") not in ("", "0")
    try:
        if decision is None:
            raise Problem(422, "decision_unknown")
        async with state.postgres.acquire() as conn, conn.transaction():
            thing = request.path_params["filing_id"]
            await filings.decide(conn, actor, thing, decision, remark, proven, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, actor, lists.in_words(request, problem))
    return see_other(REVIEWS, f"note.supplier_{decision}")


ROUTES = collect(globals())
