"""The lawful basis follows from what is bought and for how much; nobody chooses it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.case import gate
from auction.case.gate import Gate, GateCode, GateFacts, GateRefusal, LegalBasis, Method, OfferFormat, Way
from auction.lot.model import FormatName
from server import site
from standards.categories import ObjectKind
from standards.params import RuleParam, RuleSet, resolve

WAN = 1_000_000
GOODS, SERVICES, WORKS = ObjectKind.GOODS, ObjectKind.SERVICES, ObjectKind.WORKS
ON = date(2026, 11, 22)
RULES = resolve([], "330106", ON)
SEALED, LIVE = OfferFormat.SEALED_ONE_SHOT, OfferFormat.LIVE_REVERSE

AMOUNTS = st.sampled_from([-1, 0, 1]).flatmap(
    lambda near: st.sampled_from([10, 50, 100, 120, 200, 400]).map(lambda wan: wan * WAN + near)
)
FACTS = st.builds(
    GateFacts,
    kind=st.sampled_from(ObjectKind),
    amount_fen=AMOUNTS | st.integers(-5, 1_000 * WAN),
    year_sum_fen=st.just(0) | AMOUNTS,
    catalogued=st.booleans(),
    batch_item=st.booleans(),
    in_batch=st.booleans(),
    urgent_small=st.booleans(),
    in_framework=st.booleans(),
    agreement_price_fen=st.none() | AMOUNTS,
    by_central_agency=st.booleans(),
    uniform=st.booleans(),
    non_tender_approved=st.booleans(),
    second_offer_of=st.none() | st.sampled_from(Method),
)


def facts(amount_wan: float = 50, **changes: object) -> GateFacts:
    """Goods outside the catalogue, outside a framework, nothing bought yet this year; in 万元."""
    return GateFacts(**({"kind": GOODS, "amount_fen": round(amount_wan * WAN)} | changes))  # type: ignore[arg-type]


def with_rules(**values: bool | int) -> RuleSet:
    """The default rules with some set by the province."""
    start = date(2026, 1, 1)
    rows = [RuleParam(f"gate.{key}", "33", start, None, value, "浙江") for key, value in values.items()]
    return resolve(rows, "330106", ON)


def passed(given_facts: GateFacts, rules: RuleSet = RULES) -> Gate:
    verdict = gate.derive(given_facts, rules)
    assert isinstance(verdict, Gate), verdict
    return verdict


def refused(given_facts: GateFacts, rules: RuleSet = RULES) -> GateRefusal:
    verdict = gate.derive(given_facts, rules)
    assert isinstance(verdict, GateRefusal), verdict
    return verdict


def test_below_the_limit_local_rules_allow_a_live_auction() -> None:
    found = passed(facts(99.9999))
    assert found.legal_basis is LegalBasis.MALL_LOCAL
    assert found.built_formats == (FormatName.LIVE_REVERSE, FormatName.ROUND_REVERSE, FormatName.SEALED_ONE_SHOT)
    assert (found.notice_workdays_min, found.suppliers_min) == (1, 3)


def test_from_the_limit_on_uniform_goods_are_an_inquiry_of_one_sealed_offer() -> None:
    found = passed(facts(100, uniform=True))
    assert found.legal_basis is LegalBasis.STATUTORY_INQUIRY
    assert found.formats == (SEALED,)
    assert found.built_formats == (FormatName.SEALED_ONE_SHOT,)
    assert (found.notice_workdays_min, found.suppliers_min, found.ranking_shown) == (3, 3, False)
    live = gate.judge_format(found, LIVE)
    assert live == GateRefusal(GateCode.FORMAT_SEALED_ONLY, ("L32", "L40", "74-47"), Way.SEALED_OFFER)
    assert gate.judge_format(found, SEALED) is None


def test_the_years_sum_counts_towards_the_limit() -> None:
    assert passed(facts(40, year_sum_fen=59 * WAN)).legal_basis is LegalBasis.MALL_LOCAL
    assert refused(facts(40, year_sum_fen=60 * WAN)).code is GateCode.NOT_UNIFORM
    assert passed(facts(40, year_sum_fen=60 * WAN, uniform=True)).legal_basis is LegalBasis.STATUTORY_INQUIRY


def test_an_inquiry_is_for_goods_of_uniform_kind_only() -> None:
    assert refused(facts(100)).clauses == ("L32",)
    services = refused(facts(100, kind=SERVICES, uniform=True))
    assert (services.code, services.clauses, services.way) == (GateCode.NOT_GOODS, ("74-3",), Way.CONSULTATION)


@pytest.mark.parametrize(
    ("amount", "year_sum", "code"),
    [(200, 0, GateCode.OPEN_TENDER), (199, 0, None), (100, 100, None), (100, 101, GateCode.SPLIT_PURCHASE)],
)
def test_open_tender_begins_at_the_threshold_and_splitting_above_it(
    amount: int, year_sum: int, code: GateCode | None
) -> None:
    verdict = gate.derive(facts(amount, year_sum_fen=year_sum * WAN, uniform=True), RULES)
    assert (verdict.code if isinstance(verdict, GateRefusal) else None) is code
    if isinstance(verdict, GateRefusal):
        assert verdict.limit_fen == 200 * WAN
        assert verdict.way is Way.OPEN_TENDER


def test_a_recorded_approval_lifts_the_duty_to_tender_and_no_more() -> None:
    assert passed(facts(300, uniform=True, non_tender_approved=True)).formats == (SEALED,)
    assert refused(facts(300, non_tender_approved=True)).code is GateCode.NOT_UNIFORM


def test_inside_a_framework_any_amount_may_be_auctioned_up_to_the_agreement_price() -> None:
    found = passed(facts(300, in_framework=True, catalogued=True, agreement_price_fen=300 * WAN))
    assert found.legal_basis is LegalBasis.FRAMEWORK_MINI
    assert LIVE in found.formats
    assert found.invite_all
    assert (found.ceiling_max_fen, found.notice_workdays_min) == (300 * WAN, 3)
    over = refused(facts(300.01, in_framework=True, agreement_price_fen=300 * WAN))
    assert (over.code, over.limit_fen) == (GateCode.CEILING_OVER_AGREEMENT, 300 * WAN)
    assert refused(facts(in_framework=True, kind=WORKS)).code is GateCode.WORKS_IN_FRAMEWORK


@pytest.mark.parametrize("in_framework", [False, True])
def test_a_batch_item_is_not_auctioned_singly_unless_urgent_and_small(in_framework: bool) -> None:
    item = {"batch_item": True, "in_framework": in_framework}
    assert refused(facts(5, **item)) == GateRefusal(GateCode.BATCH_ITEM, ("R24",), Way.JOIN_BATCH, 10 * WAN)
    assert passed(facts(5, urgent_small=True, **item))
    assert refused(facts(10, urgent_small=True, **item)).code is GateCode.BATCH_ITEM
    assert refused(facts(5, urgent_small=True, year_sum_fen=5 * WAN, **item)).code is GateCode.BATCH_ITEM
    assert passed(facts(50, in_batch=True, **item))


def test_catalogue_items_go_through_the_central_agency_or_a_framework() -> None:
    assert refused(facts(100, catalogued=True, uniform=True)).clauses == ("L18", "L7")
    found = passed(facts(100, catalogued=True, by_central_agency=True, uniform=True))
    assert found.legal_basis is LegalBasis.STATUTORY_INQUIRY


def test_below_the_limit_local_rules_say_whether_catalogue_items_may_be_auctioned_in_the_mall() -> None:
    assert passed(facts(99, catalogued=True)).legal_basis is LegalBasis.MALL_LOCAL
    closed = with_rules(mall_catalogued=False)
    assert refused(facts(99, catalogued=True), closed).code is GateCode.CENTRAL_AGENCY
    sealed = passed(facts(5, catalogued=True, by_central_agency=True, uniform=True), closed)
    assert sealed.legal_basis is LegalBasis.STATUTORY_INQUIRY


def test_works_are_never_auctioned_here() -> None:
    assert refused(facts(1, kind=WORKS)).code is GateCode.WORKS
    assert refused(facts(400, kind=WORKS)).code is GateCode.OPEN_TENDER


def test_the_last_offer_of_a_negotiation_is_sealed_and_shows_no_ranking() -> None:
    found = passed(facts(300, second_offer_of=Method.NEGOTIATION))
    assert (found.legal_basis, found.formats) == (LegalBasis.TENDER_SECOND_OFFER, (SEALED,))
    assert not found.ranking_shown


def test_a_province_may_move_the_limits_and_close_the_mall() -> None:
    assert passed(facts(100), with_rules(limit_goods_fen=100 * WAN + 1)).legal_basis is LegalBasis.MALL_LOCAL
    closed = passed(facts(5), with_rules(mall_live=False))
    assert closed.formats == (SEALED,)
    assert refused(facts(5, kind=SERVICES), with_rules(mall_services=False)).code is GateCode.MALL_CLOSED
    assert OfferFormat.DUTCH_REVERSE in passed(facts(5), with_rules(further_formats=True)).formats
    assert gate.judge_format(passed(facts(5)), OfferFormat.DUTCH_REVERSE) == GateRefusal(
        GateCode.FORMAT_CLOSED, ("local-mall",), Way.OTHER_FORMAT
    )


@pytest.mark.parametrize(("amount", "year_sum", "code"), [(0, 0, GateCode.AMOUNT), (1, -1, GateCode.YEAR_SUM)])
def test_amounts_of_nothing_are_refused(amount: int, year_sum: int, code: GateCode) -> None:
    assert refused(facts(amount, year_sum_fen=year_sum)).code is code


@given(FACTS)
def test_a_live_format_is_lawful_only_in_a_framework_or_below_the_limit(given_facts: GateFacts) -> None:
    verdict = gate.derive(given_facts, RULES)
    if not isinstance(verdict, Gate) or LIVE not in verdict.formats:
        return
    total = given_facts.amount_fen + given_facts.year_sum_fen
    assert given_facts.kind is not WORKS
    assert given_facts.second_offer_of is None
    assert given_facts.in_framework or total < gate.limit_fen(given_facts.kind, RULES)
    assert not given_facts.batch_item or given_facts.in_batch or total < 10 * WAN


@given(FACTS)
def test_a_gate_always_lets_one_sealed_offer_pass_and_a_refusal_always_cites_the_law(given_facts: GateFacts) -> None:
    verdict = gate.derive(given_facts, RULES)
    if isinstance(verdict, Gate):
        assert SEALED in verdict.formats
        assert verdict.clauses
        assert verdict.suppliers_min >= 3
    else:
        assert verdict.clauses or verdict.way is Way.CORRECT


@given(FACTS, st.integers(1, 500 * WAN))
def test_buying_more_never_opens_a_live_auction_that_was_closed(given_facts: GateFacts, more: int) -> None:
    before = gate.derive(given_facts, RULES)
    larger = GateFacts(**{name: getattr(given_facts, name) for name in given_facts.__struct_fields__}
                       | {"amount_fen": given_facts.amount_fen + more})  # fmt: skip
    after = gate.derive(larger, RULES)
    if isinstance(after, Gate) and LIVE in after.formats and given_facts.amount_fen > 0:
        assert isinstance(before, Gate)
        assert LIVE in before.formats


def test_every_word_of_the_gate_is_in_the_catalogue() -> None:
    catalogue = site.load_texts()
    wanted = [f"gate.basis.{each}" for each in LegalBasis] + [f"gate.format.{each}" for each in OfferFormat]
    wanted += [f"gate.refused.{each}" for each in GateCode] + [f"gate.way.{each}" for each in Way]
    clauses = {"L4", "L7", "L18", "L27", "L28", "L32", "L38", "L40", "R24", "R28", "74-3", "74-47", "110-3", "110-33"}
    wanted += [f"clause.{each}" for each in clauses | {"110-35", "local-mall"}]
    assert [key for key in wanted if key not in catalogue] == []
    assert "¥2,000,000.00" in catalogue.say("gate.refused.open_tender", "zh", limit_fen=200 * WAN)
