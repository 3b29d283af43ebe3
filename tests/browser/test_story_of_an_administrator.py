"""A city's administrator makes a unit and its people, gives a limited role, and cannot give more than he holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from plumbing.postgres import Pool
from tests.browser.pages import a_browser, a_person
from tests.live import Site, a_live_site

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
NEW = "another phrase, quite long"


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def made_unit(page: Any, site: Site, name: str) -> None:
    """A unit of the city, by the form."""
    await page.goto(site.origin + "/admin")
    await page.click("#new-org summary")
    await page.fill("#name", name)
    await page.select_option("#kind", "buyer")
    await page.select_option("#region", "330106")
    await page.click("#new-org button")
    await page.wait_for_selector("#new-person")


async def invited(page: Any, name: str, login: str) -> str:
    """A person of the unit on the page; the link that lets him in. The page is his own afterwards."""
    await page.click("#new-person summary")
    await page.fill("#person", name)
    await page.fill("#login", login)
    await page.click("#new-person button")
    link: str = await page.input_value("#link")
    await page.click("main .btn.primary")
    await page.wait_for_selector("#give")
    return link


async def made_role(page: Any, site: Site, name: str) -> None:
    """A purchaser's handler who may only read plans and indicators."""
    await page.goto(site.origin + "/admin/roles")
    await page.click("#new-role summary")
    await page.fill("#role_name", name)
    await page.fill("#place", "330100")
    await page.check("[data-base=buyer] input[type=radio]")
    for act in ("plan.read", "budget.read"):
        await page.check(f"[data-base=buyer] input[value='{act}']")
    await page.click("#new-role button")
    await page.wait_for_selector("#made-roles")


async def joined(page: Any, link: str, login: str) -> None:
    """The invited sets his password and signs in with it."""
    await page.goto(link)
    assert login in await page.inner_text("main")
    await page.fill("#new", NEW)
    await page.fill("#again", NEW)
    await page.click("main button[type=submit]")
    await page.fill("#login", login)
    await page.fill("#password", NEW)
    await page.click("main form button[type=submit]")
    await page.wait_for_selector(".menu-name")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_a_city_gives_a_limited_role_and_no_more_than_it_holds(site: Site, chromium: str, phone: bool) -> None:
    mark = uuid4().hex[:6]
    unit, role, login = f"杭州市西湖区文化馆 {mark}", f"计划查阅 {mark}", f"reader{mark}"
    async with a_browser(chromium) as browser, a_person(browser, site, "admin", phone) as page:
        await made_unit(page, site, unit)
        link = await invited(page, "林查阅", login)
        person = page.url
        await made_role(page, site, role)
        await page.goto(person)
        await page.select_option("#role", label=role)
        await page.click("#give button")
        await page.wait_for_selector("#grants")
        assert role in await page.inner_text("#grants")

        await page.select_option("#role", "admin")
        await page.fill("#place", "330000")
        await page.click("#give button")
        assert "超出您可以授权的行政区划" in await page.inner_text("#faults")
        assert not await page.evaluate(WIDER)

        other = await (await browser.new_context(locale="zh-CN")).new_page()
        await joined(other, link, login)
        for path, status in (("/plans", 200), ("/budget", 200), ("/plans/new", 403), ("/admin", 403)):
            answer = await other.goto(site.origin + path)
            assert answer.status == status, path

        await page.goto(f"{site.origin}/admin/who?act=plan.read&org={unit}&person={login}")
        assert await page.get_attribute("#verdict", "data-gap") == ""
        assert "何管理" in await page.inner_text(f"#can [data-person={login}]")
        await page.select_option("#act", "plan.file")
        await page.click("main form button[type=submit]")
        assert "不含此操作" in await page.inner_text("#verdict")
        assert await page.locator("#nobody").count() == 1
        for path in ("/admin", "/admin/people", "/admin/registrations", "/admin/roles"):
            await page.goto(site.origin + path)
            assert not await page.evaluate(WIDER), path
