"""登录的三种方式, in a browser: password and code, passkey, and the province's identity provider."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyotp
import pytest
import pytest_asyncio

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from tests.accounts.provider import a_provider
from tests.accounts.test_second_factors import demand
from tests.browser.pages import DESKTOP, a_browser
from tests.live import Site, a_live_site
from tests.site import PASSWORD, Person, a_person

pytestmark = pytest.mark.browser
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with (
        a_provider() as issuer,
        a_live_site(
            pool, valkey_url, postgres_url, oidc_issuer=issuer, oidc_client_id="yangcai", oidc_client_secret="ours",
            oidc_name="浙里认证",
        ) as running,
    ):  # fmt: skip
        yield running


def here(site: Site) -> str:
    """Where the browser goes: passkeys refuse addresses without a name."""
    return site.origin.replace("127.0.0.1", "localhost")


@pytest_asyncio.fixture(scope="module")
async def browser(chromium: str) -> AsyncIterator[Any]:
    async with a_browser(chromium) as running:
        yield running


@asynccontextmanager
async def a_visitor(browser: Any, site: Site) -> AsyncIterator[Any]:
    """A page of nobody, on a device with an authenticator; a script error fails the test."""
    size = {"width": DESKTOP[0], "height": DESKTOP[1]}
    context = await browser.new_context(base_url=here(site), viewport=size, locale="zh-CN")
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    await context.close()
    assert errors == []


async def by_password(page: Any, person: Person, target: str = "/account/factors") -> None:
    await page.goto(f"/login?next={target}")
    await page.fill("#login", person.login)
    await page.fill("#password", PASSWORD)
    await page.click("form[action='/login'] button")


async def proved(page: Any) -> None:
    await page.fill("form[action='/prove'] #password", PASSWORD)
    await page.click("form[action='/prove'] button")


async def logged_out(page: Any) -> None:
    await page.click("details.menu summary")
    await page.click("form[action='/logout'] button")
    await page.wait_for_url("**/login")


def a_code(secret: str, steps_ahead: int = 0) -> str:
    """The authenticator's next code: each is good once."""
    return pyotp.TOTP(secret).at(Clock().now_ms() // 1_000 + 30 * steps_ahead)


async def test_by_password_and_the_code_of_an_authenticator(site: Site, browser: Any) -> None:
    person = await a_person(site.pool, Role.BUYER)
    async with a_visitor(browser, site) as page:
        await by_password(page, person)
        await page.click("text=添加身份验证器")
        await proved(page)
        await page.click("text=添加身份验证器")
        await page.wait_for_selector(".qr svg")
        secret = (await page.inner_text("code.secret")).replace(" ", "")
        await page.fill("#code", a_code(secret))
        await page.click("text=完成添加")
        assert await page.locator(".codes li").count() == 10
        recovery = await page.inner_text(".codes li >> nth=0")
        await page.click("text=我已保存，继续")
        assert "已启用" in await page.inner_text("main")
        await logged_out(page)
        await by_password(page, person, "/account")
        await page.wait_for_url("**/login/second")
        await page.fill("#code", a_code(secret, 1))
        await page.click("form[action='/login/second'] button")
        await page.wait_for_url("**/account")
        assert re.search(r"密码\s*\+\s*动态口令", await page.inner_text("#history"))
        # A form sent when his proof is too old waits for the proof, and is carried out by itself.
        await site.pool.execute("UPDATE login_session SET proved_at = NULL WHERE person_id = $1", person.user_id)
        await page.goto("/keys")
        await page.fill("#name", "预算系统")
        await page.check("input[name=act] >> nth=0")
        await page.click("main form[action='/keys'] button[type=submit]")
        await page.wait_for_url("**/prove?**")
        await page.fill("#code", recovery)
        await page.click("form[action='/prove'] button")
        await page.wait_for_url("**/keys")
        assert "只显示这一次" in await page.inner_text("main")


async def test_whoever_must_have_a_second_factor_enrols_with_a_passkey(site: Site, browser: Any) -> None:
    await demand(site.pool, "staff", "650104")
    person = await a_person(site.pool, Role.OPERATOR, kind="operator", region="650104")
    async with a_visitor(browser, site) as page:
        await by_password(page, person, "/account")
        await page.wait_for_url("**/login/enrol")
        await page.fill("#passkey-name", "值班室电脑")
        await page.click("#enrol-passkey button")
        await page.wait_for_selector("#new-codes li >> nth=9")
        assert not await page.is_visible("#enrol-totp")
        await page.click("#onward")
        await page.wait_for_url("**/account")


async def test_by_a_passkey_alone_and_as_a_fresh_proof(site: Site, browser: Any) -> None:
    person = await a_person(site.pool, Role.BUYER)
    async with a_visitor(browser, site) as page:
        await by_password(page, person)
        await page.fill("#passkey-name", "办公室电脑")
        await page.click("#add-passkey button")
        await proved(page)
        await page.fill("#passkey-name", "办公室电脑")
        await page.click("#add-passkey button")
        await page.wait_for_selector("#new-codes-list li >> nth=9")
        await page.click("text=我已保存，继续")
        assert "办公室电脑" in await page.inner_text("main")
        await logged_out(page)
        await page.click("#use-passkey")
        await page.wait_for_url("**/auctions")
        await page.goto("/account")
        assert "通行密钥" in await page.inner_text("#history li >> nth=0")
        await site.pool.execute("UPDATE login_session SET proved_at = NULL WHERE person_id = $1", person.user_id)
        await page.goto("/account/factors/totp")
        await page.click("#use-passkey")
        await page.wait_for_selector(".qr svg")
        await logged_out(page)
        await by_password(page, person, "/account")
        await page.wait_for_url("**/login/second")
        await site.pool.execute("UPDATE passkey SET sign_count = sign_count + 9 WHERE person_id = $1", person.user_id)
        await page.click("#use-passkey")
        await page.wait_for_selector("#refused:not([hidden])")
        assert "未通过验证" in await page.inner_text("#refused"), "a copy whose counter lags behind"
        await site.pool.execute("UPDATE passkey SET sign_count = sign_count - 9 WHERE person_id = $1", person.user_id)
        await page.click("#use-passkey")
        await page.wait_for_url("**/account")


async def test_by_the_province_s_identity_provider(site: Site, browser: Any) -> None:
    person = await a_person(site.pool, Role.BUYER)
    async with a_visitor(browser, site) as page:
        await by_password(page, person, "/account")
        await page.click("#identity a")
        await proved(page)
        await page.click("#identity a")
        await page.fill("[name=sub]", f"浙-{person.login}")
        await page.click("button:text-is('Authorize')")
        await page.click("form[action='/account/identity'] button")
        await page.wait_for_selector("#identity .tag.good")
        await logged_out(page)
        await page.click("text=使用浙里认证登录")
        await page.fill("[name=sub]", f"浙-{person.login}")
        await page.click("button:text-is('Authorize')")
        await page.wait_for_url("**/auctions")
        await page.goto("/account")
        assert "统一身份认证" in await page.inner_text("#history li >> nth=0")
