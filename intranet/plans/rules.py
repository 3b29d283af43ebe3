"""The checks of a plan 计划审核: pure, raise nothing."""

from __future__ import annotations

from intranet.plans.model import WATCHED, Code, Facts, Finding, Method, PlanDraft
from standards.categories import ObjectKind, kind_of
from standards.params import RuleSet

STATUTORY = frozenset(Method) - {Method.MALL, Method.FRAMEWORK}


def judge(plan: PlanDraft, facts: Facts, rules: RuleSet) -> list[Finding]:
    """What speaks against a plan, the worst first; see ``stops`` for what refuses it.

    No budget, no buying (政府采购法 §6); the method must be open at this amount (§26, §27; 限额); several purchases of
    one item whose sum is over the tender threshold are watched 化整为零 (条例 §28); a share is reserved for small firms
    (财库〔2020〕46号 §7, §8) or a reason given.
    """
    return [*_budget(plan, facts), *_method(plan, rules), *_small(plan, rules), *_split(plan, facts, rules)]


def stops(findings: list[Finding]) -> Finding | None:
    """The first finding that refuses the plan, or None."""
    return next((each for each in findings if each.code not in WATCHED), None)


def small_share_bp(plan: PlanDraft, rules: RuleSet) -> int:
    """The share that is to be reserved for small and medium firms: all of a small plan, a part of a large one."""
    kind = kind_of(plan.category)
    works = kind is ObjectKind.WORKS
    if plan.amount_fen <= rules.number("plan.small_all_works_fen" if works else "plan.small_all_fen"):
        return 10_000
    return rules.number("plan.small_share_works_bp" if works else "plan.small_share_bp")


def _budget(plan: PlanDraft, facts: Facts) -> list[Finding]:
    if sum(source.fen for source in plan.sources) != plan.amount_fen:
        return [Finding(Code.SOURCES_DIFFER, plan.amount_fen)]
    short = [free for source, free in zip(plan.sources, facts.free, strict=True) if source.fen > free]
    return [Finding(Code.NO_BUDGET, max(0, short[0]))] if short else []


def _method(plan: PlanDraft, rules: RuleSet) -> list[Finding]:
    kind = kind_of(plan.category)
    tender, limit = rules.number(f"gate.tender_{kind}_fen"), rules.number(f"gate.limit_{kind}_fen")
    allowed = plan.method in (Method.OPEN_TENDER, Method.FRAMEWORK) or bool(plan.approval_no)
    if plan.amount_fen >= tender and not allowed:
        return [Finding(Code.OPEN_TENDER_NEEDED, tender)]
    if plan.amount_fen >= limit and plan.method is Method.MALL:
        return [Finding(Code.STATUTORY_NEEDED, limit)]
    if plan.method is Method.INQUIRY and kind is not ObjectKind.GOODS:
        return [Finding(Code.INQUIRY_GOODS_ONLY)]
    return []


def _small(plan: PlanDraft, rules: RuleSet) -> list[Finding]:
    wanted = small_share_bp(plan, rules)
    if plan.small_share_bp >= wanted:
        return []
    return [Finding(Code.SMALL_SHARE if plan.small_reason else Code.SMALL_REASON, plan.amount_fen * wanted // 10_000)]


def _split(plan: PlanDraft, facts: Facts, rules: RuleSet) -> list[Finding]:
    tender = rules.number(f"gate.tender_{kind_of(plan.category)}_fen")
    others = plan.method is not Method.OPEN_TENDER and plan.amount_fen < tender and facts.year_sum_fen > 0
    return [Finding(Code.SPLIT, tender)] if others and facts.year_sum_fen + plan.amount_fen > tender else []
