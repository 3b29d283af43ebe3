"""Data elements: staff ask for another, the operator decides, once, and not his own."""

from __future__ import annotations

import pytest

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.elements import pages
from registries.elements.model import BUILT_IN, Element, Fault, fault_of
from tests.site import a_client, a_person, a_site, log_in

PAGE = {"accept": "text/html"}
FORM = {"code": "energy_label", "name": "能效标识等级", "format": "n1", "reason": "节能产品强制采购需要"}


def test_what_is_built_in_would_be_taken_but_for_its_code() -> None:
    assert {fault_of(one, "理由") for one in BUILT_IN} == {Fault.TAKEN}


@pytest.mark.parametrize(
    ("asked", "reason", "fault"),
    [
        (Element("X1", "名称", "n1"), "理由", Fault.CODE),
        (Element("x1", "名\u202e称", "n1"), "理由", Fault.NAME),
        (Element("x1", "名称", "text"), "理由", Fault.FORMAT),
        (Element("x1", "名称", "n..14,2"), "", Fault.REASON),
    ],
)
def test_a_request_that_cannot_be_is_refused(asked: Element, reason: str, fault: Fault) -> None:
    assert fault_of(asked, reason) is fault


async def test_a_request_is_decided_once_and_joins_the_standard(
    fresh_pool: Pool, valkey_client: Valkey, clock: Clock
) -> None:
    app = a_site(fresh_pool, valkey_client, clock, pages.ROUTES)
    buyer = await a_person(fresh_pool, Role.BUYER, region="330106")
    operator = await a_person(fresh_pool, Role.OPERATOR, kind="operator", region="330000")
    await fresh_pool.execute("UPDATE role_grant SET region = '33', org_id = NULL WHERE role = 'operator'")
    async with a_client(app) as client:
        await log_in(client, buyer.login)
        wrong = await client.post("/standards/elements", data=FORM | {"format": "text"}, headers=PAGE)
        assert (wrong.status_code, "能效标识等级" in wrong.text) == (422, True)
        assert (await client.post("/standards/elements", data=FORM, headers=PAGE)).status_code == 303
        twice = await client.post("/standards/elements", data=FORM, headers=PAGE)
        assert (twice.status_code, "已有人申请" in twice.text) == (422, True)
    path = f"/standards/elements/{await fresh_pool.fetchval('SELECT id FROM element_request')}"
    async with a_client(app) as client:
        await log_in(client, operator.login)
        assert (await client.post(path, data={"yes": "1"}, headers=PAGE)).status_code == 422
        done = await client.post(path, data={"yes": "1", "remark": "同意"}, headers=PAGE)
        assert done.status_code == 303
        again = await client.post(path, data={"yes": "0", "remark": "不同意"}, headers=PAGE)
        assert (again.status_code, "已办结" in again.text) == (409, True)
    async with a_client(app) as client:
        assert "energy_label" in (await client.get("/standards/elements", headers=PAGE)).text
    events = [row["event"] for row in await fresh_pool.fetch("SELECT event FROM audit_event ORDER BY at")]
    assert [event for event in events if event.startswith("element")] == ["element.asked", "element.approved"]
