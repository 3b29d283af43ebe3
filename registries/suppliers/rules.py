"""The verdicts of the supplier registry: pure, raise nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from registries.suppliers.model import (
    Declarations,
    Disqualification,
    Relation,
    SizeClass,
    Standing,
    Status,
    SupplierFacts,
)
from standards import categories
from standards.categories import ObjectKind
from standards.params import RuleSet
from standards.workdays import day_of

_BY_STATUS = {
    Status.DRAFT: Disqualification.UNDER_REVIEW,
    Status.REVIEWING: Disqualification.UNDER_REVIEW,
    Status.CLOSED: Disqualification.CLOSED,
}
_CONFLICTS = frozenset({Relation.SAME_HEAD, Relation.DIRECT_CONTROL})


def qualify(facts: SupplierFacts | None, category: str, now_ms: int) -> list[Disqualification]:
    """Why a supplier may not take part in a purchase of ``category`` now; empty when it may. None: not registered.

    Neither its region nor its credit score is asked: both would be unlawful conditions (条例 §20).
    """
    if facts is None:
        return [Disqualification.NOT_REGISTERED]
    on = day_of(now_ms)
    found = {_BY_STATUS[facts.status]} if facts.status in _BY_STATUS else set()
    if any(ban.holds(on) for ban in facts.bans):
        found.add(Disqualification.BANNED)
    if facts.certificate_until is not None and on >= facts.certificate_until:
        found.add(Disqualification.CERTIFICATE_EXPIRED)
    if not categories.in_scope(facts.categories, category):
        found.add(Disqualification.OUT_OF_SCOPE)
    return [each for each in Disqualification if each in found]


def standing(facts: SupplierFacts, on: date) -> Standing:
    """Where a supplier stands on that day; ``supplier_standing`` in the schema says the same."""
    if facts.status is Status.CLOSED:
        return Standing.CLOSED
    if any(ban.holds(on) for ban in facts.bans):
        return Standing.BANNED
    expired = facts.certificate_until is not None and on >= facts.certificate_until
    if expired and facts.status in (Status.ACTIVE, Status.PROVISIONAL):
        return Standing.LIMITED
    return Standing(facts.status.value)


PLEDGES_MAX = 2
"""So often a pledge 承诺函 gives standing at once; whoever was returned oftener waits for the review."""


def standing_after_filing(now: Status | None, *, pledged: bool, sound: bool, returned: int) -> Status:
    """Where a supplier stands who has just filed its dossier. None: it was not registered before.

    With a pledge and a sound code it may take part at once; a code that must be looked at waits for the review. An
    active one stays so, on what was approved before. ``returned``: how often it was returned.
    """
    if now is Status.ACTIVE:
        return Status.ACTIVE
    at_once = pledged and sound and returned < PLEDGES_MAX and now is not Status.CLOSED
    return Status.PROVISIONAL if at_once else Status.REVIEWING


def relations(one: SupplierFacts, two: SupplierFacts) -> list[Relation]:
    """How two different suppliers are related; of one supplier with itself nothing."""
    if one.org_id == two.org_id:
        return []
    found = set()
    if one.head_key and one.head_key == two.head_key:
        found.add(Relation.SAME_HEAD)
    if (one.uscc and one.uscc in two.controllers) or (two.uscc and two.uscc in one.controllers):
        found.add(Relation.DIRECT_CONTROL)
    if (one.controllers & two.controllers) - {""}:
        found.add(Relation.SAME_CONTROLLER)
    return [each for each in Relation if each in found]


def related(one: SupplierFacts, two: SupplierFacts) -> bool:
    """Whether the two may not both take part in one contract: same head, or direct control (条例 §18)."""
    return bool(_CONFLICTS.intersection(relations(one, two)))


def conflicts(facts: SupplierFacts, others: Iterable[SupplierFacts]) -> list[SupplierFacts]:
    """Those of ``others`` (admitted before) who keep ``facts`` out."""
    return [other for other in others if related(facts, other)]


def deduction_bp(
    facts: SupplierFacts,
    declared: Declarations,
    rules: RuleSet,
    *,
    kind: ObjectKind = ObjectKind.GOODS,
    foreign_competes: bool = False,
    reserved: bool = False,
) -> int:
    """The policy deduction 政策扣除 in basis points of the quoted price, for ranking only.

    The rates add on the original price (100, domestic and small 15 %: 65). Small firms, prisons and welfare units count
    when the makers are small too; consortia and subcontracts from the announced share on. The domestic rate counts only
    when non-domestic goods compete. A purchase reserved for small firms deducts nothing for being small.
    """
    size = "works" if kind is ObjectKind.WORKS else "goods"
    total = 0
    if not reserved and declared.small_makers and counts_as_small(facts):
        total += rules.number(f"policy.small_{size}_bp")
    elif not reserved and declared.small_share_bp >= rules.number("policy.consortium_share_bp"):
        total += rules.number(f"policy.consortium_{size}_bp")
    if foreign_competes and declared.domestic_share_bp >= rules.number("policy.domestic_share_bp"):
        total += rules.number("policy.domestic_bp")
    return min(total, rules.number("policy.cap_bp"))


def counts_as_small(facts: SupplierFacts) -> bool:
    """Small and micro firms; prisons and welfare units count as such."""
    return facts.size_class in (SizeClass.MICRO, SizeClass.SMALL) or facts.prison or facts.welfare
