"""What an operator may read of the installation, and who else may not."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from plumbing.postgres import Pool
from tests.live import a_live_site, a_page, a_program, a_started_lot, quick_rules
from tests.product import running
from tests.support import eventually

TOKEN = "prometheus-reads-with-this-token"


def sample(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("path", ["/metrics", "/api/operations", "/operations"])
async def test_only_operators_read_the_metrics(pool: Pool, valkey_url: str, postgres_url: str, path: str) -> None:
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as nobody:
            assert (await nobody.get(path, headers={"Accept": "application/json"})).status_code == 401
            wrong = {"Authorization": "Bearer", "Accept": "application/json"}
            assert (await nobody.get(path, headers=wrong)).status_code == 401
        for login, wanted in (("buyer", 403), ("supervisor", 403), ("supplier1", 403), ("operator", 200)):
            async with a_program(site, login) as program:
                assert (await program.get(path)).status_code == wanted


async def test_bids_are_counted_by_outcome_and_no_lot_or_name_shows(
    pool: Pool, valkey_url: str, postgres_url: str
) -> None:
    async with a_live_site(pool, valkey_url, postgres_url) as site, a_program(site, "operator") as operator:
        before = (await operator.get("/metrics")).text
        lot_id = await a_started_lot(site, quick_rules())
        async with a_page(site, "supplier1") as page:
            price = (await page.watch(lot_id))["price_max"]
            assert (await page.bid(lot_id, price, id="the-same-request-again"))["t"] == "taken"
            assert (await page.bid(lot_id, price, id="the-same-request-again"))["repeat"] is True
            assert (await page.bid(lot_id, price * 2))["code"] == "OVER_CEILING"
            after = (await operator.get("/metrics")).text
            samples = (await operator.get("/api/operations")).json()["samples"]
    for outcome in ("taken", "repeat", "OVER_CEILING"):
        name = f'yangcai_bids_total{{outcome="{outcome}"}}'
        assert sample(after, name) - sample(before, name) == 1
        assert samples[name] == sample(after, name)
    assert sample(after, "yangcai_bid_seconds_count") - sample(before, "yangcai_bid_seconds_count") == 3
    assert sample(after, "yangcai_lots_running") >= 1
    assert sample(after, "yangcai_log_position") >= 2
    assert sample(after, 'yangcai_store_up{store="valkey"}') == 1
    assert str(lot_id) not in after
    assert "supplier" not in after


async def test_prometheus_reads_the_sum_of_all_processes_with_its_token(short_tmp: Path) -> None:
    settings = {"YANGCAI_SIMULATE": "no", "YANGCAI_METRICS_TOKEN": TOKEN}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    name = 'yangcai_requests_total{method="GET",status="200"}'
    data = short_tmp / "demo"
    async with running("up", "--workers", "2", "--data-dir", str(data), **settings) as product:

        async def read() -> str:
            async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
                return (await client.get(product.url + "/metrics")).text

        before = sample(await read(), name)
        for _ in range(30):  # each on a connection of its own: whichever process is free takes it
            assert await product.healthy()
        for _ in range(4):
            found = sample(await read(), name) - before
            assert found >= 30
        workers = product.children("yangcai worker")
        os.kill(workers[0], signal.SIGKILL)
        await eventually(lambda: len(set(product.children("yangcai worker")) - {workers[0]}) == 2)
        assert sample(await read(), name) - before >= 30
        async with httpx.AsyncClient(trust_env=False) as client:
            wrong = await client.get(product.url + "/metrics", headers={"Authorization": "Bearer " + "x" * 32})
            assert wrong.status_code == 303 or wrong.status_code == 401
    assert not (data / "metrics").exists()
