"""商品导入的页面: the firm's own products and files, a file with its progress and its faulty lines."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.web import collect, op, page, read_body, read_form, see_other
from registries.filing.doors import counted
from registries.products import importing
from registries.products.reading import FIELDS
from registries.products.records import SQL

OWN = "/products/own"


class Progress(Struct, frozen=True):
    """How far a file is judged: lines, judged so far, faulty ones; ``path`` is its page."""

    lines: int
    judged: int
    faults: int
    stage: str
    path: str


class FileQuery(Struct, frozen=True):
    """What the file is called."""

    name: str = ""


@page("GET", "/products/own", act=Act.PRODUCT_FILE, name="products_own")
async def own(request: Request) -> Response:
    """The firm's products, the last changed first, and its files."""
    actor, state = await require(request), request.state
    asked = lists.wanted(request, OWN, ())
    rows = await state.postgres.fetch(SQL["own"], actor.org_id, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    known = {"asked": asked, "files": await state.postgres.fetch(SQL["imports"], actor.org_id), "fields": FIELDS}
    response: Response = state.templates.page(
        request, "products_own.html", **counted(rows), **known, most=importing.LINES_MAX
    )
    return response


@page("GET", "/products/imports/{import_id:uuid}", act=Act.PRODUCT_FILE)
async def file_page(request: Request) -> Response:
    """One file: how far it is judged, which lines are refused and why."""
    actor, state = await require(request), request.state
    try:
        kept, faulty = await importing.of(state.postgres, actor, request.path_params["import_id"])
    except LookupError:
        raise Problem(404, "product_import_unknown") from None
    response: Response = state.templates.page(
        request, "product_import.html", row=kept, faulty=faulty, told_max=importing.FAULTS_TOLD
    )
    return response


@page("POST", "/products/imports/{import_id:uuid}", act=Act.PRODUCT_FILE)
async def go_over(request: Request) -> Response:
    """Judge on (a browser without scripts), or let the file go over: whole, or its good lines."""
    actor, state, form = await require(request), request.state, await read_form(request)
    ident = request.path_params["import_id"]
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            if form.get("what") == "judge":
                await importing.step(conn, actor, ident)
                return see_other(f"/products/imports/{ident}")
            await importing.take(conn, actor, ident, form.get("what") == "good", state.clock.now_ms())
    except LookupError:
        raise Problem(404, "product_import_unknown") from None
    return see_other(OWN, "note.products_imported")


def _told(row: object, ident: UUID) -> Progress:
    assert hasattr(row, "__getitem__")
    return Progress(row["lines"], row["judged"], row["faults"], row["stage"], f"/products/imports/{ident}")


@op("POST", "/api/products/imports", tag="products", summary=("导入商品文件", "Load a file of products"),
    act=Act.PRODUCT_FILE, status=201, errors=(409, 422))  # fmt: skip
async def load_file(request: Request, query: FileQuery) -> Progress:
    """Keep a file (CSV with a header, or one JSON object a line; at most 50,000 lines, 32 MiB) beside the registry."""
    actor, state = await require(request), request.state
    raw = await read_body(request, importing.FILE_BYTES_MAX)
    async with state.postgres.acquire() as conn, conn.transaction():
        ident = await importing.begin(conn, actor, query.name, raw, state.clock.now_ms())
        row = await conn.fetchrow(SQL["import"], ident, actor.org_id)
    return _told(row, ident)


@op("POST", "/api/products/imports/{import_id:uuid}/step", tag="products", summary=("检查下一批", "Judge on"),
    act=Act.PRODUCT_FILE, errors=(404,))  # fmt: skip
async def judge_next(request: Request, import_id: UUID) -> Progress:
    """Judge the next 500 lines of a file; again until ``stage`` is ``judged``."""
    actor, state = await require(request), request.state
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            return _told(await importing.step(conn, actor, import_id), import_id)
    except LookupError:
        raise Problem(404, "product_import_unknown") from None


ROUTES = collect(globals())
