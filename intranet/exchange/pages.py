"""对账: for each day a fiscal system reported or should have, every difference of the books, and what to do."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.web import require
from intranet.access import oversees, places
from intranet.budget.model import Refusal as NoMoney
from intranet.exchange import reconciling
from intranet.exchange.model import Heard, Statement
from intranet.exchange.reconciling import KINDS
from intranet.exchange.records import SQL
from intranet.outbox.writing import SQL as OUT
from plumbing import lists
from plumbing.postgres import Pool, Record
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other

DAYS_SHOWN = 31


async def _day(pool: Pool, row: Record) -> dict[str, Any]:
    """A day as it is shown, compared now; one without a statement: all that our book has of it."""
    if row["body"] is None:
        found, lines = await reconciling.of_a_silent_day(pool, row["peer"], row["type"], row["day"]), 0
    else:
        statement = msgspec.convert(row["body"]["data"], Statement | Heard)
        found, lines = await reconciling.reconcile(pool, row["peer"], statement), len(statement.lines)
    return {**row, "lines": lines, "found": found}


def _why_key(code: str) -> str:
    """Which sentence says why a message was not carried out."""
    return f"problem.budget_{code}" if code in set(NoMoney) else f"exchange.why.{code}"


async def _list(request: Request, actor: Actor, refused: str = "") -> Response:
    pool = request.state.postgres
    rows = await pool.fetch(SQL["days"], places(actor), DAYS_SHOWN)
    response: Response = request.state.templates.page(
        request,
        "reconciliation.html",
        422 if refused else 200,
        days=[await _day(pool, row) for row in rows],
        peers=await pool.fetch(SQL["peers"], places(actor)),
        links=await pool.fetch(OUT["links"], places(actor)),
        why_key=_why_key,
        refused=refused,
    )
    return response


@page("GET", "/reconciliation", act=Act.FISCAL_RECONCILE)
async def reconciliation(request: Request) -> Response:
    """The last days of the systems of the reader's places, the newest first."""
    return await _list(request, await require(request, Role.SUPERVISOR))


@page("POST", "/reconciliation", act=Act.FISCAL_RECONCILE, name="settle_day")
async def settle(request: Request) -> Response:
    """Settle a day's differences 核销, with a word on how."""
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    now_ms, kind = state.clock.now_ms(), form.get("type", "")
    try:
        day = date.fromisoformat(form.get("day", ""))
    except ValueError:
        raise Problem(422, "nothing_to_settle") from None
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            peer = await conn.fetchrow(SQL["peer_of"], form.get("peer", "")[:40].replace("\0", ""))
            if peer is None or kind not in KINDS or not oversees(actor, peer, now_ms):
                raise Problem(404, "peer_unknown")
            remark = form.get("remark", "").strip()[:500]
            await reconciling.settle(conn, actor, peer["name"], day, kind, remark, now_ms)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await _list(request, actor, lists.in_words(request, problem))
    return see_other("/reconciliation", "note.day_settled")


ROUTES = collect(globals())
