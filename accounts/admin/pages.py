"""管理: the pages of administrators for organisations and people. Everyone sees and changes what he manages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin import organising
from accounts.admin.giving import SQL
from accounts.admin.model import GIVABLE, KINDS
from accounts.admin.organising import NewOrg
from accounts.admin.rules import reach
from accounts.model import Actor
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from standards import regions

ROLES = tuple(role.value for role in GIVABLE)


def as_uuid(text: str) -> UUID | None:
    """What a form names by its id; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def _orgs(request: Request, actor: Actor, f: dict[str, str], faults: list[Fault], refused: str = "") -> Response:
    state, now_ms = request.state, request.state.clock.now_ms()
    asked = lists.wanted(request, "/admin", KINDS)
    seen = reach(actor, Act.GRANT_READ, now_ms)
    makes = reach(actor, Act.ORG_MANAGE, now_ms)
    given = (list(seen.places), list(seen.orgs), asked.plain, asked.chosen)
    rows = await state.postgres.fetch(SQL["organisations"], *given, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE)
    total = rows[0]["total"] if rows else 0
    above = await state.postgres.fetch(SQL["units_above"], list(makes.places), list(makes.orgs), None)
    response: Response = state.templates.page(
        request,
        "admin_orgs.html",
        422 if faults or refused else 200,
        rows=rows,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        kinds=KINDS,
        makes=bool(makes.places),
        regions=[
            (code, regions.full_name(code)) for code in sorted(regions.NAMES) if code.startswith(makes.places or ("-",))
        ],
        above=[one["name"] for one in above],
        place=regions.full_name,
        f=f,
        faults=faults,
        fault_of={fault.field: fault for fault in faults},
        refused=refused,
    )
    return response


@page("GET", "/admin", act=Act.GRANT_READ)
async def admin(request: Request) -> Response:
    """The organisations the reader manages, and a form for another."""
    return await _orgs(request, await require(request), {}, [])


async def _unit_above(request: Request, actor: Actor, typed: Typed) -> UUID | None:
    """The unit that is named as the one above, by its name or code; a fault where it is none, or several."""
    words = typed.raw("parent")
    if not words:
        return None
    makes = reach(actor, Act.ORG_MANAGE, request.state.clock.now_ms())
    rows = await request.state.postgres.fetch(SQL["units_above"], list(makes.places), list(makes.orgs), words)
    if len(rows) != 1:
        typed.wrong("parent", "typed.choice")
        return None
    found: UUID = rows[0]["id"]
    return found


async def _new_org(request: Request, actor: Actor, form: Form) -> tuple[NewOrg, list[Fault]]:
    typed = Typed(form, "admin.label")
    name, kind, region = typed.text("name", 200), typed.raw("kind"), typed.raw("region").split(" ")[0]
    if kind not in KINDS or kind == "operator":
        typed.wrong("kind", "typed.choice" if kind else "typed.missing")
    if not regions.is_code(region):
        typed.wrong("region", "typed.choice" if region else "typed.missing")
    above = await _unit_above(request, actor, typed)
    return NewOrg(name, kind, region, typed.text("uscc", 40, need=False), above), typed.faults


@page("POST", "/admin/organisations", act=Act.ORG_MANAGE)
async def add_organisation(request: Request) -> Response:
    """Make an organisation, or the form again with what stops it."""
    actor, state, form = await require(request), request.state, await read_form(request)
    new, faults = await _new_org(request, actor, form)
    if faults:
        return await _orgs(request, actor, form, faults)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            org_id = await organising.add_organisation(conn, actor, new, state.clock.now_ms())
    except Problem as problem:
        return await _orgs(request, actor, form, [], lists.in_words(request, problem))
    return see_other(f"/admin/organisations/{org_id}", "note.org_added")


async def _org(request: Request, actor: Actor, f: dict[str, str], faults: list[Fault], refused: str = "") -> Response:
    state, now_ms, org_id = request.state, request.state.clock.now_ms(), request.path_params["org_id"]
    row = await organising.managed_org(state.postgres, actor, org_id, now_ms, Act.GRANT_READ)
    asked = lists.wanted(request, f"/admin/organisations/{org_id}", ROLES)
    seen = reach(actor, Act.GRANT_READ, now_ms)
    given = (list(seen.places), list(seen.orgs), asked.plain, asked.chosen)
    people = await state.postgres.fetch(
        SQL["people"], *given, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE, org_id
    )
    total = people[0]["total"] if people else 0
    response: Response = state.templates.page(
        request,
        "admin_org.html",
        422 if faults or refused else 200,
        row=row,
        people=people,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        roles=ROLES,
        place=regions.full_name,
        makes=reach(actor, Act.PERSON_MANAGE, now_ms).has(row["region"], org_id),
        closes=reach(actor, Act.ORG_MANAGE, now_ms).has(row["region"], org_id) and org_id != actor.org_id,
        known=state.texts,
        f=f,
        faults=faults,
        fault_of={fault.field: fault for fault in faults},
        refused=refused,
    )
    return response


@page("GET", "/admin/organisations/{org_id:uuid}", act=Act.GRANT_READ, name="admin_organisation")
async def organisation(request: Request) -> Response:
    """One organisation and its people, and a form for another person."""
    return await _org(request, await require(request), {}, [])


@page("POST", "/admin/organisations/{org_id:uuid}/state", act=Act.ORG_MANAGE)
async def close_organisation(request: Request) -> Response:
    """Close an organisation, or open it again."""
    actor, state, org_id = await stepped_up(request), request.state, request.path_params["org_id"]
    closed = (await read_form(request)).get("closed") == "1"
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await organising.close(conn, actor, org_id, closed, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _org(request, actor, {}, [], lists.in_words(request, problem))
    return see_other(f"/admin/organisations/{org_id}", "note.org_closed" if closed else "note.org_reopened")


@page("POST", "/admin/organisations/{org_id:uuid}/people", act=Act.PERSON_MANAGE)
async def add_person(request: Request) -> Response:
    """Make a person of the organisation; his page, with the link of his invitation, which is shown this once."""
    actor, state, form = await require(request), request.state, await read_form(request)
    org_id = request.path_params["org_id"]
    typed = Typed(form, "admin.label")
    login, name = typed.text("login", 64), typed.text("person", 100)
    if typed.faults:
        return await _org(request, actor, form, typed.faults)
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            person_id, token = await organising.add_person(conn, actor, org_id, login, name, state.clock.now_ms())
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _org(request, actor, form, [], lists.in_words(request, problem))
    return invited(request, await state.postgres.fetchrow(SQL["person"], person_id), token)


def invited(request: Request, person: Any, token: str) -> Response:
    """The page that shows the link of an invitation, once."""
    origin = str(request.state.settings.public_origin or "") or f"{request.url.scheme}://{request.url.netloc}"
    link = f"{origin}/invitation?key={token}"
    response: Response = request.state.templates.page(request, "admin_invited.html", 201, person=person, link=link)
    return response


@page("POST", "/admin/people/{person_id:uuid}/invitation", act=Act.PERSON_MANAGE)
async def invite_again(request: Request) -> Response:
    """A new link, for somebody who lost his or his password; the one before is good no more."""
    actor, state, person_id = await stepped_up(request), request.state, request.path_params["person_id"]
    async with state.postgres.acquire() as conn, conn.transaction():
        token = await organising.invite(conn, actor, person_id, state.clock.now_ms())
    return invited(request, await state.postgres.fetchrow(SQL["person"], person_id), token)


@page("POST", "/admin/people/{person_id:uuid}/state", act=Act.PERSON_MANAGE)
async def switch_person(request: Request) -> Response:
    """Switch a person off, or on again."""
    actor, state, person_id = await require(request), request.state, request.path_params["person_id"]
    active = (await read_form(request)).get("active") == "1"
    async with state.postgres.acquire() as conn, conn.transaction():
        await organising.switch(conn, actor, person_id, active, state.clock.now_ms())
    return see_other(f"/admin/people/{person_id}", "note.person_on" if active else "note.person_off")


@page("GET", "/admin/people", act=Act.GRANT_READ, name="admin_people")
async def people(request: Request) -> Response:
    """Everybody in the organisations the reader manages."""
    actor, state = await require(request), request.state
    asked = lists.wanted(request, "/admin/people", ROLES)
    seen = reach(actor, Act.GRANT_READ, state.clock.now_ms())
    given = (list(seen.places), list(seen.orgs), asked.plain, asked.chosen)
    rows = await state.postgres.fetch(SQL["people"], *given, lists.PAGE_SIZE, (asked.at - 1) * lists.PAGE_SIZE, None)
    total = rows[0]["total"] if rows else 0
    response: Response = state.templates.page(
        request,
        "admin_people.html",
        people=rows,
        total=total,
        pages=max(1, -(-total // lists.PAGE_SIZE)),
        asked=asked,
        roles=ROLES,
        known=state.texts,
    )
    return response


ROUTES = collect(globals())
