"""岗位与谁能办: the roles and what each is made of, roles that administrators make, and who may do what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import asyncpg
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import ACTS_OF, APART, CONFLICTS, Act
from accounts.admin import giving, who
from accounts.admin.giving import SQL
from accounts.admin.model import GIVABLE, Refusal
from accounts.admin.rules import reach, source_of
from accounts.audit import audit
from accounts.model import Actor, Grant, Role
from accounts.records import moment
from accounts.web import require, stepped_up
from plumbing import lists
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from standards import regions


async def _roles(
    request: Request, actor: Actor, form: Form | None = None, faults: Sequence[Fault] = (), refused: str = ""
) -> Response:
    state, now_ms = request.state, request.state.clock.now_ms()
    gives = reach(actor, Act.GRANT_GIVE, now_ms)
    seen = reach(actor, Act.GRANT_READ, now_ms)
    own = {row["role"] for row in await state.postgres.fetch(SQL["delegations_of"], actor.user_id)}
    response: Response = state.templates.page(
        request,
        "admin_roles.html",
        422 if faults or refused else 200,
        made=await state.postgres.fetch(SQL["made_roles"], list(seen.places)),
        acts_of={role.value: sorted(acts) for role, acts in ACTS_OF.items()},
        bases=[role for role in GIVABLE if ACTS_OF[role] and role in own],
        makes=bool(gives.places and own),
        conflicts=[(why, list(pairs)) for why, pairs in groupby(CONFLICTS, key=lambda one: one.why)],
        apart=APART,
        place=regions.full_name,
        chosen=frozenset(form.all.get("act", ())) if form else frozenset(),
        f=form or {},
        faults=faults,
        fault_of={fault.field: fault for fault in faults},
        refused=refused,
    )
    return response


@page("GET", "/admin/roles", act=Act.GRANT_READ)
async def roles(request: Request) -> Response:
    """Every role, its acts, and which exclude each other."""
    return await _roles(request, await require(request))


def _read_role(form: Form) -> tuple[str, Grant | None, list[Fault]]:
    """A made role as typed: its name and what it comes to; None with what is wrong."""
    typed = Typed(form, "admin.label")
    name, base, place = typed.text("role_name", 60), typed.raw("base"), typed.raw("place").split(" ")[0]
    if base not in GIVABLE:
        typed.wrong("base", "typed.choice" if base else "typed.missing")
    if not regions.is_code(place):
        typed.wrong("place", "typed.choice" if place else "typed.missing")
    acts = frozenset(form.all.get("act", ()))
    if not acts or (base in GIVABLE and not acts <= ACTS_OF[Role(base)]):
        typed.wrong("act", "typed.choice" if acts else "typed.missing")
    if typed.faults:
        return name, None, typed.faults
    return name, Grant(Role(base), regions.prefix_of(place), acts=acts), []


@page("POST", "/admin/roles", act=Act.GRANT_GIVE)
async def make_role(request: Request) -> Response:
    """Make a role of some of the acts of a built-in one, within what the maker may give."""
    actor, state, form = await stepped_up(request), request.state, await read_form(request)
    name, wanted, faults = _read_role(form)
    if wanted is None:
        return await _roles(request, actor, form, faults)
    now_ms = state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            own = await giving.delegations_of(conn, actor.user_id, now_ms)
            # a role says how far it may be given, not how long
            lasting = [structs.replace(each, reach=structs.replace(each.reach, valid_until_ms=None)) for each in own]
            from_now = structs.replace(wanted, valid_from_ms=now_ms)
            source = source_of(lasting, from_now, wanted.region, onward=None, now_ms=now_ms)
            if isinstance(source, Refusal):
                raise giving.refuse(source)
            acts = sorted(wanted.acts or ())
            made = await conn.fetchval(SQL["add_made_role"], name, wanted.role, acts, wanted.region, actor.user_id)
            await audit(
                conn, actor, "role.made", f"role:{made}", detail={"name": name, "of": wanted.role, "acts": acts}
            )
    except asyncpg.UniqueViolationError:
        return await _roles(request, actor, form, [], lists.in_words(request, Problem(409, "role_name_taken")))
    except Problem as problem:
        return await _roles(request, actor, form, [], lists.in_words(request, problem))
    return see_other("/admin/roles", "note.role_made")


@page("POST", "/admin/roles/{role_id:uuid}/retirement", act=Act.GRANT_GIVE)
async def retire_role(request: Request) -> Response:
    """Give a made role to nobody any more. Whoever holds it keeps it until it is taken back."""
    actor, state, role_id = await require(request), request.state, request.path_params["role_id"]
    now_ms = state.clock.now_ms()
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(SQL["made_role"], role_id)
        if row is None or not row["region"].startswith(reach(actor, Act.GRANT_GIVE, now_ms).places or ("-",)):
            raise Problem(404, "role_unknown")
        await conn.fetchval(SQL["retire_made_role"], role_id, moment(now_ms))
        await audit(conn, actor, "role.retired", f"role:{role_id}", detail={"name": row["name"]})
    return see_other("/admin/roles", "note.role_retired")


@page("GET", "/admin/who", act=Act.GRANT_READ)
async def who_can(request: Request) -> Response:
    """Who may do an act to the things of an organisation, and why; and why somebody else may not."""
    actor, state, query = await require(request), request.state, request.query_params
    now_ms, pool = state.clock.now_ms(), state.postgres
    seen = reach(actor, Act.GRANT_READ, now_ms)
    within = (list(seen.places), list(seen.orgs))
    words = query.get("org", "").replace("\0", "").strip()[:200]
    act = Act(query["act"]) if query.get("act", "") in set(Act) else None
    org = await pool.fetchrow(SQL["org_by_words"], *within, words, lists.plain(words)) if words else None
    name = query.get("person", "").replace("\0", "").strip()[:100]
    person = await pool.fetchrow(SQL["person_by_words"], *within, name, org["id"]) if org and name else None
    found = await who.rights(pool, act, org, now_ms, person["id"] if person else None) if act and org else []
    response: Response = state.templates.page(
        request,
        "admin_who.html",
        acts=[each.value for each in Act],
        act=act,
        org=org,
        words=words,
        name=name,
        person=person,
        can=[each.row for each in found if not each.gap],
        cannot=[each for each in found if each.gap and person and each.row["person_id"] == person["id"]],
        verdict=who.verdict(found, person["id"]) if person else "",
        holders=who.roles_with(act) if act else [],
        place=regions.full_name,
    )
    return response


ROUTES = collect(globals())
