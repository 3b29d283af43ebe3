"""The tables of accounts, and their only caller."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from accounts import names
from accounts.model import Actor, Grant, Role
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record

SQL = sql.load(Path(__file__).with_name("records.sql"))


def moment(ms: int) -> datetime:
    """Epoch milliseconds as Postgres takes them, exact to the millisecond."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def millis(at: datetime) -> int:
    """A time of Postgres as epoch milliseconds."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


async def add_organisation(
    conn: Connection | Pool, *, name: str, kind: str, region: str, uscc: str | None = None
) -> UUID:
    """Add an organisation 单位 (``kind``: buyer, supplier, agency, supervisor, operator) and give its id."""
    found: UUID = await conn.fetchval(SQL["add_organisation"], name, kind, uscc, region, names.key_of(name))
    return found


async def add_person(
    conn: Connection | Pool, *, org_id: UUID, login: str, name: str, password_hash: str | None = None
) -> UUID:
    """Add a person of ``org_id``, in its region. Without a hash he cannot log in with a password.

    Raises ``UniqueViolationError`` for a login in use (case does not count), ``LookupError`` for no organisation.
    """
    found: UUID | None = await conn.fetchval(SQL["add_person"], org_id, login, name, password_hash)
    if found is None:
        raise LookupError(f"no organisation {org_id}")
    return found


async def add_grant(conn: Connection | Pool, person_id: UUID, grant: Grant, granted_by: UUID | None = None) -> UUID:
    """Give ``person_id`` a role. See ``Grant`` for what it reaches."""
    until = None if grant.valid_until_ms is None else moment(grant.valid_until_ms)
    given = (person_id, grant.role, grant.region, grant.org_id, grant.object_id, moment(grant.valid_from_ms), until)
    found: UUID = await conn.fetchval(SQL["add_grant"], *given, granted_by)
    return found


async def organisation_named(conn: Connection | Pool, name: str, kind: str) -> UUID | None:
    """The organisation of exactly this name and kind; None when there is none."""
    found: UUID | None = await conn.fetchval(SQL["organisation_named"], name, kind)
    return found


async def organisation(conn: Connection | Pool, org_id: UUID) -> Record | None:
    """id, name, kind, uscc, region of an organisation."""
    return await conn.fetchrow(SQL["organisation_by_id"], org_id)


async def actor(
    conn: Connection | Pool, person_id: UUID, session: UUID, expires_at_ms: int, now_ms: int
) -> Actor | None:
    """The person as an actor with the grants valid now; None if he is gone or switched off."""
    row = await conn.fetchrow(SQL["person_with_grants"], person_id, moment(now_ms))
    return actor_of(row, session, expires_at_ms) if row else None


def actor_of(row: Record, session: UUID, expires_at_ms: int, proved_at_ms: int = 0) -> Actor:
    """The person of a row of ``person_with_grants``."""
    grants = msgspec.convert(row["grants"], tuple[Grant, ...])
    return Actor(
        user_id=row["id"],
        login=row["login"],
        name=row["name"],
        org_id=row["org_id"],
        org_name=row["org_name"],
        region=row["region"],
        roles=frozenset(Role(grant.role) for grant in grants),
        session=session,
        grants=grants,
        expires_at_ms=expires_at_ms,
        confined=row["confined"],
        proved_at_ms=proved_at_ms,
    )
