"""授权: give a right, let somebody give it on, take it back; in the caller's transaction, with a line in the trail.

What the giver holds is locked until it is over: a right that is taken from him meanwhile is not given by him any more.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from accounts.admin.model import Delegation, Refusal, Wanted
from accounts.admin.rules import judge, reach, within_what_he_gives
from accounts.audit import audit
from accounts.model import Actor, Grant, Role
from accounts.records import millis, moment
from plumbing import sql
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

SQL = sql.load(Path(__file__).with_name("records.sql"))


def refuse(refusal: Refusal) -> Problem:
    """The refusal as a problem, in words."""
    return Problem(403 if refusal is Refusal.OUT_OF_REACH else 409, f"grant_{refusal}")


async def delegations_of(conn: Connection, person_id: UUID, now_ms: int) -> list[Delegation]:
    """What a person may give now."""
    rows = await conn.fetch(SQL["lock_delegations"], person_id, moment(now_ms))
    return [Delegation(row["id"], grant_of(row), row["onward"]) for row in rows]


def grant_of(row: Record) -> Grant:
    """The right in a row with role, region, org_id, acts, since and until."""
    return Grant(
        Role(row["role"]),
        row["region"],
        row["org_id"],
        row.get("object_id"),
        millis(row["since"]) if row["since"] else 0,
        millis(row["until"]) if row["until"] else None,
        None if row["acts"] is None else frozenset(row["acts"]),
    )


async def give(conn: Connection, actor: Actor, wanted: Wanted, now_ms: int) -> UUID:
    """Give a person a right to act, or, with ``onward`` set, to give it himself. Raises ``Problem`` 403, 409."""
    await conn.execute(SQL["lock_person"], wanted.person_id)
    grant, person_id = wanted.grant, wanted.person_id
    held = frozenset(Role(row["role"]) for row in await conn.fetch(SQL["held_roles"], person_id, moment(now_ms)))
    source = judge(actor, wanted, await delegations_of(conn, actor.user_id, now_ms), held, now_ms)
    span = (moment(grant.valid_from_ms), None if grant.valid_until_ms is None else moment(grant.valid_until_ms))
    place = (wanted.made_role, grant.region, grant.org_id)
    if not isinstance(source, Refusal) and wanted.onward is None:
        same = await conn.fetchval(SQL["holds_same"], person_id, grant.role, *place, grant.object_id, *span)
        source = Refusal.HELD_ALREADY if same else source
    told = {
        "role": str(grant.role),
        "region": grant.region,
        "org": str(grant.org_id or ""),
        "until": str(span[1] or ""),
        **({"case": wanted.number} if wanted.number else {}),
    }
    if isinstance(source, Refusal):
        raise refuse(source)
    by = (actor.user_id, source.id)
    if wanted.onward is None:
        made: UUID = await conn.fetchval(
            SQL["add_grant"], person_id, grant.role, *place, grant.object_id, *span, *by, wanted.number
        )  # fmt: skip
        await audit(conn, actor, "grant.given", f"person:{person_id}", detail=told)
    else:
        made = await conn.fetchval(SQL["add_delegation"], person_id, grant.role, *place, *span, wanted.onward, *by)
        await audit(conn, actor, "delegation.given", f"person:{person_id}", detail=told | {"onward": wanted.onward})
    return made


async def end_grant(conn: Connection, actor: Actor, grant_id: UUID, now_ms: int) -> UUID:
    """Take a right back, from now on; the id of the person. Whoever manages his organisation may, or who gave it."""
    row = await conn.fetchrow(SQL["grant"], grant_id)
    if row is None or not _may_end(actor, row, now_ms):
        raise Problem(404, "grant_unknown")
    if row["person_id"] == actor.user_id:
        raise refuse(Refusal.SELF)
    own = await delegations_of(conn, actor.user_id, now_ms)
    if not within_what_he_gives(own, Role(row["role"]), row["right_region"], row["right_org"]):
        raise refuse(Refusal.NOT_HELD)
    ended = await conn.fetchval(SQL["end_grant"], grant_id, moment(now_ms), actor.user_id)
    if ended is None:
        ended = await conn.fetchval(SQL["drop_grant"], grant_id, moment(now_ms))
    if ended is not None:
        await audit(conn, actor, "grant.ended", f"person:{row['person_id']}", detail={"role": row["role"]})
    found: UUID = row["person_id"]
    return found


async def end_delegation(conn: Connection, actor: Actor, delegation_id: UUID, now_ms: int) -> UUID:
    """Let somebody give a role no longer, nor those whom he let; what they gave others to act with stays."""
    row = await conn.fetchrow(SQL["delegation"], delegation_id)
    if row is None or not _may_end(actor, row, now_ms):
        raise Problem(404, "grant_unknown")
    own = {each.id for each in await delegations_of(conn, actor.user_id, now_ms)}
    if row["person_id"] == actor.user_id or (row["given_from"] not in own and row["given_by"] != actor.user_id):
        raise refuse(Refusal.NOT_HELD)
    ended = await conn.fetch(SQL["end_delegations"], delegation_id, moment(now_ms), actor.user_id)
    detail = {"role": row["role"], "with_those_given_on": len(ended)}
    await audit(conn, actor, "delegation.ended", f"person:{row['person_id']}", detail=detail)
    found: UUID = row["person_id"]
    return found


def _may_end(actor: Actor, row: Record, now_ms: int) -> bool:
    return reach(actor, "grant.give", now_ms).has(row["region"], row["org_id"])


async def found(conn: Connection, person_id: UUID, role: Role, region: str) -> None:
    """The first right to give a role, of a security administrator at the installation: for a place, to be given on."""
    since = await conn.fetchval("SELECT now()")
    await conn.fetchval(SQL["add_delegation"], person_id, role, None, region, None, since, None, True, None, None)
