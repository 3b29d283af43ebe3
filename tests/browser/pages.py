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


async def a_context(browser: Any, site: Site, login: str, size: tuple[int, int]) -> Any:
    """A browser context in which ``login`` is signed in."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    name, _, value = (await a_cookie(site, login)).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": site.origin}])
    return context


async def open_page(browser: Any, site: Site, login: str, path: str, size: tuple[int, int] = DESKTOP) -> Any:
    """``path`` as ``login`` sees it, in a browser context of its own."""
    page = await (await a_context(browser, site, login, size)).new_page()
    await page.goto(site.origin + path)
    return page


@asynccontextmanager
async def a_person(browser: Any, site: Site, login: str, phone: bool = False) -> AsyncIterator[Any]:
    """A browser of ``login`` who says yes to every question; a script error on any of its pages fails the test."""
    context = await a_context(browser, site, login, PHONE if phone else DESKTOP)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    await context.close()
    assert errors == []
