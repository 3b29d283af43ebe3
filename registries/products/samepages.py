"""同款建议的页面: goods and the standard product each probably is, side by side, for the reviewer's word."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin.rules import reach
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.web import collect, op, page, read_form, see_other
from registries.filing.doors import counted
from registries.products import same

SAME, DECIDED = "/products/same", "decided"


class LookedOut(Struct, frozen=True):
    """A step of the matcher: goods looked at, pairs suggested, goods left."""

    looked: int
    suggested: int
    left: int


async def _places(request: Request) -> list[str]:
    actor = await require(request)
    return list(reach(actor, Act.PRODUCT_REVIEW, request.state.clock.now_ms()).places)


async def _show(request: Request, refused: str = "") -> Response:
    places, state = await _places(request), request.state
    asked = lists.wanted(request, SAME, (DECIDED,))
    offset = (asked.at - 1) * lists.PAGE_SIZE
    rows = await same.suggestions(state.postgres, places, bool(asked.chosen), lists.PAGE_SIZE, offset)
    left = await state.postgres.fetchval(same.SQL["unlooked_count"], places)
    known = {**counted(rows), "asked": asked, "left": left, "refused": refused}
    response: Response = state.templates.page(request, "products_same.html", 409 if refused else 200, **known)
    return response


@page("GET", SAME, act=Act.PRODUCT_REVIEW, name="products_same")
async def shown(request: Request) -> Response:
    """What the matcher suggests in the reader's places, the surest first; ``chosen=decided``: what was decided."""
    return await _show(request)


@page("POST", SAME, act=Act.PRODUCT_REVIEW)
async def look(request: Request) -> Response:
    """Look at the next goods (a browser without scripts)."""
    places = await _places(request)
    async with request.state.postgres.acquire() as conn, conn.transaction():
        await same.look(conn, places)
    return see_other(SAME)


@op("POST", "/api/products/same/step", tag="products", summary=("识别下一批同款", "Look at the next goods"),
    act=Act.PRODUCT_REVIEW)  # fmt: skip
async def look_on(request: Request) -> LookedOut:
    """Look at the next 100 goods of one's places for their standard product; again until none is left."""
    places = await _places(request)
    async with request.state.postgres.acquire() as conn, conn.transaction():
        return LookedOut(*await same.look(conn, places))


@page("POST", SAME + "/{good_id:uuid}/{standard_id:uuid}", act=Act.PRODUCT_REVIEW)
async def decide(request: Request) -> Response:
    """Say that they are the same product, that they are not, or take it back (``what``)."""
    actor, state, form = await require(request), request.state, await read_form(request)
    pair, now_ms = (request.path_params["good_id"], request.path_params["standard_id"]), state.clock.now_ms()
    what = form.get("what", "")
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await same.decide(conn, actor, pair, what, now_ms)
    except Problem as problem:
        if problem.status != 409:
            raise
        return await _show(request, lists.in_words(request, problem))
    return see_other(f"{SAME}?chosen={DECIDED}" if what == "undo" else SAME, f"note.product_same_{what}")


ROUTES = collect(globals())
