"""A firm registers itself, is returned once, corrects, is approved where it is at home, and signs up elsewhere."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from plumbing.clock import Clock
from plumbing.postgres import Pool
from server.demo import cases
from standards import uscc
from tests.browser.pages import DESKTOP, PHONE, a_browser, a_person
from tests.live import Site, a_live_site
from tests.registries.firms import HEAD, NEW, a_form
from tests.registries.test_papers import a_picture
from tests.support import eventually

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
HOUR = 3_600_000


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url, registers_url="simulated") as running:
        yield running


async def a_case(site: Site) -> UUID:
    """An auction of a purchaser in Hangzhou, in sign-up."""
    now = Clock().now_ms()
    async with site.pool.acquire() as conn, conn.transaction():
        rules = cases.rules_for(cases.CHAIRS, HOUR)
        await cases.add(conn, cases.CHAIRS, rules, now + HOUR, now, bidders=0, dice=random.Random(1))
    found: UUID = await site.pool.fetchval("SELECT id FROM auction ORDER BY id DESC LIMIT 1")
    return found


async def registered(page: Any, site: Site, form: dict[str, str]) -> None:
    """The form of whoever comes, the register asked, then his first sign-in: he is led to his registration."""
    await page.goto(site.origin + "/register")
    await page.fill("#uscc", form["uscc"])
    await page.click("#lookup button")
    await page.wait_for_selector("[data-told=region]:has-text('南湖')")
    assert await page.locator("input[name=name], input[name=head_name]").count() == 0
    assert not await page.evaluate(WIDER)
    for name in ("categories", "head_id", "phone", "person", "login", "new", "again"):
        await page.fill(f"#{name}", form[name])
    await page.check("#pledge")
    await page.click("main form .btn.primary")
    await page.fill("#login", form["login"])
    await page.fill("#password", NEW)
    await page.click("main form button[type=submit]")
    await page.wait_for_selector("#standing[data-standing=provisional]")


async def reviewed(page: Any, site: Site, form: dict[str, str], decision: str, remark: str = "") -> None:
    """What waits of the firm, out of the reviewer's list, and his decision."""
    code = form["uscc"]
    await page.goto(f"{site.origin}/suppliers/filings?words={code}")
    assert not await page.evaluate(WIDER)
    await page.click(f"[data-uscc='{code}'] a")
    await page.wait_for_selector("#decide")
    assert not await page.evaluate(WIDER)
    assert HEAD not in await page.content()
    await page.fill("#remark", remark)
    await page.click(f"#decide button[value={decision}]")
    await page.wait_for_url("**/suppliers/filings")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_a_firm_is_returned_once_approved_and_signs_up(site: Site, chromium: str, phone: bool) -> None:
    body = f"91330402MA{uuid4().int % 10**6:06d}1"
    form = a_form(uscc=body + uscc.check_character(body))
    width, height = PHONE if phone else DESKTOP
    async with a_browser(chromium) as browser, a_person(browser, site, "supervisor", phone) as finance:
        context = await browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        firm = await context.new_page()
        await registered(firm, site, form)
        await reviewed(finance, site, form, "return", "请补充营业执照")

        await firm.goto(site.origin + "/todo")
        await firm.click("[data-todo=supplier_correction] .btn:last-child")
        assert "请补充营业执照" in await firm.inner_text("#returned")
        await firm.wait_for_selector("#standing[data-standing=draft]")
        for name, value in (("kind", "营业执照"), ("number", form["uscc"]), ("until", "2099-12-31")):
            await firm.fill(f"#paper-1-{name}", value)
        licence = {"name": "营业执照.png", "mimeType": "image/png", "buffer": a_picture()}
        await firm.set_input_files("[data-paper] .paper-file >> nth=0", licence)
        await firm.wait_for_selector(".paper-see:text('营业执照.png')")
        await firm.check("#pledge")
        assert not await firm.evaluate(WIDER)
        await firm.click("#change button[type=submit]")
        await firm.wait_for_selector("#standing[data-standing=provisional]")
        await finance.goto(f"{site.origin}/suppliers/filings?words={form['uscc']}")
        await finance.click(f"[data-uscc='{form['uscc']}'] a")
        await finance.locator("#papers img").scroll_into_view_if_needed()
        await eventually(lambda: finance.evaluate("document.querySelector('#papers img').naturalWidth > 0"))
        await reviewed(finance, site, form, "approve")
        await firm.reload()
        await firm.wait_for_selector("#standing[data-standing=active]")

        auction_id = await a_case(site)
        await firm.goto(f"{site.origin}/auctions/{auction_id}")
        await firm.click("#signup button[type=submit]")
        await firm.wait_for_load_state()
        org_id = await site.pool.fetchval("SELECT org_id FROM person WHERE login = $1", form["login"])
        signed = "SELECT status FROM signup WHERE auction_id = $1 AND org_id = $2"
        assert await site.pool.fetchval(signed, auction_id, org_id) == "admitted"

        for path in ("/suppliers", f"/suppliers/{org_id}", "/suppliers/bans"):
            await finance.goto(site.origin + path)
            assert not await finance.evaluate(WIDER), path
        await finance.goto(f"{site.origin}/suppliers/{org_id}")
        assert await finance.locator("#versions .version").count() == 2
