"""接口密钥: the page where a person makes and revokes keys, and an administrator sees his organisation's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import SIGNED_IN
from accounts.keys import keeping
from accounts.keys.keeping import Wanted
from accounts.keys.rules import DAYS, PER_MINUTE, bearable
from accounts.model import Actor
from accounts.records import millis
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Typed
from plumbing.web import Form, collect, page, read_form, see_other


async def _show(
    request: Request, actor: Actor, *, made: str = "", refused: str = "", form: Form | None = None
) -> Response:
    state = request.state
    now_ms, asked = state.clock.now_ms(), lists.wanted(request, "/keys", ())
    rows = await keeping.keys_of(state.postgres, actor, now_ms, lists.PAGE_SIZE + 1, (asked.at - 1) * lists.PAGE_SIZE)
    response: Response = state.templates.page(
        request,
        "keys.html",
        422 if refused else 200,
        rows=rows[: lists.PAGE_SIZE],
        more=len(rows) > lists.PAGE_SIZE,
        asked=asked,
        acts=bearable(actor),
        chosen=form.all.get("act", []) if form else [],
        name=form.get("name", "") if form else "",
        days=DAYS,
        rates=PER_MINUTE,
        made=made,
        refused=refused,
        now=now_ms,
        me=actor.user_id,
        millis=millis,
    )
    return response


@page("GET", "/keys", act=SIGNED_IN, name="keys")
async def keys(request: Request) -> Response:
    """His keys, and the form for another."""
    return await _show(request, await require(request))


def read(form: Form) -> Wanted:
    """A key as typed. Raises ``Problem`` 422 ``key_form``."""
    typed = Typed(form, "key.label")
    name, rate, days = typed.text("name", 100), typed.whole("per_minute", 1, 6_000), typed.whole("days", 1, 365)
    if typed.faults or rate is None or days is None:
        raise Problem(422, "key_form")
    return Wanted(name, frozenset(form.all.get("act", ())), rate, days)


@page("POST", "/keys", act=SIGNED_IN, name="make_key")
async def make_key(request: Request) -> Response:
    """Make a key and show it, this once."""
    actor, state, form = await stepped_up(request), request.state, await read_form(request)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            made = await keeping.make(conn, actor, read(form), state.clock.now_ms())
    except Problem as problem:
        return await _show(request, actor, refused=lists.in_words(request, problem), form=form)
    return await _show(request, actor, made=made)


@page("POST", "/keys/{key_id:uuid}/revocation", act=SIGNED_IN, name="revoke_key")
async def revoke_key(request: Request) -> Response:
    """End a key at once."""
    actor, state = await require(request), request.state
    async with state.postgres.acquire() as conn, conn.transaction():
        await keeping.revoke(conn, actor, request.path_params["key_id"], state.clock.now_ms())
    return see_other("/keys", "note.key_revoked")


ROUTES = collect(globals())
