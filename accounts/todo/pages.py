"""待办中心: the list of what waits, and the pages to hand a step on and to name who stands in."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import SIGNED_IN
from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from accounts.todo import handing
from accounts.todo.waiting import SQL, Step, steps_of
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Typed, moment_text
from plumbing.web import collect, page, read_form, see_other

DAY_MS = 86_400_000
LATE, HANDED = "late", "handed"


def chosen(steps: list[Step], asked: lists.Wanted, now_ms: int) -> list[Step]:
    """The steps that are looked for: his own, or those handed on; of one kind, or overdue; with the words."""
    found = [step for step in steps if step.mine != (asked.chosen == HANDED) and step.matches(asked.words)]
    if asked.chosen == LATE:
        return [step for step in found if step.due_at and step.due_at <= now_ms]
    return [step for step in found if asked.chosen in ("", HANDED, step.kind)]


@page("GET", "/todo", act=SIGNED_IN)
async def todo(request: Request) -> Response:
    """What waits for this person 待办, the soonest due first, with search, filter and pages."""
    actor, state = await require(request), request.state
    now_ms = state.clock.now_ms()
    steps = await steps_of(state.postgres, actor.user_id, now_ms)
    kinds = tuple(sorted({step.kind for step in steps}))
    asked = lists.wanted(request, "/todo", (LATE, HANDED, *kinds))
    found = chosen(steps, asked, now_ms)
    first = (asked.at - 1) * lists.PAGE_SIZE
    response: Response = state.templates.page(
        request,
        "todo.html",
        steps=found[first : first + lists.PAGE_SIZE],
        total=len(found),
        pages=max(1, -(-len(found) // lists.PAGE_SIZE)),
        asked=asked,
        kinds=kinds,
        mine=sum(step.mine for step in steps),
        late=sum(step.mine and 0 < step.due_at <= now_ms for step in steps),
        handed=sum(not step.mine for step in steps),
        now=now_ms,
    )
    return response


async def _hand_form(request: Request, actor: Actor, key: str, refused: str = "") -> Response:
    state = request.state
    now_ms = state.clock.now_ms()
    step = await handing.step_of(state.postgres, actor, key, now_ms)
    takers = [] if step.personal else await handing.takers(state.postgres, actor, key, now_ms)
    response: Response = state.templates.page(
        request, "todo_hand.html", 422 if refused else 200, step=step, takers=takers, refused=refused, now=now_ms
    )
    return response


@page("GET", "/todo/hand", act=SIGNED_IN, name="hand_form")
async def hand(request: Request) -> Response:
    """To whom a step may be handed on."""
    return await _hand_form(request, await require(request), request.query_params.get("key", ""))


@page("POST", "/todo/hand", act=SIGNED_IN, name="hand_over")
async def hand_over(request: Request) -> Response:
    """Hand it on, or take it back (``back``)."""
    actor, state, form = await require(request), request.state, await read_form(request)
    key, now_ms = form.get("key", "")[:200], state.clock.now_ms()
    typed = Typed(form, "todo.label")
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            if form.get("back"):
                await handing.take_back(conn, actor, key, now_ms)
                return see_other("/todo", "note.todo_taken_back")
            reason = typed.text("reason", 500)
            if typed.faults:
                raise Problem(422, "todo_reason")
            await handing.hand_over(conn, actor, key, _id(form.get("to", "")), reason, now_ms)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await _hand_form(request, actor, key, lists.in_words(request, problem))
    return see_other("/todo", "note.todo_handed")


def _id(text: str) -> UUID:
    """An id as a form sends it; the id of nobody for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


async def _away(request: Request, actor: Actor, refused: str = "") -> Response:
    state, now_ms = request.state, request.state.clock.now_ms()
    rows = await state.postgres.fetch(SQL["substitutions_of"], actor.user_id, moment(now_ms))
    response: Response = state.templates.page(
        request,
        "todo_away.html",
        422 if refused else 200,
        rows=rows,
        colleagues=await state.postgres.fetch(SQL["colleagues"], actor.org_id, actor.user_id, None),
        contact=await state.postgres.fetchrow(SQL["contact"], actor.user_id),
        since=moment_text(now_ms),
        until=moment_text(now_ms + DAY_MS),
        me=actor.user_id,
        refused=refused,
    )
    return response


@page("GET", "/todo/away", act=SIGNED_IN, name="away")
async def away(request: Request) -> Response:
    """Who stands in for this person and for whom he does, and how he is reminded."""
    return await _away(request, await require(request))


@page("POST", "/todo/away", act=SIGNED_IN, name="name_substitute")
async def name_substitute(request: Request) -> Response:
    """Name a substitute for a time, or end one (``end``)."""
    actor, state, form = await require(request), request.state, await read_form(request)
    typed, now_ms = Typed(form, "todo.label"), state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            if form.get("end"):
                await handing.end_stand_in(conn, actor, _id(form["end"]), now_ms)
                return see_other("/todo/away", "note.substitute_ended")
            since, until = typed.moment("since"), typed.moment("until")
            reason = typed.text("reason", 500)
            if since is None or until is None:
                raise Problem(422, "absence_unfit")
            if typed.faults:
                raise Problem(422, "todo_reason")
            await handing.stand_in(conn, actor, _id(form.get("to", "")), since, until, reason, now_ms)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await _away(request, actor, lists.in_words(request, problem))
    return see_other("/todo/away", "note.substitute_named")


@page("POST", "/todo/contact", act=SIGNED_IN, name="keep_contact")
async def keep_contact(request: Request) -> Response:
    """Keep how he is reminded beside the site."""
    actor, state, form = await require(request), request.state, await read_form(request)
    email, phone = form.get("email", ""), form.get("phone", "").replace(" ", "").replace("-", "")
    ways = [bool(form.get(way)) for way in ("by_email", "by_sms", "by_voice")]
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await conn.execute(SQL["put_contact"], actor.user_id, email, phone, *ways)
            await audit(conn, actor, "todo.contact", f"person:{actor.user_id}")
    except asyncpg.CheckViolationError:
        return await _away(request, actor, lists.in_words(request, Problem(422, "contact_unfit")))
    return see_other("/todo/away", "note.contact_kept")


ROUTES = collect(globals())
