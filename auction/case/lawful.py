"""What the law and the local rules say to a case 合法性: parameters pinned, basis derived, notice period kept.

The bridge between cases and the rooms that know the law; cases ask here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from auction.case import gate, params
from auction.case.gate import Gate, GateFacts, GateRefusal, LegalBasis, OfferFormat
from auction.case.params import Row
from auction.case.records import SQL, Db, decode_rules, encode, millis_or_0
from auction.lot.model import LotRules
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.texts import local
from registries.parameters import records as parameters
from registries.suppliers import records as suppliers
from registries.suppliers import rules as supplier_rules
from registries.suppliers.model import Declarations, Disqualification
from standards.categories import ObjectKind, is_code, kind_of
from standards.params import BY_KEY, RuleSet


async def rule_set(conn: Db, region: str, now_ms: int) -> RuleSet:
    """The parameters in force in ``region`` today; a case pins them."""
    return await parameters.rule_set(conn, region, now_ms)


def pinned(row: Row) -> RuleSet:
    """The parameters a case has pinned; defaults for what it did not pin."""
    values = {key: parameter.default for key, parameter in BY_KEY.items()}
    return RuleSet(row["region"], date.min, values | row["rule_set"])


async def sum_of_year(conn: Db, org_id: UUID, auction_id: UUID | None, draft: Any, now_ms: int) -> int:
    """Fen already bought of the same item under the same budget project this year (条例 §28)."""
    begins = local(now_ms).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = begins.replace(year=begins.year + 1)
    given = (org_id, draft.category, draft.budget_project, auction_id, begins, ends)
    total: int = await conn.fetchval(SQL["sum_of_year"], *given)
    return total


async def facts_of(conn: Db, org_id: UUID, region: str, auction_id: UUID | None, draft: Any, now_ms: int) -> GateFacts:
    """What the basis of a draft follows from. Raises ``Problem`` 422 for a category of no or another kind.

    Nobody who drafts may say ``in_batch``, that a batch was joined: the room of batches will, when it opens lots here.
    """
    if not is_code(draft.category) or kind_of(draft.category) is not ObjectKind(draft.kind):
        raise Problem(422, "category_wrong")
    standing = await parameters.standing(conn, draft.category, region, now_ms)
    return GateFacts(
        kind=ObjectKind(draft.kind),
        amount_fen=draft.budget_fen,
        year_sum_fen=await sum_of_year(conn, org_id, auction_id, draft, now_ms),
        catalogued=standing.catalogued,
        batch_item=standing.batch,
        in_framework=draft.in_framework,
        agreement_price_fen=draft.agreement_price_fen,
        uniform=draft.uniform,
        urgent_small=draft.urgent_small,
    )


async def derive(
    conn: Db, org_id: UUID, region: str, auction_id: UUID | None, draft: Any, rules: RuleSet, now_ms: int
) -> tuple[Gate, dict[str, Any]]:
    """The lawful basis of a draft, and what the record keeps of it. Raises ``Problem`` 422 ``gate_refused``.

    The refusal names code, clauses and the lawful way (``gate.refused.*``, ``gate.way.*``) in ``accept``.
    """
    facts = await facts_of(conn, org_id, region, auction_id, draft, now_ms)
    derived = gate.derive(facts, rules)
    if isinstance(derived, GateRefusal):
        raise _refusal(derived)
    few = draft.few_suppliers
    check_lots(derived, [lot.rules for lot in draft.lots], fewest(derived, rules, approved=few is not None))
    return derived, {"facts": encode(facts), "gate": encode(derived), "few_suppliers": encode(few) if few else None}


def _refusal(refused: GateRefusal) -> Problem:
    told = {
        "code": refused.code.value,
        "clauses": list(refused.clauses),
        "way": refused.way.value,
        "limit_fen": refused.limit_fen,
    }
    return Problem(422, "gate_refused", accept=told, why=f"{refused.code.value} ({', '.join(refused.clauses)})")


def fewest(derived: Gate, rules: RuleSet, *, approved: bool) -> int:
    """The fewest valid suppliers a lot may want: fewer with a recorded approval, except where the law names three."""
    statutory = derived.legal_basis.value in (params.STATUTORY, LegalBasis.TENDER_SECOND_OFFER.value)
    if not approved or statutory:
        return derived.suppliers_min
    return min(derived.suppliers_min, rules.number("suppliers.min_approved"))


def check_lots(derived: Gate, lots: Sequence[LotRules], suppliers_min: int) -> None:
    """Raises ``Problem`` 422 for a lot whose format is not lawful here, or that wants fewer suppliers than it must."""
    for no, rules in enumerate(lots, 1):
        refused = gate.judge_format(derived, OfferFormat(rules.format.value))
        if refused:
            raise _refusal(refused)
        if rules.suppliers_min < suppliers_min:
            accept = {"lot": no, "suppliers_min": suppliers_min}
            raise Problem(422, "suppliers_too_few", accept=accept, least=suppliers_min)


async def check_notice(conn: Db, row: Row, now_ms: int) -> None:
    """Raises ``Problem`` 422 when the opening is nearer than the notice period of the case's parameters."""
    published = max(now_ms, millis_or_0(row["signup_from"]))
    await check_opening(conn, row, published, millis_or_0(row["opens_at"]), now_ms)


async def check_opening(conn: Db, row: Row, published: int, opens_at: int, now_ms: int) -> None:
    """Raises ``Problem`` 422 when an opening leaves less than the notice period 公告期 after ``published``."""
    earliest = params.notice_ends_at(row, published, await parameters.calendar(conn))
    if opens_at < earliest or opens_at <= now_ms:
        raise Problem(422, "opens_too_soon", accept={"opens_at_min": earliest}, earliest_at=earliest)


async def check_again(conn: Db, row: Record, lots: Sequence[Record], now_ms: int) -> None:
    """The gate once more before approval: the year's sum and the catalogue may have changed since the draft."""
    kept = row["gate"].get("facts")
    if not kept:
        return
    sum_now = await sum_of_year(conn, row["org_id"], row["id"], _Need(row), now_ms)
    facts = GateFacts(**(kept | {"kind": ObjectKind(kept["kind"]), "year_sum_fen": sum_now}))
    derived = gate.derive(facts, pinned(row))
    if isinstance(derived, GateRefusal):
        raise _refusal(derived)
    least = fewest(derived, pinned(row), approved=bool(row["gate"].get("few_suppliers")))
    check_lots(derived, [decode_rules(lot["rules"]) for lot in lots], least)


class _Need:
    """What is bought, as a stored case has it."""

    def __init__(self, row: Record) -> None:
        self.category, self.budget_project = row["category"], row["budget_project"]


async def qualify(conn: Db, org_id: UUID, row: Record, others: list[UUID], now_ms: int) -> list[str]:
    """Why this supplier may not take part: codes, empty when he may. ``others`` are those admitted already.

    Registered, not banned, in scope; not related to one who is in (条例 §18). His region is never asked (条例 §20).
    """
    facts = await suppliers.facts(conn, org_id)
    reasons = supplier_rules.qualify(facts, row["category"], now_ms)
    if facts is not None and not reasons:
        known = await suppliers.facts_of(conn, others)
        if supplier_rules.conflicts(facts, known.values()):
            reasons = [Disqualification.RELATED]
    return [reason.value for reason in reasons]


async def deduction_bp(
    conn: Db, org_id: UUID, row: Record, declared: Declarations, *, foreign_competes: bool = False
) -> int:
    """The policy deduction 政策扣除 of this supplier in basis points, from registry, declarations and parameters.

    Whether non-domestic goods compete is known only of all who take part: see ``deductions_bp``.
    """
    facts = await suppliers.facts(conn, org_id)
    if facts is None:
        return 0
    kind = ObjectKind(row["kind"])
    return supplier_rules.deduction_bp(facts, declared, pinned(row), kind=kind, foreign_competes=foreign_competes)


async def deductions_bp(conn: Db, row: Record, people: Sequence[Record]) -> list[int]:
    """The deductions of all who take part in a lot, in their order, in basis points.

    That for domestic goods 本国产品 is added where goods are bought and somebody offers goods that are not.
    """
    declared = [msgspec.convert(person["declarations"], Declarations) for person in people]
    least = pinned(row).number("policy.domestic_share_bp")
    domestic = [one.domestic_share_bp >= least for one in declared]
    found = [person["deduction_bp"] for person in people]
    if row["kind"] != ObjectKind.GOODS or all(domestic):
        return found
    for at, person in enumerate(people):
        if domestic[at]:
            found[at] = await deduction_bp(conn, person["org_id"], row, declared[at], foreign_competes=True)
    return found


async def buyer_silence_at(conn: Db, row: Row, now_ms: int) -> int:
    """When the purchaser's time to confirm ends (epoch ms), by the work calendar."""
    count = params.number(row, "award.buyer_confirm_workdays")
    return params.workdays_after(now_ms, count, await parameters.calendar(conn))
