"""The practice page 模拟竞价: a supplier opens a practice auction of his own and goes straight to its bidding room."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.model import Actor, Role
from auction.doors.listpages import Wanted, found_cases
from auction.doors.pagekit import problem_words, sayer, tone
from auction.doors.typed import Fault, Typed
from auction.lot.model import Visibility
from auction.practice import rehearsal
from auction.practice.rehearsal import Wish
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from standards.money import PRICE_MAX

DEFAULTS = {"ceiling": "100000", "minutes": "3", "visibility": "rank_only"}


async def _show(
    request: Request, fields: dict[str, str], faults: list[Fault], problem: Problem | None = None
) -> Response:
    actor = await sessions.actor(request)
    cases, _ = await found_cases(request, actor, Wanted(view="mine"))
    response: Response = request.state.templates.page(
        request,
        "practice.html",
        status=problem.status if problem else 422 if faults else 200,
        f=fields,
        fault_of={fault.field: fault for fault in faults},
        refused=problem_words(problem, sayer(request)) if problem else "",
        practised=[case for case in cases if case["practice"]],
        minutes=rehearsal.MINUTES,
        tone=tone,
        now=request.state.clock.now_ms(),
    )
    return response


@page("GET", "/practice", roles=(Role.SUPPLIER,))
async def practice(request: Request) -> Response:
    """What practising is, a form to begin, and one's own practice auctions."""
    return await _show(request, DEFAULTS, [])


@page("POST", "/practice", roles=(Role.SUPPLIER,))
async def begin(request: Request) -> Response:
    """Open a practice lot and lead to its room; a form that is not right comes back as typed."""
    actor, state = await sessions.actor(request), request.state
    assert actor is not None
    form = await read_form(request)
    wish, faults = _wish(form, actor, sayer(request))
    if wish is None:
        return await _show(request, dict(form), faults)
    try:
        lot_id = await rehearsal.rehearse(state.postgres, state.valkey, actor, wish, state.clock.now_ms())
    except Problem as problem:
        return await _show(request, dict(form), [], problem)
    return see_other(f"/lots/{lot_id}/room", "note.practice_opened")


def _wish(form: dict[str, str], actor: Actor, say: Any) -> tuple[Wish | None, list[Fault]]:
    typed = Typed(form, "practice.label")
    ceiling = typed.money("ceiling")
    if ceiling is not None and not rehearsal.CEILING_LEAST_FEN <= ceiling <= PRICE_MAX:
        typed.wrong("ceiling", "practice.least", least_fen=rehearsal.CEILING_LEAST_FEN)
    minutes = typed.raw("minutes")
    if minutes not in map(str, rehearsal.MINUTES):
        typed.wrong("minutes", "typed.choice")
    visibility = typed.choice("visibility", Visibility, Visibility.RANK_ONLY)
    if typed.faults or ceiling is None:
        return None, typed.faults
    return Wish(say("practice.case", name=actor.name)[:200], ceiling, int(minutes), visibility), []


ROUTES = collect(globals())
