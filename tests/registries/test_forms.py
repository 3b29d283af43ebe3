"""Text forms come in versions; a case keeps those that were in force when it was drafted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec import structs

from accounts.model import Role
from auction.case import drafting
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.forms import pages, records
from registries.forms.model import Fault, Form, Kind, fault_of, in_force
from standards.workdays import day_of
from tests.auction.walk import MINUTE, a_cast, a_draft, within
from tests.site import WithState, a_client, a_person, a_site, log_in

DAY = date(2027, 3, 1)
FORM = Form(None, Kind.NOTICE, "33", 0, DAY, "项目编号：{number}\n采购人：{purchaser}", "浙财采监〔2026〕9号")
PAGE = {"accept": "text/html"}


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"region": "333"}, Fault.REGION),
        ({"body": " \n"}, Fault.BODY),
        ({"body": "字\u202e符"}, Fault.BODY),
        ({"body": "{password}"}, Fault.BLANK),
        ({"source": " "}, Fault.SOURCE),
        ({"valid_from": DAY - timedelta(days=1)}, Fault.PERIOD),
    ],
)
def test_a_version_that_cannot_be_is_refused(changed: dict[str, object], fault: Fault) -> None:
    assert fault_of(FORM, None, DAY) is None
    assert fault_of(structs.replace(FORM, **changed), None, DAY) is fault
    assert fault_of(FORM, DAY, DAY) is Fault.PERIOD


def test_the_nearest_place_comes_first_then_the_newest_version() -> None:
    city, later = structs.replace(FORM, region="3301"), structs.replace(FORM, valid_from=DAY + timedelta(days=9))
    assert in_force([FORM, city, later], "330106", DAY) == {Kind.NOTICE: city}
    assert in_force([FORM, city, later], "330200", DAY + timedelta(days=9)) == {Kind.NOTICE: later}
    assert in_force([later], "330106", DAY) == {}


async def test_a_new_case_keeps_the_versions_in_force(fresh_pool: Pool) -> None:
    now = Clock().now_ms()
    today = day_of(now)
    async with fresh_pool.acquire() as conn, conn.transaction():
        first = await records.add(conn, structs.replace(FORM, valid_from=today), today, None)
        coming = structs.replace(FORM, valid_from=today + timedelta(days=1))
        second = await records.add(conn, coming, today, None)
        assert await records.add(conn, coming, today, None) is Fault.PERIOD
    assert isinstance(first, Form)
    assert isinstance(second, Form)
    assert (first.version, second.version) == (1, 2)
    cast = await a_cast(fresh_pool, suppliers=1)
    auction_id = await within(fresh_pool, drafting.create, cast.buyer, a_draft(now + 60 * MINUTE), now)
    pinned = await fresh_pool.fetchval("SELECT text_forms FROM auction WHERE id = $1", auction_id)
    assert pinned == {"notice": str(first.id)}


async def test_the_operator_adds_a_version_on_the_page(fresh_pool: Pool, valkey_client: Valkey, clock: Clock) -> None:
    app: WithState = a_site(fresh_pool, valkey_client, clock, pages.ROUTES)
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '3301', org_id = NULL")
    tomorrow = (day_of(clock.now_ms()) + timedelta(days=1)).isoformat()
    form = {
        "kind": "contract",
        "place": "330100",
        "body": "合同编号：{contract_no}",
        "valid_from": tomorrow,
        "source": "杭财〔2026〕1号",
    }
    async with a_client(app) as client:
        assert 'id="add"' not in (await client.get("/standards/forms", headers=PAGE)).text
        await log_in(client, operator.login)
        for changed, status, words in (
            ({"body": "{secret}"}, 422, "未定义的填写项"),
            ({"valid_from": "soon"}, 422, "最早自次日"),
            ({"place": "330000"}, 403, ""),
            ({"kind": "song"}, 422, "没有这种"),
        ):
            refused = await client.post("/standards/forms", data=form | changed, headers=PAGE)
            assert (refused.status_code, words in refused.text) == (status, True), changed
        done = await client.post("/standards/forms", data=form, headers=PAGE)
        assert (done.status_code, done.headers["location"]) == (303, "/standards/forms?region=330100")
        assert f"{tomorrow} 起" in (await client.get("/standards/forms?region=330106", headers=PAGE)).text
    assert await fresh_pool.fetchval("SELECT count(*) FROM audit_event WHERE event = 'form.added'") == 1
