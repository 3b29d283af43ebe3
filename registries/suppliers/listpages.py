"""供应商名录: the list for everybody, one supplier as each reader may see it, and the list as a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import OPEN, SIGNED_IN, Act
from accounts.audit import audit
from accounts.rules import may_act
from accounts.web import require
from plumbing.postgres import Pool
from plumbing.problems import Problem, language
from plumbing.spreadsheets import csv_file
from plumbing.web import collect, page
from registries.filing.doors import counted
from registries.filing.model import changes
from registries.filing.sight import Sight, sight_of
from registries.outside import records as outside
from registries.outside.model import Register
from registries.papers import records as papers
from registries.suppliers import checking, filings, reading, records, rules, searching
from registries.suppliers.model import SupplierFacts
from registries.suppliers.showing import lines_for
from standards import regions
from standards.workdays import day_of

EXPORT_MAX = 20_000
COLUMNS = ("name", "uscc", "region", "size_class", "categories", "standing", "registered_at")


@page("GET", "/suppliers", act=OPEN)
async def suppliers(request: Request) -> Response:
    """The suppliers, with what the address asks for."""
    state, actor = request.state, await sessions.actor(request)
    asked = searching.sought(request.query_params)
    rows = await searching.search(state.postgres, asked, day_of(state.clock.now_ms()))
    response: Response = state.templates.page(
        request,
        "suppliers.html",
        **counted(rows),
        kind="supplier",
        asked=asked,
        standings=searching.STANDINGS,
        sizes=searching.SIZES,
        places=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        place=regions.full_name,
        exports=actor is not None,
    )
    return response


@page("GET", "/suppliers/export.csv", act=SIGNED_IN, name="suppliers_export")
async def export(request: Request) -> Response:
    """What the search finds, at most ``EXPORT_MAX`` suppliers, as a file of public columns; written down."""
    actor, state, lang = await require(request), request.state, language(request)
    asked = searching.sought(request.query_params)
    rows = await searching.search(state.postgres, asked, day_of(state.clock.now_ms()), EXPORT_MAX)
    say = state.texts.say
    await audit(state.postgres, actor, "supplier.exported", detail={"words": asked.words, "rows": len(rows)})
    cells = [
        (
            row["name"], row["uscc"], regions.full_name(row["region"]), say(f"size_class.{row['size_class']}", lang),
            " ".join(row["categories"]), say(f"supplier.standing.{row['standing']}", lang),
            f"{row['registered_at']:%Y-%m-%d}",
        )
        for row in rows
    ]  # fmt: skip
    headings = [say(f"supplier.label.{name}", lang) for name in COLUMNS]
    return csv_file("suppliers.csv", headings, cells)


@page("GET", "/suppliers/{org_id:uuid}", act=OPEN)
async def supplier(request: Request) -> Response:
    """One supplier: where it stands, bans, what it did; of its dossier what this reader may see."""
    return await show(request)


async def show(request: Request, refused: str = "", f: Mapping[str, str] | None = None) -> Response:
    """The page of one supplier, with what was refused just now."""
    state, actor, org_id = request.state, await sessions.actor(request), request.path_params["org_id"]
    pool, now_ms = state.postgres, state.clock.now_ms()
    facts = await records.facts(pool, org_id)
    if facts is None:
        raise Problem(404, "supplier_unknown")
    today, sight = day_of(now_ms), sight_of(actor, Act.SUPPLIER_REVIEW, org_id, facts.region, now_ms)
    dossier = await filings.in_force(pool, facts)
    whole = sight is Sight.WHOLE
    response: Response = state.templates.page(
        request,
        "supplier.html",
        409 if refused else 200,
        facts=facts,
        word=rules.standing(facts, today).value,
        lines=lines_for(dossier, sight),
        dossier=dossier,
        papers=await papers.told(pool, org_id, reading.files_of(dossier)) if whole else {},
        versions=await filings.BOOK.versions(pool, org_id) if whole else [],
        as_lines=reading.as_lines,
        changes=changes,
        kind="supplier",
        whole=whole,
        bans=await pool.fetch(records.SQL["bans_of"], org_id, today),
        activity=await pool.fetch(records.SQL["activity"], org_id, not whole),
        quarters=await pool.fetch(records.SQL["by_quarter"], org_id, datetime.combine(today, time())),
        sums=await pool.fetchrow(records.SQL["statistics"], org_id),
        may_ban=may_act(actor, Act.SUPPLIER_BAN, region=facts.region, now_ms=now_ms),
        reviews=may_act(actor, Act.SUPPLIER_REVIEW, region=facts.region, now_ms=now_ms),
        own=actor is not None and actor.org_id == org_id,
        place=regions.full_name,
        today=today,
        refused=refused,
        f=f or {},
        **await _outside(pool, facts, whole, may_act(actor, Act.SUPPLIER_REVIEW, region=facts.region, now_ms=now_ms)),
    )
    return response


async def _outside(pool: Pool, facts: SupplierFacts, whole: bool, reviews: bool) -> dict[str, Any]:
    """What outside registers say: the credit records to everybody, the rest and open doubts to whom all is shown."""
    heard = await outside.known(pool, facts.uscc)
    return {
        "credit": heard.get(Register.CREDIT),
        "heard": heard if reviews else checking.for_the_firm(heard, facts.status) if whole else {},
        "open_doubts": await checking.open_doubts(pool, facts.org_id) if whole else [],
    }


ROUTES = collect(globals())
