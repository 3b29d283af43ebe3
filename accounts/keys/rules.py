"""The verdicts of API keys: pure, raise nothing."""

from __future__ import annotations

import re

import msgspec

from accounts.acts import Act
from accounts.model import Actor
from accounts.rules import acts_of, compiled

MARK = "yck_"
"""What every key begins with, so that one that leaked is recognised."""
KEY = re.compile(r"yck_[A-Za-z0-9_-]{43}")
KEYS_MAX = 20
DAY_MS = 86_400_000
DAYS = (30, 90, 365)
PER_MINUTE = (60, 600, 6_000)

BY_A_PERSON = frozenset({
    Act.CASE_APPROVE, Act.CASE_AWARD, Act.CASE_SUSPEND, Act.MOTION_DECIDE, Act.PLAN_DECIDE, Act.RECORD_RELEASE,
    Act.BUDGET_GRANT, Act.STANDARDS_SET, Act.ORG_MANAGE, Act.PERSON_MANAGE, Act.REGISTRATION_DECIDE, Act.GRANT_GIVE,
})  # fmt: skip
"""What a person decides himself: no key bears it."""


def bearable(actor: Actor) -> list[str]:
    """The acts a key of this person may bear, sorted: those he has, but what a person decides himself."""
    return sorted(str(act) for act in compiled(actor.grants) if act not in BY_A_PERSON)


def narrowed(actor: Actor, acts: frozenset[str]) -> Actor:
    """The person with ``acts`` alone: of each grant what both have, of his roles those that have something left."""
    borne = acts - BY_A_PERSON
    held = tuple(
        msgspec.structs.replace(grant, acts=frozenset(acts_of(grant)) & borne)
        for grant in actor.grants
        if acts_of(grant) & borne
    )
    return msgspec.structs.replace(actor, grants=held, roles=frozenset(grant.role for grant in held))
