"""Messages to the fiscal simulator: once each and in order whatever fails; every fault it makes is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from intranet.budget.model import Balances, Source
from intranet.exchange import pages, routes
from intranet.outbox import writing
from intranet.payments import operations
from intranet.payments.model import Application
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.walk import Cast, a_cast, within
from tests.intranet.contracts import a_contract
from tests.intranet.linked import Linked, a_link
from tests.intranet.money import NOW, an_indicator, standing
from tests.intranet.test_pages import at
from tests.site import WithState, a_client, a_site


@pytest_asyncio.fixture
async def linked(pool: Pool) -> AsyncIterator[Linked]:
    """The nearest system to 330106 while a test runs, and none afterwards."""
    async with a_link(pool) as made:
        yield made


async def test_over_a_line_that_breaks_each_message_arrives_once_and_in_order(linked: Linked) -> None:
    await linked.tell(20)
    linked.line.drops = ["", "before", "after", "", "after", "before", "before", "", "after"]
    for _ in range(12):
        await linked.send()
    assert [row["seq"] for row in linked.simulator.store.rows("SELECT seq FROM book")] == list(range(1, 21))
    row = await linked.pool.fetchrow("SELECT * FROM fiscal_link WHERE peer = $1", linked.name)
    assert row is not None
    assert (row["seq"], row["acked"], row["fault"]) == (20, 20, "")
    body = (await linked.pool.fetchrow("SELECT body FROM fiscal_out WHERE peer = $1 AND seq = 7", linked.name))["body"]
    assert body == linked.simulator.store.rows("SELECT body FROM heard WHERE seq = 7")[0]["body"]


async def test_the_same_message_written_twice_is_one_and_one_undone_is_none(linked: Linked) -> None:
    for _ in range(2):
        await within(linked.pool, writing.tell, "330106", writing.Kind.CONTRACT, "lot:1", 5, {}, NOW())
    await within(linked.pool, writing.tell, "330106", writing.Kind.CONTRACT, "lot:1", 6, {}, NOW(), 2)
    async with linked.pool.acquire() as conn:
        undone = conn.transaction()
        await undone.start()
        await writing.tell(conn, "330106", writing.Kind.CONTRACT, "lot:2", 5, {}, NOW())
        await undone.rollback()
    assert await linked.send() == 2
    heard = linked.simulator.store.rows("SELECT biz_key, fen FROM book ORDER BY seq")
    assert [tuple(row) for row in heard] == [("lot:1#1", 5), ("lot:1#2", 6)]


async def test_two_senders_and_a_far_side_set_back_lose_and_double_nothing(linked: Linked) -> None:
    await linked.tell(6)
    await asyncio.gather(*(linked.send() for _ in range(4)))
    await linked.send()
    store = linked.simulator.store
    assert store.last("heard") == 6
    store.rows("DELETE FROM heard WHERE seq > 3")  # restored from an older copy
    store.rows("DELETE FROM book WHERE seq > 3")
    await linked.tell(1)
    for _ in range(3):
        await linked.send()
    assert [row["seq"] for row in store.rows("SELECT seq FROM book ORDER BY place")] == list(range(1, 8))


async def test_a_wrong_code_is_not_taken_and_the_page_says_that_sending_is_held_up(
    linked: Linked, valkey_client: Valkey, clock: Clock
) -> None:
    cast = await a_cast(linked.pool, suppliers=0)
    app: WithState = a_site(linked.pool, valkey_client, clock, pages.ROUTES)
    await linked.tell(1)
    linked.simulator.secret = b"another"
    assert await linked.send() == 0
    async with at(app, linked.pool, cast.supervisor) as finance:
        shown = (await finance.get("/reconciliation")).text
    assert f'data-link="{linked.name}" data-waiting="1"' in shown
    assert "HTTP 401" in shown


async def applied(pool: Pool, cast: Cast, contract: str, fen: int) -> None:
    asked = Application(contract, fen, "YS-1", "首付款")
    payment_id = await within(pool, operations.file, cast.buyer, asked, NOW())
    await within(pool, operations.decide, cast.head, payment_id, True, "", NOW())


async def test_the_treasury_is_asked_and_pays_and_what_it_returns_is_under_contract_again(
    linked: Linked, valkey_client: Valkey, clock: Clock
) -> None:
    app: WithState = a_site(linked.pool, valkey_client, clock, routes.ROUTES)
    cast = await a_cast(linked.pool, suppliers=0)
    indicator = await an_indicator(linked.pool, 1_000, org_id=cast.buyer.org_id)
    contract = await a_contract(linked.pool, cast, Source(indicator, 1_000))
    async with a_client(app) as us:
        await applied(linked.pool, cast, contract, 400)
        await linked.send()
        await linked.carried(us)
        linked.simulator.refuse = True
        await applied(linked.pool, cast, contract, 600)
        await linked.send()
        await linked.carried(us)
    assert await standing(linked.pool, indicator) == Balances(indicator, granted=1_000, consumed=600, paid=400)
    kinds = [row["type"] for row in linked.simulator.store.rows("SELECT type FROM heard ORDER BY seq")]
    assert kinds == ["contract.signed", *["acceptance.recorded", "payment.requested"] * 2]
    query = "SELECT state, voucher FROM payment WHERE request_id = $1 ORDER BY filed_at"
    states = [(row["state"], row["voucher"] != "") for row in await linked.pool.fetch(query, contract)]
    assert states == [("paid", True), ("returned", False)]
