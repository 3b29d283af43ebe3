"""The nouns of the permission centre: what an administrator may give 转授权, and why something is not given."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from accounts.model import Grant, Role

GIVABLE = (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER, Role.EXPERT, Role.SUPERVISOR, Role.ADMIN)
"""What administrators may be allowed to give. The three 三员 are named at the installation, by its command line."""
KINDS = ("buyer", "supplier", "agency", "supervisor", "operator", "expert")
INVITED_MS = 7 * 86_400_000
"""So long an invitation may be taken up."""


class Refusal(StrEnum):
    """Why a right is not given or a person not made, the first that applies."""

    SELF = "self"  # nobody gives to himself
    OUT_OF_REACH = "out_of_reach"  # not one of his organisations
    WRONG_KIND = "wrong_kind"  # no role in such an organisation
    NOT_HELD = "not_held"  # he may not give this role at all
    BEYOND_ACTS = "beyond_acts"
    BEYOND_REGION = "beyond_region"
    BEYOND_TIME = "beyond_time"
    NOT_ONWARD = "not_onward"  # he may give the role, but make no administrators of it
    CONFLICT = "conflict"  # a duty the person holds excludes it
    HELD_ALREADY = "held_already"


class Delegation(msgspec.Struct, frozen=True):
    """A role somebody may give 可授予的岗位: ``reach`` says which, where, for whom and how long.

    ``onward``: he may let others give it too, within the same bounds. It does not let himself act.
    """

    id: UUID
    reach: Grant
    onward: bool = False


class Wanted(msgspec.Struct, frozen=True):
    """A right to be given to a person of ``org_id`` in ``region``; ``onward`` None: to act, else to give it himself."""

    person_id: UUID
    org_id: UUID
    org_kind: str
    region: str
    grant: Grant
    onward: bool | None = None
    made_role: UUID | None = None
    number: str = ""  # of the case, for a right that reaches no other


class Thing(msgspec.Struct, frozen=True):
    """A case that a right may be limited to: where it is, and whose (its unit, its agency)."""

    id: UUID
    number: str
    region: str
    orgs: tuple[UUID, ...]
