"""价格预警的页面: the reviewer's list of a place, and the seller's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from registries.filing.doors import counted
from registries.products import alerts
from registries.products.pricing import Against, line_of

ALL, OWN, DECIDED = "/products/alerts", "/products/own/alerts", "decided"
_AGAINST = "{product_id:uuid}/{against}"


async def _show(request: Request, path: str, refused: str = "") -> Response:
    actor, state = await require(request), request.state
    asked = lists.wanted(request, path, (DECIDED,))
    stages, offset = (alerts.ENDED if asked.chosen else alerts.OPEN), (asked.at - 1) * lists.PAGE_SIZE
    if path == OWN:
        rows = await alerts.of_firm(state.postgres, actor.org_id, stages, lists.PAGE_SIZE, offset)
    else:
        places = reach(actor, Act.PRODUCT_REVIEW, state.clock.now_ms()).places
        rows = await alerts.of_places(state.postgres, list(places), stages, lists.PAGE_SIZE, offset)
    known: dict[str, Any] = {
        **counted(rows), "asked": asked, "own": path == OWN, "refused": refused,
        "lines": [line_of([(float(at), fen) for at, fen in row["prices"]]) for row in rows],
    }  # fmt: skip
    status = 409 if refused else 200
    response: Response = state.templates.page(request, "products_alerts.html", status, **known)
    return response


@page("GET", ALL, act=Act.PRODUCT_REVIEW, name="products_alerts")
async def every(request: Request) -> Response:
    """Prices that lie too far in the reader's places; ``chosen=decided``: those that were dismissed."""
    return await _show(request, ALL)


@page("GET", OWN, act=Act.PRODUCT_FILE, name="products_own_alerts")
async def own(request: Request) -> Response:
    """The same of the firm's own goods."""
    return await _show(request, OWN)


async def _do(request: Request, path: str, act: Callable[[Connection], Awaitable[None]], note: str) -> Response:
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await act(conn)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _show(request, path, lists.in_words(request, problem))
    return see_other(path, note)


def _alert(request: Request) -> tuple[Any, str]:
    against = request.path_params["against"]
    if against not in tuple(Against):
        raise Problem(404, "product_alert_unknown")
    return request.path_params["product_id"], against


@page("POST", f"{ALL}/{_AGAINST}", act=Act.PRODUCT_REVIEW)
async def decide(request: Request) -> Response:
    """Dismiss an alert with a reason, or open it again (``what``)."""
    actor, form, alert = await require(request), await read_form(request), _alert(request)
    dismissed, remark, now_ms = form.get("what") != "reopen", form.get("remark", ""), request.state.clock.now_ms()

    async def act(conn: Connection) -> None:
        await alerts.decide(conn, actor, alert, dismissed, remark, now_ms)

    return await _do(request, ALL, act, "note.product_alert_" + ("dismissed" if dismissed else "reopened"))


@page("POST", f"{OWN}/{_AGAINST}", act=Act.PRODUCT_FILE)
async def explain(request: Request) -> Response:
    """What the seller says of it."""
    actor, form, alert = await require(request), await read_form(request), _alert(request)

    async def act(conn: Connection) -> None:
        await alerts.explain(conn, actor, alert, form.get("remark", ""), request.state.clock.now_ms())

    return await _do(request, OWN, act, "note.product_alert_explained")


ROUTES = collect(globals())
