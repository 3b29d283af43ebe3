"""The pages of budget and plans: finance grants, a unit files and its head decides; nobody sees another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from accounts import records, sessions
from accounts.model import Actor, Grant, Role
from intranet.budget import pages as budget
from intranet.budget.model import Source
from intranet.plans import operations
from intranet.plans import pages as plans
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import a_cast, within
from tests.intranet.money import NOW, a_plan, an_indicator, standing
from tests.site import ORIGIN, WithState, a_client, a_site


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*budget.ROUTES, *plans.ROUTES])


@asynccontextmanager
async def at(app: WithState, pool: Pool, actor: Actor) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of ``actor``."""
    token = await sessions.begin(pool, actor.user_id, NOW())
    cookie = f"{sessions.cookie_name(app.state['settings'])}={token}"
    async with a_client(app, headers={"Origin": ORIGIN, "Cookie": cookie, "Accept": "text/html"}) as client:
        yield client


async def test_finance_grants_adds_and_cuts_and_a_unit_sees_its_own_only(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    form = {"unit": str(cast.buyer.org_id), "project": "档案数字化", "year": "2026", "fund": "special",
            "amount": "1,000.00", "about": "杭财〔2026〕9号"}  # fmt: skip
    async with at(app, pool, cast.supervisor) as finance:
        wrong = await finance.post("/budget", data=form | {"amount": "1000.001"})
        assert wrong.status_code == 422
        assert 'value="档案数字化"' in wrong.text
        made = await finance.post("/budget", data=form)
        assert made.status_code == 303
        place = made.headers["location"]
        over = await finance.post(f"{place}/adjustment", data={"amount": "1000.01", "about": "收回", "act": "cut"})
        assert over.status_code == 422
        assert "可用余额不足" in over.text
        done = await finance.post(f"{place}/adjustment", data={"amount": "400", "about": "收回", "act": "cut"})
        assert done.status_code == 303
    assert (await standing(pool, UUID(place.rsplit("/")[-1]))).available == 60_000
    async with at(app, pool, cast.buyer) as buyer:
        assert "档案数字化" in (await buyer.get("/budget?words=数字化")).text
        shown = (await buyer.get(place)).text
        assert "¥600.00" in shown
        assert "杭财〔2026〕9号" in shown
        assert 'id="adjust"' not in shown
        assert (await buyer.post(f"{place}/adjustment", data={"amount": "1", "about": "x"})).status_code == 403
    stranger = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    async with at(app, pool, stranger) as other:
        assert "档案数字化" not in (await other.get("/budget?words=数字化")).text
        assert (await other.get(place)).status_code == 404


async def test_a_unit_is_found_among_more_than_a_thousand(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    await pool.execute(
        "INSERT INTO organisation (name, kind, region) SELECT '〇' || n, 'buyer', region"
        " FROM organisation, generate_series(1, 1100) n WHERE id = $1", cast.buyer.org_id,
    )  # fmt: skip
    await pool.execute("UPDATE organisation SET name = '龘' || name WHERE id = $1", cast.buyer.org_id)
    form = {"unit": str(cast.buyer.org_id), "project": "档案", "year": "2026", "amount": "1", "about": "x"}
    async with at(app, pool, cast.supervisor) as finance:
        assert f'value="{cast.buyer.org_id}"' in (await finance.get("/budget")).text
        assert (await finance.post("/budget", data=form)).status_code == 303
        assert (await finance.post("/budget", data=form | {"unit": "0"})).status_code == 422
    await pool.execute("DELETE FROM organisation WHERE name ~ '^〇[0-9]+$'")


async def test_finance_of_another_place_grants_nothing_here(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    far = await an_actor(pool, await an_organisation(pool, "supervisor", "110101"), Role.SUPERVISOR, grant_region="11")
    indicator = await an_indicator(pool, 100, org_id=cast.buyer.org_id)
    async with at(app, pool, far) as finance:
        form = {"unit": str(cast.buyer.org_id), "project": "x", "year": "2026", "amount": "1", "about": "x"}
        assert (await finance.post("/budget", data=form)).status_code == 422
        sent = await finance.post(f"/budget/{indicator}/adjustment", data={"amount": "1", "about": "x", "act": "add"})
        assert sent.status_code == 404


async def test_a_plan_is_made_of_an_indicator_beyond_the_two_hundred_in_the_list(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 60_000, org_id=cast.buyer.org_id)
    many = (
        "INSERT INTO indicator (number, region, org_id, year, fund_source, project) "
        "SELECT 'M' || n || id, region, id, 2027, 'general', '维修' FROM organisation, generate_series(1, 250) n "
        "WHERE id = $1"
    )
    await pool.execute(many, cast.buyer.org_id)
    async with at(app, pool, cast.buyer) as buyer:
        assert f'value="{indicator}"' not in (await buyer.get("/plans/new")).text
        assert f'href="/plans/new?indicator={indicator}"' in (await buyer.get(f"/budget/{indicator}")).text
        assert f'value="{indicator}" selected' in (await buyer.get(f"/plans/new?indicator={indicator}")).text
        assert (await buyer.post("/plans", data=a_form(indicator))).status_code == 303


def a_form(indicator: UUID, **changed: Any) -> dict[str, str]:
    return {
        "title": "会议室设备", "category": "A02091001 电视机", "method": "mall", "amount": "500", "project": "设备更新",
        "small_share": "100", "source-1-indicator": str(indicator), "source-1-amount": "500", **changed,
    }  # fmt: skip


async def test_a_plan_is_filed_returned_changed_and_approved_on_the_pages(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 60_000, org_id=cast.buyer.org_id)
    async with at(app, pool, cast.buyer) as buyer, at(app, pool, cast.head) as head:
        empty = await buyer.post("/plans", data={"category": "x"})
        assert empty.status_code == 422
        for field in ("title", "category", "amount", "source-1-indicator"):
            assert f'href="#{field}"' in empty.text
        broke = await buyer.post("/plans", data=a_form(indicator, amount="600.01", **{"source-1-amount": "600.01"}))
        assert broke.status_code == 422
        assert "无预算不得采购" in broke.text
        assert "¥600.00" in broke.text
        place = (await buyer.post("/plans", data=a_form(indicator))).headers["location"]
        assert 'id="decide"' not in (await buyer.get(place)).text
        assert 'id="decide"' in (await head.get(place)).text
        silent = await head.post(f"{place}/decision", data={"act": "return"})
        assert silent.status_code == 409
        assert "退回须写明理由" in silent.text
        assert (await head.post(f"{place}/decision", data={"act": "return", "remark": "金额"})).status_code == 303
        assert 'value="500.00"' in (await buyer.get(f"{place}/edit")).text
        again = a_form(indicator, amount="400", **{"source-1-amount": "400"})
        assert (await buyer.post(place, data=again)).headers["location"] == place
        assert (await head.post(f"{place}/decision", data={"act": "approve"})).status_code == 303
        approved = (await buyer.get(place)).text
        assert 'data-state="approved"' in approved
        assert 'name="plan_no"' in approved
        assert "会议室设备" in (await head.get("/plans?chosen=approved&words=会议室")).text
        assert "Approved" in (await head.get(place, headers={"Cookie": head.headers["Cookie"] + "; lang=en"})).text


async def test_a_plan_of_another_unit_is_not_there(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 60_000, org_id=cast.buyer.org_id)
    plan_id = await within(pool, operations.file, cast.buyer, a_plan(Source(indicator, 500)), NOW())
    org = await an_organisation(pool)
    stranger = await an_actor(pool, org, Role.BUYER, Role.HEAD)
    await records.add_grant(pool, stranger.user_id, Grant(Role.HEAD, "33"))
    async with at(app, pool, stranger) as other:
        for what in ("", "/edit"):
            assert (await other.get(f"/plans/{plan_id}{what}")).status_code == 404
        assert (await other.post(f"/plans/{plan_id}", data=a_form(indicator))).status_code == 404
        assert (await other.post(f"/plans/{plan_id}", data={"title": ""})).status_code == 404
        assert (await other.post(f"/plans/{plan_id}/decision", data={"act": "approve"})).status_code == 404
        assert (await other.post(f"/plans/{plan_id}/withdrawal", data={"yes": "1"})).status_code == 404
    async with at(app, pool, cast.supervisor) as finance:
        assert (await finance.get(f"/plans/{plan_id}")).status_code == 200
