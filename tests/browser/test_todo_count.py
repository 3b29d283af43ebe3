"""待办数 in the head of a page, in a browser: it moves while the page stands open."""

from __future__ import annotations

import pytest

from accounts.model import Role
from plumbing.postgres import Pool
from tests.accounts.test_todo import submitted
from tests.auction.people import an_actor
from tests.auction.walk import Cast
from tests.browser.pages import a_browser
from tests.live import a_live_site
from tests.site import PASSWORD, a_person

pytestmark = pytest.mark.browser


async def test_the_count_moves_while_the_page_stands_open(
    pool: Pool, valkey_url: str, postgres_url: str, chromium: str
) -> None:
    person = await a_person(pool, Role.HEAD)
    login = person.login
    buyer = await an_actor(pool, person.org_id, Role.BUYER, region="330100")
    async with a_live_site(pool, valkey_url, postgres_url) as site, a_browser(chromium) as browser:
        page = await browser.new_page(base_url=site.origin)
        await page.goto("/login")
        await page.fill("[name=login]", login)
        await page.fill("[name=password]", PASSWORD)
        await page.click("form[action='/login'] button[type=submit]")
        await page.goto("/auctions")
        assert await page.locator("#todo-count").is_hidden()
        await submitted(pool, Cast(buyer, buyer, [], buyer))
        await page.wait_for_selector("#todo-count:text-is('1')", timeout=20_000)
        await page.goto("/todo")
        assert await page.locator("#todo [data-todo=approve]").count() == 1
