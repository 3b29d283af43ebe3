"""审批: the screen on which one person decides several cases, with the money before his eyes."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from accounts.model import Actor, Role
from auction.case import looking
from auction.lot import live
from intranet.budget.model import Source
from intranet.plans import operations
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.approvals import DESKS
from tests.accounts.flows.test_flow_engine import NOW, Unit, a_unit
from tests.auction.case.test_papers import a_deal
from tests.auction.walk import within
from tests.intranet.money import a_plan, an_indicator
from tests.intranet.test_pages import at
from tests.site import WithState, a_site


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    site = a_site(pool, valkey_client, clock)
    site.state["desks"] = DESKS
    return site


async def two_plans(pool: Pool, region: str) -> tuple[Unit, Actor, list[UUID]]:
    """A unit with 1,000.00 of one indicator, its head, and two plans of it that wait for him: 500.00 and 300.00."""
    unit = await a_unit(pool, region)
    buyer, head = await unit.person(Role.BUYER), await unit.person(Role.HEAD)
    indicator = await an_indicator(pool, 100_000, org_id=unit.org_id)
    filed = []
    for fen in (50_000, 30_000):
        filed.append(await within(pool, operations.file, buyer, a_plan(Source(indicator, fen)), NOW()))
    return unit, head, filed


async def states_of(pool: Pool, plans: list[UUID]) -> list[str]:
    return [await pool.fetchval("SELECT state FROM plan WHERE id = $1", each) for each in plans]


async def test_several_are_approved_together_with_the_money_before_ones_eyes(app: WithState, pool: Pool) -> None:
    _, head, plans = await two_plans(pool, "330181")
    async with at(app, pool, head) as page:
        shown = (await page.get("/approvals")).text
        for told in ("¥700.00", "¥500.00", "一般公共预算", "公开招标数额标准", "近期成交价"):
            assert told in shown
        assert (await page.post("/approvals", data={"act": "approve"})).status_code == 409
        refused = await page.post("/approvals", data={"act": "return", "case": f"plan:{plans[0]}"})
        assert "请填写理由" in refused.text
        for nonsense in ("plan:1", "mall:" + str(plans[0]), str(plans[0])):
            wrong = await page.post("/approvals", data={"act": "approve", "case": nonsense})
            assert (wrong.status_code, "请勾选" in wrong.text) == (409, True)
        assert await states_of(pool, plans) == ["filed", "filed"]
        done = await page.post("/approvals", data={"act": "approve", "case": [f"plan:{each}" for each in plans]})
        assert done.status_code == 303
        assert await states_of(pool, plans) == ["approved", "approved"]
        assert "没有待审批的事项" in (await page.get("/approvals")).text


async def test_one_that_cannot_be_decided_does_not_hold_up_the_others(app: WithState, pool: Pool) -> None:
    unit, head, plans = await two_plans(pool, "330182")
    other = await unit.person(Role.HEAD)
    await within(pool, operations.decide, other, plans[0], True, "", NOW())
    async with at(app, pool, head) as page:
        both = {"act": "approve", "case": [f"plan:{each}" for each in plans]}
        mixed = await page.post("/approvals", data=both)
    assert mixed.status_code == 409
    assert "已办理 1 项" in mixed.text
    number = await pool.fetchval("SELECT number FROM plan WHERE id = $1", plans[0])
    assert number in mixed.text
    assert await states_of(pool, plans) == ["approved", "approved"]


async def test_nobody_decides_from_there_what_is_not_his(app: WithState, pool: Pool) -> None:
    _, _, plans = await two_plans(pool, "330183")
    elsewhere = await (await a_unit(pool, "330184")).person(Role.HEAD)
    async with at(app, pool, elsewhere) as page:
        refused = await page.post("/approvals", data={"act": "approve", "case": f"plan:{plans[0]}"})
    number = await pool.fetchval("SELECT number FROM plan WHERE id = $1", plans[0])
    assert (refused.status_code, number in refused.text) == (409, False)
    assert await states_of(pool, plans) == ["filed", "filed"]


async def test_a_double_click_decides_once(app: WithState, pool: Pool) -> None:
    _, head, plans = await two_plans(pool, "330185")
    async with at(app, pool, head) as page:
        given = {"act": "approve", "case": f"plan:{plans[0]}"}
        answers = await asyncio.gather(*(page.post("/approvals", data=given) for _ in range(2)))
    assert sorted(each.status_code for each in answers) == [303, 409]
    assert await pool.fetchval("SELECT count(*) FROM approval_decision d JOIN approval_case c ON c.id = d.case_id "
                               "WHERE c.object_id = $1", plans[0]) == 1  # fmt: skip


async def test_the_last_prices_paid_for_an_item_are_told_the_units_own_first(pool: Pool, valkey_client: Valkey) -> None:
    await live.load(valkey_client)
    (older, _), (newer, _) = [await a_deal(pool, valkey_client) for _ in range(2)]
    org_id, region = older.buyer.org_id, older.buyer.region
    category = await pool.fetchval("SELECT body->>'category' FROM deal WHERE org_id = $1", org_id)
    for cast in (older, newer):
        first = (await looking.paid(pool, category, cast.buyer.org_id, region))[0]
        own = await pool.fetchrow("SELECT body FROM deal WHERE org_id = $1", cast.buyer.org_id)
        assert (first.org_name, first.at_ms > 0) == (own["body"]["buyer_name"], True)
        assert first.fen in (own["body"]["contract_fen"], own["body"]["lines"][0]["unit_price_fen"])
    assert await looking.paid(pool, category, older.buyer.org_id, "11") == ()
