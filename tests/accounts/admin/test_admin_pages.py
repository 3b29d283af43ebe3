"""The administrators' pages: a city makes a unit and its people, gives a role within what it holds, and no more."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from accounts import sessions
from accounts.model import Role
from accounts.rules import may
from auction.case import drafting
from intranet.plans import pages as plans
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.accounts.admin.people import a_city_admin, a_member, a_unit, at, opened, the_actor
from tests.auction.people import an_actor
from tests.auction.walk import a_cast, a_draft, within
from tests.site import ORIGIN, WithState, a_client, a_site, log_in

NEW = "another phrase, quite long"


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, plans.ROUTES)


async def test_a_city_makes_a_unit_invites_its_handler_and_gives_him_his_role(app: WithState, pool: Pool) -> None:
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    name, login = f"杭州市西湖区某中心 {uuid4().hex[:6]}", f"w{uuid4().hex[:10]}"
    async with at(app, pool, admin) as city:
        made = await city.post("/admin/organisations", data={"name": name, "kind": "buyer", "region": "330106"})
        assert made.status_code == 303
        unit = made.headers["location"]
        assert name in (await city.get("/admin?words=西湖区某中心")).text
        invited = await city.post(f"{unit}/people", data={"person": "王经办", "login": login})
        assert invited.status_code == 201
        link = re.search(r'value="http://yangcai.test(/invitation\?key=[^"]+)"', invited.text)
        assert link
        person = re.search(r'href="(/admin/people/[^"]+)"', invited.text)
        assert person
        given = await city.post(f"{person[1]}/grants", data={"role": "buyer"})
        assert given.status_code == 303
        head = await city.post(f"{person[1]}/grants", data={"role": "head"})
        assert head.status_code == 409
        assert "您没有授予此岗位的权限" in head.text
    address = f"10.78.{uuid4().int % 250}.{uuid4().int % 250}"
    async with a_client(app, address, headers={"Origin": ORIGIN, "Accept": "text/html"}) as browser:
        assert login in (await browser.get(link[1])).text
        key = link[1].split("key=")[1]
        weak = await browser.post("/invitation", data={"key": key, "new": "short", "again": "short"})
        assert weak.status_code == 422
        form = {"key": key, "new": NEW, "again": NEW}
        assert (await browser.post("/invitation", data=form)).status_code == 303
        assert (await browser.post("/invitation", data=form)).status_code == 410
        assert (await browser.get(link[1])).status_code == 410
        me = await log_in(browser, login, NEW)
        assert (me.json()["roles"], me.json()["org_name"]) == (["buyer"], name)
        assert (await browser.get("/plans/new")).status_code == 200
        assert (await browser.get("/admin")).status_code == 403


async def test_a_role_for_one_case_reaches_that_case_and_no_other(app: WithState, pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    unit, now_ms = cast.buyer.org_id, Clock().now_ms()
    cases = [await within(pool, drafting.create, cast.buyer, a_draft(now_ms + 60_000), now_ms) for _ in range(2)]
    number = await pool.fetchval("SELECT number FROM auction WHERE id = $1", cases[0])
    person = await an_actor(pool, unit, region="330100")
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    where = f"/admin/people/{person.user_id}"
    async with at(app, pool, admin) as city:
        elsewhere = await another_units_case(pool)
        for wrong, said in (("CG-none", "没有这个编号的采购项目"), (elsewhere, "该项目不属于此人单位")):
            refused = await city.post(f"{where}/grants", data={"role": "buyer", "case": wrong})
            assert (refused.status_code, said in refused.text) == (422, True)
        given = await city.post(f"{where}/grants", data={"role": "buyer", "case": number})
        assert given.status_code == 303
        assert f"仅限项目 {number}" in (await city.get(where)).text
    later = now_ms + 60_000
    actor = await sessions.by_token(pool, await sessions.begin(pool, person.user_id, later), later)
    region = await pool.fetchval("SELECT region FROM organisation WHERE id = $1", unit)
    of = {"region": region, "org_id": unit, "now_ms": later}
    assert [may(actor, (Role.BUYER,), object_id=each, **of) for each in cases] == [True, False]
    assert not may(actor, (Role.BUYER,), **of), "nor anything else of the unit"


async def another_units_case(pool: Pool) -> str:
    """The number of a case of a unit elsewhere."""
    cast, now_ms = await a_cast(pool, suppliers=0), Clock().now_ms()
    case = await within(pool, drafting.create, cast.buyer, a_draft(now_ms + 60_000), now_ms)
    return str(await pool.fetchval("SELECT number FROM auction WHERE id = $1", case))


async def test_another_city_is_not_there_for_an_administrator(app: WithState, pool: Pool) -> None:
    hangzhou, ningbo = await a_city_admin(pool, "330100", Role.BUYER), await a_city_admin(pool, "330200", Role.BUYER)
    unit = await a_unit(pool, ningbo, "330203")
    person = await a_member(pool, ningbo, unit)
    async with at(app, pool, hangzhou) as city:
        form = {"name": f"越界 {uuid4()}", "kind": "buyer", "region": "330203"}
        refused = await city.post("/admin/organisations", data=form)
        assert (refused.status_code, "不在您的管辖范围内" in refused.text) == (422, True)
        for path in (f"/admin/organisations/{unit}", f"/admin/people/{person}"):
            assert (await city.get(path)).status_code == 404
        for path, data in (
            (f"/admin/organisations/{unit}/people", {"person": "x", "login": "x-y"}),
            (f"/admin/people/{person}/grants", {"role": "buyer"}),
            (f"/admin/people/{person}/delegations", {"role": "buyer"}),
            (f"/admin/people/{person}/state", {"active": "0"}),
            (f"/admin/people/{person}/invitation", {"yes": "1"}),
        ):
            assert (await city.post(path, data=data)).status_code == 404, path
    assert (await the_actor(pool, person)).roles == frozenset()


async def test_a_person_switched_off_is_out_at_once_and_his_role_ends_when_it_is_taken(
    app: WithState, pool: Pool
) -> None:
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    unit = await a_unit(pool, admin)
    person = await a_member(pool, admin, unit)
    async with at(app, pool, admin) as city:
        await city.post(f"/admin/people/{person}/grants", data={"role": "buyer"})
        async with at(app, pool, await the_actor(pool, person)) as handler:
            assert (await handler.get("/plans")).status_code == 200
            grant = re.search(r'action="(/admin/grants/[^"]+/end)"', (await city.get(f"/admin/people/{person}")).text)
            assert grant
            assert (await city.post(grant[1], data={"yes": "1"})).status_code == 303
            assert (await handler.get("/plans")).status_code == 403
            assert "已终止" in (await city.get(f"/admin/people/{person}")).text
            assert (await city.post(f"/admin/people/{person}/state", data={"active": "0"})).status_code == 303
            assert (await handler.get("/api/me")).status_code == 401


async def test_the_security_administrator_takes_away_lost_factors_and_no_other_does(app: WithState, pool: Pool) -> None:
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    security = await opened(pool, Role.SECURITY, "supervisor", "330000")
    member = await a_member(pool, admin, await a_unit(pool, admin))
    await pool.execute("INSERT INTO totp (person_id, secret, last_step) VALUES ($1, '', 0)", member)
    await sessions.begin(pool, member, Clock().now_ms())
    async with at(app, pool, admin) as city, at(app, pool, security) as province:
        assert f"/admin/people/{member}/factors" not in (await city.get(f"/admin/people/{member}")).text
        assert (await city.post(f"/admin/people/{member}/factors")).status_code == 403
        assert f"/admin/people/{member}/factors" in (await province.get(f"/admin/people/{member}")).text
        assert (await province.post(f"/admin/people/{member}/factors")).status_code == 303
        assert (await province.post(f"/admin/people/{security.user_id}/factors")).status_code == 409, "not his own"
    for table in ("totp", "login_session"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table} WHERE person_id = $1", member) == 0


async def test_a_unit_stands_under_another_that_is_named_by_name_or_code(app: WithState, pool: Pool) -> None:
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    above, name = await a_unit(pool, admin), f"下属单位 {uuid4().hex[:8]}"
    called = await pool.fetchval("SELECT name FROM organisation WHERE id = $1", above)
    form = {"name": name, "kind": "buyer", "region": "330106"}
    async with at(app, pool, admin) as city:
        assert (await city.post("/admin/organisations", data=form | {"parent": "没有的单位"})).status_code == 422
        assert (await city.post("/admin/organisations", data=form | {"parent": called})).status_code == 303
    assert await pool.fetchval("SELECT parent_id FROM organisation WHERE name = $1", name) == above


async def test_nobody_of_a_closed_organisation_acts_or_signs_in(app: WithState, pool: Pool) -> None:
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    unit = await a_unit(pool, admin)
    person = await a_member(pool, admin, unit)
    async with at(app, pool, admin) as city:
        await city.post(f"/admin/people/{person}/grants", data={"role": "buyer"})
        async with at(app, pool, await the_actor(pool, person)) as handler:
            assert (await city.post(f"/admin/organisations/{unit}/state", data={"closed": "1"})).status_code == 303
            assert (await handler.get("/api/me")).status_code == 401
            assert (await city.post(f"/admin/organisations/{unit}/state", data={"closed": "0"})).status_code == 303
            assert (await handler.get("/plans")).status_code == 200
        own = await city.post(f"/admin/organisations/{admin.org_id}/state", data={"closed": "1"})
        assert (own.status_code, "不能给自己授权" in own.text) == (422, True)


async def test_whoever_holds_more_than_the_administrator_gives_is_not_his_to_take_over(
    app: WithState, pool: Pool
) -> None:
    admin = await a_city_admin(pool, "330100", Role.BUYER)
    strong = await opened(pool, Role.SUPERVISOR, "supervisor", "330100", admin.org_id)
    async with at(app, pool, admin) as city:
        assert (await city.post(f"/admin/people/{strong.user_id}/invitation", data={"yes": "1"})).status_code == 409
        assert (await city.post(f"/admin/people/{strong.user_id}/state", data={"active": "0"})).status_code == 409
    assert (await the_actor(pool, strong.user_id)).roles == {Role.SUPERVISOR}
