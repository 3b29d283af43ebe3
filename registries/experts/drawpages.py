"""抽取页面: asking for a draw, its progress, its hands and keys, and its public record."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from accounts import records as accounts
from accounts import sessions
from accounts.acts import OPEN, Act
from accounts.admin.rules import reach
from accounts.model import Actor
from accounts.records import millis
from accounts.rules import may_act
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem, language
from plumbing.typed import Fault, moment_text
from plumbing.web import collect, page, read_form, see_other
from registries.experts import calling, drawing, reading, records, widening
from registries.experts.draw import Answer
from registries.experts.records import SQL, hand_of, holds
from registries.experts.rules import Method
from registries.filing.doors import counted, told
from registries.parameters import records as parameters
from standards import regions

STAGES = ("committing", "revealing", "calling", "filled", "exhausted", "opened", "published", "voided")
NAMES_SHOWN = ("opened", "published")


@page("GET", "/draws", act=Act.DRAW_HOLD)
async def draws(request: Request) -> Response:
    """The draws of the reader's places and units, the latest first."""
    actor, state = await require(request), request.state
    now_ms, asked = state.clock.now_ms(), lists.wanted(request, "/draws", STAGES)
    within = reach(actor, Act.DRAW_HOLD, now_ms)
    page_of = (lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    given = (list(within.places), list(within.orgs), asked.plain, asked.chosen, *page_of)
    rows = await state.postgres.fetch(SQL["found"], *given)
    may_ask = may_act(actor, Act.DRAW_ASK, region=actor.region, org_id=actor.org_id, now_ms=now_ms)
    response: Response = state.templates.page(
        request, "draws.html", **counted(rows), asked=asked, stages=STAGES, may_ask=may_ask
    )
    return response


async def _asking(request: Request, f: dict[str, str], faults: list[Fault], refused: str = "") -> Response:
    actor, state = await require(request), request.state
    home = await accounts.organisation(state.postgres, actor.org_id)
    region = home["region"] if home else actor.region
    in_force = await parameters.rule_set(state.postgres, region, state.clock.now_ms())
    keys = (
        "ahead_workdays",
        "group_tender_min",
        "group_other_min",
        "employment_years",
        "reply_minutes",
        "unlock_minutes",
    )
    response: Response = state.templates.page(
        request,
        "draw_new.html",
        422 if faults or refused else 200,
        f=f,
        methods=[(each.value, state.texts.say(f"draw.method.{each.value}", language(request))) for each in Method],
        rules={key: in_force.number(f"experts.{key}") for key in keys},
        place=regions.full_name(region),
        **told(faults, refused),
    )
    return response


@page("GET", "/draws/new", act=Act.DRAW_ASK, name="draw_new")
async def new(request: Request) -> Response:
    """The form of a request."""
    now_ms = request.state.clock.now_ms()
    return await _asking(request, {"group": "5", "need": "4", "review_at": moment_text(now_ms + 24 * 3_600_000)}, [])


@page("POST", "/draws", act=Act.DRAW_ASK, name="draw_ask")
async def ask(request: Request) -> Response:
    """Ask for a draw."""
    actor, state, form = await require(request), request.state, await read_form(request)
    asked, faults = reading.read_request(form)
    if asked is None:
        return await _asking(request, form, faults)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            draw_id = await drawing.request(conn, actor, asked, state.settings, state.clock.now_ms())
    except Problem as problem:
        if problem.status == 403:
            raise
        return await _asking(request, form, [], lists.in_words(request, problem))
    return see_other(f"/draws/{draw_id}", "note.draw_asked")


async def _draw(pool: Pool, draw_id: UUID) -> Record:
    row: Record | None = await pool.fetchrow(SQL["draw"], draw_id)
    if row is None:
        raise Problem(404, "draw_unknown")
    return row


def _steps(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log as it is listed: what was done, when, by which hand, of which ticket."""
    return [
        {
            "n": one["n"],
            "at_ms": one["at_ms"],
            "event": one["event"],
            "hand": one["detail"].get("hand", ""),
            "answer": one["detail"].get("answer", ""),
            "ticket": one["detail"].get("ticket", "")[:8],
            "count": len(one["detail"].get("tickets", one["detail"].get("experts", ()))),
            "reason": one["detail"].get("reason", ""),
        }
        for one in entries
    ]


async def _show(request: Request, refused: str = "") -> Response:
    actor: Actor | None = await sessions.actor(request)
    state, draw_id = request.state, request.path_params["draw_id"]
    pool, now_ms = state.postgres, state.clock.now_ms()
    row = await _draw(pool, draw_id)
    inside = actor is not None and holds(actor, row, now_ms)
    hand = hand_of(actor, row) if actor is not None and inside else None
    listed, entries = await records.tickets(pool, draw_id), (await records.record(pool, draw_id))["entries"]
    widened = await pool.fetchrow(SQL["widening"], draw_id)
    offers = hand is not None and row["stage"] == "exhausted" and (widened is None or widened["next_id"] is None)
    complete = row["stage"] == "filled" or (widened is not None and widened["next_stage"] in calling.FOLLOWED)
    shown = row["stage"] in NAMES_SHOWN and (inside or row["stage"] == "published")
    response: Response = state.templates.page(
        request,
        "draw.html",
        409 if refused else 200,
        row=row,
        inside=inside,
        hand=hand.value if hand else "",
        may_second=inside and hand is None and row["second_by"] is None and row["stage"] == "committing",
        listed=len(listed),
        called=sum(one["called_at"] is not None for one in listed),
        answers=Counter(one["answer"] or "waiting" for one in listed if one["called_at"] is not None),
        names=[one for one in listed if one["answer"] == Answer.ACCEPTED] if shown else [],
        steps=_steps(entries),
        widened=widened,
        offers=await widening.offers(pool, row, now_ms) if offers else [],
        agrees=offers and widened is not None and widened["asked_by"] != actor.user_id if actor else False,
        complete=complete,
        unlocks_at_ms=calling.unlocks_at_ms(row),
        locked=now_ms < calling.unlocks_at_ms(row),
        begun=now_ms >= millis(row["review_at"]),
        place=regions.full_name,
        refused=refused,
    )
    return response


@page("GET", "/draws/{draw_id:uuid}", act=OPEN, name="draw")
async def show(request: Request) -> Response:
    """A draw: its public progress for everybody; for those who hold it the next step."""
    return await _show(request)


@page("GET", "/draws/{draw_id:uuid}/record.json", act=OPEN, name="draw_record")
async def record(request: Request) -> Response:
    """The public record, from which anybody recomputes the draw (docs/expert-draw.md)."""
    found = await records.record(request.state.postgres, request.path_params["draw_id"])
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


@page("POST", "/draws/{draw_id:uuid}", act=Act.DRAW_HOLD, name="draw_step")
async def step(request: Request) -> Response:
    """A hand's next step: commit, reveal, widen, turn the key, publish, end it; it asks for a fresh proof."""
    actor, form = await stepped_up(request), await read_form(request)
    draw_id = request.path_params["draw_id"]
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await _do(request, conn, actor, draw_id, form)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, lists.in_words(request, problem))
    return see_other(f"/draws/{draw_id}", f"note.draw_{form.get('deed', '')}")


async def _do(request: Request, conn: Connection, actor: Actor, draw_id: UUID, form: dict[str, str]) -> None:
    state, deed, given = request.state, form.get("deed", ""), form.get("given", "").strip()
    now_ms = state.clock.now_ms()
    if deed == "commit":
        await drawing.commit(conn, actor, draw_id, given, now_ms)
    elif deed == "reveal":
        await drawing.reveal(conn, actor, draw_id, given, state.settings, state.texts, now_ms)
    elif deed == "key":
        await calling.turn_key(conn, actor, draw_id, now_ms)
    elif deed == "widen":
        await widening.propose(conn, actor, draw_id, form.get("way", ""), form.get("reason", "").strip()[:500], now_ms)
    elif deed == "agree":
        await widening.agree(conn, actor, draw_id, state.settings, now_ms)
    elif deed == "publish":
        await calling.publish(conn, actor, draw_id, now_ms)
    elif deed == "void":
        await calling.void(conn, actor, draw_id, form.get("reason", "").strip()[:500], now_ms)
    else:
        row = await records.locked(conn, draw_id)
        raise Problem(422 if holds(actor, row, now_ms) else 404, "decision_unknown")


ROUTES = collect(globals())
