"""核对页: lots whose record is in doubt, for the operator who asks for a release and the host who grants it."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import Act
from accounts.model import Role
from auction.case import recovery
from auction.doors.pagekit import problem_words, sayer
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other

SEEN_BY = (Role.OPERATOR, Role.BUYER, Role.HEAD)


async def _show(request: Request, problem: Problem | None = None) -> Response:
    actor = await sessions.actor(request)
    assert actor is not None
    operator = actor.has(Role.OPERATOR)
    held = await request.state.postgres.fetch(recovery.SQL["contradictions"], None if operator else actor.org_id)
    response: Response = request.state.templates.page(
        request,
        "recovery.html",
        status=problem.status if problem else 200,
        held=held,
        operator=operator,
        refused=problem_words(problem, sayer(request)) if problem else "",
    )
    return response


@page("GET", "/recovery", act=Act.RECORD_RELEASE)
async def held_lots(request: Request) -> Response:
    """Which lots are held, what was found and what was put back: all of them, or a host's own."""
    return await _show(request)


@page("POST", "/recovery/{lot_id:uuid}", act=Act.RECORD_RELEASE)
async def decide(request: Request) -> Response:
    """The operator asks for the release with a reason, or the host grants it."""
    actor, state = await sessions.actor(request), request.state
    assert actor is not None
    form, lot_id, now_ms = await read_form(request), UUID(str(request.path_params["lot_id"])), state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            if actor.has(Role.OPERATOR):
                await recovery.ask(conn, state.valkey, actor, lot_id, form.get("reason", ""), now_ms)
            else:
                await recovery.release(conn, state.valkey, actor, lot_id, now_ms)
    except Problem as problem:
        return await _show(request, problem)
    return see_other("/recovery", "note.release_asked" if actor.has(Role.OPERATOR) else "note.lot_released")


ROUTES = collect(globals())
