"""Pages of sealed quotes 密封报价: the opening key, who sits in which office, the supplier's quote, the opening.

The pages only frame it: sealing, opening and private keys stay in the browser (``static/js/seal.js``).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import SIGNED_IN, Act
from accounts.model import Actor
from auction.case import access, approving, offices, quoting
from auction.case.publishing import is_sealed
from auction.case.records import SQL as CASES
from auction.case.records import encode, lot, millis
from auction.doors.pagekit import problem_words, sayer
from auction.sealed import records
from auction.sealed.model import OFFICES, Office
from plumbing.problems import Problem
from plumbing.templates import as_data
from plumbing.web import Form, collect, page, read_form, see_other


async def _actor(request: Request) -> Actor:
    actor = await sessions.actor(request)
    assert actor is not None
    return actor


def _page(request: Request, name: str, status: int = 200, **context: Any) -> Response:
    response: Response = request.state.templates.page(request, name, status=status, **context)
    return response


@page("GET", "/opening-key", act=SIGNED_IN)
async def opening_key(request: Request) -> Response:
    """Where a member of an office makes his key pair 开启密钥, backs it up and brings it to another browser."""
    actor = await _actor(request)
    if offices.NEVER & actor.roles:
        raise Problem(403, "sealed_not_eligible")
    row = await request.state.postgres.fetchrow(records.SQL["key_of"], actor.user_id)
    facts = {"person": str(actor.user_id), "login": actor.login, "current": row["fingerprint"] if row else ""}
    return _page(request, "opening_key.html", facts=as_data(facts), current=facts["current"])


async def _offices(
    request: Request, auction_id: UUID, problem: Problem | None = None, form: Form | None = None
) -> Response:
    pool, actor, now_ms = request.state.postgres, await _actor(request), request.state.clock.now_ms()
    seats = await offices.view(pool, actor, auction_id, now_ms)
    case = await pool.fetchrow(CASES["auction_by_id"], auction_id)
    lots = await pool.fetch(CASES["lots_of"], auction_id)
    if not any(is_sealed(one) for one in lots):
        raise Problem(404, "auction_unknown")
    hosting = access.hosts(actor, case, now_ms)
    return _page(
        request,
        "offices.html",
        status=problem.status if problem else 200,
        case=case,
        seats=seats,
        offices=[office.value for office in OFFICES],
        draft=hosting and all(one["stage"] == "draft" for one in lots),
        ready=all(any(one["office"] == office and one["current"] for one in seats) for office in OFFICES)
        and all(one["current"] for one in seats),
        own=actor.user_id,
        refused=problem_words(problem, sayer(request)) if problem else "",
        typed=dict(form or {}),
    )


@page("GET", "/auctions/{auction_id:uuid}/offices", act=SIGNED_IN)
async def offices_page(request: Request) -> Response:
    """Who sits in the three offices of a sealed inquiry, with the fingerprints of their keys."""
    return await _offices(request, request.path_params["auction_id"])


@page("POST", "/auctions/{auction_id:uuid}/offices", act=Act.CASE_HOST)
async def change_offices(request: Request) -> Response:
    """Seat somebody (``office``, ``login``, ``deputy``), take a seat away (``remove``), or submit the case."""
    auction_id, form = request.path_params["auction_id"], await read_form(request)
    actor, now_ms = await _actor(request), request.state.clock.now_ms()
    act = form.get("act", "seat")
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            if act == "submit":
                await approving.submit(conn, actor, auction_id, now_ms)
            elif act == "remove":
                await offices.unseat(conn, actor, auction_id, _uuid(form.get("person", "")), now_ms)
            else:
                office, login = form.get("office", ""), form.get("login", "")[:64]
                if office not in tuple(Office):
                    raise Problem(404, "not_found")
                await offices.seat(conn, actor, auction_id, Office(office), login, "deputy" in form, now_ms)
    except Problem as problem:
        if problem.status not in (404, 409, 422) or problem.code in ("auction_unknown", "not_found"):
            raise
        return await _offices(request, auction_id, problem, form)
    if act == "submit":
        return see_other(f"/auctions/{auction_id}", "note.submit")
    return see_other(f"/auctions/{auction_id}/offices")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(404, "not_found") from None


@page("GET", "/lots/{lot_id:uuid}/quote", act=Act.BID_PLACE)
async def quote_page(request: Request) -> Response:
    """The supplier's page: one price, sealed in the browser, replaceable until the deadline."""
    pool, actor, now_ms = request.state.postgres, await _actor(request), request.state.clock.now_ms()
    lot_id: UUID = request.path_params["lot_id"]
    booth = await quoting.booth(pool, actor, lot_id, now_ms)
    row = await lot(pool, lot_id)
    assert row is not None
    return _page(
        request,
        "quote.html",
        row=row,
        booth=booth,
        facts=as_data({"booth": encode(booth), "now": now_ms, "number": row["number"], "title": row["title"]}),
    )


@page("GET", "/lots/{lot_id:uuid}/opening", act=SIGNED_IN)
async def opening_page(request: Request) -> Response:
    """The opening 开启, live, for members of the offices and hosts; before the deadline it only says when."""
    pool, actor, now_ms = request.state.postgres, await _actor(request), request.state.clock.now_ms()
    row = await quoting.sealed_lot(pool, request.path_params["lot_id"])
    seat = await records.seat_of(pool, actor, row["auction_id"])
    hosting = access.hosts(actor, row, now_ms)
    if seat is None and not hosting:
        raise Problem(404, "lot_unknown")
    facts = {
        "lot": str(row["id"]),
        "person": str(actor.user_id),
        "office": seat["office"] if seat else "",
        "fingerprint": seat["fingerprint"] if seat else "",
        "deadline": millis(row["opens_at"]),
        "stage": row["stage"],
        "now": now_ms,
    }
    return _page(request, "opening.html", row=row, seat=seat, hosting=hosting, facts=as_data(facts))


ROUTES = collect(globals())
