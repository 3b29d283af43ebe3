"""审批: what waits for one person's decision on one page, with what to look at; several are decided together."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import SIGNED_IN
from accounts.flows.desks import Look
from accounts.flows.engine import SQL
from accounts.flows.model import Kind, Post
from accounts.model import Actor
from accounts.todo.waiting import Step, steps_of
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other

KEY = "approve:"
REMARK_MAX = 500
CHOSEN_MAX = 50


class Card(Struct, frozen=True):
    """A case that waits for this person: its row, the step of his to-do list, his post, what to look at."""

    row: Record
    step: Step
    post: Post
    look: Look

    @property
    def name(self) -> str:
        """What the form calls it."""
        return f"{self.row['kind']}:{self.row['object_id']}"


def posts_of(steps: Sequence[Step]) -> dict[UUID, tuple[Step, Post]]:
    """The person's own steps that are approvals, by the object they are about."""
    found = {}
    for step in steps:
        if step.mine and step.key.startswith(KEY):
            _, object_id, _, post = step.key.split(":")
            found[UUID(object_id)] = (step, Post(post))
    return found


async def _cards(request: Request, actor: Actor, at: int) -> tuple[list[Card], int]:
    """One page of what waits, the soonest due first, and how many wait."""
    state = request.state
    now_ms = state.clock.now_ms()
    mine = posts_of(await steps_of(state.postgres, actor.user_id, now_ms))
    shown = list(mine)[(at - 1) * lists.PAGE_SIZE : at * lists.PAGE_SIZE]
    rows = {row["object_id"]: row for row in await state.postgres.fetch(SQL["running_of"], shown)}
    cards = []
    for object_id in (each for each in shown if each in rows):
        look = await state.desks[Kind(rows[object_id]["kind"])].look(state.postgres, object_id, now_ms)
        cards.append(Card(rows[object_id], *mine[object_id], look))
    return cards, len(mine)


async def _show(request: Request, actor: Actor, *, refused: Sequence[tuple[str, str]] = (), done: int = 0) -> Response:
    asked = lists.wanted(request, "/approvals", ())
    cards, total = await _cards(request, actor, asked.at)
    response: Response = request.state.templates.page(
        request,
        "approvals.html",
        409 if refused else 200,
        cards=cards,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        refused=refused,
        done=done,
        remark_max=REMARK_MAX,
        now=request.state.clock.now_ms(),
    )
    return response


@page("GET", "/approvals", act=SIGNED_IN)
async def approvals(request: Request) -> Response:
    """What waits for this person's decision: balance, fund source, the year's sum and its limits, prices paid."""
    return await _show(request, await require(request))


def _chosen(names: Sequence[str]) -> list[tuple[Kind, UUID]]:
    """What the form names. Raises ``Problem`` 422 for nothing, too much, or no name of ours."""
    try:
        found = [(Kind(kind), UUID(object_id)) for kind, _, object_id in (name.partition(":") for name in names)]
    except ValueError:
        found = []
    if not 0 < len(found) <= CHOSEN_MAX:
        raise Problem(422, "approvals_chosen", most=CHOSEN_MAX)
    return list(dict.fromkeys(found))


@page("POST", "/approvals", act=SIGNED_IN)
async def decide_approvals(request: Request) -> Response:
    """Approve those chosen, or return them; each stands alone, what could not be is told with its reason."""
    await stepped_up(request)
    actor, state, form = await require(request), request.state, await read_form(request)
    yes, remark = form.get("act") == "approve", form.get("remark", "")[:REMARK_MAX]
    try:
        chosen = _chosen(form.all.get("case", []))
        if not yes and not remark:
            raise Problem(422, "reason_missing")
    except Problem as problem:
        return await _show(request, actor, refused=[("", lists.in_words(request, problem))])
    refused, done = [], 0
    for kind, object_id in chosen:
        try:
            async with state.postgres.acquire() as conn, conn.transaction():
                await state.desks[kind].decide(conn, actor, object_id, yes, remark, state.clock.now_ms())
            done += 1
        except Problem as problem:
            row = await state.postgres.fetchrow(SQL["last_round"], kind, object_id)
            told = row["number"] if row is not None and problem.status not in (403, 404) else ""
            refused.append((told, lists.in_words(request, problem)))
    if refused:
        return await _show(request, actor, refused=refused, done=done)
    return see_other("/approvals", "note.approvals_approved" if yes else "note.approvals_returned")


ROUTES = collect(globals())
