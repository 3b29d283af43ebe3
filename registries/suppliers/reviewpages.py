"""属地审核的页面: the filings that wait in the reader's places, each with what it changes, and the decision."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor
from accounts.web import require
from plumbing.postgres import Connection
from plumbing.web import collect, page
from registries.filing import doors
from registries.filing.model import Stage
from registries.suppliers import filings, kin, reading

REVIEWS = "/suppliers/filings"


@page("GET", "/suppliers/filings", act=Act.SUPPLIER_REVIEW)
async def waiting(request: Request) -> Response:
    """What waits for a decision in the reader's places, the longest first."""
    return await doors.waiting(request, filings.BOOK, REVIEWS)


async def _show(request: Request, refused: str = "") -> Response:
    pool = request.state.postgres
    actor, thing = await require(request), request.path_params["filing_id"]
    row = await filings.BOOK.filing(pool, actor, thing, request.state.clock.now_ms())
    alike = await kin.of(pool, row["org_id"], filings.BOOK.read(row["content"]))
    return await doors.show(request, filings.BOOK, reading.as_lines, refused, kin=alike)


@page("GET", "/suppliers/filings/{filing_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def filing(request: Request) -> Response:
    """One filing: what it changes, and the decision while it waits."""
    return await _show(request)


@page("POST", "/suppliers/filings/{filing_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def decide(request: Request) -> Response:
    """Approve the filing, return it or reject it."""
    thing, now_ms = request.path_params["filing_id"], request.state.clock.now_ms()

    async def do(conn: Connection, actor: Actor, decision: Stage, remark: str, proven: bool) -> None:
        await filings.decide(conn, actor, thing, decision, remark, proven, now_ms)

    return await doors.decided(request, "supplier", REVIEWS, do, lambda refused: _show(request, refused))


ROUTES = collect(globals())
