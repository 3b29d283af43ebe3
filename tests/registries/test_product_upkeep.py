"""商品动态维护: one product by its form, changed, taken down and put back; what waits stands among the things to do."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts.model import Actor
from accounts.todo import waiting
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.products import doors
from tests.accounts.admin.people import at
from tests.registries.firms import a_browser, a_reviewer
from tests.registries.test_product_alerts import watched
from tests.registries.test_products import a_line, a_seller, loaded, of
from tests.site import WithState, a_site

FORM = {
    "kind": "good", "sku": "H1", "category": "A02010108", "brand": "华为", "model": "MateBook",
    "name": "华为 MateBook 笔记本", "price": "4999.00", "attributes": "ram_gb=16\n颜色=深空灰",
}  # fmt: skip


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def kinds_to_do(pool: Pool, actor: Actor) -> set[str]:
    return {step.kind for step in await waiting.steps_of(pool, actor.user_id, Clock().now_ms())}


async def test_one_product_is_filed_changed_taken_down_and_put_back(app: WithState, pool: Pool) -> None:
    seller, other = await a_seller(pool), await a_seller(pool)
    mark = uuid4().hex[:8]
    form = FORM | {"model": f"MB{mark}", "name": f"华为 MateBook {mark} 笔记本"}
    async with at(app, pool, seller) as browser, at(app, pool, other) as rival, a_browser(app) as anybody:
        assert (await browser.get("/products/new")).status_code == 200
        for wrong in ({"price": "four"}, {"price": "0"}, {"category": "X"}, {"sku": ""}, {"attributes": "ram_gb=viel"}):
            refused = await browser.post("/products/new", data=form | wrong)
            assert refused.status_code == 422
            assert form["name"] in refused.text  # what was typed stands there again
        assert await of(pool, seller, "H1") is None
        assert (await browser.post("/products/new", data=form)).status_code == 303
        good = await of(pool, seller, "H1")
        assert (good["stage"], good["attributes"]) == ("listed", {"ram_gb": "16", "颜色": "深空灰"})
        assert (await browser.post("/products/new", data=form)).status_code == 422  # its number is taken
        in_disguise = form | {"sku": "H2", "name": f"{mark} 笔记本 ＭａｔｅＢｏｏｋ 华为 新款"}
        assert (await browser.post("/products/new", data=in_disguise)).status_code == 422
        path = f"/products/{good['id']}"
        page = (await browser.get(f"{path}/edit")).text
        assert "颜色=深空灰" in page
        assert 'value="4999.00"' in page
        assert (await rival.get(f"{path}/edit")).status_code == 404
        assert (await rival.post(f"{path}/edit", data=form)).status_code == 404
        changed = form | {"price": "4599", "sku": "OTHER", "kind": "standard"}
        assert (await browser.post(f"{path}/edit", data=changed)).status_code == 303
        good = await of(pool, seller, "H1")
        assert (good["kind"], good["price_fen"]) == ("good", 459_900)  # kind and number stay
        assert await pool.fetchval("SELECT count(*) FROM product_price WHERE product_id = $1", good["id"]) == 2

        assert (await rival.post(f"{path}/shelf", data={"what": "withdraw"})).status_code == 404
        assert (await browser.post(f"{path}/shelf", data={"what": "withdraw"})).status_code == 303
        assert (await anybody.get(path)).status_code == 404
        assert (await browser.post(f"{path}/shelf", data={"what": "withdraw"})).status_code == 409
        assert (await browser.post(f"{path}/edit", data=form | {"price": "4499"})).status_code == 303
        assert (await of(pool, seller, "H1"))["stage"] == "withdrawn"  # a change does not put it back
        assert (await browser.post(f"{path}/shelf", data={"what": "restore"})).status_code == 303
        assert (await anybody.get(path)).status_code == 200


async def test_a_standard_product_saved_as_it_stands_does_not_wait_again(app: WithState, pool: Pool) -> None:
    owner, reviewer = await a_seller(pool), await a_reviewer(pool)
    form = FORM | {"kind": "standard", "sku": "K1", "model": f"K{uuid4().hex[:8]}"}
    async with at(app, pool, owner) as browser, at(app, pool, reviewer) as finance:
        assert (await browser.post("/products/new", data=form)).status_code == 303
        path = f"/products/{(await of(pool, owner, 'K1'))['id']}"
        assert (await finance.post(f"{path}/decision", data={"decision": "list"})).status_code == 303
        assert (await browser.post(f"{path}/edit", data=form)).status_code == 303
        assert (await of(pool, owner, "K1"))["stage"] == "listed"
        assert (await browser.post(f"{path}/edit", data=form | {"price": "1"})).status_code == 303
        assert (await of(pool, owner, "K1"))["stage"] == "waiting"


async def test_what_waits_in_the_registry_is_a_thing_to_do(app: WithState, pool: Pool) -> None:
    seller, reviewer = await a_seller(pool), await a_reviewer(pool)
    async with at(app, pool, seller) as browser:
        await loaded(
            browser, a_line(sku="T1", price="1000"), a_line(kind="standard", sku="T2", model="T2", price="900")
        )
    good, standard = await of(pool, seller, "T1"), await of(pool, seller, "T2")
    assert "product_waiting" in await kinds_to_do(pool, reviewer)
    async with at(app, pool, reviewer) as browser:
        given_back = {"decision": "return", "remark": "型号不清"}
        assert (await browser.post(f"/products/{standard['id']}/decision", data=given_back)).status_code == 303
    assert "product_returned" in await kinds_to_do(pool, seller)
    await watched(pool)
    await pool.execute(
        "UPDATE product SET price_fen = 900000, changed_at = clock_timestamp() WHERE id = $1", good["id"]
    )
    await watched(pool)
    assert "product_explain" in await kinds_to_do(pool, seller)
    await pool.execute("UPDATE product_alert SET stage = 'explained' WHERE product_id = $1", good["id"])
    assert "product_explain" not in await kinds_to_do(pool, seller)
    assert "product_alert" in await kinds_to_do(pool, reviewer)  # he still has to look into it
