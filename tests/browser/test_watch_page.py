"""The watch page moves by itself: questions, motions and holds come and go without a reload, and lots on the board."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from plumbing.postgres import Pool
from tests.browser.pages import a_browser, open_page
from tests.live import Site, a_live_site, a_program, a_started_lot, quick_rules

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def test_a_question_and_a_motion_appear_and_are_dealt_with_on_the_page(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    async with a_browser(chromium) as browser:
        buyer = await open_page(browser, site, "buyer", f"/lots/{lot_id}/watch")
        head = await open_page(browser, site, "head", f"/lots/{lot_id}/watch")
        for page in (buyer, head):
            await page.wait_for_selector("#light[data-state=live]")
        async with a_program(site, "supplier1") as supplier:
            await supplier.post(f"/api/lots/{lot_id}/questions", json={"text": "保修期多长？"})
        await buyer.click("[data-question] [data-answer]")
        await buyer.fill("#act-text", "三年。")
        await buyer.click("#act-yes")
        await head.wait_for_selector("[data-question] .answered")
        await buyer.click("[data-act=pause]")
        await buyer.fill("#act-text", "核对技术参数")
        await buyer.click("#act-yes")
        await buyer.wait_for_selector("[data-motion] .tag.warn")
        await head.click("[data-motion] [data-decide=true]")
        await buyer.wait_for_selector("#motions", state="detached")
        await buyer.wait_for_selector("[data-act=resume]")


async def test_the_supervisor_orders_a_suspension_in_full_knowledge_and_lifts_it(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    async with a_browser(chromium) as browser:
        supervisor = await open_page(browser, site, "supervisor", f"/lots/{lot_id}/watch")
        buyer = await open_page(browser, site, "buyer", f"/lots/{lot_id}/watch")
        for page in (supervisor, buyer):
            await page.wait_for_selector("#light[data-state=live]")
        await supervisor.click("[data-act=suspend]")
        assert "不可撤回" in await supervisor.inner_text("#act")
        await supervisor.fill("#act-days", "31")
        await supervisor.fill("#act-text", "收到投诉，调查报价情况")
        await supervisor.click("#act-yes")
        assert "1 至 30 天" in await supervisor.inner_text("#act-error")
        await supervisor.fill("#act-days", "5")
        assert "将暂停至" in await supervisor.inner_text("#act-until")
        await supervisor.click("#act-yes")
        await buyer.wait_for_selector("#held[data-by=supervisor]")
        assert await buyer.locator("[data-release]").count() == 0, "the unit cannot lift the supervisor's order"
        assert "收到投诉" in await buyer.inner_text("#held")
        assert not await buyer.is_visible("[data-act=hold]")
        await supervisor.click("[data-release]")
        await supervisor.click("#act-yes")
        await buyer.wait_for_selector("#held", state="detached")
        await buyer.wait_for_selector("#lifted")
        await buyer.wait_for_selector("[data-act=pause]")


async def test_the_unit_holds_its_lot_for_a_challenge_and_lifts_it_itself(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    async with a_browser(chromium) as browser:
        buyer = await open_page(browser, site, "buyer", f"/lots/{lot_id}/watch")
        await buyer.wait_for_selector("#light[data-state=live]")
        await buyer.click("[data-act=hold]")
        await buyer.fill("#act-days", "2")
        await buyer.fill("#act-text", "收到质疑")
        await buyer.click("#act-yes")
        await buyer.click("#held[data-by=host] [data-release]")
        await buyer.click("#act-yes")
        await buyer.wait_for_selector("#lifted")


async def test_a_lot_that_opens_comes_onto_the_board_by_itself(site: Site, chromium: str) -> None:
    async with a_browser(chromium) as browser:
        board = await open_page(browser, site, "supervisor", "/board")
        await board.wait_for_selector("#light[data-state=live]")
        lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
        await board.wait_for_selector(f'[data-lot="{lot_id}"] [data-stage].live', timeout=10_000)


async def test_the_watch_page_shows_within_seconds_who_comes_and_goes(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    async with a_browser(chromium) as browser:
        watch = await open_page(browser, site, "buyer", f"/lots/{lot_id}/watch")
        room = await open_page(browser, site, "supplier1", f"/lots/{lot_id}/room", (390, 844))
        await room.wait_for_selector("#light[data-state=live]")
        await room.click("#quick button:nth-child(1)")
        await room.click("#go")
        await watch.wait_for_selector("#rows .presence[data-on=true]", timeout=5_000)
        await room.context.close()
        await watch.wait_for_selector("#rows .presence[data-on=false]", timeout=10_000)
