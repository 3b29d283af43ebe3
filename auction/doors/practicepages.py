"""The practice page 模拟竞价: a supplier opens a practice auction of his own, or joins another's by its link."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import Act
from accounts.model import Actor
from auction.case.records import decode_rules
from auction.doors import wording
from auction.doors.listpages import Wanted, found_cases
from auction.doors.pagekit import problem_words, sayer, tone
from auction.lot.model import Stage, Visibility
from auction.practice import rehearsal
from auction.practice.rehearsal import Wish
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
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


@page("GET", "/practice", act=Act.BID_ENTER)
async def practice(request: Request) -> Response:
    """What practising is, a form to begin, and one's own practice auctions."""
    return await _show(request, DEFAULTS, [])


@page("POST", "/practice", act=Act.BID_ENTER)
async def begin(request: Request) -> Response:
    """Open a practice lot and lead to its room; a form that is not right comes back as typed."""
    actor, state = await sessions.actor(request), request.state
    assert actor is not None
    form = await read_form(request)
    wish, faults = _wish(form, actor, sayer(request))
    if wish is None:
        return await _show(request, dict(form), faults)
    pipes = state.postgres, state.valkey, state.rivals
    try:
        lot_id = await rehearsal.rehearse(*pipes, actor, wish, state.clock.now_ms())
    except Problem as problem:
        return await _show(request, dict(form), [], problem)
    return see_other(f"/lots/{lot_id}/room", "note.practice_opened")


@page("GET", "/practice/{auction_id:uuid}/join", act=Act.BID_ENTER)
async def invited(request: Request) -> Response:
    """Whoever has the link of another's practice sees whose it is, and may take a seat."""
    row = await rehearsal.invitation(request.state.postgres, request.path_params["auction_id"])
    rules = decode_rules(row["rules"])
    response: Response = request.state.templates.page(
        request,
        "practice_join.html",
        row=row,
        auction_id=request.path_params["auction_id"],
        ceiling=wording.amount_text(rules.ceiling, rules.basis) if rules.ceiling else "—",
        minutes=rules.duration_ms // 60_000,
        over=row["stage"] != Stage.RUNNING,
    )
    return response


@page("POST", "/practice/{auction_id:uuid}/join", act=Act.BID_ENTER)
async def join(request: Request) -> Response:
    """Take a free seat in another's practice, and lead to its room."""
    actor = await sessions.actor(request)
    assert actor is not None
    async with request.state.postgres.acquire() as conn, conn.transaction():
        lot_id = await rehearsal.join(conn, actor, request.path_params["auction_id"])
    return see_other(f"/lots/{lot_id}/room", "note.practice_joined")


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
