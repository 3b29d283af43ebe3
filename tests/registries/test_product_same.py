"""同款建议: what the matcher suggests, what a person says of it, and that it can be taken back."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.products import doors
from tests.accounts.admin.people import at
from tests.registries.firms import a_reviewer
from tests.registries.test_products import a_line, a_seller, loaded, of
from tests.site import WithState, a_site


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def looked(browser: httpx.AsyncClient) -> int:
    """How many goods were looked at until none was left."""
    seen = 0
    while (told := (await browser.post("/api/products/same/step")).json())["left"]:
        assert told["looked"], told
        seen += told["looked"]
    return seen + int(told["looked"])


async def the_goods(app: WithState, pool: Pool) -> tuple[Any, Any, Any]:
    """A standard product that is listed, a good that is it in other words, and one of another model."""
    owner, seller, mark = await a_seller(pool), await a_seller(pool), uuid4().hex[:6]
    async with at(app, pool, owner) as browser:
        await loaded(
            browser,
            a_line(
                kind="standard",
                sku="N1",
                model=f"X{mark}7",
                name=f"联想 ThinkPad X{mark}7 笔记本电脑 16GB",
                price="6100",
            ),
        )
    async with at(app, pool, seller) as browser:
        await loaded(
            browser,
            a_line(sku="G1", model="", name=f"ThinkPad X{mark}7 联想笔记本 16GB 商务轻薄", price="5999"),
            a_line(sku="G2", model="", name=f"ThinkPad E{mark}9 联想笔记本 8GB 学生", price="3999"),
        )
    return await of(pool, owner, "N1"), await of(pool, seller, "G1"), await of(pool, seller, "G2")


async def suggested(browser: httpx.AsyncClient, good: Any, which: str = "") -> bool:
    """Whether the page has a row for the good."""
    for number in range(1, 20):
        page = (await browser.get(f"/products/same?at={number}{which}")).text
        if f'data-good="{good["id"]}"' in page:
            return True
        if "data-good" not in page:
            return False
    return False


async def test_a_good_is_suggested_decided_and_taken_back(app: WithState, pool: Pool) -> None:
    standard, same, other = await the_goods(app, pool)
    pair = f"/products/same/{same['id']}/{standard['id']}"
    reviewer, elsewhere = await a_reviewer(pool), await a_reviewer(pool, "3205")
    async with at(app, pool, reviewer) as browser, at(app, pool, elsewhere) as stranger:
        assert await looked(browser) >= 2
        assert not await suggested(browser, same)  # its standard product is not listed yet
        listed = await browser.post(f"/products/{standard['id']}/decision", data={"decision": "list"})
        assert listed.status_code == 303
        assert await looked(browser) >= 1
        assert await suggested(browser, same)
        assert not await suggested(browser, other)
        assert not await suggested(stranger, same)
        assert (await stranger.post(pair, data={"what": "same"})).status_code == 404
        assert (await browser.post(pair, data={"what": "perhaps"})).status_code == 422

        assert (await browser.post(pair, data={"what": "same"})).status_code == 303
        assert await pool.fetchval("SELECT standard_id FROM product WHERE id = $1", same["id"]) == standard["id"]
        assert not await suggested(browser, same)
        assert await suggested(browser, same, "&chosen=decided")
        assert same["name"] in (await browser.get(f"/products/{standard['id']}")).text  # among its sellers
        assert (await browser.post(pair, data={"what": "other"})).status_code == 409

        assert (await browser.post(pair, data={"what": "undo"})).status_code == 303
        assert await pool.fetchval("SELECT standard_id FROM product WHERE id = $1", same["id"]) is None
        assert await suggested(browser, same)
        assert (await browser.post(pair, data={"what": "undo"})).status_code == 409

        assert (await browser.post(pair, data={"what": "other"})).status_code == 303
        await pool.execute("UPDATE product SET looked_at = NULL WHERE id = $1", same["id"])
        assert await looked(browser) >= 1
        assert not await suggested(browser, same)  # what a person said is not asked again
    acts = await pool.fetch(
        "SELECT event FROM audit_event WHERE person_id = $1 AND event LIKE 'product.same%'", reviewer.user_id
    )
    assert sorted(row["event"] for row in acts) == ["product.same_other", "product.same_same", "product.same_undo"]


async def test_a_good_belongs_to_one_standard_product(app: WithState, pool: Pool) -> None:
    standard, same, _ = await the_goods(app, pool)
    another, _, _ = await the_goods(app, pool)
    reviewer = await a_reviewer(pool)
    pairs = [f"/products/same/{same['id']}/{each['id']}" for each in (standard, another)]
    await pool.executemany(
        "INSERT INTO product_same (good_id, standard_id, score) VALUES ($1, $2, 80)",
        [(same["id"], standard["id"]), (same["id"], another["id"])],
    )
    async with at(app, pool, reviewer) as browser:
        assert (await browser.post(pairs[0], data={"what": "same"})).status_code == 303
        refused = await browser.post(pairs[1], data={"what": "same"})
        assert refused.status_code == 409
        assert re.search(r'id="refused-act".*另一件标准商品', refused.text, re.DOTALL)
    assert await pool.fetchval("SELECT standard_id FROM product WHERE id = $1", same["id"]) == standard["id"]
    assert await pool.fetchval("SELECT stage FROM product_same WHERE standard_id = $1", another["id"]) == "open"
