"""事件推送: the page of an organisation's endpoints, and the log of what was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import SIGNED_IN
from accounts.model import Actor
from accounts.web import require, stepped_up
from accounts.webhooks import endpoints
from accounts.webhooks.endpoints import SQL
from accounts.webhooks.rules import KINDS
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other

STATES = ("waiting", "done", "dead")


async def _show(request: Request, actor: Actor, *, secret: str = "", refused: str = "", url: str = "") -> Response:
    state = request.state
    response: Response = state.templates.page(
        request,
        "webhooks.html",
        422 if refused else 200,
        rows=await state.postgres.fetch(SQL["endpoints_of"], actor.org_id),
        kinds=KINDS,
        secret=secret,
        refused=refused,
        url=url,
    )
    return response


async def _manager(request: Request) -> Actor:
    actor = await require(request)
    endpoints.check_may(actor, request.state.clock.now_ms())
    return actor


@page("GET", "/webhooks", act=SIGNED_IN, name="webhooks")
async def webhooks(request: Request) -> Response:
    """The organisation's endpoints, and the form for another."""
    return await _show(request, await _manager(request))


@page("POST", "/webhooks", act=SIGNED_IN, name="make_webhook")
async def make_webhook(request: Request) -> Response:
    """Make an endpoint and show its secret, this once."""
    actor, state = await _manager(request), request.state
    await stepped_up(request)
    form = await read_form(request)
    url, kinds = form.get("url", "")[:500], form.all.get("kind", [])
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            secret = await endpoints.make(conn, state.settings, actor, uuid4(), url, kinds, state.clock.now_ms())
    except Problem as problem:
        return await _show(request, actor, refused=lists.in_words(request, problem), url=url)
    return await _show(request, actor, secret=secret)


@page("POST", "/webhooks/{endpoint_id:uuid}/secret", act=SIGNED_IN, name="rotate_webhook")
async def rotate(request: Request) -> Response:
    """Another secret, shown this once."""
    actor, state = await _manager(request), request.state
    await stepped_up(request)
    async with state.postgres.acquire() as conn, conn.transaction():
        asked = (actor, request.path_params["endpoint_id"], state.clock.now_ms())
        secret = await endpoints.rotate(conn, state.settings, *asked)
    return await _show(request, actor, secret=secret)


async def _within(
    request: Request, note: str, act: Callable[[Connection, Actor, Any, int], Awaitable[None]]
) -> Response:
    actor, state = await _manager(request), request.state
    ((_, named),) = request.path_params.items()
    async with state.postgres.acquire() as conn, conn.transaction():
        await act(conn, actor, named, state.clock.now_ms())
    return see_other("/webhooks/log" if note != "note.webhook_ended" else "/webhooks", note)


@page("POST", "/webhooks/{endpoint_id:uuid}/end", act=SIGNED_IN, name="end_webhook")
async def end_webhook(request: Request) -> Response:
    """Send nothing more there."""
    return await _within(request, "note.webhook_ended", endpoints.end)


@page("POST", "/webhooks/{endpoint_id:uuid}/test", act=SIGNED_IN, name="test_webhook")
async def test_webhook(request: Request) -> Response:
    """Send a word to see whether it arrives."""
    return await _within(
        request, "note.webhook_tested", lambda conn, actor, named, _now: endpoints.test(conn, actor, named)
    )


@page("POST", "/webhooks/log/{sending_id:uuid}/replay", act=SIGNED_IN, name="replay_webhook")
async def replay(request: Request) -> Response:
    """Send once more what was sent or given up."""
    return await _within(request, "note.webhook_replayed", endpoints.replay)


@page("GET", "/webhooks/log", act=SIGNED_IN, name="webhook_log")
async def log(request: Request) -> Response:
    """What was sent, the newest first: state, attempts, the last answer, the words."""
    actor, state = await _manager(request), request.state
    asked = lists.wanted(request, "/webhooks/log", STATES)
    given = (actor.org_id, asked.chosen, asked.plain, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(SQL["sendings_of"], *given)
    total = rows[0]["total"] if rows else 0
    response: Response = state.templates.page(
        request,
        "webhook_log.html",
        rows=rows,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        states=STATES,
    )
    return response


ROUTES = collect(globals())
