"""Who may take which file of the transcript, and when: nothing of a running lot reaches those who bid in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from auction.transcript.verify import verify
from ledger.note import packed, read_key
from plumbing.postgres import Pool
from tests.live import Site, a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.support import eventually


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


async def test_a_lot_from_its_first_bid_to_the_file_that_anyone_verifies(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=6_000))
    base = f"/api/lots/{lot_id}"
    taken = []
    for number, price in ((1, 40_000_000), (2, 39_000_000), (3, 38_000_000), (1, 37_000_000)):
        async with a_page(site, f"supplier{number}") as page:
            taken.append(await page.bid(lot_id, price))
    assert all(answer["t"] == "taken" for answer in taken), taken
    async with a_program(site, "supplier1") as bidder, a_program(site, "buyer") as buyer:

        async def covered() -> bool:
            return (await bidder.get(f"{base}/receipt.json")).text.count(taken[3]["leaf"]) == 1

        await eventually(covered, why="a signed receipt within two seconds of the bid", within_s=4)
        running = (await bidder.get(f"{base}/receipt.json")).text
        assert taken[0]["leaf"] in running
        assert taken[1]["leaf"] not in running
        assert '"n"' not in running
        for name in ("transcript.jsonl", "checkpoint"):
            assert (await bidder.get(f"{base}/{name}")).status_code == 409
        assert (await buyer.get(f"{base}/checkpoint")).text.startswith("yangcai.localhost/lots/")
        assert (await buyer.get(f"{base}/receipt.json")).status_code == 404
        assert (await buyer.get(f"{base}/transcript.jsonl")).status_code == 409
        await eventually(
            lambda: site.pool.fetchval("SELECT outcome FROM result WHERE lot_id = $1", lot_id), within_s=15
        )
        file, receipt = await buyer.get(f"{base}/transcript.jsonl"), await bidder.get(f"{base}/receipt.json")
        keys = [key["public"] for key in (await buyer.get("/api/transcript-keys")).json()["keys"]]
        found = verify(file.content, keys, receipt.content)
        assert (found.bids, found.receipts, found.closed_terms) == (4, 2, 0)
        assert all(answer["leaf"] for answer in taken)
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as anyone:
        assert (await anyone.get(f"{base}/transcript.jsonl")).status_code in (404, 409)
        assert keys[-1] in (await anyone.get("/verify")).text
    assert packed(read_key(found_key(file.content)).public) in keys


def found_key(data: bytes) -> str:
    import msgspec

    return str(msgspec.json.decode(data.split(b"\n", 1)[0])["keys"][0])
