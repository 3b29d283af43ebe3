"""一件商品的表单: the firm files it, changes it, takes it down and puts it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem, language
from plumbing.web import collect, page, read_form, see_other
from registries.parameters import records as parameters
from registries.products import own
from registries.products.model import Kind, attributes_of
from registries.products.pages import show
from registries.products.reading import FIELDS, Wrong
from registries.products.records import SQL
from standards import money

NEW = "/products/new"


async def _mine(request: Request, actor: Actor) -> Record:
    row: Record | None = await request.state.postgres.fetchrow(SQL["product"], request.path_params["product_id"])
    if row is None or row["org_id"] != actor.org_id:
        raise Problem(404, "product_unknown")
    return row


def _typed_of(row: Record) -> dict[str, str]:
    lines = "\n".join(f"{name}={value}" for name, value in row["attributes"].items())
    return {
        **{name: str(row[name]) for name in FIELDS if name != "price"},
        "price": money.plain(row["price_fen"]), "attributes": lines,
    }  # fmt: skip


async def _form(request: Request, typed: dict[str, str], known: UUID | None, wrong: Wrong | None = None) -> Response:
    state = request.state
    refused = state.texts.say(f"product.fault.{wrong.fault}", language(request), about=wrong.about) if wrong else ""
    shown: dict[str, Any] = {
        "typed": typed, "known": known, "wrong": str(wrong.fault) if wrong else "", "refused": refused, "kinds": Kind,
        "categories": [each for each in await parameters.all_categories(state.postgres) if each.code[0] == "A"],
        "attributes": attributes_of(typed.get("category", "")),
    }  # fmt: skip
    response: Response = state.templates.page(request, "product_form.html", 422 if wrong else 200, **shown)
    return response


async def _put(request: Request, actor: Actor, typed: dict[str, str], known: UUID | None) -> Response:
    async with request.state.postgres.acquire() as conn, conn.transaction():
        done = await own.put(conn, actor, typed, known, request.state.clock.now_ms())
    if isinstance(done, Wrong):
        return await _form(request, typed, known, done)
    return see_other(f"/products/{done}", "note.product_filed" if known is None else "note.product_changed")


@page("GET", NEW, act=Act.PRODUCT_FILE, name="product_new")
async def new(request: Request) -> Response:
    """An empty form."""
    return await _form(request, dict.fromkeys((*FIELDS, "attributes"), "") | {"kind": Kind.GOOD}, None)


@page("POST", NEW, act=Act.PRODUCT_FILE)
async def file(request: Request) -> Response:
    """File a product."""
    actor, form = await require(request), await read_form(request)
    return await _put(request, actor, {name: form.get(name, "") for name in (*FIELDS, "attributes")}, None)


@page("GET", "/products/{product_id:uuid}/edit", act=Act.PRODUCT_FILE, name="product_edit")
async def edit(request: Request) -> Response:
    """The form with what stands there; kind and number stay."""
    row = await _mine(request, await require(request))
    return await _form(request, _typed_of(row), row["id"])


@page("POST", "/products/{product_id:uuid}/edit", act=Act.PRODUCT_FILE)
async def change(request: Request) -> Response:
    """Change it; a standard product waits for its reviewer again."""
    actor, form = await require(request), await read_form(request)
    row = await _mine(request, actor)
    kept = {"kind": row["kind"], "sku": row["sku"]}
    return await _put(request, actor, {name: form.get(name, "") for name in (*FIELDS, "attributes")} | kept, row["id"])


@page("POST", "/products/{product_id:uuid}/shelf", act=Act.PRODUCT_FILE, name="product_shelf")
async def shelf(request: Request) -> Response:
    """Take it down, or put it back (``what``)."""
    actor, form, ident = await require(request), await read_form(request), request.path_params["product_id"]
    down, now_ms = form.get("what") != "restore", request.state.clock.now_ms()
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await (own.withdraw if down else own.restore)(conn, actor, ident, now_ms)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await show(request, lists.in_words(request, problem))
    return see_other(f"/products/{ident}", "note.product_withdrawn" if down else "note.product_restored")


ROUTES = collect(globals())
