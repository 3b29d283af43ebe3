"""禁止参加政府采购活动: the list everybody reads, a ban recorded by finance, and its end before its time."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import OPEN, Act
from accounts.audit import audit
from accounts.model import Actor, Role
from accounts.rules import may_act
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.typed import Typed
from plumbing.web import Form, collect, page, read_form, see_other
from registries.filing.doors import counted, read_term
from registries.suppliers import filings, listpages, records
from registries.suppliers.model import Ban
from standards import regions
from standards.workdays import day_of

STATES = ("holding", "over")


@page("GET", "/suppliers/bans", act=OPEN)
async def bans(request: Request) -> Response:
    """The bans that hold or are announced, and those of the last three years."""
    state = request.state
    asked = lists.wanted(request, "/suppliers/bans", STATES)
    today = day_of(state.clock.now_ms())
    given = (today, asked.plain, asked.chosen, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    rows = await state.postgres.fetch(records.SQL["bans"], *given)
    response: Response = state.templates.page(
        request,
        "supplier_bans.html",
        **counted(rows),
        kind="supplier",
        asked=asked,
        states=STATES,
        place=regions.full_name,
        today=today,
    )
    return response


def read_ban(form: Form, today: date) -> Ban:
    """A ban as typed. Raises ``Problem`` 422 for days that make no time, or without reason and authority."""
    typed = Typed(form)
    begins, ends = read_term(typed, today)
    reason, authority = typed.text("reason", 500), typed.text("authority", 200)
    if typed.faults:
        raise Problem(422, "ban_reason")
    return Ban(begins, ends, reason, authority)


async def _over(conn: Connection, actor: Actor, org_id: UUID, region: str | None, now_ms: int) -> None:
    """Raises ``Problem`` 404 for a supplier that is not at home in one of the actor's places."""
    if region is None or not may_act(actor, Act.SUPPLIER_BAN, region=region, org_id=org_id, now_ms=now_ms):
        raise Problem(404, "supplier_unknown")


@page("POST", "/suppliers/{org_id:uuid}/bans", act=Act.SUPPLIER_BAN)
async def ban(request: Request) -> Response:
    """Record a ban that an authority has decided. It holds from its first day in every sign-up."""
    await stepped_up(request)
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    org_id, now_ms = request.path_params["org_id"], state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await _over(conn, actor, org_id, await conn.fetchval(records.SQL["home_of"], org_id), now_ms)
            found = read_ban(form, day_of(now_ms))
            same = (org_id, found.begins, found.ends, found.reason, found.authority)
            await conn.fetchval(filings.BOOK.sql["lock"], org_id)
            if await conn.fetchval(records.SQL["same_ban"], *same):
                raise Problem(409, "ban_same")
            made = await records.ban(conn, org_id, found, actor.user_id)
            detail = {"ban": str(made), "until": str(found.ends or ""), "authority": found.authority}
            await audit(conn, actor, "supplier.banned", f"supplier:{org_id}", detail=detail)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await listpages.show(request, lists.in_words(request, problem), form)
    return see_other(f"/suppliers/{org_id}", "note.supplier_banned")


@page("POST", "/suppliers/bans/{ban_id:uuid}/end", act=Act.SUPPLIER_BAN)
async def lift(request: Request) -> Response:
    """End a ban before its time, with the reason; what was so before stays on record."""
    await stepped_up(request)
    actor, state, form = await require(request, Role.SUPERVISOR), request.state, await read_form(request)
    now_ms, why = state.clock.now_ms(), form.get("reason", "")[:500]
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(records.SQL["ban"], request.path_params["ban_id"])
        if row is None:
            raise Problem(404, "supplier_unknown")
        await _over(conn, actor, row["org_id"], row["region"], now_ms)
        if not why:
            raise Problem(422, "reason_missing")
        if not await conn.fetchval(records.SQL["lift_ban"], row["id"], day_of(now_ms), actor.user_id, why):
            raise Problem(409, "ban_over")
        detail = {"ban": str(row["id"]), "why": why}
        await audit(conn, actor, "supplier.ban_lifted", f"supplier:{row['org_id']}", detail=detail)
    return see_other(f"/suppliers/{row['org_id']}", "note.supplier_ban_lifted")


ROUTES = collect(globals())
