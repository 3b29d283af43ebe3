"""价格预警: told when a price lies too far, explained, dismissed, opened again, gone with the price."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.products import alerts, doors
from tests.accounts.admin.people import at
from tests.registries.firms import a_reviewer
from tests.registries.test_products import a_line, a_seller, loaded, of
from tests.site import WithState, a_site


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def watched(pool: Pool) -> None:
    """Every price that changed was looked at."""
    while True:
        async with pool.acquire() as conn, conn.transaction():
            if not await alerts.look(conn, Clock().now_ms()):
                return


async def the_alerts(pool: Pool, good: Any) -> dict[str, tuple[str, int]]:
    rows = await pool.fetch("SELECT against, stage, by_bp FROM product_alert WHERE product_id = $1", good["id"])
    return {row["against"]: (row["stage"], row["by_bp"]) for row in rows if row["stage"] != "gone"}


async def asked(pool: Pool, good: Any, fen: int) -> None:
    """The seller asks another price."""
    await pool.execute(
        "UPDATE product SET price_fen = $2, changed_at = clock_timestamp() WHERE id = $1", good["id"], fen
    )
    await watched(pool)


async def test_a_price_that_lies_too_far_is_told_explained_and_dismissed(app: WithState, pool: Pool) -> None:
    seller, reviewer, elsewhere = await a_seller(pool), await a_reviewer(pool), await a_reviewer(pool, "3205")
    async with at(app, pool, seller) as browser:
        await loaded(browser, a_line(sku="G1", price="1000"))
    good = await of(pool, seller, "G1")
    await watched(pool)
    assert await the_alerts(pool, good) == {}
    await asked(pool, good, 120_000)  # exactly the limit is not told
    assert await the_alerts(pool, good) == {}
    await asked(pool, good, 180_000)
    assert await the_alerts(pool, good) == {"history": ("open", 5_000)}
    path = f"{good['id']}/history"
    async with at(app, pool, seller) as firm, at(app, pool, reviewer) as browser, at(app, pool, elsewhere) as stranger:
        assert f'data-alert="{path}"' in (await firm.get("/products/own/alerts")).text
        assert f'data-alert="{path}"' not in (await stranger.get("/products/alerts")).text
        assert (await firm.post(f"/products/own/alerts/{path}", data={"remark": " "})).status_code == 409
        assert (await firm.post(f"/products/own/alerts/{path}", data={"remark": "含三年上门服务"})).status_code == 303
        page = (await browser.get("/products/alerts")).text
        assert "含三年上门服务" in page
        assert "+50.0%" in page
        assert (await stranger.post(f"/products/alerts/{path}", data={"remark": "x"})).status_code == 404
        assert (await browser.post(f"/products/alerts/{good['id']}/nothing", data={"remark": "x"})).status_code == 404
        assert (await browser.post(f"/products/alerts/{path}", data={"remark": ""})).status_code == 409
        assert await the_alerts(pool, good) == {"history": ("explained", 5_000)}
        assert (await browser.post(f"/products/alerts/{path}", data={"remark": "服务属实"})).status_code == 303
        assert "服务属实" in (await browser.get("/products/alerts?chosen=decided")).text
        await pool.execute("UPDATE product SET watched_at = NULL WHERE id = $1", good["id"])
        await watched(pool)
        assert await the_alerts(pool, good) == {"history": ("dismissed", 5_000)}  # it holds for that price
        assert (await browser.post(f"/products/alerts/{path}", data={"what": "reopen"})).status_code == 303
        assert await the_alerts(pool, good) == {"history": ("explained", 5_000)}
        assert (await browser.post(f"/products/alerts/{path}", data={"what": "reopen"})).status_code == 409
    await asked(pool, good, 320_000)
    assert await the_alerts(pool, good) == {"history": ("open", 7_777)}  # another price: it begins anew
    await asked(pool, good, 300_000)
    assert await the_alerts(pool, good) == {}


async def test_one_seller_is_held_against_the_others_of_the_same_product(app: WithState, pool: Pool) -> None:
    owner, sellers = await a_seller(pool), [await a_seller(pool) for _ in range(3)]
    async with at(app, pool, owner) as browser:
        await loaded(browser, a_line(kind="standard", sku="N1", price="5000"))
    standard = await of(pool, owner, "N1")
    goods = []
    for seller, price in zip(sellers, ("5000", "5100", "3000"), strict=True):
        async with at(app, pool, seller) as browser:
            await loaded(browser, a_line(sku="G1", price=price))
        goods.append(await of(pool, seller, "G1"))
    await pool.execute(
        "UPDATE product SET standard_id = $1, changed_at = clock_timestamp() WHERE id = ANY($2::uuid[])",
        standard["id"], [each["id"] for each in goods],
    )  # fmt: skip
    await watched(pool)
    assert await the_alerts(pool, goods[2]) == {"peers": ("open", -4_000)}  # 3,000 against 5,000
    assert await the_alerts(pool, goods[0]) == {"peers": ("open", 6_666)}  # 5,000 against 3,000
    await asked(pool, goods[2], 495_000)
    assert await the_alerts(pool, goods[0]) == {}  # of the others, too, without a change of their own
    assert "peers" not in await the_alerts(pool, goods[2])
    await asked(pool, goods[1], 560_000)
    assert (await the_alerts(pool, goods[1]))["reference"] == ("open", 1_200)
