"""供应商名录: what the list finds, who sees what, bans, the file for a spreadsheet, the open interface."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.joining import pages as joining
from registries.suppliers import doors, records, rules
from registries.suppliers.model import Ban, Status, SupplierFacts
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.auction.people import an_actor, an_organisation
from tests.registries.firms import HEAD, a_browser, a_code, a_dossier, a_form, a_reviewer, registered
from tests.site import WithState, a_site

ACCOUNT, PHONE = "6222020200112233445", "13812345678"


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*joining.ROUTES, *doors.ROUTES])


def today() -> date:
    return day_of(Clock().now_ms())


async def a_firm(pool: Pool, **changed: Any) -> UUID:
    """A supplier registered by its facts."""
    name = changed.pop("name", f"杭州名录{uuid4().hex[:8]}有限公司")
    region = changed.pop("region", "330106")
    org_id = await an_organisation(pool, "supplier", region, name)
    bans = changed.pop("bans", ())
    given = {"status": Status.ACTIVE, "categories": ("A",), **changed}
    async with pool.acquire() as conn, conn.transaction():
        await records.put(conn, SupplierFacts(org_id=org_id, name="", uscc="", region=region, **given))
        for ban in bans:
            await records.ban(conn, org_id, ban, None)
    return org_id


def a_ban(from_day: int, to_day: int | None) -> Ban:
    ends = None if to_day is None else today() + timedelta(days=to_day)
    return Ban(today() + timedelta(days=from_day), ends, "提供虚假材料", "某市财政局")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "active"), ({"status": Status.PROVISIONAL}, "provisional"), ({"status": Status.CLOSED}, "closed"),
        ({"certificate_until": today()}, "limited"), ({"certificate_until": today() + timedelta(days=1)}, "active"),
        ({"certificate_until": today(), "status": Status.DRAFT}, "draft"), ({"bans": (a_ban(0, None),)}, "banned"),
        ({"bans": (a_ban(-9, 0),)}, "active"), ({"bans": (a_ban(1, 9),)}, "active"),
        ({"bans": (a_ban(-1, 1),), "status": Status.CLOSED}, "closed"),
        ({"bans": (a_ban(-1, 1),), "certificate_until": today()}, "banned"),
    ],
)  # fmt: skip
async def test_where_a_supplier_stands_is_one_thing_in_law_and_schema(
    pool: Pool, changed: dict[str, Any], word: str
) -> None:
    org_id = await a_firm(pool, **changed)
    facts = await records.facts(pool, org_id)
    assert facts is not None
    assert rules.standing(facts, today()) == word
    stored = "SELECT supplier_standing(s, $2::date) FROM supplier s WHERE org_id = $1"
    assert await pool.fetchval(stored, org_id, today()) == word


async def test_the_list_finds_by_words_place_standing_category_and_size(app: WithState, pool: Pool) -> None:
    mark = uuid4().hex[:8]
    await a_firm(pool, name=f"温州{mark}甲有限公司", region="330302", categories=("A02000000",))
    await a_firm(pool, name=f"宁波{mark}乙有限公司", region="330203", categories=("C",), status=Status.PROVISIONAL)
    await a_firm(pool, name=f"宁波{mark}丙有限公司", region="330281", bans=(a_ban(0, 5),))

    async with a_browser(app) as anybody:

        async def found(query: str) -> str:
            page = (await anybody.get(f"/suppliers?words={mark}&{query}")).text
            return "".join(sign for sign in "甲乙丙" if f"{mark}{sign}" in page)

        assert await found("") == "甲乙丙"
        assert await found("region=330200") == "乙丙"
        assert await found("standing=banned") == "丙"
        assert await found("standing=active") == "甲"
        assert await found("category=A02010105") == "甲丙"
        assert await found("size=large") == ""
        assert await found("standing=nonsense&at=x") == "甲乙丙"
        api = (await anybody.get("/api/suppliers", params={"words": mark, "standing": "banned"})).json()
        assert (api["total"], api["suppliers"][0]["standing"]) == (1, "banned")
        one = (await anybody.get(f"/api/suppliers/{api['suppliers'][0]['id']}")).json()
        assert (one["standing"], one["bans"][0]["holds"]) == ("banned", True)
        assert (await anybody.get("/api/suppliers", params={"region": "33"})).status_code == 422
        assert (await anybody.get(f"/api/suppliers/{uuid4()}")).status_code == 404


async def test_each_reader_sees_what_is_his_to_see(app: WithState, pool: Pool) -> None:
    form = a_form(phone=PHONE)
    firm = await registered(app, pool, form)
    account = {"account-1-bank": "某银行西湖支行", "account-1-number": ACCOUNT}
    async with at(app, pool, firm) as own:
        assert (await own.post("/suppliers/own", data=a_dossier(form, **account))).status_code == 303
    path = f"/suppliers/{firm.org_id}"
    buyer = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    rival = await an_actor(pool, await an_organisation(pool, "supplier"), Role.SUPPLIER)
    async with a_browser(app) as anybody:
        public = (await anybody.get(path)).text
    seen = {}
    for name, actor in (("buyer", buyer), ("rival", rival), ("home", await a_reviewer(pool)), ("own", firm)):
        async with at(app, pool, actor) as browser:
            seen[name] = (await browser.get(path)).text
    for page in (public, seen["rival"]):
        assert form["uscc"] in page
        assert not [word for word in (PHONE[-4:], ACCOUNT[-4:], form["head_name"], form["person"]) if word in page]
    assert ("138****5678" in seen["buyer"], PHONE in seen["buyer"], ACCOUNT in seen["buyer"]) == (True, False, False)
    assert all(ACCOUNT in seen[who] and PHONE in seen[who] for who in ("home", "own"))
    assert not [who for who, page in seen.items() if HEAD in page]


async def test_finance_bans_where_it_is_at_home_and_lifts_it_with_a_reason(app: WithState, pool: Pool) -> None:
    org_id = await a_firm(pool, name=f"杭州被禁{uuid4().hex[:6]}有限公司")
    home, far = await a_reviewer(pool, "3301"), await a_reviewer(pool, "3302")
    ban = {
        "begins": str(today()),
        "ends": str(today() + timedelta(days=365)),
        "reason": "围标",
        "authority": "市财政局",
    }

    async def listed(browser: Any) -> bool:
        return str(org_id) in (await browser.get("/suppliers/bans?chosen=holding&words=杭州被禁")).text

    async with at(app, pool, far) as other, at(app, pool, home) as finance:
        assert (await other.post(f"/suppliers/{org_id}/bans", data=ban)).status_code == 404
        for wrong in ({"reason": ""}, {"ends": str(today())}, {"ends": "never"}, {"authority": ""}):
            assert (await finance.post(f"/suppliers/{org_id}/bans", data=ban | wrong)).status_code == 409, wrong
        assert (await finance.post(f"/suppliers/{org_id}/bans", data=ban)).status_code == 303
        facts = await records.facts(pool, org_id)
        assert rules.qualify(facts, "A02010105", Clock().now_ms()) == ["banned"]
        ban_id = await pool.fetchval("SELECT id FROM supplier_ban WHERE org_id = $1", org_id)
        async with a_browser(app) as anybody:
            assert await listed(anybody)
        assert (await other.post(f"/suppliers/bans/{ban_id}/end", data={"reason": "x"})).status_code == 404
        assert (await finance.post(f"/suppliers/bans/{ban_id}/end", data={"reason": ""})).status_code == 422
        assert (await finance.post(f"/suppliers/bans/{ban_id}/end", data={"reason": "复议撤销"})).status_code == 303
        ended = "SELECT during::text, ended_why FROM supplier_ban WHERE id = $1"
        before = await pool.fetchrow(ended, ban_id)
        assert (await finance.post(f"/suppliers/bans/{ban_id}/end", data={"reason": "又一次"})).status_code == 409
        assert await pool.fetchrow(ended, ban_id) == before, "ended once, for ever"
        assert not await listed(finance)
    assert rules.qualify(await records.facts(pool, org_id), "A02010105", Clock().now_ms()) == []
    assert await pool.fetchval("SELECT ended_why FROM supplier_ban WHERE id = $1", ban_id) == "复议撤销"


async def test_a_spreadsheet_takes_no_name_for_a_formula(app: WithState, pool: Pool) -> None:
    mark = uuid4().hex[:8]
    await a_firm(pool, name=f"=HYPERLINK(1){mark}")
    async with a_browser(app) as anybody:
        assert (await anybody.get("/suppliers/export.csv", headers={"Accept": "application/json"})).status_code == 401
    firm = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    async with at(app, pool, firm) as browser:
        answer = await browser.get(f"/suppliers/export.csv?words={mark}")
    rows = list(csv.reader(answer.content.decode("utf-8-sig").splitlines()))
    assert [row[0] for row in rows[1:]] == [f"'=HYPERLINK(1){mark}"]
    assert (
        await pool.fetchval(
            "SELECT count(*) FROM audit_event WHERE event = 'supplier.exported' AND login = $1", firm.login
        )
        == 1
    )


def test_codes_made_for_tests_are_sound() -> None:
    assert len({a_code() for _ in range(20)}) == 20
