"""The verdicts of the permission centre: nobody gives more than he holds, nobody gives to himself. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec

from accounts.acts import conflict_of
from accounts.admin.model import Delegation, Refusal, Wanted
from accounts.model import ROLES_OF_KIND, Actor, Grant, Role
from accounts.rules import acts_of, covers, may_act


class Reach(msgspec.Struct, frozen=True):
    """Which organisations somebody manages: those of the places, and single ones."""

    places: tuple[str, ...]
    orgs: tuple[UUID, ...]

    def has(self, region: str, org_id: UUID) -> bool:
        """Whether this organisation is among them."""
        return org_id in self.orgs or region.startswith(self.places or ("-",))


def reach(actor: Actor, act: str, now_ms: int) -> Reach:
    """Where the actor may do ``act``: one of administration."""
    held = [
        each for each in actor.grants
        if act in acts_of(each) and each.valid_from_ms <= now_ms < (each.valid_until_ms or now_ms + 1)
    ]  # fmt: skip
    return Reach(
        tuple(each.region for each in held if each.org_id is None),
        tuple(each.org_id for each in held if each.org_id is not None),
    )


def beyond(held: Grant, wanted: Grant, region: str) -> Refusal | None:
    """How ``wanted``, for an organisation of ``region``, goes beyond what is ``held``; None when it does not."""
    if not acts_of(wanted) <= acts_of(held):
        return Refusal.BEYOND_ACTS
    within = wanted.region.startswith(held.region) and region.startswith(held.region)
    if not within or (held.org_id is not None and wanted.org_id != held.org_id):
        return Refusal.BEYOND_REGION
    ends = wanted.valid_until_ms
    too_long = held.valid_until_ms is not None and (ends is None or ends > held.valid_until_ms)
    return Refusal.BEYOND_TIME if too_long or wanted.valid_from_ms < held.valid_from_ms else None


def source_of(
    delegations: Iterable[Delegation], wanted: Grant, region: str, *, onward: bool | None, now_ms: int
) -> Delegation | Refusal:
    """Out of which of his ``delegations`` the actor gives ``wanted``; why out of none: the one that comes nearest."""
    order = list(Refusal)
    nearest = Refusal.NOT_HELD
    for each in delegations:
        held = each.reach
        if held.role is not wanted.role or not covers(
            msgspec.structs.replace(held, region="", org_id=None), region="", org_id=None, object_id=None, now_ms=now_ms
        ):
            continue
        found = beyond(held, wanted, region) or (Refusal.NOT_ONWARD if onward is not None and not each.onward else None)
        if found is None:
            return each
        nearest = max(nearest, found, key=order.index)
    return nearest


def within_what_he_gives(delegations: Iterable[Delegation], role: Role, region: str, org_id: UUID | None) -> bool:
    """Whether a right to ``role`` there is one that the holder of ``delegations`` may give, so that he may take it."""
    return any(
        each.reach.role is role and region.startswith(each.reach.region) and each.reach.org_id in (None, org_id)
        for each in delegations
    )


def judge(
    actor: Actor, wanted: Wanted, delegations: Iterable[Delegation], holds: frozenset[Role], now_ms: int
) -> Delegation | Refusal:
    """Whether the actor may give ``wanted`` to a person who ``holds`` these roles; out of which right of his own."""
    role = wanted.grant.role
    if wanted.person_id == actor.user_id:
        return Refusal.SELF
    if not may_act(actor, "grant.give", region=wanted.region, org_id=wanted.org_id, now_ms=now_ms):
        return Refusal.OUT_OF_REACH
    if wanted.onward is None and role not in ROLES_OF_KIND[wanted.org_kind]:
        return Refusal.WRONG_KIND
    source = source_of(delegations, wanted.grant, wanted.region, onward=wanted.onward, now_ms=now_ms)
    if isinstance(source, Refusal):
        return source
    return Refusal.CONFLICT if wanted.onward is None and conflict_of(holds, role) else source
