"""专家自己的页面: his dossier, his leave, and the calls that wait for his answer."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.records import moment
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Fault
from plumbing.web import collect, page, read_form, see_other
from registries.experts import after, calling, library, reading
from registries.experts.draw import Answer
from registries.experts.model import ASPECTS, Side, Status
from registries.filing.doors import rows_of, told
from registries.filing.model import Stage
from registries.parameters import records as parameters
from standards import regions
from standards.workdays import day_of

OWN = "/experts/own"


async def _own(
    request: Request,
    actor: Actor,
    f: dict[str, str] | None,
    faults: list[Fault],
    refused: str = "",
    sent: tuple[UUID, dict[str, str]] | None = None,
) -> Response:
    """The page; ``sent``: what was typed of a review and refused, to stand there again."""
    pool = request.state.postgres
    row = await pool.fetchrow(library.SQL["expert"], actor.user_id)
    filed = await pool.fetchrow(library.SQL["last_filing"], actor.user_id)
    if f is None:
        f = reading.as_typed(library.dossier_of(filed)) if filed else {"region": actor.region}
    now_ms = request.state.clock.now_ms()
    in_force = await parameters.rule_set(pool, actor.region, now_ms)
    told_before = await after.told_before(pool, actor.region, now_ms)
    returned = filed is not None and filed["stage"] == Stage.RETURNED
    response: Response = request.state.templates.page(
        request,
        "expert_own.html",
        422 if faults or refused else 200,
        kind="expert",
        row=row,
        today=day_of(now_ms),
        filed=filed,
        word=row["status"] if row else Status.DRAFT.value,
        calls=await pool.fetch(library.SQL["calls"], actor.user_id, moment(now_ms)),
        leaves=await pool.fetch(library.SQL["leaves"], actor.user_id),
        reviews=await pool.fetch(after.SQL["reviews_of"], actor.user_id, moment(now_ms), told_before),
        aspects=ASPECTS[Side.EXPERT],
        sent_id=sent[0] if sent else None,
        sent=sent[1] if sent else {},
        best=in_force.number("experts.appraisal_best"),
        history=await pool.fetch(library.SQL["history"], actor.user_id),
        f=f,
        open_form=bool(faults) or filed is None or returned,
        place=regions.full_name,
        regions=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        numbers={"job": rows_of(f, "job", reading.JOBS_MAX), "kin": rows_of(f, "kin", reading.RELATIVES_MAX)},
        **told(faults, refused),
    )
    return response


@page("GET", "/experts/own", act=Act.EXPERT_FILE, name="expert_own")
async def own(request: Request) -> Response:
    """The expert's own registration, leave and calls."""
    return await _own(request, await require(request, Role.EXPERT), None, [])


@page("POST", "/experts/own", act=Act.EXPERT_FILE, name="expert_file")
async def file_own(request: Request) -> Response:
    """File the dossier: for the first time, corrected, changed, or to be examined again 复审."""
    actor, state, form = await require(request, Role.EXPERT), request.state, await read_form(request)
    dossier, faults = reading.read_dossier(form, actor.name, day_of(state.clock.now_ms()))
    if dossier is None:
        return await _own(request, actor, form, faults)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await library.file(conn, actor, dossier, state.clock.now_ms())
    except Problem as problem:
        return await _own(request, actor, form, [], lists.in_words(request, problem))
    return see_other(OWN, "note.expert_filed")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(422, "leave_unfit") from None


def _leave_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(404, "expert_unknown") from None


@page("POST", "/experts/own/leave", act=Act.EXPERT_FILE, name="expert_leave")
async def leave(request: Request) -> Response:
    """Days on which he is not drawn, or the end of them."""
    actor, state, form = await require(request, Role.EXPERT), request.state, await read_form(request)
    if form.get("deed") == "end":
        async with state.postgres.acquire() as conn, conn.transaction():
            await library.end_leave(conn, actor, _leave_id(form.get("leave", "")), state.clock.now_ms())
        return see_other(OWN, "note.expert_leave_ended")
    try:
        first, last = _day(form.get("first", "")), _day(form.get("last", ""))
        async with state.postgres.acquire() as conn, conn.transaction():
            await library.take_leave(conn, actor, first, last, form.get("why", "")[:200], state.clock.now_ms())
    except Problem as problem:
        return await _own(request, actor, None, [], lists.in_words(request, problem))
    return see_other(OWN, "note.expert_leave")


@page("POST", "/experts/own/calls/{draw_id:uuid}", act=Act.EXPERT_FILE, name="expert_answer")
async def answer(request: Request) -> Response:
    """His answer to a call: he comes, declines, or must stay away."""
    actor, state, form = await require(request, Role.EXPERT), request.state, await read_form(request)
    try:
        if (given := form.get("answer", "")) not in set(Answer):
            raise Problem(422, "decision_unknown")
        draw_id, now_ms = request.path_params["draw_id"], state.clock.now_ms()
        async with state.postgres.acquire() as conn, conn.transaction():
            await calling.answer(conn, actor, draw_id, Answer(given), state.texts, now_ms)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _own(request, actor, None, [], lists.in_words(request, problem))
    return see_other(OWN, "note.expert_answered")


@page("POST", "/experts/own/after/{draw_id:uuid}", act=Act.EXPERT_FILE, name="expert_after")
async def after_review(request: Request) -> Response:
    """After a review: he confirms his fee or objects to it, appraises whom he served, or answers."""
    actor, state, form = await require(request, Role.EXPERT), request.state, await read_form(request)
    draw_id, now_ms = request.path_params["draw_id"], state.clock.now_ms()
    deed, words = form.get("deed", ""), form.get("words", "").strip()[:500]
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            if deed in ("confirm", "object"):
                await after.answer_fee(conn, actor, draw_id, deed == "confirm", words, now_ms)
            elif deed == "appraise":
                marks = reading.read_marks(form, Side.EXPERT)
                await after.appraise_host(conn, actor, draw_id, marks, words, now_ms)
            elif deed == "state":
                await after.state(conn, actor, draw_id, words, now_ms)
            else:
                raise Problem(422, "decision_unknown")
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _own(request, actor, None, [], lists.in_words(request, problem), (draw_id, form))
    return see_other(OWN, f"note.expert_{deed}")


ROUTES = collect(globals())
