"""Plans: what the checks find at which amount, who may file and decide, and no fen promised twice."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from accounts.model import Role
from intranet.budget import holds
from intranet.budget.model import Source
from intranet.plans import operations
from intranet.plans.model import LIFE, Code, Facts, Method, PlanDraft, State, Step
from intranet.plans.rules import judge, small_share_bp, stops
from plumbing.postgres import Pool
from plumbing.problems import Problem
from standards.params import resolve
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import a_cast, within
from tests.intranet.money import NOW, a_plan, an_approved_plan, an_indicator, standing

RULES = resolve([], "330106", date(2026, 5, 6))
WAN = 1_000_000


def found(plan: PlanDraft, year_sum: int = 0, free: int = 10**12) -> list[Code]:
    return [each.code for each in judge(plan, Facts((free,) * len(plan.sources), year_sum), RULES)]


def plan_of(fen: int, **changed: Any) -> PlanDraft:
    return a_plan(Source(uuid4(), fen), **changed)


def test_without_budget_nothing_is_bought() -> None:
    assert found(plan_of(100), free=100) == []
    assert found(plan_of(100), free=99) == [Code.NO_BUDGET]
    assert found(plan_of(100, amount_fen=101)) == [Code.SOURCES_DIFFER]


def test_the_method_must_be_open_at_the_amount() -> None:
    assert found(plan_of(100 * WAN - 1)) == []
    assert found(plan_of(100 * WAN)) == [Code.STATUTORY_NEEDED]
    assert found(plan_of(100 * WAN, method=Method.INQUIRY)) == []
    assert found(plan_of(200 * WAN - 1, method=Method.INQUIRY)) == []
    assert found(plan_of(200 * WAN, method=Method.INQUIRY)) == [Code.OPEN_TENDER_NEEDED]
    assert found(plan_of(200 * WAN, method=Method.INQUIRY, approval_no="财采〔2026〕7号")) == []
    assert found(plan_of(200 * WAN, method=Method.OPEN_TENDER)) == []
    assert found(plan_of(50 * WAN, method=Method.INQUIRY, category="C23000000")) == [Code.INQUIRY_GOODS_ONLY]


def test_small_plans_are_all_for_small_firms_and_large_ones_a_part_or_a_reason() -> None:
    large = plan_of(300 * WAN, method=Method.OPEN_TENDER, small_share_bp=3_000)
    assert small_share_bp(plan_of(200 * WAN), RULES) == 10_000
    assert small_share_bp(large, RULES) == 3_000
    assert found(large) == []
    assert found(plan_of(50 * WAN, small_share_bp=9_999)) == [Code.SMALL_REASON]
    told = plan_of(50 * WAN, small_share_bp=0, small_reason="市场仅有大型企业供应")
    assert found(told) == [Code.SMALL_SHARE]
    assert stops(judge(told, Facts((10**12,)), RULES)) is None


def test_several_purchases_of_one_item_over_the_tender_threshold_are_watched_and_not_stopped() -> None:
    assert found(plan_of(90 * WAN), year_sum=110 * WAN) == []
    assert found(plan_of(90 * WAN), year_sum=110 * WAN + 1) == [Code.SPLIT]
    assert stops(judge(plan_of(90 * WAN), Facts((10**12,), 111 * WAN), RULES)) is None


def test_an_approved_plan_stays_and_every_other_may_be_taken_back() -> None:
    assert not any(state is State.APPROVED for state, _ in LIFE)
    assert {state for state, step in LIFE if step is Step.WITHDRAW} == {State.FILED, State.RETURNED}


async def test_a_plan_is_filed_returned_filed_again_and_approved_by_another_person(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 500, org_id=cast.buyer.org_id)
    plan_id = await within(pool, operations.file, cast.buyer, a_plan(Source(indicator, 500)), NOW())
    await refused("plan_remark_needed", within(pool, operations.decide, cast.head, plan_id, False, "", NOW()))
    await within(pool, operations.decide, cast.head, plan_id, False, "金额有误", NOW())
    again = a_plan(Source(indicator, 400))
    assert await within(pool, operations.file, cast.buyer, again, NOW(), plan_id) == plan_id
    both = await an_actor(pool, cast.buyer.org_id, Role.BUYER, Role.HEAD)
    own = await within(pool, operations.file, both, a_plan(Source(indicator, 100)), NOW())
    await refused("second_person_needed", within(pool, operations.decide, both, own, True, "", NOW()))
    await refused("post_not_yours", within(pool, operations.decide, cast.buyer, plan_id, True, "", NOW()))
    assert await within(pool, operations.decide, cast.head, plan_id, True, "", NOW()) is State.APPROVED
    await refused("plan_passed", within(pool, operations.decide, cast.head, plan_id, True, "", NOW()))
    await refused("plan_passed", within(pool, operations.withdraw, cast.buyer, plan_id, NOW()))
    stranger = await an_actor(pool, await an_organisation(pool), Role.BUYER, Role.HEAD)
    await refused("plan_unknown", within(pool, operations.decide, stranger, own, True, "", NOW()))
    await refused("budget_indicator_unknown", within(pool, operations.file, stranger, again, NOW()))


async def test_two_plans_at_once_never_promise_the_same_fen(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 1_000, org_id=cast.buyer.org_id)

    ways = [within(pool, operations.file, cast.buyer, a_plan(Source(indicator, 300)), NOW()) for _ in range(20)]
    got = await asyncio.gather(*ways, return_exceptions=True)
    told = [each.accept for each in got if isinstance(each, Problem)]
    assert told == [{"code": "no_budget", "fen": 100}] * 17


async def test_what_a_room_holds_outside_of_plans_is_not_free_for_them(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 1_000, org_id=cast.buyer.org_id)
    await within(pool, holds.reserve, uuid4().hex, [Source(indicator, 800)], None, NOW())
    await refused("plan_refused", within(pool, operations.file, cast.buyer, a_plan(Source(indicator, 201)), NOW()))
    await within(pool, operations.file, cast.buyer, a_plan(Source(indicator, 200)), NOW())


async def test_a_plan_draws_on_next_years_indicator_once_its_own_is_closed(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 1_000, org_id=cast.buyer.org_id)
    plan_id, _ = await an_approved_plan(pool, cast.buyer, cast.head, a_plan(Source(indicator, 600)))
    heir = await within(pool, operations.close_indicator, indicator, carry=True, actor=None, now_ms=NOW())
    sources = await pool.fetch(operations.SQL["sources_of"], plan_id)
    assert [(each["indicator_id"], each["amount_fen"]) for each in sources] == [(heir, 600)]
    assert (await standing(pool, heir)).available == 1_000


async def refused(code: str, what: Any) -> None:
    with pytest.raises(Problem) as told:
        await what
    assert told.value.code == code
