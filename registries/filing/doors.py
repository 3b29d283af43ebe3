"""What the registries' pages of filings share: the list that waits, one filing with what it changes, the decision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts.admin.rules import reach
from accounts.model import Actor
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import read_form, see_other
from registries.filing.book import Book, D
from registries.filing.model import Stage, changes
from standards import regions

KINDS = ("first", "change")
IN_FORCE = date(2003, 1, 1)
"""Since when the procurement law is in force 政府采购法 §88: no decision under it is older."""
DECISIONS = {"approve": Stage.APPROVED, "return": Stage.RETURNED, "reject": Stage.REJECTED}
Lines = Callable[[D], Mapping[str, str]]
Again = Callable[[str], Awaitable[Response]]
Decide = Callable[[Connection, Actor, Stage, str, bool], Awaitable[None]]


def counted(rows: list[Any]) -> dict[str, Any]:
    """A page of rows with their ``total``, as a list's template reads it."""
    total = rows[0]["total"] if rows else 0
    return {"rows": rows, "total": total, "pages": max(1, -(-total // lists.PAGE_SIZE))}


async def waiting(request: Request, book: Book[D], path: str) -> Response:
    """What waits for a decision in the reader's places, the longest first."""
    actor, state = await require(request), request.state
    asked = lists.wanted(request, path, KINDS)
    places = list(reach(actor, book.act, state.clock.now_ms()).places)
    given = (places, asked.plain, asked.chosen, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(book.sql["waiting"], *given)
    known = {"kind": book.kind, "asked": asked, "kinds": KINDS, "place": regions.full_name}
    response: Response = state.templates.page(request, "filings.html", **counted(rows), **known)
    return response


async def show(request: Request, book: Book[D], lines: Lines[D], refused: str = "", **more: Any) -> Response:
    """One filing: what it changes, and the decision while it waits."""
    actor, state = await require(request), request.state
    row = await book.filing(state.postgres, actor, request.path_params["filing_id"], state.clock.now_ms())
    before, dossier = await book.before(state.postgres, row), book.read(row["content"])
    response: Response = state.templates.page(
        request,
        "filing.html",
        409 if refused else 200,
        kind=book.kind,
        reviews=request.url.path.rpartition("/")[0],
        row=row,
        dossier=dossier,
        is_change=before is not None,
        changes=changes(lines(before) if before else {}, lines(dossier)),
        lines=lines(dossier),
        history=await book.history(state.postgres, row["org_id"]),
        place=regions.full_name,
        refused=refused,
        **({"kin": (), "heard": {}, "doubts": (), "papers": {}, "late_workdays": row.get("late_workdays")} | more),
    )
    return response


async def decided(request: Request, kind: str, path: str, do: Decide, again: Again) -> Response:
    """Take the decision of the form: back to the list at ``path``, or the page ``again`` with what was refused."""
    actor, state, form = await require(request), request.state, await read_form(request)
    decision, remark = DECISIONS.get(form.get("decision", "")), form.get("remark", "")[:500]
    try:
        if decision is None:
            raise Problem(422, "decision_unknown")
        async with state.postgres.acquire() as conn, conn.transaction():
            await do(conn, actor, decision, remark, form.get("proven", "") not in ("", "0"))
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await again(lists.in_words(request, problem))
    return see_other(path, f"note.{kind}_{decision}")


def rows_of(f: dict[str, str], part: str, most: int) -> tuple[range, range]:
    """The rows of a repeated part that stand open, those that are filled and one more, and the folded ones."""
    filled = max((n for n in range(1, most + 1) if any(f.get(k) for k in f if k.startswith(f"{part}-{n}-"))), default=0)
    return range(1, min(most, filled + 1) + 1), range(min(most, filled + 1) + 1, most + 1)


def told(faults: list[Fault], refused: str = "") -> dict[str, Any]:
    """What stands in the summary above a form."""
    return {"faults": faults, "refused": refused, "fault_of": {fault.field: fault for fault in reversed(faults)}}


async def closed(request: Request, book: Book[D], actor: Actor, again: Again) -> Response:
    """Close the actor's registration 注销: asked for twice, by a tick."""
    state, form = request.state, await read_form(request)
    try:
        if form.get("sure", "") in ("", "0"):
            raise Problem(422, "closing_unsure")
        async with state.postgres.acquire() as conn, conn.transaction():
            await book.close(conn, actor)
    except Problem as problem:
        return await again(lists.in_words(request, problem))
    return see_other(request.url.path.rpartition("/")[0], f"note.{book.kind}_closed")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_term(typed: Typed, today: date) -> tuple[date, date | None]:
    """From a day until before another (None: further notice), as typed. ``Problem`` 422 for what makes no time."""
    begins, ends = _day(typed.raw("begins")), _day(typed.raw("ends"))
    if (typed.raw("begins") and begins is None) or (typed.raw("ends") and ends is None):
        raise Problem(422, "ban_days")
    begins = begins or today
    if begins < IN_FORCE or (ends is not None and ends <= begins):
        raise Problem(422, "ban_days")
    return begins, ends
