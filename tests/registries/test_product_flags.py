"""商品标识: filed with a certificate, confirmed by a reviewer, shown until its day, read by no rule of an award."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.products import doors, searching
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.registries.firms import a_browser, a_reviewer
from tests.registries.test_products import a_line, a_seller, loaded, of
from tests.site import WithState, a_site

ROOT = Path(__file__).parents[2]
CERTIFICATE = "中国质量认证中心 CQC2026-001"


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def test_a_distinction_is_filed_confirmed_and_over_on_its_day(app: WithState, pool: Pool) -> None:
    seller, other, reviewer, elsewhere = (
        await a_seller(pool), await a_seller(pool), await a_reviewer(pool), await a_reviewer(pool, "3205"),
    )  # fmt: skip
    today = day_of(Clock().now_ms())
    async with at(app, pool, seller) as browser:
        await loaded(browser, a_line(sku="F1", model="fl1"), a_line(sku="F2", model="fl2", price="1"))
    good = await of(pool, seller, "F1")
    path, until = f"/products/{good['id']}/flags", (today + timedelta(days=1)).isoformat()
    sound = {"flag": "energy", "evidence": CERTIFICATE, "until": until}

    async def shown(day_later: int = 0) -> list[str]:
        asked = searching.Sought(words="ThinkPad", flag="energy")
        rows = await searching.search(pool, asked, today + timedelta(days=day_later), 200)
        return [flag for row in rows if row["id"] == good["id"] for flag in row["flags"]]

    async with at(app, pool, seller) as firm, at(app, pool, other) as rival:
        assert 'id="file-flag"' in (await firm.get(f"/products/{good['id']}")).text
        assert 'id="file-flag"' not in (await rival.get(f"/products/{good['id']}")).text
        assert (await rival.post(path, data=sound)).status_code == 404
        for wrong in (
            {"flag": "gold"}, {"evidence": "好"}, {"evidence": "没有编号的证书"}, {"until": today.isoformat()},
            {"until": "3026-01-01"}, {"until": "soon"},
        ):  # fmt: skip
            assert (await firm.post(path, data=sound | wrong)).status_code == 409
        assert await pool.fetchval("SELECT count(*) FROM product_flag WHERE product_id = $1", good["id"]) == 0
        assert (await firm.post(path, data=sound)).status_code == 303
    assert await shown() == []  # it waits
    async with at(app, pool, reviewer) as browser, at(app, pool, elsewhere) as stranger:
        assert CERTIFICATE in (await browser.get("/products/waiting")).text
        assert CERTIFICATE not in (await stranger.get("/products/waiting")).text
        assert (await stranger.post(f"{path}/energy", data={"decision": "confirmed"})).status_code == 404
        assert (await browser.post(f"{path}/green", data={"decision": "confirmed"})).status_code == 409
        assert (await browser.post(f"{path}/energy", data={"decision": "confirmed"})).status_code == 303
        assert (await browser.post(f"{path}/energy", data={"decision": "refused"})).status_code == 409
    assert await shown() == ["energy"]
    assert await shown(1) == []  # over by itself
    async with at(app, pool, seller) as firm:  # filed again it waits again
        assert (await firm.post(path, data=sound | {"evidence": "另一张证书 2"})).status_code == 303
    assert await shown() == []
    async with at(app, pool, reviewer) as browser:
        assert (await browser.post(f"{path}/energy", data={"decision": "refused"})).status_code == 303
    assert await shown() == []
    async with a_browser(app) as anybody:
        assert "未通过" in (await anybody.get(f"/products/{good['id']}")).text


def test_no_rule_of_a_procurement_reads_a_distinction() -> None:
    """They are for display only: nothing outside the product registry names them."""
    rooms = ("auction", "market", "bidding", "intranet", "supervision", "accounts", "ledger")
    files = [file for room in rooms for ending in ("py", "sql", "lua") for file in (ROOT / room).rglob(f"*.{ending}")]
    assert files
    named = [file for file in files if "product_flag" in file.read_text(encoding="utf-8")]
    assert named == []
