"""商品的页面: the list for everybody, one product with its prices, sellers and history, what waits for a decision."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import OPEN, SIGNED_IN, Act
from accounts.admin.rules import reach
from accounts.audit import audit
from accounts.model import Actor, Role
from accounts.rules import may_act
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Pool, Record
from plumbing.problems import Problem, language
from plumbing.spreadsheets import as_csv
from plumbing.web import collect, page, read_form, see_other
from registries.filing.doors import counted
from registries.parameters import records as parameters
from registries.products import comparing, flags, pricing, same, searching, usage
from registries.products.model import Stage, attributes_of
from registries.products.records import SQL
from standards import money
from standards.workdays import day_of

EXPORT_MAX = 1_000
COLUMNS = ("name", "brand", "model", "category", "price", "org_name", "region", "flags")
WAITING = "/products/waiting"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DECISIONS = {"list": Stage.LISTED, "return": Stage.RETURNED}


@page("GET", "/products", act=OPEN)
async def products(request: Request) -> Response:
    """The listed products, with what the address asks for."""
    state, actor = request.state, await sessions.actor(request)
    asked = searching.sought(request.query_params)
    rows = await searching.search(state.postgres, asked, day_of(state.clock.now_ms()))
    known: dict[str, Any] = {
        "asked": asked, "kinds": searching.KINDS, "flags": searching.FLAGS, "orders": searching.ORDERS,
        "categories": [each for each in await parameters.all_categories(state.postgres) if each.code[0] == "A"],
        "found_max": searching.FOUND_MAX, "exports": actor is not None,
    }  # fmt: skip
    response: Response = state.templates.page(request, "products.html", **counted(rows), **known)
    return response


@page("GET", "/products/export.csv", act=SIGNED_IN, name="products_export")
async def export(request: Request) -> Response:
    """What the search finds, at most ``EXPORT_MAX`` products, as a file that no spreadsheet takes for formulas."""
    actor, state, lang = await require(request), request.state, language(request)
    asked = searching.sought(request.query_params)
    rows = await searching.search(state.postgres, asked, day_of(state.clock.now_ms()), EXPORT_MAX)
    say = state.texts.say
    await audit(state.postgres, actor, "product.exported", detail={"words": asked.words, "rows": len(rows)})
    cells = [
        (
            row["name"], row["brand"], row["model"], row["category"], money.plain(row["price_fen"]), row["org_name"],
            row["region"], " ".join(say(f"product.flag.{flag}", lang) for flag in row["flags"]),
        )
        for row in rows
    ]  # fmt: skip
    headings = [say(f"product.label.{name}", lang) for name in COLUMNS]
    named = {"Content-Disposition": 'attachment; filename="products.csv"', "Cache-Control": "no-store"}
    return Response(as_csv(headings, cells), headers=named, media_type="text/csv; charset=utf-8")


@page("GET", "/products/compare", act=OPEN, name="products_compare")
async def compared(request: Request) -> Response:
    """Listed products side by side (``id``, at most six), by price and by what can be measured."""
    chosen = [UUID(each) for each in request.query_params.getlist("id") if _ID.fullmatch(each)]
    unique = list(dict.fromkeys(chosen))[: comparing.PRODUCTS_MAX]
    rows = await request.state.postgres.fetch(SQL["listed"], unique)
    if len(rows) > 1:
        request.state.usage.compared([row["id"] for row in rows], day_of(request.state.clock.now_ms()))
    attributes = {name: of for row in rows for name, of in attributes_of(row["category"]).items()}
    values = [row["attributes"] for row in rows]
    found = comparing.compare(attributes, values, [row["price_fen"] for row in rows])
    known = {
        "rows": list(zip(rows, found, strict=True)), "attributes": attributes,
        "names": list(dict.fromkeys(name for each in values for name in each)),
        "measured": comparing.measured(attributes, values),
    }  # fmt: skip
    response: Response = request.state.templates.page(request, "products_compare.html", **known)
    return response


@page("GET", "/products/{product_id:uuid}", act=OPEN)
async def product(request: Request) -> Response:
    """One product. Before it is listed its firm and the reviewers see it; who changed what is theirs to read."""
    return await show(request)


async def show(request: Request, refused: str = "") -> Response:
    """The page of one product, with what was refused just now."""
    state, actor, ident = request.state, await sessions.actor(request), request.path_params["product_id"]
    pool, now_ms = state.postgres, state.clock.now_ms()
    row = await pool.fetchrow(SQL["product"], ident)
    inside = row is not None and actor is not None and actor.org_id == row["org_id"]
    reviews = row is not None and may_act(actor, Act.PRODUCT_REVIEW, region=row["region"], now_ms=now_ms)
    if row is None or not (row["stage"] == Stage.LISTED or inside or reviews):
        raise Problem(404, "product_unknown")
    prices = await pool.fetch(SQL["prices"], ident)
    line = pricing.line_of([(each["at"].timestamp(), each["price_fen"]) for each in prices])
    if not inside and not refused:
        state.usage.viewed(ident, day_of(now_ms))
    known = {
        "row": row, "prices": prices, "line": line, "f": {}, "fault_of": {}, "papers": {},
        "use": await _use(pool, row, actor, reviews, now_ms),
        "may_rate": row["stage"] == Stage.LISTED and actor is not None and actor.has(Role.BUYER),
        "sellers": await pool.fetch(SQL["sellers"], ident), "attributes": attributes_of(row["category"]),
        "changes": await pool.fetch(SQL["changes"], ident) if inside or reviews else [], "refused": refused,
        "flags": await pool.fetch(SQL["flags"], ident), "today": day_of(now_ms), "inside": inside, "reviews": reviews,
        "flag_kinds": searching.FLAGS,
        "may_file": inside
        and may_act(actor, Act.PRODUCT_FILE, region=row["region"], org_id=row["org_id"], now_ms=now_ms),
    }  # fmt: skip
    response: Response = state.templates.page(request, "product.html", 409 if refused else 200, **known)
    return response


async def _use(pool: Pool, row: Record, actor: Actor | None, reviews: bool, now_ms: int) -> dict[str, Any]:
    """How a product is used and what is said of it."""
    ident, today = row["id"], datetime.combine(day_of(now_ms), time())
    me = actor.user_id if actor else None
    said = await pool.fetch(usage.SQL["reviews"], ident, reviews, me)
    return {
        "months": await pool.fetch(usage.SQL["months"], ident, today),
        "awards": await pool.fetchrow(usage.SQL["awards"], row["brand"], row["model"]),
        "stars": await pool.fetch(usage.SQL["stars"], ident),
        "reviews": said,
        "mine": next((one for one in said if one["person_id"] == me), None),
    }


@page("GET", "/products/waiting", act=Act.PRODUCT_REVIEW, name="products_waiting")
async def waiting(request: Request) -> Response:
    """The standard products of the reader's places that wait to be listed, the longest first."""
    actor, state = await require(request), request.state
    asked = lists.wanted(request, WAITING, ())
    places = list(reach(actor, Act.PRODUCT_REVIEW, state.clock.now_ms()).places)
    given = (places, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(SQL["waiting"], *given)
    response: Response = state.templates.page(
        request,
        "products_waiting.html",
        **counted(rows),
        asked=asked,
        flagged=await flags.waiting(state.postgres, places),
    )
    return response


@page("POST", "/products/{product_id:uuid}/decision", act=Act.PRODUCT_REVIEW)
async def decide(request: Request) -> Response:
    """List a standard product, or give it back with a reason."""
    actor, state, form = await require(request), request.state, await read_form(request)
    ident, now_ms = request.path_params["product_id"], state.clock.now_ms()
    decision, remark = DECISIONS.get(form.get("decision", "")), form.get("remark", "")[:500]
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(SQL["product"], ident)
        if row is None or not may_act(actor, Act.PRODUCT_REVIEW, region=row["region"], now_ms=now_ms):
            raise Problem(404, "product_unknown")
        if decision is None or (decision is Stage.RETURNED and not remark):
            return await show(request, state.texts.say("problem.product_reason_missing", language(request)))
        if await conn.fetchval(SQL["decide"], ident, decision, remark, now_ms, actor.user_id) is None:
            return await show(request, state.texts.say("problem.product_not_waiting", language(request)))
        await audit(conn, actor, f"product.{decision}", f"product:{ident}", detail={"remark": remark})
        if decision is Stage.LISTED:
            await same.look_again(conn, row)
    return see_other(WAITING, f"note.product_{decision}")


ROUTES = collect(globals())
