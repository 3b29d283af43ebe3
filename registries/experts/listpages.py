"""专家库与审核: the experts of the reader's places, one with all his versions, the decision on what he filed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from registries.experts import after, library, reading
from registries.experts.model import Dossier
from registries.filing.doors import counted
from registries.filing.model import Stage, changes
from standards import regions
from standards.workdays import day_of

KINDS = ("waits", "active", "ended", "paused", "closed")
DEEDS = frozenset({"pause", "resume", "close"})


@page("GET", "/experts", act=Act.EXPERT_REVIEW)
async def experts(request: Request) -> Response:
    """The experts of the reader's places, whoever waits for a decision first."""
    actor, state = await require(request), request.state
    now_ms, asked = state.clock.now_ms(), lists.wanted(request, "/experts", KINDS)
    places = list(reach(actor, Act.EXPERT_REVIEW, now_ms).places)
    given = (places, asked.plain, asked.chosen, day_of(now_ms), lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(library.SQL["found"], *given)
    response: Response = state.templates.page(
        request,
        "experts.html",
        **counted(rows),
        kind="expert",
        asked=asked,
        kinds=KINDS,
        today=day_of(now_ms),
        place=regions.full_name,
    )
    return response


def _versions(history: list[Record]) -> list[tuple[Record, Dossier | None, Dossier]]:
    """Every filing with what was in force when it came, the latest first."""
    found: list[tuple[Record, Dossier | None, Dossier]] = []
    in_force: Dossier | None = None
    for row in reversed(history):
        after = library.dossier_of(row)
        found.append((row, in_force, after))
        in_force = after if row["stage"] == Stage.APPROVED else in_force
    return found[::-1]


async def _show(request: Request, refused: str = "") -> Response:
    actor, state, person_id = await require(request), request.state, request.path_params["person_id"]
    pool, now_ms = state.postgres, state.clock.now_ms()
    row = await library.expert(pool, actor, person_id, now_ms)
    history = await pool.fetch(library.SQL["history"], person_id)
    response: Response = state.templates.page(
        request,
        "expert.html",
        409 if refused else 200,
        kind="expert",
        row=row,
        lines=reading.as_lines(library.dossier_of(row)),
        waits=next((one for one in history if one["stage"] == Stage.FILED), None),
        versions=[
            {"row": one, "changes": changes(reading.as_lines(before) if before else {}, reading.as_lines(after))}
            for one, before, after in _versions(history)
        ],
        leaves=await pool.fetch(library.SQL["leaves"], person_id),
        served=await pool.fetch(library.SQL["served"], person_id),
        standings=await pool.fetch(library.SQL["standings"], person_id),
        appraisals=await pool.fetch(after.SQL["appraisals_of"], person_id),
        ended=row["good_until"] is not None and row["good_until"] <= day_of(now_ms),
        place=regions.full_name,
        refused=refused,
    )
    return response


@page("GET", "/experts/{person_id:uuid}", act=Act.EXPERT_REVIEW)
async def expert(request: Request) -> Response:
    """One expert: where he stands, his dossier, every version, his leave, and where he served."""
    return await _show(request)


@page("POST", "/experts/{person_id:uuid}", act=Act.EXPERT_REVIEW, name="expert_decide")
async def decide(request: Request) -> Response:
    """Approve what he filed, which begins a new term, or return it; pause, resume or close him."""
    actor, state, form = await require(request), request.state, await read_form(request)
    person_id, deed, remark = request.path_params["person_id"], form.get("deed", ""), form.get("remark", "")[:500]
    now_ms = state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await library.expert(conn, actor, person_id, now_ms)
            if deed in DEEDS:
                await library.set_standing(conn, actor, person_id, deed, remark, now_ms)
            elif deed in ("approve", "return"):
                await library.decide(conn, actor, person_id, deed == "approve", remark, now_ms)
            else:
                raise Problem(422, "decision_unknown")
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, lists.in_words(request, problem))
    return see_other(f"/experts/{person_id}", f"note.expert_{deed}")


ROUTES = collect(globals())
