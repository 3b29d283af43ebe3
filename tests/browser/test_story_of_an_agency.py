"""On the phone: an agency registers, files, is returned, corrects, is checked and published, found by everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest_asyncio

from plumbing.postgres import Pool
from tests.browser.pages import PHONE, a_browser, a_person
from tests.live import Site, a_live_site
from tests.registries.firms import NEW, a_code

SMALL = {"width": PHONE[0], "height": PHONE[1]}
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def registered(page: Any, site: Site, form: dict[str, str]) -> None:
    """The form of whoever comes, then his first sign-in."""
    await page.goto(site.origin + "/register")
    await page.select_option("#kind", "agency")
    await page.select_option("#region", "330106")
    for name, value in form.items():
        await page.fill(f"#{name}", value)
    await page.click("main form .btn.primary")
    await page.fill("#login", form["login"])
    await page.fill("#password", NEW)
    await page.click("main form button[type=submit]")
    await page.wait_for_url("**/registration")


async def filed(page: Any, site: Site, staff: int) -> None:
    """The agency's dossier with so many full-time people."""
    await page.goto(site.origin + "/agencies/own")
    for name in ("head_name", "address", "fee", "contact", "phone"):
        await page.fill(f"#{name}", "刘正言 0.5%")
    await page.click("#change details >> nth=0 >> summary")
    for n in range(1, staff + 1):
        await page.fill(f"#staff-{n}-name", f"刘员{n}")
        await page.check(f"#staff-{n}-full")
    await page.fill("#room-1-name", "第一开标室")
    await page.check("#room-1-recording")
    assert not await page.evaluate(WIDER)
    await page.click("#change button[type=submit]")


async def checked(page: Any, site: Site, code: str, decision: str, remark: str = "") -> None:
    """What waits of the agency, out of the reviewer's list, and his decision."""
    await page.goto(f"{site.origin}/agencies/filings?words={code}")
    await page.click(f"[data-uscc='{code}'] a")
    await page.wait_for_selector("#decide")
    assert not await page.evaluate(WIDER)
    await page.fill("#remark", remark)
    await page.click(f"#decide button[value={decision}]")
    await page.wait_for_url("**/agencies/filings")


async def test_an_agency_is_returned_once_corrected_and_published(site: Site, chromium: str) -> None:
    mark = uuid4().hex[:8]
    form = {"name": f"杭州正言代理有限公司 {mark}", "uscc": a_code(), "phone": "0571-00000000", "person": "刘正言"}
    form |= {"login": f"agent{mark}", "new": NEW, "again": NEW}
    async with (
        a_browser(chromium) as browser,
        a_person(browser, site, "supervisor") as finance,
        a_person(browser, site, "admin") as admin,
    ):
        context = await browser.new_context(viewport=SMALL, locale="zh-CN")
        agent = await context.new_page()
        await registered(agent, site, form)
        await admin.goto(f"{site.origin}/admin/registrations?words={mark}")
        await admin.click(f"[data-login='{form['login']}'] button[value=approve]")
        await admin.wait_for_load_state()

        await filed(agent, site, 4)
        assert "不少于 5 人" in await agent.inner_text("#faults")
        await filed(agent, site, 5)
        await agent.wait_for_selector("#standing[data-standing=reviewing]")
        await checked(finance, site, form["uscc"], "return", "请补充培训证书")
        await agent.goto(site.origin + "/todo")
        await agent.click("[data-todo=agency_correction] .btn:last-child")
        assert "请补充培训证书" in await agent.inner_text("#returned")
        await agent.fill("#staff-1-paper", "PX-2026-1")
        await agent.click("#change button[type=submit]")
        await agent.wait_for_selector("#standing[data-standing=reviewing]")
        await checked(finance, site, form["uscc"], "approve")
        await agent.reload()
        await agent.wait_for_selector("#standing[data-standing=active]")

        public = await (await browser.new_context(viewport=SMALL)).new_page()
        await public.goto(f"{site.origin}/agencies?words={mark}")
        assert not await public.evaluate(WIDER)
        await public.click("#agencies a")
        await public.wait_for_selector("#standing[data-standing=active]")
        assert not await public.evaluate(WIDER)
        await finance.goto(public.url)
        assert await finance.locator(".version").count() == 2
        assert not await finance.evaluate(WIDER)
