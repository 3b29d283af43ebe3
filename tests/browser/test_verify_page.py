"""The verifier in the browser gives the same answers as the two in Python, in plain green or red, on a phone too."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from auction.lot import live
from auction.transcript import files
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.notary import NOTARY
from tests.auction.transcript.test_verify import mutated
from tests.auction.transcript.transcripts import a_file, a_settled_practice
from tests.browser.pages import DESKTOP, PHONE, a_browser, open_page
from tests.live import Site, a_live_site

pytestmark = pytest.mark.browser
MUTATIONS = 300
CHECK = """async (texts) => {
    const { verify } = await import("/static/js/transcript.js");
    const missed = [];
    for (const [index, text] of texts.entries()) {
        try { await verify(text); missed.push(index); } catch (error) { if (!error.code) missed.push(String(error)); }
    }
    return missed;
}"""
OLD_BROWSER = """async (text) => {
    SubtleCrypto.prototype.importKey = async () => { throw new DOMException("no", "NotSupportedError"); };
    const { verify } = await import("/static/js/transcript.js");
    return (await verify(text)).bids;
}"""


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def lot(pool: Pool, valkey_client: Valkey) -> Any:
    await live.load(valkey_client)
    await NOTARY.publish_keys(pool)
    return await a_settled_practice(pool, valkey_client)


def dropped(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_page_says_green_for_a_genuine_file_and_red_for_another(
    site: Site, pool: Pool, lot: Any, chromium: str, size: tuple[int, int]
) -> None:
    lot_id, aliases, _ = lot
    data, receipt = await a_file(pool, lot_id, "public"), await files.receipts(pool, lot_id, aliases["甲"])
    assert receipt
    async with a_browser(chromium) as browser:
        page = await open_page(browser, site, "buyer", "/verify", size)
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.set_input_files("#files", [dropped("t.jsonl", data), dropped("r.json", receipt)])
        await page.wait_for_selector("#answer[data-state=genuine]")
        text = await page.inner_text("#answer")
        assert "验证通过" in text
        assert "10 次报价都在记录中" in text
        assert "2 个名次" in text
        spoilt = data.replace(b'\\"price\\":89', b'\\"price\\":88', 1)
        await page.set_input_files("#files", [dropped("t.jsonl", spoilt)])
        await page.wait_for_selector("#answer[data-state=false]")
        assert "验证未通过" in await page.inner_text("#answer")
        wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide
        assert said == []


async def test_the_browser_finds_every_change_of_a_single_field(
    site: Site, pool: Pool, lot: Any, chromium: str
) -> None:
    data = await a_file(pool, lot[0])
    lines, chance = [json.loads(line) for line in data.splitlines()], random.Random(7)
    texts = [mutated(lines, chance).decode() for _ in range(MUTATIONS)]
    async with a_browser(chromium) as browser:
        page = await open_page(browser, site, "buyer", "/verify")
        assert await page.evaluate(CHECK, texts) == []
        assert await page.evaluate(CHECK, [data.decode()]) == [0]


async def test_a_browser_without_ed25519_of_its_own_checks_as_well(
    site: Site, pool: Pool, lot: Any, chromium: str
) -> None:
    async with a_browser(chromium) as browser:
        page = await open_page(browser, site, "buyer", "/verify")
        assert await page.evaluate(OLD_BROWSER, (await a_file(pool, lot[0])).decode()) == 20
