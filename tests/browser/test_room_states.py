"""The room in every state a lot may fall into: it says what that means, why, and what to do next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from auction.lot import live
from auction.lot.model import Barred
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.browser.pages import PHONE, a_browser, open_page
from tests.live import Site, a_live_site, a_page, a_program, a_started_lot, quick_rules

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def a_lot_with_a_bid(site: Site) -> UUID:
    """A running lot in which supplier1 leads."""
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    async with a_page(site, "supplier1") as bidder:
        await bidder.bid(lot_id, 47_000_000)
    return lot_id


async def a_room(browser: Any, site: Site, lot_id: UUID) -> Any:
    """The room of supplier1 on a phone."""
    page = await open_page(browser, site, "supplier1", f"/lots/{lot_id}/room", PHONE)
    await page.wait_for_selector("#light[data-state=live]")
    return page


async def steer(valkey: Valkey, lot_id: UUID, kind: str, reason: str, *args: str) -> None:
    """What two persons decided is done to the live lot."""
    version = await live.version_of(valkey, lot_id) or live.VERSION
    steered = await live.steer(valkey, lot_id, kind, {"reason": reason}, *args, version=version)
    assert not steered.refusal


async def test_a_cancelled_lot_says_why_and_leads_to_the_case(site: Site, chromium: str, valkey_client: Valkey) -> None:
    lot_id = await a_lot_with_a_bid(site)
    async with a_browser(chromium) as browser:
        room = await a_room(browser, site, lot_id)
        await steer(valkey_client, lot_id, "cancel", "预算收回")
        await room.wait_for_selector("#stage-note[data-key=cancelled]")
        assert "预算收回" in await room.inner_text("#stage-note")
        await room.wait_for_selector("#clock [data-clock]:text-is('已取消')")
        assert not await room.is_visible("#entry")
        await room.click("#case-link")
        await room.wait_for_url("**/auctions/**")


async def test_who_was_excluded_is_told_so_and_can_bid_no_more(
    site: Site, chromium: str, valkey_client: Valkey
) -> None:
    lot_id = await a_lot_with_a_bid(site)
    async with a_page(site, "buyer") as host:
        (alias,) = (await host.watch(lot_id))["rows"]
    async with a_browser(chromium) as browser:
        room = await a_room(browser, site, lot_id)
        await steer(valkey_client, lot_id, "bar", "列入不良行为记录", alias, Barred.BANNED.value)
        await room.wait_for_selector("#stage-note[data-key=barred_banned]")
        assert "提出质疑" in await room.inner_text("#stage-note")
        await room.wait_for_selector("#rank-figure:text-is('不参与排名')")
        assert not await room.is_visible("#entry")
        assert await room.is_visible("#ask-open")


async def test_a_lot_on_hold_says_by_whom_keeps_its_time_and_goes_on_by_itself(site: Site, chromium: str) -> None:
    lot_id = await a_lot_with_a_bid(site)
    async with a_browser(chromium) as browser, a_program(site, "supervisor") as supervisor:
        room = await a_room(browser, site, lot_id)
        await supervisor.post(f"/api/lots/{lot_id}/suspension", json={"reason": "收到投诉", "days": 3})
        await room.wait_for_selector("#stage-note[data-key=on_hold_supervisor]")
        assert "收到投诉" in await room.inner_text("#stage-note")
        assert (await room.inner_text("#clock [data-clock]")).startswith("01:")
        assert not await room.is_visible("#entry")
        await supervisor.delete(f"/api/lots/{lot_id}/suspension")
        await room.wait_for_selector("#stage-note", state="hidden")
        await room.click("#quick button:nth-child(1)")
        await room.click("#go")
        await room.wait_for_selector("#history tr[data-taken=true]:nth-child(2)")


async def test_a_voided_bid_is_struck_out_and_its_bidder_is_asked_to_bid_again(
    site: Site, chromium: str, valkey_client: Valkey
) -> None:
    lot_id = await a_lot_with_a_bid(site)
    async with a_browser(chromium) as browser:
        room = await a_room(browser, site, lot_id)
        state, log = await live.read_state(valkey_client, lot_id), await live.read_log(valkey_client, lot_id)
        assert state is not None
        assert not (await live.void(valkey_client, lot_id, state, log, log[-1].n, {"reason": "多写一位"})).refusal
        await room.wait_for_selector("#stage-note[data-key=voided]")
        assert "¥470,000.00" in await room.inner_text("#stage-note")
        assert await room.locator("#history s").count() == 1
        await room.click("#quick button:nth-child(1)")
        await room.click("#go")
        await room.wait_for_selector("#stage-note", state="hidden")
