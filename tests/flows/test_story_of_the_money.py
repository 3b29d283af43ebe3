"""The money's story in the browser: granted, planned, approved by a flow just set, frozen, saved, consumed, paid."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from tests.browser.pages import a_browser, a_person
from tests.flows.test_story_of_an_auction import DAY_MS, bid_in_room, opened_now, sign_up_and_answer, stage, stands
from tests.live import Site, a_live_site
from tests.support import eventually

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture
async def site(fresh_pool: Pool, valkey_url: str, fresh_url: str) -> AsyncIterator[Site]:
    async with a_live_site(fresh_pool, valkey_url, fresh_url) as site:
        yield site


@pytest_asyncio.fixture
async def browser(chromium: str) -> AsyncIterator[Any]:
    async with a_browser(chromium) as browser:
        yield browser


async def granted(finance: Any, site: Site) -> str:
    """60,000.00 for the demonstration's purchaser, by finance: the address of the indicator."""
    unit = await site.pool.fetchval("SELECT org_id FROM person WHERE login = 'buyer'")
    await finance.goto(f"{site.origin}/budget")
    await finance.click("details#grant summary")
    await finance.select_option("#unit", str(unit))
    for field, words in {"project": "会议室改造", "amount": "60000", "about": "杭财〔2026〕1号"}.items():
        await finance.fill(f"#{field}", words)
    await finance.click("details#grant button[type=submit]")
    await finance.wait_for_url(re.compile("/budget/[0-9a-f-]{36}$"))
    return str(finance.url)


async def three_posts(admin: Any, site: Site) -> None:
    """The city's flow of plans, set on its page: the unit's finance, its head, the finance department."""
    await admin.goto(f"{site.origin}/flows?kind=plan")
    await admin.click("button[value=add]")
    await admin.click("button[value=add]")
    await admin.wait_for_selector("[data-step='3']")
    for n, chosen in enumerate(("finance", "head", "fiscal"), 1):
        for post in ("department", "finance", "head", "fiscal"):
            await admin.set_checked(f"input[name=step-{n}-post][value={post}]", post == chosen)
    await admin.fill("#step-3-from", "40000")
    await admin.click("button[value=publish]")
    assert "金额 ≥ ¥40,000.00" in await admin.inner_text("#in-force")


async def approved(page: Any, site: Site, plan: str, *, last: bool) -> None:
    """One post's approval of the plan, on the screen for approvals, with the money before his eyes."""
    await page.goto(f"{site.origin}/todo")
    await page.click("a[href='/approvals']")
    card = page.locator(f"[data-case='plan:{plan.rsplit('/', 1)[1]}']")
    told = await card.inner_text()
    assert all(each in told for each in ("会议室改造 可用余额", "¥60,000.00", "¥48,000.00"))
    await card.locator("input[name=case]").check()
    await page.click("button[value=approve]")
    await page.wait_for_selector("#approvals-empty")
    await page.goto(plan)
    assert await page.get_attribute("#state", "data-state") == ("approved" if last else "filed")


async def planned(people: dict[str, Any], site: Site, indicator: str) -> str:
    """A plan of 48,000.00 from the indicator, filed, and approved by three posts: its address."""
    buyer = people["buyer"]
    await buyer.goto(f"{site.origin}/plans/new")
    for field, words in {
        "title": "会议室座椅",
        "category": "A05010300",
        "amount": "48000",
        "project": "会议室改造",
    }.items():
        await buyer.fill(f"#{field}", words)
    await buyer.fill("#small_share", "100")
    await buyer.select_option("#source-1-indicator", indicator.rsplit("/", 1)[1])
    await buyer.fill("#source-1-amount", "48000")
    await buyer.click("form button[type=submit].primary")
    await buyer.wait_for_url(re.compile("/plans/[0-9a-f-]{36}$"))
    plan = str(buyer.url)
    for login, last in (("finance", False), ("head", False), ("supervisor", True)):
        await approved(people[login], site, plan, last=last)
    return plan


async def case_of(buyer: Any, head: Any, site: Site, plan: str) -> UUID:
    """A case opened from the plan, submitted and approved."""
    opens_at = Clock().now_ms() // 60_000 * 60_000 + 14 * DAY_MS
    await buyer.goto(plan)
    await buyer.click("form[action='/auctions/new'] button")
    for field, words in {"name": "会议椅", "spec": "网布，扶手可调", "quantity": "60", "unit": "把"}.items():
        await buyer.fill(f"#line-1-{field}", words)
    await buyer.click("#next")
    await buyer.click("#next")
    await buyer.fill("#ceiling-1", "48000")
    await buyer.fill("#step_amount", "24")
    await buyer.click("#next")
    await buyer.fill("#opens_at", moment_text(opens_at))
    await buyer.fill("#closes_at", moment_text(opens_at + 1_800_000))
    await buyer.click("#next")
    await buyer.click("button[value=draft]")
    await buyer.wait_for_url(re.compile("/auctions/[0-9a-f-]{36}$"))
    auction_id = UUID(buyer.url.rsplit("/", 1)[1])
    await buyer.click(f"form[action='/auctions/{auction_id}/submit'] button")
    await head.goto(f"{site.origin}/auctions/{auction_id}")
    await head.click("button[name=yes][value='1']")
    await eventually(lambda: stands(site, auction_id, "signup"), within_s=20)
    return auction_id


async def balances(page: Any, indicator: str) -> dict[str, str]:
    """What the indicator's page says: free, frozen, under contract, paid."""
    await page.goto(indicator)
    parts = ("available", "frozen", "consumed", "paid")
    return {part: await page.inner_text(f"[data-balance={part}]") for part in parts}


async def awarded(people: dict[str, Any], site: Site, auction_id: UUID) -> UUID:
    """Two suppliers sign up and bid; the better one confirms at 45,000.00, and so does the purchaser: the lot."""
    buyer, one, case = people["buyer"], people["supplier1"], f"{site.origin}/auctions/{auction_id}"
    lot_id: UUID = await site.pool.fetchval("SELECT id FROM lot WHERE auction_id = $1", auction_id)
    suppliers = [people[f"supplier{n}"] for n in (1, 2, 4)]
    for supplier in suppliers:
        await sign_up_and_answer(supplier, site, auction_id)
    await buyer.goto(case)
    for _ in suppliers:
        row = buyer.locator("[data-table=offers] tr", has_text="待审").first
        await row.locator("button[name=yes][value='1']").click()
    await opened_now(site, auction_id)
    await eventually(lambda: stands(site, auction_id, "running"), within_s=20)
    for supplier, yuan in zip(reversed(suppliers), ("47000.00", "46000.00", "45000.00"), strict=True):
        await supplier.goto(f"{site.origin}/lots/{lot_id}/room")
        await supplier.wait_for_selector("#light[data-state=live]")
        await bid_in_room(supplier, yuan)
        await supplier.wait_for_selector("#receipt:not([hidden])")
    await eventually(lambda: stands(site, auction_id, "award_pending"), within_s=60)
    await one.goto(case)
    await one.click("[data-act=confirm-award]")
    await buyer.goto(case)
    await buyer.click(f"form[action='/lots/{lot_id}/confirm'] button")
    assert await stage(site, auction_id) == "published"
    return lot_id


async def test_the_money_of_a_plan_from_the_grant_to_the_payment(site: Site, browser: Any) -> None:
    async with AsyncExitStack() as stack:
        logins = ("buyer", "finance", "head", "supervisor", "admin", "supplier1", "supplier2", "supplier4")
        people = {
            login: await stack.enter_async_context(a_person(browser, site, login, phone=login in ("head", "supplier1")))
            for login in logins
        }
        buyer, head, finance = people["buyer"], people["head"], people["supervisor"]
        indicator = await granted(finance, site)
        await three_posts(people["admin"], site)
        plan = await planned(people, site, indicator)
        nothing = "¥0.00"
        book = {"available": "¥60,000.00", "frozen": nothing, "consumed": nothing, "paid": nothing}
        assert await balances(buyer, indicator) == book
        auction_id = await case_of(buyer, head, site, plan)
        assert await balances(buyer, indicator) == book | {"available": "¥12,000.00", "frozen": "¥48,000.00"}
        lot_id = await awarded(people, site, auction_id)
        assert await balances(buyer, indicator) == book | {"available": "¥15,000.00", "frozen": "¥45,000.00"}

        await buyer.goto(f"{site.origin}/auctions/{auction_id}")
        await buyer.fill("input[name=contract_no]", "HT-2026-1")
        await buyer.click(f"form[action='/lots/{lot_id}/contract'] button")
        assert await balances(finance, indicator) == book | {"available": "¥15,000.00", "consumed": "¥45,000.00"}

        await buyer.goto(f"{site.origin}/payments")
        assert "杭州云视科技有限公司" in await buyer.inner_text("#contracts")
        await buyer.click("details#file summary")
        for field, words in {"amount": "20000", "acceptance_no": "YS-1", "about": "首付款"}.items():
            await buyer.fill(f"#{field}", words)
        await buyer.click("details#file button[type=submit]")
        await buyer.wait_for_url(re.compile("/payments/[0-9a-f-]{36}$"))
        await head.goto(buyer.url)
        await head.click("#decide button[value=approve]")
        await head.wait_for_selector("[data-state=applied]")
        assert await balances(buyer, indicator) == book | {"available": "¥15,000.00", "consumed": "¥25,000.00"}
