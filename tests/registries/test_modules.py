"""Modules are switched off by place and day: their doors answer with words, their entries are gone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.model import Role
from intranet.budget import pages as budget
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.parameters import pages, records, routes
from registries.parameters.modules import DOORS, module_of
from standards.parameters import PARAMETERS
from standards.params import RuleParam, overlapping
from standards.workdays import day_of
from tests.site import WithState, a_client, a_person, a_site, log_in

PAGE = {"accept": "text/html"}
ENTRY = 'href="/budget"'


@pytest.fixture
def app(fresh_pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(fresh_pool, valkey_client, clock, [*routes.ROUTES, *pages.ROUTES, *budget.ROUTES])


def test_every_module_has_a_switch_and_doors() -> None:
    assert {f"module.{name}" for name in DOORS} == {one.key for one in PARAMETERS if one.key.startswith("module.")}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/plans", "plans"),
        ("/plans/new", "plans"),
        ("/planserver", ""),
        ("/auctions", ""),
        ("/auctions/new/x/2", "opening"),
    ],
)
def test_a_door_belongs_to_a_module_by_its_path(path: str, name: str) -> None:
    assert module_of(path) == name


async def test_a_module_that_is_off_is_gone_in_that_place_and_there_alone(
    app: WithState, fresh_pool: Pool, clock: Clock
) -> None:
    here = await a_person(fresh_pool, Role.BUYER, region="330106")
    elsewhere = await a_person(fresh_pool, Role.BUYER, region="330200")
    today = day_of(clock.now_ms())
    switches = [
        RuleParam(
            "module.plans", "3301", today - timedelta(days=1), today + timedelta(days=9), False, "杭财〔2026〕2号"
        ),
        RuleParam("module.plans", "3302", today + timedelta(days=1), None, False, "甬财〔2026〕2号"),
    ]
    async with fresh_pool.acquire() as conn, conn.transaction():
        for switch in switches:
            await records.put_param(conn, switch, None)
    await app.state["modules"].read(fresh_pool)
    async with a_client(app) as client:
        await log_in(client, here.login)
        gone = await client.get("/budget", headers=PAGE)
        assert (gone.status_code, "本地区未开通该功能" in gone.text) == (404, True)
        assert ENTRY not in (await client.get("/standards", headers=PAGE)).text
    async with a_client(app) as client:
        await log_in(client, elsewhere.login)
        assert (await client.get("/budget", headers=PAGE)).status_code == 200
        assert ENTRY in (await client.get("/standards", headers=PAGE)).text


async def test_a_value_whose_dates_overlap_one_already_set_is_refused_in_words(
    app: WithState, fresh_pool: Pool, clock: Clock
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '33', org_id = NULL")
    first = day_of(clock.now_ms()) + timedelta(days=1)
    days = [(first + timedelta(days=n)).isoformat() for n in range(40)]
    change = {"key": "auction.rounds", "region": "33", "value": 4, "source": "浙财〔2026〕1号"}
    async with a_client(app) as client:
        await log_in(client, operator.login)
        later = await client.post("/api/parameters/values", json=change | {"valid_from": days[20]})
        assert later.status_code == 201
        over = {"valid_from": days[0], "valid_to": days[30]}
        refused = await client.post("/api/parameters/values", json=change | over)
        assert (refused.status_code, refused.json()["code"]) == (422, "param_overlap")
        assert days[20] in refused.json()["detail"]
        assert await fresh_pool.fetchval("SELECT count(*) FROM rule_param") == 1
        fits = await client.post("/api/parameters/values", json=change | {"valid_from": days[0], "valid_to": days[10]})
        assert (fits.status_code, fits.json()["valid_to"]) == (201, days[10])
        form = {"value": "3", "place": "33", "source": "浙财〔2026〕3号", **over}
        page = await client.post("/standards/parameters/auction.rounds", data=form, headers=PAGE)
        assert (page.status_code, "日期重叠" in page.text) == (422, True)


def test_overlaps_are_found_in_one_place_and_of_one_key_only() -> None:
    def a_value(region: str, begins: int, ends: int | None) -> RuleParam:
        until = date(2027, ends, 1) if ends else None
        return RuleParam("auction.rounds", region, date(2027, begins, 1), until, 4, "浙财〔2026〕1号")

    first, second, third, other = (
        a_value("33", 1, 4),
        a_value("33", 4, None),
        a_value("33", 6, 7),
        a_value("3301", 1, None),
    )
    assert overlapping([third, other, second, first]) == [(second, third)]
    assert overlapping([first, second, other]) == []
