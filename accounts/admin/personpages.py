"""人员与授权: the page of one person: what he may do, what he may give, and the forms to give and to take back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.admin import giving, organising
from accounts.admin.giving import SQL
from accounts.admin.model import GIVABLE, Thing, Wanted
from accounts.admin.pages import as_uuid
from accounts.admin.rules import reach
from accounts.model import WIDE, Actor, Grant, Role
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from standards import regions

Find: TypeAlias = Callable[[Connection, str], Awaitable[Thing | None]]
"""The case of a number; the composition knows it (``request.state.find_case``)."""


async def _person(
    request: Request, actor: Actor, f: dict[str, str], faults: list[Fault], refused: str = ""
) -> Response:
    state, now_ms, person_id = request.state, request.state.clock.now_ms(), request.path_params["person_id"]
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await organising.managed_person(conn, actor, person_id, now_ms, Act.GRANT_READ)
        own = await conn.fetch(SQL["delegations_of"], actor.user_id)
        made = await conn.fetch(SQL["made_roles"], list(reach(actor, Act.GRANT_GIVE, now_ms).places))
        grants = await conn.fetch(SQL["grants_of"], person_id)
        delegations = await conn.fetch(SQL["delegations_of"], person_id)
    gives = reach(actor, Act.GRANT_GIVE, now_ms).has(row["region"], row["org_id"]) and person_id != actor.user_id
    response: Response = state.templates.page(
        request,
        "admin_person.html",
        409 if refused else 422 if faults else 200,
        row=row,
        grants=grants,
        delegations=delegations,
        choices=_choices(own, made) if gives else [],
        may_delegate=gives and any(each["onward"] for each in own),
        gives=gives,
        manages=reach(actor, Act.PERSON_MANAGE, now_ms).has(row["region"], row["org_id"])
        and person_id != actor.user_id,
        resets=reach(actor, Act.FACTOR_RESET, now_ms).has(row["region"], row["org_id"]) and person_id != actor.user_id,
        now=state.clock.now_ms(),
        place=regions.full_name,
        f=f,
        faults=faults,
        fault_of={fault.field: fault for fault in faults},
        refused=refused,
    )
    return response


def _choices(own: list[Record], made: list[Record]) -> list[tuple[str, str, str, bool]]:
    """What the reader may give: the word of the form, the role, the name of a made one, whether it may be given on."""
    found: dict[str, tuple[str, str, str, bool]] = {}
    whole = {each["role"]: each["onward"] for each in own if not each["made_role"]}
    for each in own:
        word = f"made:{each['made_role']}" if each["made_role"] else each["role"]
        onward = each["onward"] or (word in found and found[word][3])
        found[word] = (word, each["role"], each["made_name"] or "", onward)
    for each in made:
        if each["base"] in whole and each["retired_at"] is None:
            word = f"made:{each['id']}"
            found.setdefault(word, (word, each["base"], each["name"], whole[each["base"]]))
    return list(found.values())


@page("GET", "/admin/people/{person_id:uuid}", act=Act.GRANT_READ, name="admin_person")
async def person(request: Request) -> Response:
    """One person."""
    return await _person(request, await require(request), {}, [])


async def read_wanted(
    conn: Connection, row: Record, form: Form, now_ms: int, *, delegated: bool, find: Find
) -> tuple[Wanted | None, list[Fault]]:
    """The right a form asks for; None with what is wrong."""
    typed = Typed(form, "admin.label")
    number = "" if delegated else typed.raw("case")
    thing = await find(conn, number) if number else None
    if number and thing is None:
        typed.wrong("case", "admin.case_unknown")
    word = typed.raw("role")
    made = (
        await conn.fetchrow(SQL["made_role"], as_uuid(word.removeprefix("made:"))) if word.startswith("made:") else None
    )
    role = made["base"] if made else word
    if role not in GIVABLE:
        typed.wrong("role", "typed.choice" if word else "typed.missing")
    until = typed.moment("until", need=False)
    if until is not None and until <= now_ms:
        typed.wrong("until", "typed.choice")
    place = typed.raw("place").split(" ")[0]
    if place and not regions.is_code(place):
        typed.wrong("place", "typed.choice")
    if typed.faults:
        return None, typed.faults
    wide = delegated or role == Role.ADMIN or Role(role) in WIDE
    own = not wide or form.get("own") == "1"
    region = row["region"] if own else regions.prefix_of(place or row["region"])
    if thing and not (row["org_id"] in thing.orgs if own else thing.region.startswith(region)):
        typed.wrong("case", "admin.case_elsewhere")
        return None, typed.faults
    acts = frozenset(made["acts"]) if made else None
    limit = thing.id if thing else None
    grant = Grant(Role(role), region, row["org_id"] if own else None, limit, now_ms, until, acts)
    onward = (form.get("onward") == "1") if delegated else None
    given = (row["id"], row["org_id"], row["org_kind"], row["region"], grant, onward)
    return Wanted(*given, made["id"] if made else None, thing.number if thing else ""), []


async def _give(request: Request, *, delegated: bool, note: str) -> Response:
    actor, state, form = await stepped_up(request), request.state, await read_form(request)
    person_id, now_ms = request.path_params["person_id"], state.clock.now_ms()
    faults: list[Fault] = []
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            row = await organising.managed_person(conn, actor, person_id, now_ms, Act.GRANT_GIVE)
            find = state.find_case
            wanted, faults = await read_wanted(conn, row, form, now_ms, delegated=delegated, find=find)
            if wanted is not None:
                await giving.give(conn, actor, wanted, now_ms)
    except Problem as problem:
        if problem.status != 409:
            raise
        return await _person(request, actor, form, [], lists.in_words(request, problem))
    if faults:
        return await _person(request, actor, form, faults)
    return see_other(f"/admin/people/{person_id}", note)


@page("POST", "/admin/people/{person_id:uuid}/grants", act=Act.GRANT_GIVE)
async def give_grant(request: Request) -> Response:
    """Give a role to act with, within what the giver may give."""
    return await _give(request, delegated=False, note="note.grant_given")


@page("POST", "/admin/people/{person_id:uuid}/delegations", act=Act.GRANT_GIVE)
async def give_delegation(request: Request) -> Response:
    """Let an administrator give a role, within what the giver may give on."""
    return await _give(request, delegated=True, note="note.delegation_given")


async def _end(request: Request, end: Any, thing: UUID, note: str) -> Response:
    actor, state = await require(request), request.state
    async with state.postgres.acquire() as conn, conn.transaction():
        person_id = await end(conn, actor, thing, state.clock.now_ms())
    return see_other(f"/admin/people/{person_id}", note)


@page("POST", "/admin/grants/{grant_id:uuid}/end", act=Act.GRANT_GIVE)
async def end_grant(request: Request) -> Response:
    """Take a role back."""
    return await _end(request, giving.end_grant, request.path_params["grant_id"], "note.grant_ended")


@page("POST", "/admin/delegations/{delegation_id:uuid}/end", act=Act.GRANT_GIVE)
async def end_delegation(request: Request) -> Response:
    """Let an administrator give a role no longer."""
    return await _end(request, giving.end_delegation, request.path_params["delegation_id"], "note.delegation_ended")


ROUTES = collect(globals())
