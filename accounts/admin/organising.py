"""单位与人员: make an organisation and its people, invite them, switch them off. Names and codes are nobody else's.

Whoever is invited gets a link that is good once, for seven days; only its SHA-256 is kept.
"""

from __future__ import annotations

import secrets
from uuid import UUID

import asyncpg
import msgspec

from accounts import names, records
from accounts.admin import giving
from accounts.admin.giving import SQL
from accounts.admin.model import INVITED_MS, Refusal
from accounts.admin.rules import reach, within_what_he_gives
from accounts.audit import audit
from accounts.model import Actor, Role
from accounts.records import moment
from accounts.sessions import digest
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from standards import uscc as codes


class NewOrg(msgspec.Struct, frozen=True):
    """An organisation as typed."""

    name: str
    kind: str
    region: str
    uscc: str = ""
    parent_id: UUID | None = None


async def check_names(conn: Connection, new: NewOrg, own: UUID | None = None) -> str | None:
    """Refuse a name or code that another than ``own`` uses, whichever way it is written; the code as it is kept.

    Holds the names until the transaction ends, so that of two who come at once one is refused. Raises ``Problem``
    409 ``org_name_taken``, ``org_uscc_taken``, 422 ``uscc_wrong``.
    """
    await conn.execute(SQL["lock_names"])
    key = names.key_of(new.name)
    if not key:
        raise Problem(422, "org_name_empty")
    same = await conn.fetchrow(SQL["same_name"], key, new.name, own)
    if same is not None:
        raise Problem(409, "org_name_taken" if same["name"] == new.name else "org_name_alike", name=same["name"])
    if not new.uscc:
        return None
    checked = codes.check(new.uscc)
    if not checked.acceptable:
        raise Problem(422, "uscc_wrong")
    taken = await conn.fetchrow(SQL["same_uscc"], checked.code, own)
    if taken is not None:
        raise Problem(409, "org_uscc_taken", name=taken["name"])
    return checked.code


async def add_organisation(conn: Connection, actor: Actor, new: NewOrg, now_ms: int) -> UUID:
    """Make an organisation of a place the actor manages. Raises ``Problem`` 403, 409, 422."""
    managed = reach(actor, "org.manage", now_ms)
    above = await conn.fetchrow(SQL["organisation"], new.parent_id) if new.parent_id else None
    if not new.region.startswith(managed.places or ("-",)):
        raise Problem(403, "grant_out_of_reach")
    if new.parent_id and (above is None or above["kind"] != "buyer" or not managed.has(above["region"], above["id"])):
        raise Problem(422, "unit_above_unknown")
    code = await check_names(conn, new)
    org_id = await records.add_organisation(conn, name=new.name, kind=new.kind, region=new.region, uscc=code)
    if above is not None:
        await conn.execute(SQL["place_under"], org_id, above["id"])
    await audit(
        conn, actor, "organisation.added", f"organisation:{org_id}", detail={"name": new.name, "kind": new.kind}
    )
    return org_id


async def managed_org(conn: Connection | Pool, actor: Actor, org_id: UUID, now_ms: int, act: str) -> Record:
    """An organisation the actor manages; 404 ``org_unknown`` for every other."""
    row = await conn.fetchrow(SQL["organisation"], org_id)
    if row is None or not reach(actor, act, now_ms).has(row["region"], row["id"]):
        raise Problem(404, "org_unknown")
    return row


async def managed_person(conn: Connection | Pool, actor: Actor, person_id: UUID, now_ms: int, act: str) -> Record:
    """A person of an organisation the actor manages; 404 ``member_unknown`` for every other."""
    row = await conn.fetchrow(SQL["person"], person_id)
    if row is None or not reach(actor, act, now_ms).has(row["region"], row["org_id"]):
        raise Problem(404, "member_unknown")
    return row


async def add_person(
    conn: Connection, actor: Actor, org_id: UUID, login: str, name: str, now_ms: int
) -> tuple[UUID, str]:
    """Make a person of an organisation the actor manages; his id, and the token of his invitation, told once.

    Raises ``Problem`` 404, 409 ``login_taken``, 422 ``login_wrong``.
    """
    await managed_org(conn, actor, org_id, now_ms, "person.manage")
    try:
        async with conn.transaction():
            person_id = await records.add_person(conn, org_id=org_id, login=login, name=name)
    except asyncpg.UniqueViolationError:
        raise Problem(409, "login_taken") from None
    except asyncpg.CheckViolationError:
        raise Problem(422, "login_wrong") from None
    await audit(conn, actor, "person.added", f"person:{person_id}", detail={"login": login})
    return person_id, await invite(conn, actor, person_id, now_ms)


async def _only_what_he_gives(conn: Connection, actor: Actor, person_id: UUID, now_ms: int) -> None:
    """Refuse to take over or shut out whoever holds what the actor may not give: that were more than he holds."""
    rows = await conn.fetch(SQL["held_rights"], person_id, moment(now_ms))
    own = await giving.delegations_of(conn, actor.user_id, now_ms)
    if not all(within_what_he_gives(own, Role(row["role"]), row["region"], row["org_id"]) for row in rows):
        raise giving.refuse(Refusal.NOT_HELD)


async def invite(conn: Connection, actor: Actor, person_id: UUID, now_ms: int) -> str:
    """A new invitation for a person the actor manages; an older one that was not used is good no more.

    Raises ``Problem`` 404, 409 where the person holds what the actor may not give.
    """
    await managed_person(conn, actor, person_id, now_ms, "person.manage")
    await _only_what_he_gives(conn, actor, person_id, now_ms)
    token = secrets.token_urlsafe(32)
    await conn.execute(SQL["drop_invitations"], person_id)
    ends = moment(now_ms + INVITED_MS)
    await conn.execute(SQL["add_invitation"], digest(token), person_id, actor.user_id, moment(now_ms), ends)
    await audit(conn, actor, "person.invited", f"person:{person_id}")
    return token


async def accept(conn: Connection, token: str, hashed: str, now_ms: int) -> UUID:
    """Take up an invitation: the password is set, once, and every session opened before is over. 410 otherwise."""
    person_id: UUID | None = await conn.fetchval(SQL["use_invitation"], digest(token), moment(now_ms))
    if person_id is None:
        raise Problem(410, "invitation_over")
    await conn.execute(records.SQL["set_password"], person_id, hashed)
    await conn.execute(records.SQL["end_other_sessions"], person_id, None)
    await audit(conn, None, "person.joined", f"person:{person_id}")
    return person_id


async def switch(conn: Connection, actor: Actor, person_id: UUID, active: bool, now_ms: int) -> None:
    """Switch a person off or on again. His sockets close within a moment. Nobody switches himself off."""
    await managed_person(conn, actor, person_id, now_ms, "person.manage")
    if person_id == actor.user_id:
        raise giving.refuse(Refusal.SELF)
    await _only_what_he_gives(conn, actor, person_id, now_ms)
    if await conn.fetchval(SQL["switch_person"], person_id, active) is not None:
        await audit(conn, actor, "person.switched_on" if active else "person.switched_off", f"person:{person_id}")


async def close(conn: Connection, actor: Actor, org_id: UUID, closed: bool, now_ms: int) -> None:
    """Close an organisation 注销, or open it again. Nobody of a closed one may act or sign in. Not one's own."""
    row = await managed_org(conn, actor, org_id, now_ms, "org.manage")
    if org_id == actor.org_id:
        raise giving.refuse(Refusal.SELF)
    if row["state"] not in ("active", "closed"):
        raise Problem(409, "org_not_decided")
    for person in await conn.fetch(SQL["people_of"], org_id):
        await _only_what_he_gives(conn, actor, person["id"], now_ms)
    if await conn.fetchval(SQL["set_org_state"], org_id, "closed" if closed else "active") is not None:
        await audit(conn, actor, "organisation.closed" if closed else "organisation.reopened", f"organisation:{org_id}")
