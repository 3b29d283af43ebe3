"""入驻: whoever registers may do nothing until the administrator of his place lets him in; another place's may not."""

from __future__ import annotations

import pytest

from accounts.model import Role
from auction.doors import practicepages
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.joining import pages as joining
from registries.suppliers import doors as suppliers
from tests.accounts.admin.people import a_city_admin, at
from tests.registries.firms import NEW, a_browser, a_form
from tests.site import WithState, a_site, log_in


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*joining.ROUTES, *suppliers.ROUTES, *practicepages.ROUTES])


async def test_a_supplier_has_his_role_at_once_and_no_administrator_decides_it(app: WithState, pool: Pool) -> None:
    form, city = a_form(), await a_city_admin(pool, "330100", Role.SUPPLIER)
    async with a_browser(app) as new:
        assert (await new.post("/register", data=form)).headers["location"] == "/login?next=/suppliers/own"
        assert (await log_in(new, form["login"], NEW)).json()["roles"] == ["supplier"]
        assert (await new.get("/registration")).headers["location"] == "/suppliers/own"
        assert (await new.get("/practice")).status_code == 200
    async with at(app, pool, city) as admin:
        assert form["name"] not in (await admin.get("/admin/registrations?words=新芽")).text


async def test_an_agency_registers_waits_and_is_let_in_by_its_own_place(app: WithState, pool: Pool) -> None:
    form = a_form(kind="agency")
    city, far = await a_city_admin(pool, "330100", Role.AGENCY), await a_city_admin(pool, "330200", Role.AGENCY)
    async with a_browser(app) as new:
        assert (await new.post("/register", data=form)).status_code == 303
        assert (await log_in(new, form["login"], NEW)).json()["roles"] == []
        assert 'data-state="waiting"' in (await new.get("/registration")).text
        assert (await new.get("/practice")).status_code == 403
        made = await pool.fetchval("SELECT id FROM registration WHERE uscc = $1", form["uscc"])
        place = f"/admin/registrations/{made}"
        async with at(app, pool, far) as other:
            assert form["name"] not in (await other.get("/admin/registrations?words=新芽")).text
            assert (await other.post(place, data={"decision": "approve"})).status_code == 404
        async with at(app, pool, city) as admin:
            assert form["name"] in (await admin.get("/admin/registrations?words=新芽")).text
            silent = await admin.post(place, data={"decision": "refuse"})
            assert silent.status_code == 409
            assert (await admin.post(place, data={"decision": "approve"})).status_code == 303
            again = await admin.post(place, data={"decision": "refuse", "remark": "x"})
            assert (again.status_code, "已经办理" in again.text) == (409, True)
        assert (await new.get("/api/me")).json()["roles"] == ["agency"], "without signing in again"
        assert 'data-state="approved"' in (await new.get("/registration")).text


async def test_a_refused_one_reads_why_and_its_name_and_code_are_free_again(app: WithState, pool: Pool) -> None:
    form, city = a_form(kind="agency"), await a_city_admin(pool, "330100", Role.AGENCY)
    async with a_browser(app) as new:
        await new.post("/register", data=form)
        second = await new.post("/register", data=form | {"login": "x" + form["login"]})
        assert (second.status_code, form["name"] in second.text) == (422, True)
        made = await pool.fetchval("SELECT id FROM registration WHERE uscc = $1", form["uscc"])
        async with at(app, pool, city) as admin:
            sent = {"decision": "refuse", "remark": "证照不清"}
            assert (await admin.post(f"/admin/registrations/{made}", data=sent)).status_code == 303
        await log_in(new, form["login"], NEW)
        assert "证照不清" in (await new.get("/registration")).text
        assert (await new.post("/register", data=form | {"login": "x" + form["login"]})).status_code == 303


async def test_an_administrator_who_may_not_give_the_role_lets_nobody_in(app: WithState, pool: Pool) -> None:
    form, city = a_form(kind="agency"), await a_city_admin(pool, "330100", Role.SUPPLIER)
    async with a_browser(app) as new:
        await new.post("/register", data=form)
    made = await pool.fetchval("SELECT id FROM registration WHERE uscc = $1", form["uscc"])
    async with at(app, pool, city) as admin:
        answer = await admin.post(f"/admin/registrations/{made}", data={"decision": "approve"})
        assert (answer.status_code, "您没有授予此岗位的权限" in answer.text) == (409, True)
    assert await pool.fetchval("SELECT decided_at FROM registration WHERE id = $1", made) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "operator"}, "kind"), ({"region": "33"}, "region"), ({"name": ""}, "name"), ({"uscc": ""}, "uscc"),
        ({"categories": "A02"}, "categories"), ({"categories": ""}, "categories"), ({"person": ""}, "person"),
        ({"head_id": "110101199003070000"}, "head_id"),
        ({"head_id": ""}, "head_id"), ({"head_name": ""}, "head_name"), ({"again": "other"}, "new"),
        ({"new": "short", "again": "short"}, "new"), ({"login": ""}, "login"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(
    app: WithState, pool: Pool, changed: dict[str, str], field: str
) -> None:
    form = a_form(**changed)
    async with a_browser(app) as new:
        answer = await new.post("/register", data=form)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert NEW not in answer.text
    assert await pool.fetchval("SELECT count(*) FROM person WHERE login = $1", form["login"]) == 0


async def test_an_expert_registers_by_his_own_name(app: WithState, pool: Pool) -> None:
    form, city = a_form(kind="expert", name="", uscc="", categories=""), await a_city_admin(pool, "330100", Role.EXPERT)
    async with a_browser(app) as new:
        assert (await new.post("/register", data=form)).status_code == 303
        made = await pool.fetchval(
            "SELECT r.id FROM registration r JOIN person p ON p.id = r.person_id WHERE p.login = $1", form["login"]
        )
        async with at(app, pool, city) as admin:
            assert (await admin.post(f"/admin/registrations/{made}", data={"decision": "approve"})).status_code == 303
        assert (await log_in(new, form["login"], NEW)).json()["roles"] == ["expert"]
