"""开户: make an account in one step: the organisation if it is new, the person, his roles, a line in the trail."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from accounts import audit, passwords, records, rules
from accounts.acts import conflict_of
from accounts.admin import giving
from accounts.admin.model import GIVABLE
from accounts.model import WIDE, Grant, Role
from plumbing.postgres import Pool


class PasswordUnfit(ValueError):
    """The password is shorter than 8 characters, longer than 200, or the login itself."""


class DutiesConflict(ValueError):
    """No person holds both of these roles: see the table in ``accounts.acts``."""


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

    Operators, supervisors, the administrators of audit and security, and those of a finance department reach every
    organisation of the region; who administers security may give every role there. All of it stands, or nothing.
    Without a password he cannot log in with one. Raises ``PasswordUnfit``, ``DutiesConflict``,
    ``UniqueViolationError`` for a login in use.
    """
    given = list(roles)
    if any(conflict_of(frozenset(given), role) for role in given):
        raise DutiesConflict(", ".join(given))
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
        for role in given:
            wide = role in WIDE or (role is Role.ADMIN and own["kind"] == "supervisor")
            reach = rules.reach_of(own["region"]) if wide else own["region"]
            await records.add_grant(conn, person, Grant(role, reach, None if wide else org_id))
            for one in GIVABLE if role is Role.SECURITY else ():
                await giving.found(conn, person, one, reach)
        detail = {"login": login, "roles": [str(role) for role in given]}
        await audit.audit(conn, None, "account.opened", f"person:{person}", "done", detail)
    return person
