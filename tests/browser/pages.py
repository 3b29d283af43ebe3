"""A headless browser and pages of the demo's people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.live import Site, a_cookie

PHONE, DESKTOP = (390, 844), (1440, 900)


@asynccontextmanager
async def a_browser(chromium: str) -> AsyncIterator[Any]:
    """A browser of its own."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(browser: Any, site: Site, login: str, path: str, size: tuple[int, int] = DESKTOP) -> Any:
    """``path`` as ``login`` sees it, in a browser context of its own."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    name, _, value = (await a_cookie(site, login)).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": site.origin}])
    page = await context.new_page()
    await page.goto(site.origin + path)
    return page
