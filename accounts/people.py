"""开户: make an account in one step: the organisation if it is new, the person, his roles, a line in the trail."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from accounts import audit, passwords, records, rules
from accounts.model import Grant, Role
from plumbing.postgres import Pool


class PasswordUnfit(ValueError):
    """The password is shorter than 8 characters, longer than 200, or the login itself."""


async def open_account(
    pool: Pool,
    *,
    org_id: UUID | None = None,
    org_name: str = "",
    org_kind: str = "",
    region: str = "",
    uscc: str | None = None,
    login: str,
    name: str,
    password: str | None,
    roles: Iterable[Role],
) -> UUID:
    """Open an account for ``name`` in ``org_id``, or in a new organisation, with ``roles`` for that organisation.

    Operators, supervisors and auditors reach every organisation of the region. All of it stands, or nothing.
    Without a password he cannot log in with one. Raises ``PasswordUnfit``, ``UniqueViolationError`` for a login in use.
    """
    if password is not None and not rules.password_is_fit(password, login):
        raise PasswordUnfit(login)
    hashed = await passwords.hash_password(password) if password is not None else None
    async with pool.acquire() as conn, conn.transaction():
        if org_id is None:
            org_id = await records.add_organisation(conn, name=org_name, kind=org_kind, region=region, uscc=uscc)
        own = await records.organisation(conn, org_id)
        if own is None:
            raise LookupError(f"no organisation {org_id}")
        person = await records.add_person(conn, org_id=org_id, login=login, name=name, password_hash=hashed)
        given = list(roles)
        for role in given:
            wide = role in (Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR)
            reach = rules.reach_of(own["region"]) if wide else own["region"]
            await records.add_grant(conn, person, Grant(role, reach, None if wide else org_id))
        detail = {"login": login, "roles": [str(role) for role in given]}
        await audit.audit(conn, None, "account.opened", f"person:{person}", "done", detail)
    return person
