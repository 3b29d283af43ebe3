"""对账: for each day a fiscal system reported, whether its book and ours agree, and every difference where not."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.model import Role
from accounts.web import require
from intranet.access import places
from intranet.exchange.model import Heard, Statement
from intranet.exchange.receiving import SQL, reconcile
from intranet.outbox.writing import SQL as OUT
from plumbing.web import collect, page

DAYS_SHOWN = 31


@page("GET", "/reconciliation", act=Act.FISCAL_RECONCILE)
async def reconciliation(request: Request) -> Response:
    """The last days of the systems of the reader's places, the newest first."""
    actor, pool = await require(request, Role.SUPERVISOR), request.state.postgres
    days = []
    for row in await pool.fetch(SQL["statements"], places(actor), DAYS_SHOWN):
        statement = msgspec.convert(row["body"]["data"], Statement | Heard)
        days.append({**row, "lines": len(statement.lines), "found": await reconcile(pool, row["peer"], statement)})
    peers = await pool.fetch(SQL["peers"], places(actor))
    links = await pool.fetch(OUT["links"], places(actor))
    response: Response = request.state.templates.page(
        request, "reconciliation.html", days=days, peers=peers, links=links
    )
    return response


ROUTES = collect(globals())
