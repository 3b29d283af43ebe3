"""The main story in two browsers: opened, approved, signed up, bid, extended, closed, confirmed, published, settled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from tests.browser.pages import a_browser, a_person
from tests.live import Site, a_live_site, a_page
from tests.support import eventually

pytestmark = pytest.mark.browser
DAY_MS = 24 * 3_600_000


@pytest_asyncio.fixture
async def site(fresh_pool: Pool, valkey_url: str, fresh_url: str) -> AsyncIterator[Site]:
    async with a_live_site(fresh_pool, valkey_url, fresh_url) as site:
        yield site


@pytest_asyncio.fixture
async def browser(chromium: str) -> AsyncIterator[Any]:
    async with a_browser(chromium) as browser:
        yield browser


async def drafted(page: Any, site: Site) -> UUID:
    """The purchaser's draft, typed into the opening wizard and kept, not yet submitted."""
    opens_at = Clock().now_ms() // 60_000 * 60_000 + 14 * DAY_MS
    await page.goto(f"{site.origin}/auctions/new")
    need = {
        "title": "会议室座椅采购", "category": "A05010300", "budget": "48000", "line-1-name": "会议椅",
        "line-1-spec": "网布，扶手可调", "line-1-quantity": "60", "line-1-unit": "把",
    }  # fmt: skip
    for field, words in need.items():
        await page.fill(f"#{field}", words)
    await page.click("#next")
    assert "地方规则" in await page.inner_text("main")
    await page.click("#next")
    await page.fill("#ceiling-1", "48000")
    await page.fill("#step_amount", "24")
    assert "¥47,976.00" in await page.inner_text("#preview")
    await page.click("#next")
    await page.fill("#opens_at", moment_text(opens_at))
    await page.fill("#closes_at", moment_text(opens_at + 1_800_000))
    await page.click("#next")
    assert "¥48,000.00" in await page.inner_text("main")
    await page.click("button[value=draft]")
    await page.wait_for_url(re.compile("/auctions/[0-9a-f-]{36}$"))
    return UUID(page.url.rsplit("/", 1)[1])


async def stage(site: Site, auction_id: UUID) -> str:
    found: str = await site.pool.fetchval("SELECT stage FROM lot WHERE auction_id = $1", auction_id)
    return found


async def sign_up_and_answer(page: Any, site: Site, auction_id: UUID) -> None:
    await page.goto(f"{site.origin}/auctions/{auction_id}")
    await page.click("#signup button[type=submit]")
    await page.fill("input[name=brand]", "甲牌")
    await page.fill("input[name=model]", "M-1")
    await page.fill("input[name=offered]", "网布，扶手可调")
    await page.click("details.offer button[type=submit]")
    await page.wait_for_selector("details.offer .tag")


async def bid_in_room(page: Any, yuan: str) -> None:
    """Type a price, press Enter (which only prepares), then the button that names the amount."""
    await page.fill("#price", yuan)
    await page.press("#price", "Enter")
    assert yuan.split(".")[0] in (await page.inner_text("#go")).replace(",", "")
    await page.click("#go")


async def test_from_a_draft_to_a_published_result_in_two_browsers(site: Site, browser: Any) -> None:
    async with (
        a_person(browser, site, "buyer") as buyer,
        a_person(browser, site, "head") as head,
        a_person(browser, site, "supplier1", phone=True) as one,
        a_person(browser, site, "supplier2") as two,
        a_person(browser, site, "supplier4") as three,
    ):
        auction_id = await drafted(buyer, site)
        case = f"{site.origin}/auctions/{auction_id}"
        await buyer.click(f"form[action='/auctions/{auction_id}/submit'] button")
        assert await stage(site, auction_id) == "approving"
        await head.goto(case)
        await head.click("button[name=yes][value='1']")
        await eventually(lambda: stands(site, auction_id, "signup"), within_s=5)

        for supplier in (one, two, three):
            await sign_up_and_answer(supplier, site, auction_id)
        await buyer.goto(case)
        for _ in range(3):
            row = buyer.locator("[data-table=offers] tr", has_text="待审").first
            await row.locator("button[name=yes][value='1']").click()

        await opened_now(site, auction_id)
        await eventually(lambda: stands(site, auction_id, "running"), within_s=5)
        for supplier in (one, two):
            await supplier.goto(case)
            await supplier.click("[data-go=room]")
            await supplier.wait_for_selector("#light[data-state=live]")
        await buyer.goto(case)
        await buyer.click("[data-go=watch]")
        await bid_in_room(one, "47000.00")
        await one.wait_for_selector("#receipt:not([hidden])")
        await bid_in_room(two, "46000.00")
        await eventually(lambda: _says(one, "#rank-figure", "2"))
        lot_id: UUID = await site.pool.fetchval("SELECT id FROM lot WHERE auction_id = $1", auction_id)
        async with a_page(site, "supplier4") as by_hand:
            assert (await by_hand.bid(lot_id, 4_790_000))["t"] == "taken"
        await eventually(lambda: _says(buyer, "main", "46,000.00"))
        await one.wait_for_selector("[data-clock-overtime]:not([hidden])", timeout=20_000)
        await bid_in_room(one, "45000.00")
        await eventually(lambda: _says(two, "main", "已延时 1 次"))

        await eventually(lambda: stands(site, auction_id, "award_pending"), within_s=30)
        await one.goto(case)
        await one.click("[data-act=confirm-award]")
        await buyer.goto(case)
        await buyer.click(f"form[action='/lots/{lot_id}/confirm'] button")
        assert await stage(site, auction_id) == "published"
        await two.goto(f"{site.origin}/lots/{lot_id}/result")
        told = await two.inner_text("main")
        assert "杭州云视科技有限公司" in told
        assert "¥45,000.00" in told
        assert "宁波声远" not in told, "a loser is named only by alias"

    deal = await site.pool.fetchrow("SELECT * FROM deal WHERE lot_id = $1", lot_id)
    assert deal is not None
    events = await site.pool.fetch("SELECT kind FROM lot_event WHERE lot_id = $1 ORDER BY n", lot_id)
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "opened"
    assert kinds[-1] == "closed"
    assert kinds.count("bid") == 4
    assert kinds.count("extended") == 1


async def stands(site: Site, auction_id: UUID, wanted: str) -> bool:
    """Whether the lot of the case is at a stage."""
    return await stage(site, auction_id) == wanted


async def _says(page: Any, selector: str, words: str) -> bool:
    said = await page.inner_text(selector)
    assert words in said, said[:600]
    return True


async def opened_now(site: Site, auction_id: UUID) -> None:
    """The test's hand on the calendar: the notice period is over, and the lot lasts seconds instead of minutes."""
    await site.pool.execute(
        "UPDATE lot SET opens_at = now(), due_at = now(), rules = jsonb_set(jsonb_set(jsonb_set(rules, "
        "'{duration_ms}', '16000'), '{overtime,window_ms}', '8000'), '{overtime,extend_ms}', '9000') "
        "|| jsonb_build_object('overtime', (rules->'overtime') || "
        '\'{"window_ms": 8000, "extend_ms": 9000, "extensions_max": 1}\'::jsonb) '
        "WHERE auction_id = $1",
        auction_id,
    )
