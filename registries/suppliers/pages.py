"""供应商自己的页面: where its registration stands, what was filed, and the form to correct or change it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts import throttle
from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.web import require
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Fault
from plumbing.web import collect, page, read_form, see_other
from registries.filing.doors import closed, rows_of, told
from registries.filing.model import Stage
from registries.outside.rules import firm_of
from registries.papers import records as papers
from registries.parameters import records as parameters
from registries.suppliers import checking, filings, reading, records, rules
from registries.suppliers.model import SizeClass, Standing
from standards import regions
from standards.workdays import day_of

OWN = "/suppliers/own"
ASKED_PER_HOUR, HOUR_S = 10, 3_600
NEVER_MS = 1 << 50
SIZES = tuple(size.value for size in SizeClass)


async def _own(
    request: Request, actor: Actor, f: dict[str, str] | None, faults: list[Fault], refused: str = ""
) -> Response:
    state = request.state
    row, dossier = await filings.last(state.postgres, actor.org_id)
    known = await records.facts(state.postgres, actor.org_id)
    name = known.name if known else actor.org_name
    if f is None:
        f = reading.as_typed(dossier) if dossier else {"name": name, "region": actor.region}
    code = f.get("uscc", "") or (known.uscc if known else "")
    heard = await checking.answers(state, code, fresh_ms=NEVER_MS)
    heard = checking.for_the_firm(heard, known.status if known else None)
    firm = firm_of(heard)
    f = checking.filled(f, firm, dossier or reading.NOTHING) if firm else f
    word = rules.standing(known, day_of(state.clock.now_ms())) if known else Standing.DRAFT
    response: Response = state.templates.page(
        request,
        "supplier_own.html",
        422 if faults or refused else 200,
        row=row,
        known=known,
        word=word.value,
        name=name,
        asks=state.registers is not None,
        heard=heard,
        firm=firm,
        told=checking.told(firm) if firm else {},
        papers=await papers.told(state.postgres, actor.org_id, reading.files_in(f)),
        doubts=await checking.against(state.postgres, actor.org_id, dossier, state.clock.now_ms(), heard)
        if dossier
        else [],
        history=await filings.BOOK.history(state.postgres, actor.org_id),
        kind="supplier",
        f=f,
        open_form=bool(faults or refused) or known is None or (row is not None and row["stage"] == Stage.RETURNED),
        place=regions.full_name,
        **await form_choices(request, f),
        **told(faults, refused),
    )
    return response


async def form_choices(request: Request, f: dict[str, str]) -> dict[str, Any]:
    """What the form of a dossier lets choose from."""
    return {
        "regions": [(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        "categories": await parameters.all_categories(request.state.postgres),
        "sizes": SIZES,
        "numbers": {
            "holder": rows_of(f, "holder", reading.SHAREHOLDERS_MAX),
            "paper": rows_of(f, "paper", reading.CERTIFICATES_MAX),
            "account": rows_of(f, "account", reading.ACCOUNTS_MAX),
        },
    }


@page("GET", "/suppliers/own", act=Act.SUPPLIER_FILE)
async def own(request: Request) -> Response:
    """The supplier's own registration."""
    return await _own(request, await require(request, Role.SUPPLIER), None, [])


@page("POST", "/suppliers/own/registers", act=Act.SUPPLIER_FILE)
async def ask_again(request: Request) -> Response:
    """Ask the outside registers again now; ten times an hour."""
    actor, state = await require(request, Role.SUPPLIER), request.state
    await throttle.count(state.valkey, "register_lookup", str(actor.org_id), most=ASKED_PER_HOUR, window_s=HOUR_S)
    known = await records.facts(state.postgres, actor.org_id)
    if known is not None:
        await checking.answers(state, known.uscc, fresh_ms=0)
        async with state.postgres.acquire() as conn, conn.transaction():
            await checking.compare(conn, actor.org_id, state.clock.now_ms())
    return see_other(OWN, "note.registers_asked")


@page("POST", "/suppliers/own/closing", act=Act.SUPPLIER_FILE)
async def close_own(request: Request) -> Response:
    """Close the registration 注销: asked for twice, by a tick."""
    actor = await require(request, Role.SUPPLIER)
    return await closed(request, filings.BOOK, actor, lambda refused: _own(request, actor, None, [], refused))


@page("POST", "/suppliers/own", act=Act.SUPPLIER_FILE)
async def file_own(request: Request) -> Response:
    """File the dossier: for the first time, corrected, or changed."""
    actor, state, form = await require(request, Role.SUPPLIER), request.state, await read_form(request)
    _, before = await filings.last(state.postgres, actor.org_id)
    secret = await filings.number_secret(state.postgres, state.settings)
    firm = firm_of(await checking.answers(state, form.get("uscc", "")))
    if firm is not None:
        form.update(checking.filled(form, firm, before or reading.NOTHING))
    own = await papers.told(state.postgres, actor.org_id, reading.files_in(form))
    today = day_of(state.clock.now_ms())
    dossier, faults = reading.read_dossier(form, secret, today, before or reading.NOTHING, own)
    if faults:
        return await _own(request, actor, form, faults)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            pledged = form.get("pledge", "") not in ("", "0")
            now_ms = state.clock.now_ms()
            await filings.file(conn, actor, actor.org_id, dossier, pledged, now_ms, actor.user_id)
            await papers.keep(conn, actor.org_id, reading.files_of(dossier))
    except Problem as problem:
        return await _own(request, actor, form, [], lists.in_words(request, problem))
    return see_other(OWN, "note.supplier_filed")


ROUTES = collect(globals())
