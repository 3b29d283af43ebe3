"""评价的表单与使用统计的页面."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.model import Actor, Role
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.web import Form, collect, page, read_form, see_other
from registries.filing.doors import counted
from registries.products import opinions
from registries.products.pages import show
from registries.products.usage import SQL
from standards.workdays import day_of

Do = Callable[[Connection, Actor, Form], Awaitable[None]]
STATISTICS = "/products/statistics"


async def _done(request: Request, note: str, do: Do) -> Response:
    actor, form = await require(request), await read_form(request)
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await do(conn, actor, form)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await show(request, lists.in_words(request, problem))
    return see_other(f"/products/{request.path_params['product_id']}#reviews", note)


@page("POST", "/products/{product_id:uuid}/reviews", act=Act.PRODUCT_RATE, name="product_review")
async def give(request: Request) -> Response:
    """Say something of a product, change it, or take it back (``what=back``)."""
    ident, now_ms = request.path_params["product_id"], request.state.clock.now_ms()

    async def do(conn: Connection, actor: Actor, form: Form) -> None:
        if form.get("what") == "back":
            return await opinions.take_back(conn, actor, ident)
        return await opinions.give(conn, actor, ident, form.get("stars", ""), form.get("words", ""), now_ms)

    return await _done(request, "note.product_reviewed", do)


@page("POST", "/products/{product_id:uuid}/reviews/{person_id:uuid}/answer", act=Act.PRODUCT_FILE)
async def answer(request: Request) -> Response:
    """The firm answers."""
    given, now_ms = request.path_params, request.state.clock.now_ms()

    async def do(conn: Connection, actor: Actor, form: Form) -> None:
        await opinions.answer(conn, actor, given["product_id"], given["person_id"], form.get("words", ""), now_ms)

    return await _done(request, "note.product_review_answered", do)


@page("POST", "/products/{product_id:uuid}/reviews/{person_id:uuid}/hiding", act=Act.PRODUCT_REVIEW)
async def hide(request: Request) -> Response:
    """A reviewer hides it with a reason, or shows it again."""
    given, now_ms = request.path_params, request.state.clock.now_ms()

    async def do(conn: Connection, actor: Actor, form: Form) -> None:
        why = form.get("why", "")
        if form.get("what") == "hide" and not why:
            raise Problem(422, "reason_missing")
        await opinions.hide(conn, actor, given["product_id"], given["person_id"], why, now_ms)

    return await _done(request, "note.product_review_hidden", do)


async def _statistics(request: Request, path: str, actor: Actor, own: bool) -> Response:
    state = request.state
    asked, now_ms = lists.wanted(request, path, ()), state.clock.now_ms()
    places = [] if own else list(reach(actor, Act.PRODUCT_REVIEW, now_ms).places)
    given = (actor.org_id, places, day_of(now_ms), lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(SQL["statistics"], *given)
    response: Response = state.templates.page(
        request,
        "products_statistics.html",
        **counted(rows),
        asked=asked,
        own=own,
        most=(rows[0]["most"] if rows else 0) or 1,
    )
    return response


@page("GET", "/products/statistics", act=Act.PRODUCT_REVIEW, name="products_statistics")
async def statistics(request: Request) -> Response:
    """What is looked at and spoken of in the reader's places, the most first."""
    return await _statistics(request, STATISTICS, await require(request), own=False)


@page("GET", "/products/own/statistics", act=Act.PRODUCT_FILE, name="products_own_statistics")
async def own_statistics(request: Request) -> Response:
    """The same of the firm's own products."""
    actor = await require(request, Role.SUPPLIER)
    return await _statistics(request, "/products/own/statistics", actor, own=True)


ROUTES = collect(globals())
