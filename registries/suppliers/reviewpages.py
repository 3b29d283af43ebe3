"""属地审核的页面: the filings that wait in the reader's places, each with what it changes, and the decision."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor
from accounts.web import require
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from registries.filing import doors
from registries.filing.model import Stage
from registries.outside import records as outside
from registries.papers import records as papers
from registries.suppliers import checking, filings, kin, reading

REVIEWS = "/suppliers/filings"


@page("GET", "/suppliers/filings", act=Act.SUPPLIER_REVIEW)
async def waiting(request: Request) -> Response:
    """What waits for a decision in the reader's places, the longest first."""
    return await doors.waiting(request, filings.BOOK, REVIEWS)


async def _show(request: Request, refused: str = "") -> Response:
    pool = request.state.postgres
    actor, thing = await require(request), request.path_params["filing_id"]
    row = await filings.BOOK.filing(pool, actor, thing, request.state.clock.now_ms())
    dossier = filings.BOOK.read(row["content"])
    more = {
        "kin": await kin.of(pool, row["org_id"], dossier),
        "heard": await outside.known(pool, dossier.uscc),
        "papers": await papers.told(pool, row["org_id"], reading.files_of(dossier)),
        "doubts": await checking.against(pool, row["org_id"], dossier, request.state.clock.now_ms()),
    }
    return await doors.show(request, filings.BOOK, reading.as_lines, refused, **more)


@page("GET", "/suppliers/filings/{filing_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def filing(request: Request) -> Response:
    """One filing: what it changes, and the decision while it waits."""
    return await _show(request)


@page("POST", "/suppliers/filings/{filing_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def decide(request: Request) -> Response:
    """Approve the filing, return it or reject it."""
    thing, now_ms = request.path_params["filing_id"], request.state.clock.now_ms()

    async def do(conn: Connection, actor: Actor, decision: Stage, remark: str, proven: bool) -> None:
        if decision is Stage.APPROVED and not proven:
            row = await filings.BOOK.filing(conn, actor, thing, now_ms)
            if await checking.against(conn, row["org_id"], filings.BOOK.read(row["content"]), now_ms):
                raise Problem(422, "filing_doubts_open")
        org_id = await filings.decide(conn, actor, thing, decision, remark, proven, now_ms)
        await checking.compare(conn, org_id, now_ms, actor)

    return await doors.decided(request, "supplier", REVIEWS, do, lambda refused: _show(request, refused))


@page("POST", "/suppliers/doubts/{doubt_id:uuid}", act=Act.SUPPLIER_REVIEW)
async def doubt_seen(request: Request) -> Response:
    """Record what came of a doubt."""
    actor, state, form = await require(request), request.state, await read_form(request)
    async with state.postgres.acquire() as conn, conn.transaction():
        thing, now_ms = request.path_params["doubt_id"], state.clock.now_ms()
        org_id = await checking.seen(conn, actor, thing, form.get("remark", ""), now_ms)
    return see_other(f"/suppliers/{org_id}", "note.supplier_doubt_seen")


ROUTES = collect(globals())
