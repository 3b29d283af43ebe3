"""A draw of experts: two secrets, two who decline, their replacements, names locked until the time, recomputed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from tests import independent_draw
from tests.browser.pages import PHONE, a_browser, a_person, open_page
from tests.live import Site, a_live_site
from tests.registries.experts import MINUTE, in_the_registry

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
NAME = "沈专家"


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def stepped(page: Any, stage: str) -> None:
    """The page after its next step: within its width, in this stage."""
    await page.click("#next button[type=submit]:enabled")
    await page.wait_for_selector(f"#stage[data-stage={stage}]")
    assert not await page.evaluate(WIDER)


async def answered(browser: Any, site: Site, draw_id: str, answer: str) -> None:
    """Whoever was called first and is silent answers, by the way of his to-do list."""
    login = await site.pool.fetchval(
        "SELECT p.login FROM draw_ticket t JOIN person p ON p.id = t.person_id WHERE t.draw_id = $1"
        " AND t.called_at IS NOT NULL AND t.answer IS NULL ORDER BY t.place LIMIT 1",
        UUID(draw_id),
    )
    page = await open_page(browser, site, login, "/todo", PHONE)
    await page.click("[data-todo=draw_call] .btn:last-child")
    assert not await page.evaluate(WIDER)
    await page.click(f"[data-call='{draw_id}'] button[value={answer}]")
    await page.wait_for_selector(f"[data-call='{draw_id}']", state="attached" if answer == "accepted" else "detached")
    await page.context.close()


async def test_two_decline_two_replace_them_and_the_names_open_by_two_keys(site: Site, chromium: str) -> None:
    specialty = f"C{uuid4().int % 10**7:07d}1"
    for n in range(6):
        await in_the_registry(site.pool, specialty, f"{NAME}{n}号")
    async with (
        a_browser(chromium) as browser,
        a_person(browser, site, "buyer") as buyer,
        a_person(browser, site, "supervisor", phone=True) as finance,
    ):
        await buyer.goto(site.origin + "/draws/new")
        typed = {"title": f"手术机器人采购 {uuid4().hex[:6]}", "specialty": specialty, "group": "3", "need": "2"}
        typed |= {"review_at": moment_text(Clock().now_ms() + 60 * MINUTE), "avoided": "杭州某器械有限公司"}
        for name, value in typed.items():
            await buyer.fill(f"#{name}", value)
        await buyer.select_option("#method", "other")
        assert not await buyer.evaluate(WIDER)
        await buyer.click("main button[type=submit].large")
        await buyer.wait_for_selector("#stage[data-stage=committing]")
        draw_id = str(await buyer.get_attribute("#draw", "data-draw"))

        await stepped(buyer, "committing")
        await finance.goto(f"{site.origin}/draws/{draw_id}")
        await stepped(finance, "revealing")
        await buyer.wait_for_selector("#secret")
        await stepped(buyer, "revealing")
        await finance.wait_for_selector("#secret")
        await stepped(finance, "calling")
        for answer in ("declined", "avoids", "accepted", "accepted"):
            await answered(browser, site, draw_id, answer)

        await buyer.wait_for_selector("#locked")
        assert NAME not in await buyer.inner_text("main")
        assert await buyer.inner_text("#called") == "4"
        earlier = "UPDATE draw SET review_at = now() + make_interval(mins => $2) WHERE id = $1"
        await site.pool.execute(earlier, UUID(draw_id), 20)
        await buyer.reload()
        await stepped(buyer, "filled")
        assert NAME not in await buyer.inner_text("main")
        await finance.reload()
        await stepped(finance, "opened")
        await buyer.wait_for_selector("#names")
        assert await buyer.locator("#names [data-name]").count() == 2
        assert not await buyer.evaluate(WIDER)
        public = await (await browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})).new_page()
        await public.goto(f"{site.origin}/draws/{draw_id}")
        assert NAME not in await public.inner_text("main")
        await site.pool.execute(earlier, UUID(draw_id), -1)
        await buyer.reload()
        await stepped(buyer, "published")
        await public.wait_for_selector("#names")
        assert not await public.evaluate(WIDER)
        answer = await public.request.get(f"{site.origin}/draws/{draw_id}/record.json")
        found = independent_draw.check(json.loads(await answer.text()))
    assert (found["called"], len(found["accepted"]), len(found["names"])) == (4, 2, 2)
