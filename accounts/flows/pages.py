"""审批流程: the page of a place's flows: the drawing of what is in force, its versions, and the editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.flows import editing, engine, rules
from accounts.flows.drawing import Drawing, draw
from accounts.flows.editing import Row
from accounts.flows.engine import SQL
from accounts.flows.model import POSTS_OF, Kind, Needs, Step
from accounts.model import Actor
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.problems import Problem, language
from plumbing.texts import money
from plumbing.web import Form, collect, page, read_form, see_other
from standards import regions

NOTE_MAX = 300


def _kind(text: str) -> Kind:
    return Kind(text) if text in set(Kind) else Kind.PLAN


def _place(request: Request, actor: Actor) -> str:
    """The place asked for, or the first the actor administers, or his own: a whole code."""
    asked = request.query_params.get("region", "").split(" ")[0]
    if regions.is_code(asked):
        return asked
    places = reach(actor, Act.FLOW_SET, request.state.clock.now_ms()).places
    return next((place.ljust(6, "0") for place in places if place), actor.region)


def _sets(actor: Actor, prefix: str, now_ms: int) -> bool:
    """Whether the actor administers the whole place."""
    return any(prefix.startswith(place) for place in reach(actor, Act.FLOW_SET, now_ms).places)


def condition(say: Callable[..., str], step: Step) -> str:
    """For which cases a step is, in words; empty: for all."""
    told = [say("flow.from_amount", fen=money(step.from_fen))] if step.from_fen else []
    told += [say("flow.of_categories", codes="、".join(step.categories))] if step.categories else []
    return " · ".join([*told, *([step.when] if step.when else [])])


def drawn(request: Request, steps: tuple[Step, ...]) -> Drawing:
    """The drawing of a flow in the reader's language."""
    lang, texts = language(request), request.state.texts

    def say(key: str, **params: Any) -> str:
        return str(texts.say(key, lang, **params))

    return draw(steps, say, lambda step: condition(say, step))


async def _shown(
    request: Request, actor: Actor, rows: list[Row] | None = None, f: Form | None = None, refused: str = "",
    preview: tuple[Step, ...] | None = None,
) -> Response:  # fmt: skip
    state, kind, place = request.state, _kind(request.query_params.get("kind", "")), _place(request, actor)
    prefix, now_ms = regions.prefix_of(place), state.clock.now_ms()
    flow, steps = await engine.flow_of(state.postgres, kind, place)
    versions = await state.postgres.fetch(SQL["versions_of"], kind, prefix)
    shown = steps or (engine.BY_HEAD if kind is Kind.PLAN else ())
    response: Response = state.templates.page(
        request,
        "flows.html",
        422 if refused else 200,
        kind=kind,
        kinds=list(Kind),
        place=place,
        place_name=regions.full_name(place),
        flow=flow,
        own=flow is not None and flow["region"] == prefix,
        flow_place=regions.full_name(flow["region"].ljust(6, "0")) if flow else "",
        drawing=drawn(request, shown) if shown else None,
        preview=drawn(request, preview) if preview else None,
        versions=versions,
        sets=_sets(actor, prefix, now_ms),
        places=sorted(code for code in regions.NAMES if _sets(actor, regions.prefix_of(code), now_ms)),
        name_of=regions.full_name,
        posts=POSTS_OF[kind],
        needs=list(Needs),
        rows=editing.rows_of(shown) if rows is None else rows,
        steps_max=rules.STEPS_MAX,
        when_max=rules.WHEN_MAX,
        note_max=NOTE_MAX,
        seen=versions[0]["version"] if versions else 0,
        f=f or {},
        refused=refused,
    )
    return response


@page("GET", "/flows", act=Act.GRANT_READ)
async def flows(request: Request) -> Response:
    """The flow in force at a place for a kind of business, its versions, and the editor for who administers it."""
    return await _shown(request, await require(request))


@page("POST", "/flows", act=Act.FLOW_SET)
async def edit(request: Request) -> Response:
    """A button of the editor: rows moved about, a preview, or a version published."""
    actor, form, state = await require(request), await read_form(request), request.state
    kind, place, now_ms = _kind(request.query_params.get("kind", "")), _place(request, actor), state.clock.now_ms()
    prefix, act, rows = regions.prefix_of(place), form.get("act", ""), editing.typed_rows(form)
    if not _sets(actor, prefix, now_ms):
        raise Problem(403, "forbidden")
    moved = editing.rearranged(rows, act)
    if moved is not None:
        return await _shown(request, actor, moved, form)
    try:
        steps = () if act == "end" else editing.read(kind, rows)
        if act not in ("publish", "end"):
            return await _shown(request, actor, rows, form, preview=steps)
        await stepped_up(request)
        seen = form.get("seen", "")
        given = (int(seen) if seen.isdecimal() and len(seen) < 9 else -1, form.get("note", "").strip()[:NOTE_MAX])
        async with state.postgres.acquire() as conn, conn.transaction():
            await editing.publish(conn, actor, kind, prefix, steps, *given, now_ms)
    except Problem as problem:
        if problem.status == 403:
            raise
        return await _shown(request, actor, rows, form, lists.in_words(request, problem))
    return see_other(f"/flows?kind={kind}&region={place}", "note.flow_ended" if act == "end" else "note.flow_published")


ROUTES = collect(globals())
