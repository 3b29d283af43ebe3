"""商品标识: filed with a certificate, confirmed by a reviewer, shown until its day, read by no rule of an award."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.papers import routes as papers
from registries.products import doors, searching
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.registries.firms import a_browser, a_reviewer
from tests.registries.test_papers import a_picture
from tests.registries.test_products import a_line, a_seller, loaded, of
from tests.site import WithState, a_site

ROOT = Path(__file__).parents[2]
CERTIFICATE = "中国质量认证中心 CQC2026-001"


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*doors.ROUTES, *papers.ROUTES])


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
    async with a_browser(app) as anybody:
        assert CERTIFICATE not in (await anybody.get(f"/products/{good['id']}")).text
    async with at(app, pool, reviewer) as browser, at(app, pool, elsewhere) as stranger:
        assert CERTIFICATE in (await browser.get("/products/waiting")).text
        assert CERTIFICATE not in (await stranger.get("/products/waiting")).text
        assert (await stranger.post(f"{path}/energy", data={"decision": "confirmed"})).status_code == 404
        assert (await browser.post(f"{path}/green", data={"decision": "confirmed"})).status_code == 409
        assert (await browser.post(f"{path}/energy", data={"decision": "confirmed"})).status_code == 303
        assert (await browser.post(f"{path}/energy", data={"decision": "refused"})).status_code == 409
    assert await shown() == ["energy"]
    assert await shown(1) == []  # over by itself
    async with at(app, pool, seller) as firm:  # filed again, what was confirmed holds until the new one is decided
        assert (await firm.post(path, data=sound | {"evidence": "另一张证书 2"})).status_code == 303
    assert await shown() == ["energy"]
    async with a_browser(app) as anybody:
        page = (await anybody.get(f"/products/{good['id']}")).text
        assert (CERTIFICATE in page, "另一张证书 2" in page) == (True, False)
    async with at(app, pool, reviewer) as browser:
        assert "另一张证书 2" in (await browser.get(f"/products/{good['id']}")).text
        assert (await browser.post(f"{path}/energy", data={"decision": "refused"})).status_code == 303
        assert await shown() == ["energy"], "only the new one is refused"
        assert (await browser.post(f"{path}/energy", data={"decision": "revoked"})).status_code == 303
        assert await shown() == []
        assert (await browser.post(f"{path}/energy", data={"decision": "revoked"})).status_code == 409
    async with a_browser(app) as anybody, at(app, pool, seller) as firm:
        assert "未通过" in (await firm.get(f"/products/{good['id']}")).text
        assert "另一张证书 2" not in (await anybody.get(f"/products/{good['id']}")).text


async def test_a_distinction_carries_its_certificates_picture_for_the_reviewer(app: WithState, pool: Pool) -> None:
    seller, other = await a_seller(pool), await a_seller(pool)
    until = (day_of(Clock().now_ms()) + timedelta(days=9)).isoformat()
    async with at(app, pool, seller) as firm:
        await loaded(firm, a_line(sku="F3", model="fl3"))
        good = await of(pool, seller, "F3")
        paper = (await firm.post("/api/papers?name=c.png", content=a_picture())).json()["id"]
        form = {"flag": "green", "evidence": CERTIFICATE, "until": until, "file": paper}
        assert (await firm.post(f"/products/{good['id']}/flags", data=form | {"file": str(uuid4())})).status_code == 409
        assert (await firm.post(f"/products/{good['id']}/flags", data=form)).status_code == 303
    async with at(app, pool, await a_reviewer(pool)) as reviewer, at(app, pool, other) as rival:
        assert f"/papers/{paper}" in (await reviewer.get(f"/products/{good['id']}")).text
        assert (await reviewer.get(f"/papers/{paper}")).status_code == 200
        assert f"/papers/{paper}" not in (await rival.get(f"/products/{good['id']}")).text
        assert (await rival.get(f"/papers/{paper}")).status_code == 404


def test_no_rule_of_a_procurement_reads_a_distinction() -> None:
    """Distinctions and reviews are for display only: nothing outside the product registry names them."""
    rooms = ("auction", "market", "bidding", "intranet", "supervision", "accounts", "ledger")
    files = [file for room in rooms for ending in ("py", "sql", "lua") for file in (ROOT / room).rglob(f"*.{ending}")]
    assert files
    named = [file for file in files if re.search("product_(flag|review|day)", file.read_text(encoding="utf-8"))]
    assert named == []
