"""Messages to the fiscal simulator: once each and in order whatever fails; every fault it makes is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intranet.budget.model import Balances, Source
from intranet.exchange import pages, receiving, routes
from intranet.exchange.model import Fault, Heard
from intranet.outbox import sending, writing
from intranet.payments import operations
from intranet.payments.model import Application
from intranet.simulator.app import FAULTS, Simulator
from intranet.simulator.store import Store
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.walk import Cast, a_cast, within
from tests.intranet.contracts import a_contract
from tests.intranet.money import NOW, an_indicator, standing
from tests.intranet.test_pages import at
from tests.site import WithState, a_client, a_site

KEY = "a secret of tests, 32 signs"
EXPECTED = {"lost": Fault.MISSING_THERE, "doubled": Fault.DOUBLED_THERE, "amount": Fault.AMOUNT, "order": Fault.ORDER}


class Line(httpx.AsyncBaseTransport):
    """The line to the simulator: fails when told to, before or after the message arrived."""

    def __init__(self, simulator: Simulator) -> None:
        self.inner = httpx.ASGITransport(simulator.site())
        self.drops: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        drop = self.drops.pop(0) if self.drops else ""
        if drop == "before":
            raise httpx.ConnectError("the line is down")
        answer = await self.inner.handle_async_request(request)
        if drop == "after":
            raise httpx.ReadError("the answer was lost")
        return answer


class Linked:
    """A simulator linked for the place of one cast's unit, and the line to it."""

    def __init__(self, pool: Pool, name: str, simulator: Simulator) -> None:
        self.pool, self.name, self.simulator = pool, name, simulator
        self.line = Line(simulator)
        self.http = httpx.AsyncClient(transport=self.line)
        self.ahead_ms = 0

    async def send(self) -> int:
        self.ahead_ms += 600_000  # past any waiting after a failure
        return await sending.send_due(self.pool, self.http, KEY, lambda: NOW() + self.ahead_ms)

    async def tell(self, n: int, kind: writing.Kind = writing.Kind.RESULT) -> None:
        for i in range(n):
            given = ("330106", kind, f"{uuid4()}", 100 + i, {"title": "电视机"}, NOW())
            await within(self.pool, writing.tell, *given)


@pytest_asyncio.fixture
async def linked(pool: Pool) -> AsyncIterator[Linked]:
    """The nearest system to 330106 while a test runs, and none afterwards."""
    name, key = "ys-" + uuid4().hex[:12], Ed25519PrivateKey.generate()
    await within(pool, receiving.put_peer, name, "330106", key.public_key().public_bytes_raw())
    assert await within(pool, writing.put_link, name, "http://simulator/messages")
    simulator = Simulator(Store(":memory:"), name, key, sending.secret_of(KEY, name), "http://us/api/fiscal/messages")
    made = Linked(pool, name, simulator)
    yield made
    await made.http.aclose()
    await pool.execute("DELETE FROM fiscal_out WHERE peer = $1", name)
    await pool.execute("DELETE FROM fiscal_link WHERE peer = $1", name)


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


async def test_the_days_books_show_every_fault_the_other_side_made(
    linked: Linked, valkey_client: Valkey, clock: Clock
) -> None:
    app: WithState = a_site(linked.pool, valkey_client, clock, [*routes.ROUTES, *pages.ROUTES])
    cast = await a_cast(linked.pool, suppliers=0)
    kinds = [*FAULTS, *FAULTS]
    for kind in kinds:
        linked.simulator.store.inject(kind)
    await linked.tell(len(kinds) + 5)
    await linked.send()
    async with a_client(app) as us:
        await day_ends(linked, us)
    made = {(EXPECTED[row["fault"]], row["biz_key"]) for row in linked.simulator.store.rows("SELECT * FROM made")}
    assert len(made) == len(kinds)
    statement = await last_statement(linked)
    async with linked.pool.acquire() as conn:
        found = await receiving.reconcile(conn, linked.name, statement)
    assert {(each.fault, each.biz_key) for each in found} == made
    assert len(found) == len(made)
    async with at(app, linked.pool, cast.supervisor) as finance:
        shown = (await finance.get("/reconciliation")).text
    card = next(each for each in shown.split("</section>") if linked.name in each and 'data-direction="out"' in each)
    assert card.count("data-fault=") == len(kinds)


async def day_ends(linked: Linked, us: httpx.AsyncClient) -> None:
    """The simulator writes its statements, and the platform takes all it has to say."""
    async with httpx.AsyncClient(transport=linked.line.inner, base_url="http://simulator") as player:
        await player.post("/day-end")
    await carried(linked, us)


async def carried(linked: Linked, us: httpx.AsyncClient) -> None:
    """Carry the simulator's messages to the platform by hand, with its own signatures."""
    import base64

    for row in linked.simulator.store.rows("SELECT seq, body FROM told WHERE outcome IS NULL ORDER BY seq"):
        signature = base64.b64encode(linked.simulator.key.sign(receiving.CONTEXT + row["body"])).decode()
        headers = {"Fiscal-Peer": linked.name, "Fiscal-Signature": signature}
        answer = await us.post("/api/fiscal/messages", content=row["body"], headers=headers)
        assert answer.status_code == 200, answer.text
        outcome = answer.json()["outcome"]
        linked.simulator.store.rows("UPDATE told SET outcome = ? WHERE seq = ?", outcome, row["seq"])


async def last_statement(linked: Linked) -> Heard:
    import msgspec

    sql = "SELECT body FROM fiscal_message WHERE peer = $1 AND type = 'statement.heard' ORDER BY seq DESC LIMIT 1"
    body: dict[str, Any] = await linked.pool.fetchval(sql, linked.name)
    return msgspec.convert(body["data"], Heard)


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
        await carried(linked, us)
        linked.simulator.refuse = True
        await applied(linked.pool, cast, contract, 600)
        await linked.send()
        await carried(linked, us)
    assert await standing(linked.pool, indicator) == Balances(indicator, granted=1_000, consumed=600, paid=400)
    kinds = [row["type"] for row in linked.simulator.store.rows("SELECT type FROM heard ORDER BY seq")]
    assert kinds == ["contract.signed", *["acceptance.recorded", "payment.requested"] * 2]
    query = "SELECT state, voucher FROM payment WHERE request_id = $1 ORDER BY filed_at"
    states = [(row["state"], row["voucher"] != "") for row in await linked.pool.fetch(query, contract)]
    assert states == [("paid", True), ("returned", False)]
