"""The doors of parameters: open to read, the operator's to change, every change in the audit trail."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.parameters import routes
from standards.workdays import day_of
from tests.site import WithState, a_client, a_person, a_site, log_in

KEY = "auction.duration_minutes"


@pytest.fixture
def app(fresh_pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(fresh_pool, valkey_client, clock, routes.ROUTES)


def a_change(clock: Clock, days: int = 1, **changed: object) -> dict[str, object]:
    begins = day_of(clock.now_ms()) + timedelta(days=days)
    given = {"key": KEY, "region": "3301", "value": 45, "valid_from": begins.isoformat(), "source": "杭财〔2026〕1号"}
    return given | changed


async def test_anybody_reads_what_is_in_force(app: WithState) -> None:
    async with a_client(app) as client:
        found = (await client.get("/api/parameters", params={"region": "330106"})).json()
        assert (await client.get("/api/parameters", params={"region": "33"})).status_code == 422
        calendar = (await client.get("/api/calendars/2026")).json()
        unknown = (await client.get("/api/calendars/2090")).json()
        codes = [each["code"] for each in (await client.get("/api/categories")).json()]
        places = [each["code"] for each in (await client.get("/api/regions")).json()]
    assert {each["key"]: each["value"] for each in found["parameters"]}[KEY] == 30
    assert len(found["sha256"]) == 64
    assert "2026-10-10" in calendar["make_up"]
    assert (calendar["known"], unknown["known"]) == (True, False)
    assert "A02010105" in codes
    assert "330106" in places


async def test_the_operator_sets_a_value_for_his_region_and_it_is_audited(
    app: WithState, fresh_pool: Pool, clock: Clock
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330100")
    await fresh_pool.execute("UPDATE role_grant SET region = '3301', org_id = NULL")
    async with a_client(app) as client:
        await log_in(client, operator.login)
        done = await client.post("/api/parameters/values", json=a_change(clock))
        assert done.status_code == 201
        assert done.json()["valid_to"] is None
        beyond = await client.post("/api/parameters/values", json=a_change(clock, region="33"))
        assert beyond.status_code == 403
        kept = (await client.get("/api/parameters/values", params={"region": "330106"})).json()
    assert [(each["key"], each["region"], each["value"]) for each in kept] == [(KEY, "3301", 45)]
    event = await fresh_pool.fetchrow("SELECT object, detail FROM audit_event WHERE event = 'parameter.set'")
    assert event is not None
    assert event["object"] == f"parameter:{KEY}"
    assert event["detail"]["source"] == "杭财〔2026〕1号"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"value": 5}, "param_bounds"),
        ({"value": "45"}, "param_type"),
        ({"value": True}, "param_type"),
        ({"key": "auction.floor_fen"}, "param_unknown"),
        ({"key": "suppliers.statutory_min", "value": 2}, "param_fixed"),
        ({"region": "330"}, "wrong_shape"),
        ({"source": ""}, "wrong_shape"),
    ],
)
async def test_a_change_beyond_the_law_is_refused_and_nothing_is_written(
    app: WithState, fresh_pool: Pool, clock: Clock, changed: dict[str, object], code: str
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator")
    await fresh_pool.execute("UPDATE role_grant SET region = '', org_id = NULL")
    async with a_client(app) as client:
        await log_in(client, operator.login)
        answer = await client.post("/api/parameters/values", json=a_change(clock, **changed))
        today = await client.post("/api/parameters/values", json=a_change(clock, days=0))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (today.status_code, today.json()["code"]) == (422, "param_period")
    assert date.fromisoformat(today.json()["accept"]["valid_from_min"]) > day_of(clock.now_ms())
    assert await fresh_pool.fetchval("SELECT count(*) FROM rule_param") == 0


async def test_others_change_nothing(app: WithState, fresh_pool: Pool, clock: Clock) -> None:
    buyer = await a_person(fresh_pool, Role.BUYER)
    async with a_client(app) as client:
        assert (await client.post("/api/parameters/values", json=a_change(clock))).status_code == 401
        await log_in(client, buyer.login)
        assert (await client.post("/api/parameters/values", json=a_change(clock))).status_code == 403
        notice = {"off": [], "make_up": [], "source": "x"}
        assert (await client.put("/api/calendars/2027", json=notice)).status_code == 403


async def test_the_operator_loads_the_notice_of_a_year(app: WithState, fresh_pool: Pool) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator")
    await fresh_pool.execute("UPDATE role_grant SET region = '', org_id = NULL")
    async with a_client(app) as client:
        await log_in(client, operator.login)
        notice = {"off": ["2027-01-01"], "make_up": ["2027-01-03"], "source": "国办发明电〔2026〕7号"}
        assert (await client.put("/api/calendars/2027", json=notice)).status_code == 200
        assert (await client.get("/api/calendars/2027")).json()["known"]
        wrong = await client.put("/api/calendars/2027", json=notice | {"off": ["2027-01-02"]})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "calendar_wrong")
        assert (await client.put("/api/calendars/1999", json=notice)).status_code == 404
