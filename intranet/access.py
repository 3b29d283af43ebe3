"""Who may look at what in the intranet: a unit's own people at its own, supervisors at their places."""

from __future__ import annotations

from uuid import UUID

from accounts.model import Actor, Role
from accounts.rules import may
from plumbing.postgres import Record

READERS = (Role.BUYER, Role.HEAD, Role.SUPERVISOR)


def of_unit(actor: Actor, role: Role, now_ms: int, region: str, org_id: UUID) -> bool:
    """Whether the actor holds ``role`` in the unit itself."""
    return actor.org_id == org_id and may(actor, (role,), region=region, org_id=org_id, now_ms=now_ms)


def oversees(actor: Actor, row: Record, now_ms: int) -> bool:
    """Whether the actor is of finance 财政 for the place of a plan or an indicator."""
    return may(actor, (Role.SUPERVISOR,), region=row["region"], org_id=row["org_id"], now_ms=now_ms)


def sees(actor: Actor, row: Record, now_ms: int) -> bool:
    """Whether the actor may read a plan or an indicator."""
    own = any(of_unit(actor, role, now_ms, row["region"], row["org_id"]) for role in (Role.BUYER, Role.HEAD))
    return own or oversees(actor, row, now_ms)


def own_unit(actor: Actor) -> UUID | None:
    """The unit whose plans and indicators the actor reads as his own; None for others."""
    return actor.org_id if actor.has(Role.BUYER, Role.HEAD) else None


def places(actor: Actor) -> list[str]:
    """The region prefixes the actor supervises."""
    return [grant.region for grant in actor.grants if grant.role is Role.SUPERVISOR and grant.org_id is None]
