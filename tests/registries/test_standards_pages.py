"""The pages of parameters, categories and work calendar: all read them, the operator changes a value there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.parameters import loading, pages, routes, wording
from server import site
from standards.parameters import PARAMETERS
from standards.workdays import day_of
from tests.site import WithState, a_client, a_person, a_site, log_in

KEY = "gate.limit_goods_fen"
FILE = "code,name\nA03000000,文物和陈列品\nA03010000,不可移动文物\n"
PAGE = {"accept": "text/html"}


@pytest.fixture
def app(fresh_pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(fresh_pool, valkey_client, clock, [*routes.ROUTES, *loading.ROUTES, *pages.ROUTES])


def test_every_value_is_shown_and_read_back_from_its_field() -> None:
    say = site.load_texts().say
    for lang in ("zh", "en"):
        for one in PARAMETERS:
            shown = wording.shown(one, one.default, lambda key, lang=lang, **more: say(key, lang, **more))
            assert shown
            assert say(f"standards_section.{one.key.partition('.')[0]}", lang)
            assert wording.typed(one, wording.field(one, one.default)) == one.default


@pytest.mark.parametrize("text", ["", "abc", "1e3", "-1", "１００", "1.005", "nan"])
def test_no_nonsense_is_read_as_money(text: str) -> None:
    assert wording.typed(next(one for one in PARAMETERS if one.key == KEY), text) is None


async def test_the_operator_sets_a_value_on_the_page_and_its_place_and_day_are_shown(
    app: WithState, fresh_pool: Pool, clock: Clock
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '33', org_id = NULL")
    path = f"/standards/parameters/{KEY}?region=330100"
    tomorrow = (day_of(clock.now_ms()) + timedelta(days=1)).isoformat()
    form = {"value": "500,000", "place": "3301", "valid_from": tomorrow, "source": "杭财〔2026〕1号"}
    async with a_client(app) as client:
        assert 'id="change"' not in (await client.get(path, headers=PAGE)).text
        assert (await client.post(path, data=form, headers=PAGE)).status_code in (303, 401)
        await log_in(client, operator.login)
        for changed, words in (
            ({"value": "abc"}, "参数值的类型不正确"),
            ({"value": "0.001"}, "参数值的类型不正确"),
            ({"valid_from": day_of(clock.now_ms()).isoformat()}, "最早自次日起生效"),
            ({"valid_from": "soon"}, "最早自次日起生效"),
            ({"source": ""}, "请注明依据文件"),
        ):
            refused = await client.post(path, data=form | changed, headers=PAGE)
            assert (refused.status_code, words in refused.text) == (422, True), changed
            assert "杭财〔2026〕1号" in refused.text or "source" in changed
        assert await fresh_pool.fetchval("SELECT count(*) FROM rule_param") == 0
        done = await client.post(path, data=form, headers=PAGE)
        assert (done.status_code, done.headers["location"]) == (303, path)
        page = (await client.get(path, headers=PAGE)).text
        assert "¥500,000.00" in page
        assert "浙江省杭州市" in page
        assert f"{tomorrow} 起" in (await client.get("/standards?region=330106", headers=PAGE)).text
        assert f"{tomorrow} 起" not in (await client.get("/standards?region=330200", headers=PAGE)).text


async def test_parameters_are_found_by_name_and_source_and_nothing_found_says_so(app: WithState) -> None:
    async with a_client(app) as client:
        found = (await client.get("/standards", params={"words": "异常低价"}, headers=PAGE)).text
        assert 'data-key="lowprice.mean_bp"' in found
        assert "gate.mall_live" not in found
        assert 'id="no-parameters"' in (await client.get("/standards", params={"words": "没有"}, headers=PAGE)).text
        assert (await client.get("/standards/parameters/none", headers=PAGE)).status_code == 404
        assert (await client.get("/standards", params={"region": "<b>"}, headers=PAGE)).status_code == 200


async def test_a_file_of_categories_is_checked_first_and_written_whole(
    app: WithState, fresh_pool: Pool, clock: Clock
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '33', org_id = NULL")
    async with a_client(app) as client:
        await log_in(client, operator.login)
        told = (await client.post("/api/categories/import", content=FILE)).json()
        assert (told["new"], told["committed"]) == (2, False)
        assert await fresh_pool.fetchval("SELECT count(*) FROM category") == 0
        bad = await client.post("/api/categories/import?commit=true", content=FILE + "X,坏行\n")
        assert (bad.status_code, bad.json()["code"]) == (422, "import_faulty")
        assert await fresh_pool.fetchval("SELECT count(*) FROM category") == 0
        assert (await client.post("/api/categories/import", content=b"")).json()["code"] == "import_empty"
        assert (await client.post("/api/categories/import", content=b"x" * (1 << 21))).status_code == 413
        done = (await client.post("/api/categories/import?commit=true", content=FILE)).json()
        assert done["committed"]
        page = (await client.get("/standards/categories", params={"words": "文物"}, headers=PAGE)).text
        assert "A03010000" in page
        assert 'id="load"' in page
    assert await fresh_pool.fetchval("SELECT count(*) FROM audit_event WHERE event = 'categories.loaded'") == 1


async def test_a_year_that_is_not_known_says_so(app: WithState) -> None:
    async with a_client(app) as client:
        known = (await client.get("/standards/calendar", params={"year": "2026"}, headers=PAGE)).text
        unknown = (await client.get("/standards/calendar", params={"year": "2090"}, headers=PAGE)).text
    assert "day make_up" in known
    assert "放假安排尚未载入" in unknown


async def test_the_operator_loads_the_holidays_of_a_year_on_the_page(
    app: WithState, fresh_pool: Pool, clock: Clock
) -> None:
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '33', org_id = NULL")
    form = {"year": "2090", "off": "01-02，2090-05-01\n10-02", "make_up": "01-07", "source": "国办发明电〔2089〕1号"}
    async with a_client(app) as client:
        assert 'id="load"' not in (await client.get("/standards/calendar?year=2090", headers=PAGE)).text
        await log_in(client, operator.login)
        for changed, words in (
            ({"off": "01-01"}, "日历有误"),
            ({"off": "13-40"}, "日历有误"),
            ({"source": ""}, "请注明依据"),
        ):
            refused = await client.post("/standards/calendar", data=form | changed, headers=PAGE)
            assert (refused.status_code, words in refused.text) == (422, True), changed
        done = await client.post("/standards/calendar", data=form, headers=PAGE)
        assert (done.status_code, done.headers["location"]) == (303, "/standards/calendar?year=2090")
        assert (await client.post("/standards/calendar", data=form | {"year": "x"}, headers=PAGE)).status_code == 422
        page = (await client.get("/standards/calendar?year=2090", headers=PAGE)).text
    assert "放假安排尚未载入" not in page
    assert "01-02 05-01 10-02" in page
