"""密封报价: keys made, quotes sealed and opened by two offices, all in browsers; ranked, then reviewed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from auction.case import approving
from auction.sealed.model import Office
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.sealed.walk import Member, SealedCast, a_sealed_cast, at_the_deadline, drafted, entered
from tests.auction.walk import within
from tests.browser.pages import a_browser, a_person
from tests.live import Site, a_live_site
from tests.support import eventually

pytestmark = pytest.mark.browser
PASSPHRASE = "keep it in the safe"
QUOTES = (("731,946.28", 73_194_628), ("698000", 69_800_000), ("705,500.50", 70_550_050))
TO_THE_DEADLINE_MS = 60_000  # a browser's own clock lets open a minute before: nobody has to wait for it here


@pytest_asyncio.fixture
async def site(fresh_pool: Pool, valkey_url: str, fresh_url: str) -> AsyncIterator[Site]:
    async with a_live_site(fresh_pool, valkey_url, fresh_url) as site:
        yield site


@pytest_asyncio.fixture
async def browser(chromium: str) -> AsyncIterator[Any]:
    async with a_browser(chromium) as browser:
        yield browser


async def make_a_key(page: Any, site: Site) -> None:
    """The member makes his key pair; the backup file is saved with it."""
    await page.goto(f"{site.origin}/opening-key")
    await page.fill("#one", PASSPHRASE)
    await page.fill("#two", PASSPHRASE)
    async with page.expect_download() as backup:
        await page.click("#make-it")
    assert (await backup.value).suggested_filename.startswith("yangcai-opening-key-")
    await page.wait_for_selector("#save:not([hidden])")


async def bring_a_quote(page: Any, site: Site, lot_id: UUID, typed: str) -> None:
    """The supplier types a price, reads it in figures and words, and has it sealed and sent."""
    await page.goto(f"{site.origin}/lots/{lot_id}/quote")
    await page.fill("#price", typed)
    await page.click("#seal")
    assert (await page.text_content("#confirm-words")).startswith(("柒拾", "陆拾"))
    await page.click("#yes")
    await page.wait_for_selector("#last:not([hidden])")


async def open_shares(page: Any, site: Site, lot_id: UUID) -> None:
    """The member unlocks his key, and his browser gives every share."""
    await page.goto(f"{site.origin}/lots/{lot_id}/opening")
    await page.wait_for_selector("#open:not([hidden])", timeout=15_000)
    await page.fill("#passphrase", PASSPHRASE)
    await page.click("#open-it")
    await page.wait_for_selector("#open[hidden]", state="attached")


async def seated_and_submitted(page: Any, site: Site, cast: SealedCast, auction_id: UUID) -> None:
    """The purchaser looks the offices over and submits; the head approves, and the notice is out."""
    await page.goto(f"{site.origin}/auctions/{auction_id}/offices")
    assert await page.locator(".fingerprint").count() == len(cast.members)
    await page.click("#submit")
    now = Clock().now_ms()
    await within(site.pool, approving.decide, cast.head, auction_id, True, "", now)
    published = "SELECT published_at IS NOT NULL FROM auction WHERE id = $1"
    await eventually(lambda: site.pool.fetchval(published, auction_id), within_s=10)


async def test_three_suppliers_seal_and_two_offices_open(site: Site, browser: Any, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(site.pool)
    one, two = cast.of(Office.PURCHASER), cast.of(Office.GROUP)
    async with AsyncExitStack() as stack:

        async def a_browser_of(member: Member | None, login: str = "", phone: bool = False) -> Any:
            name = member.actor.login if member else login
            return await stack.enter_async_context(a_person(browser, site, name, phone))

        first, second, buyer = (
            await a_browser_of(one),
            await a_browser_of(two),
            await a_browser_of(None, cast.buyer.login),
        )
        for page in (first, second):
            await make_a_key(page, site)
        auction_id, lot_id = await drafted(site.pool, cast, Clock().now_ms() + TO_THE_DEADLINE_MS)
        await seated_and_submitted(buyer, site, cast, auction_id)
        await entered(site.pool, cast, auction_id, lot_id)
        for supplier, (typed, _) in zip(cast.suppliers, QUOTES, strict=True):
            phone = await a_browser_of(None, supplier.login, phone=True)
            await bring_a_quote(phone, site, lot_id, typed)
        await buyer.goto(f"{site.origin}/lots/{lot_id}/opening")
        assert await buyer.is_visible("#wait")
        assert await buyer.is_hidden("#quotes")
        agent = await a_browser_of(cast.of(Office.AGENCY))
        await agent.goto(f"{site.origin}/lots/{lot_id}/opening")
        await agent.wait_for_selector("#no-key:not([hidden])")  # pinned for him, but not in this browser

        await at_the_deadline(site.pool, valkey_client, lot_id)
        await open_shares(first, site, lot_id)
        assert await first.locator("tr[data-open=true]").count() == 0
        await open_shares(second, site, lot_id)
        await second.wait_for_selector("#done:not([hidden])")
        told = await second.locator("#rows tr").all_inner_texts()
        assert [price for line in told for price in ("¥698,000.00", "¥705,500.50", "¥731,946.28") if price in line] == [
            "¥698,000.00", "¥705,500.50", "¥731,946.28",
        ]  # fmt: skip
        await buyer.reload()
        await buyer.wait_for_selector("#done:not([hidden])", timeout=15_000)
        found = await site.pool.fetch("SELECT price FROM standing WHERE lot_id = $1 ORDER BY rank", lot_id)
        assert [row["price"] for row in found] == sorted(price for _, price in QUOTES)
        await buyer.goto(f"{site.origin}/auctions/{auction_id}")
        assert await buyer.locator("[data-stage=conformity_review]").count() == 1
        pinned = await site.pool.fetch("SELECT fingerprint FROM sealing_seat WHERE auction_id = $1", auction_id)
        notice = await buyer.content()
        assert all(row["fingerprint"][:32] in notice for row in pinned)
        await buyer.goto(f"{site.origin}/lots/{lot_id}/result")
        assert await buyer.locator("#standings tbody tr").count() == 3
