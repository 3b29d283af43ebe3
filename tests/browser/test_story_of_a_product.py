"""A firm loads a file with a bad line; goods are found, compared, reviewed; a price is told, explained, dismissed."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from plumbing.postgres import Pool
from tests.browser.pages import a_browser, a_person
from tests.live import Site, a_live_site
from tests.support import eventually

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
COLUMNS = ("kind", "sku", "category", "brand", "model", "name", "price", "ram_gb")


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


def a_file(mark: str) -> bytes:
    """Two laptops, and one without a price."""
    out = io.StringIO()
    lines = [(f"{mark}1", "5999", "16"), (f"{mark}2", "7999", "32"), (f"{mark}3", "面议", "8")]
    laptops = [
        ("good", sku, "A02010108", "拓界", sku, f"拓界凌霄笔记本电脑 {sku}", price, ram) for sku, price, ram in lines
    ]
    csv.writer(out).writerows([COLUMNS, *laptops])
    return out.getvalue().encode()


async def at(page: Any, site: Site, path: str) -> None:
    await page.goto(site.origin + path)
    assert not await page.evaluate(WIDER), path


async def found(page: Any, site: Site, words: str) -> int:
    """How many products the search finds, typed in its field."""
    await at(page, site, "/products")
    await page.fill("form[role=search] [name=words]", words)
    await page.press("form[role=search] [name=words]", "Enter")
    await page.wait_for_url("**/products?*")
    assert not await page.evaluate(WIDER), words
    return int(await page.locator("#products [data-product]").count())


async def loaded(page: Any, site: Site, mark: str) -> None:
    """The file is judged before the firm's eyes, its bad line named, the good ones go over."""
    await at(page, site, "/products/own")
    await page.set_input_files("#file", {"name": "商品.csv", "mimeType": "text/csv", "buffer": a_file(mark)})
    await page.wait_for_selector("#import[data-stage=judged]")
    assert "price" in await page.inner_text("#faulty [data-line='4']")
    assert not await page.evaluate(WIDER)
    await page.click("#import button[value=good]")
    await page.wait_for_selector(f"#own :text('{mark}2')")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_products_are_loaded_found_compared_reviewed_and_watched(site: Site, chromium: str, phone: bool) -> None:
    mark = "t" + uuid4().hex[:7]
    async with (
        a_browser(chromium) as browser,
        a_person(browser, site, "supplier1", phone) as firm,
        a_person(browser, site, "buyer", phone) as buyer,
        a_person(browser, site, "supervisor", phone) as finance,
    ):
        await loaded(firm, site, mark)
        slip = f"{mark[:3]}{mark[4]}{mark[3]}{mark[5:]}1"
        for words in (f"凌霄 {mark}1", f"零消 {mark}1", slip, "lingxiaobijiben"):
            assert await found(buyer, site, words) > 0, words
        ids = [str(await site.pool.fetchval("SELECT id FROM product WHERE sku = $1", f"{mark}{n}")) for n in (1, 2)]
        await at(buyer, site, f"/products/compare?id={ids[0]}&id={ids[1]}")
        assert await buyer.locator("svg.scatter circle").count() == 2
        await at(buyer, site, f"/products/{ids[0]}")
        await buyer.check("#rate [name=stars][value='4']")
        await buyer.fill("#rate [name=words]", "运行稳定，送货及时")
        await buyer.click("#rate button.primary")
        await buyer.wait_for_selector("#mean:text('4.0')")

        await at(firm, site, f"/products/{ids[0]}/edit")
        await firm.fill("#price", "9999")
        await firm.click("#product-form button.primary")
        await firm.wait_for_url(f"**/products/{ids[0]}")
        told = "SELECT count(*) FROM product_alert WHERE product_id = $1::text::uuid"
        await eventually(lambda: site.pool.fetchval(told, ids[0]), within_s=15)
        alert = f"[data-alert='{ids[0]}/history']"
        await at(firm, site, "/products/own/alerts")
        await firm.fill(f"{alert} [name=remark]", "出厂价上调，有调价通知")
        await firm.click(f"{alert} button")
        await firm.wait_for_load_state()
        await at(finance, site, "/products/alerts")
        assert "有调价通知" in await finance.inner_text(alert)
        await finance.fill(f"{alert} [name=remark]", "已核对调价通知")
        await finance.click(f"{alert} button")
        await finance.wait_for_load_state()
        assert await finance.locator(alert).count() == 0
        for page, path in ((finance, "/products/statistics"), (firm, "/products/own/statistics")):
            await at(page, site, path)
