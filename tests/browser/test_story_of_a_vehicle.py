"""A vehicle from its unit's quota through purchase, asset, fuel and repair to an alert that finance clears.

The unit and the firm are on the phone, finance is at the desk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest_asyncio

from plumbing.clock import Clock
from plumbing.postgres import Pool
from server.demo.people import BUYER_ORG, SUPPLIERS
from standards.workdays import day_of
from tests.browser.pages import a_browser, a_person
from tests.live import Site, a_live_site

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def sent(page: Any, form: str, fields: dict[str, str], address: str, button: str = "") -> None:
    """Fill a form (by its id) at an address and send it; no page is wider than its screen."""
    await page.goto(address)
    assert not await page.evaluate(WIDER), address
    if await page.locator(f"details#{form}:not([open])").count():
        await page.click(f"#{form} summary")
    for name, value in fields.items():
        field = page.locator(f"#{form} [name={name}]")
        if await field.evaluate("one => one.tagName") == "SELECT":
            await field.select_option(value)
        else:
            await field.fill(value)
    await page.click(f"#{form} button[type=submit]{button}")
    await page.wait_for_load_state()


async def test_a_vehicle_from_its_quota_to_an_alert(site: Site, chromium: str) -> None:
    kind = "emergency"
    mark = uuid4().hex[:5].upper()
    async with (
        a_browser(chromium) as browser,
        a_person(browser, site, "supervisor") as finance,
        a_person(browser, site, "offices") as offices,
        a_person(browser, site, "buyer", phone=True) as unit,
        a_person(browser, site, "supplier1", phone=True) as point,
    ):
        at = f"{site.origin}/vehicles"
        wish = {"kind": kind, "model": "某牌 1.8L", "price": "175000", "engine_ml": "1798", "tank_l": "55"}
        wish |= {"reason": "应急保障"}
        await sent(unit, "ask", wish, f"{at}/new")
        assert "超出编制" in await unit.inner_text("#faults")
        quota = {"unit": BUYER_ORG, "kind": kind, "number": "1", "document": "杭机编〔2026〕1号"}
        await sent(offices, "quota", quota, f"{at}/quotas")
        await sent(unit, "ask", wish, f"{at}/new")
        await sent(offices, "decide", {}, unit.url, "[value=approve]")
        assert "由您核定" in await offices.inner_text("#refused")
        await unit.wait_for_selector("[data-stage=asked]")
        record = unit.url
        await sent(finance, "decide", {}, record, "[value=approve]")
        insured = (day_of(Clock().now_ms()) + timedelta(days=365)).isoformat()
        asset = {
            "plate": f"浙A{mark}",
            "vin": f"LSV{mark}{mark}0000",
            "price": "175000",
            "until": insured,
        }
        await sent(unit, "register", asset, record)
        await unit.wait_for_selector("[data-stage=active]")

        for service in ("fuel", "repair"):
            firm = {"firm": SUPPLIERS[0].org, "contract": "DD-1", "service": service, "region": "330100"}
            await sent(finance, "point", firm, f"{at}/points")
        trip = {"place": "330203", "driver": "王师傅"}
        await sent(unit, "dispatch", trip, record)
        await unit.wait_for_selector("#entries [data-what=dispatch]")
        await point.goto(f"{at}?words=浙A{mark}")
        await point.click("#vehicles a")
        await point.wait_for_url(record)
        fuel = {"what": "fuel", "amount": "400", "litres": "50", "km": "1200", "place": "330203"}
        await sent(point, "serve", fuel, record)
        await sent(point, "serve", {"what": "repair", "amount": "800", "km": "1200"}, record)
        assert await point.locator("#alerts").count() == 0
        await sent(point, "serve", fuel | {"litres": "60", "km": "1300"}, record)

        await finance.goto(f"{at}?words={mark}&chosen=alerted")
        await finance.wait_for_selector("[data-alert=fuel_over_tank]")
        assert not await finance.evaluate(WIDER)
        await sent(finance, "clear", {"note": "加油站误录，已更正"}, record)
        await finance.wait_for_selector("#entries [data-what=clear]")
        assert await finance.locator("#alerts").count() == 0
        await finance.goto(f"{at}/statistics")
        assert await finance.locator("#statistics svg").count() >= 1
        assert not await finance.evaluate(WIDER)
