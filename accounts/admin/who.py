"""谁能办，为什么: who may do an act to the things of an organisation, by which right, from whom; who not, and why."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec

from accounts.acts import ACTS_OF, Act
from accounts.admin.giving import SQL, grant_of
from accounts.model import WIDE, Grant, Role
from accounts.rules import Gap, acts_of, gap_of
from plumbing.postgres import Connection, Pool, Record

REACHING = WIDE | {Role.ADMIN}
"""The roles that are held over organisations of others."""
NOT_AT_ALL = "no_role"
"""No right of the person bears the act."""


class Right(msgspec.Struct, frozen=True):
    """One right of one person, held against the act and the organisation asked about. ``gap``: why not, empty: yes."""

    row: Record
    gap: str


def gap(row: Record, grant: Grant, act: str, org: Record, now_ms: int) -> str:
    """Why a right does not let its holder do ``act`` to what is of ``org`` now; empty when it does."""
    if act not in acts_of(grant):
        return "act"
    if not row["active"]:
        return "off"
    if row["bar"] == "barred":
        return "barred"
    if row["org_state"] == "closed":
        return "closed"
    if grant.role not in REACHING and row["person_org"] != org["id"]:
        return str(Gap.ORG)  # the rooms let nobody act for an organisation that is not his own
    found = gap_of(grant, region=org["region"], org_id=org["id"], object_id=None, now_ms=now_ms)
    return str(found or "")


def roles_with(act: str) -> list[str]:
    """The roles that have an act."""
    return [str(role) for role, acts in ACTS_OF.items() if act in acts]


async def rights(
    conn: Connection | Pool, act: Act, org: Record, now_ms: int, person_id: UUID | None = None
) -> list[Right]:
    """Every right to do ``act`` to what is of ``org``, and every other right of ``person_id`` to do such a thing."""
    rows = await conn.fetch(SQL["who_holds"], roles_with(act), org["region"], person_id, org["id"])
    return [Right(row, gap(row, grant_of(row), act, org, now_ms)) for row in rows]


def verdict(found: Iterable[Right], person_id: UUID) -> str:
    """Why a person may not, by the newest of his rights; empty when he may."""
    own = [each.gap for each in found if each.row["person_id"] == person_id]
    return "" if "" in own else next(iter(own), NOT_AT_ALL)
