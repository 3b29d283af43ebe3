"""标识的表单: the firm files a distinction on its product's page, the reviewer confirms it there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from registries.products import flags
from registries.products.pages import show
from standards.workdays import day_of


async def _do(request: Request, act: Callable[[Connection], Awaitable[None]], note: str) -> Response:
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await act(conn)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await show(request, lists.in_words(request, problem))
    return see_other(f"/products/{request.path_params['product_id']}", note)


@page("POST", "/products/{product_id:uuid}/flags", act=Act.PRODUCT_FILE, name="product_flags")
async def file(request: Request) -> Response:
    """File a distinction with its certificate and the day from which it holds no more."""
    actor, form, ident = await require(request), await read_form(request), request.path_params["product_id"]

    async def act(conn: Connection) -> None:
        given = (form.get("flag", ""), form.get("evidence", ""), form.get("until", ""))
        read = flags.read(*given, day_of(request.state.clock.now_ms()))
        await flags.file(conn, actor, ident, read, form.get("file", ""))

    return await _do(request, act, "note.product_flag_filed")


@page("POST", "/products/{product_id:uuid}/flags/{flag}", act=Act.PRODUCT_REVIEW, name="product_flag")
async def decide(request: Request) -> Response:
    """Confirm a distinction, say that its evidence does not hold, or withdraw one (``decision``)."""
    actor, form, ident = await require(request), await read_form(request), request.path_params["product_id"]
    asked, now_ms = form.get("decision", ""), request.state.clock.now_ms()
    decision = asked if asked in flags.DECISIONS else flags.REFUSED

    async def act(conn: Connection) -> None:
        await flags.decide(conn, actor, ident, request.path_params["flag"], decision, now_ms)

    return await _do(request, act, f"note.product_flag_{decision}")


ROUTES = collect(globals())
