"""谁看得到什么: how much of a dossier a reader sees.

Public things to all, contacts masked to those who buy or watch, all to its own people and to whoever decides at home.
"""

from __future__ import annotations

from enum import IntEnum
from uuid import UUID

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.rules import may_act

_PARTIES = (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPERVISOR)


class Sight(IntEnum):
    """How much of a dossier somebody sees."""

    PUBLIC = 0
    PARTY = 1
    WHOLE = 2


def sight_of(actor: Actor | None, act: Act, org_id: UUID, region: str, now_ms: int) -> Sight:
    """What this reader sees of a dossier of ``org_id`` at home in ``region``, where ``act`` decides on it."""
    if actor is None:
        return Sight.PUBLIC
    if actor.org_id == org_id or may_act(actor, act, region=region, now_ms=now_ms):
        return Sight.WHOLE
    return Sight.PARTY if actor.has(*_PARTIES) else Sight.PUBLIC
