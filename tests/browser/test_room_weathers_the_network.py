"""The bidding room in a real browser behind a line that is cut, frozen and restored: true again within 2 s, one bid."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from plumbing.postgres import Pool
from standards import money
from tests.browser.pages import a_browser
from tests.live import Site, a_cookie, a_live_site, a_started_lot, quick_rules
from tests.support import eventually

pytestmark = pytest.mark.browser
LIVE = "#light[data-state=live]"
TRUE_AGAIN_MS = 2_000


class Line:
    """A TCP line to the server that can be cut and frozen."""

    def __init__(self, port: int) -> None:
        self.port, self.frozen, self.down = port, False, False
        self.ends: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Listen; the origin a browser uses."""
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.close()
            return
        far, back = await asyncio.open_connection("127.0.0.1", self.port)
        self.ends |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(far, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await eventually(lambda: not self.frozen, within_s=60)
                sink.write(data)
                await sink.drain()
        self.ends.discard(sink)
        sink.close()

    def cut(self) -> None:
        """Every connection breaks, and none is to be had."""
        self.down = True
        for end in list(self.ends):
            end.transport.abort()

    def restore(self) -> None:
        """The network is back."""
        self.down = self.frozen = False


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def a_room(browser: Any, site: Site, origin: str, lot_id: UUID, script: str = "") -> Any:
    """The room of supplier1 in a browser of its own."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    name, _, value = (await a_cookie(site, "supplier1")).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": origin}])
    page = await context.new_page()
    if script:
        await page.add_init_script(script)
    await page.goto(f"{origin}/lots/{lot_id}/room")
    await page.wait_for_selector(LIVE)
    return page


async def taken(page: Any) -> int:
    """How many bids the room shows as taken, once it shows one: it comes with the next view, the receipt before it."""
    await page.wait_for_selector("#history tr[data-taken=true]")
    found: int = await page.locator("#history tr[data-taken=true]").count()
    return found


async def test_a_bid_whose_answer_was_lost_is_made_once_and_the_room_is_true_within_two_seconds(
    site: Site, chromium: str
) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    line = Line(int(site.origin.rsplit(":", 1)[1]))
    origin = await line.start()
    async with a_browser(chromium) as browser:
        page = await a_room(browser, site, origin, lot_id)
        await page.click("#quick button:nth-child(1)")
        line.frozen = True
        await page.click("#go")
        await page.wait_for_selector("#go[aria-busy=true]")
        line.cut()
        await page.wait_for_selector("#light:not([data-state=live])")
        line.restore()
        await page.wait_for_selector(LIVE, timeout=TRUE_AGAIN_MS)
        await page.wait_for_selector("#go[aria-busy=false]")
        await page.wait_for_selector("#receipt:not([hidden])")
        assert await taken(page) == 1
    line.server.close()


async def test_a_second_tab_sees_the_first_tabs_bid_and_back_shows_the_truth(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    async with a_browser(chromium) as browser:
        page = await a_room(browser, site, site.origin, lot_id)
        other = await page.context.new_page()
        await other.goto(f"{site.origin}/lots/{lot_id}/room")
        await other.wait_for_selector(LIVE)
        await page.click("#quick button:nth-child(1)")
        await page.click("#go")
        await other.wait_for_selector("#history tr[data-taken=true]")
        await other.goto(f"{site.origin}/preflight")
        await other.go_back()
        await other.wait_for_selector(LIVE, timeout=TRUE_AGAIN_MS)
        assert await taken(other) == 1


async def test_where_sockets_are_blocked_the_room_lives_by_stream_and_post(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000))
    blocked = (
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({}), 20) } close() {} send() {} }"
    )
    async with a_browser(chromium) as browser:
        page = await a_room(browser, site, site.origin, lot_id, blocked)
        assert "备用通道" in await page.inner_text("#light")
        await page.click("#quick button:nth-child(1)")
        await page.click("#go")
        await page.wait_for_selector("#receipt:not([hidden])")
        assert await taken(page) == 1


async def test_enter_and_taps_only_fill_and_bad_figures_are_refused_in_words(site: Site, chromium: str) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=120_000, big_drop_bp=2_000))
    async with a_browser(chromium) as browser:
        page = await a_room(browser, site, site.origin, lot_id)
        for typed, words in (
            ("abc", "只能填写数字"), ("-5", "不能为负数"), ("0", "须大于 0"), ("1e5", "科学记数法"),
            ("NaN", "只能填写数字"),
            ("1.234", "最多两位小数"), ("99999999999999", "金额过大"), ("480000.01", "报价须不高于 ¥480,000.00"),
        ):  # fmt: skip
            await page.fill("#price", typed)
            await page.keyboard.press("Enter")
            assert words in await page.inner_text("#entry-note")
            assert await page.get_attribute("#go", "aria-disabled") == "true"
        await page.fill("#price", "４２８６００")
        await page.click("#entry-note [data-fill]")
        await page.keyboard.press("Enter")
        assert "肆拾贰万捌仟陆佰元整" in await page.inner_text("#go")
        assert await page.locator("#history tr[data-taken=true]").count() == 0
        await page.click("#go")
        await page.wait_for_selector("#history tr[data-taken=true]")
        await page.fill("#price", "1000")
        await page.click("#go")
        await page.wait_for_selector("#drop[open]")
        assert "99.7%" in await page.inner_text("#drop")
        await page.click("#drop-yes")
        await page.wait_for_selector("#history tr:nth-child(2)[data-taken=true]")


async def test_the_page_writes_amounts_as_the_server_does(site: Site, chromium: str) -> None:
    dice = random.Random(7)
    amounts = [dice.randrange(1, 10 ** dice.randrange(1, 12)) for _ in range(500)] + [1, 10, 100, 10_000_000, 100_100]
    amounts.append(money.PRICE_MAX)
    words = "xs.map((x) => [money.upper(x), money.price(x)])"
    code = f"async (xs) => {{ const money = await import('/static/js/money.js'); return {words} }}"
    async with a_browser(chromium) as browser:
        page = await browser.new_page()
        await page.goto(f"{site.origin}/preflight")
        shown = await page.evaluate(code, amounts)
    assert [tuple(pair) for pair in shown] == [(money.upper(x), money.yuan(x)) for x in amounts]
