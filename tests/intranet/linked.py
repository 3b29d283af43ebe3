"""A fiscal simulator linked to the platform, the line between them, and days of messages with faults."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intranet.exchange import receiving
from intranet.outbox import sending, writing
from intranet.simulator.app import Simulator
from intranet.simulator.store import Store
from plumbing.postgres import Pool
from tests.auction.walk import within
from tests.intranet.money import NOW

KEY = "a secret of tests, 32 signs"


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

    async def tell(self, n: int, kind: writing.Kind = writing.Kind.RESULT, now_ms: int = 0) -> list[str]:
        """Write so many messages of ours; their keys as the books have them."""
        keys = [f"{uuid4()}" for _ in range(n)]
        for i, key in enumerate(keys):
            given = ("330106", kind, key, 100 + i, {"title": "电视机"}, now_ms or NOW())
            await within(self.pool, writing.tell, *given)
        return [f"{key}#1" for key in keys]

    async def day_ends(self, day: str) -> None:
        """The simulator writes its statements of a day."""
        async with httpx.AsyncClient(transport=self.line.inner, base_url="http://simulator") as player:
            assert (await player.post("/day-end", params={"day": day})).status_code == 200

    async def post(self, us: httpx.AsyncClient, body: bytes) -> httpx.Response:
        """Carry one message of the simulator to the platform, with its signature."""
        signature = base64.b64encode(self.simulator.key.sign(receiving.CONTEXT + body)).decode()
        headers = {"Fiscal-Peer": self.name, "Fiscal-Signature": signature}
        return await us.post("/api/fiscal/messages", content=body, headers=headers)

    async def carried(self, us: httpx.AsyncClient) -> None:
        """Carry all that the simulator has to say."""
        store = self.simulator.store
        for row in store.rows("SELECT seq, body FROM told WHERE outcome IS NULL ORDER BY seq"):
            answer = await self.post(us, row["body"])
            assert answer.status_code == 200, answer.text
            store.rows("UPDATE told SET outcome = ? WHERE seq = ?", answer.json()["outcome"], row["seq"])


@asynccontextmanager
async def a_link(pool: Pool) -> AsyncIterator[Linked]:
    """The nearest system to 330106 meanwhile, and none afterwards."""
    name, key = "ys-" + uuid4().hex[:12], Ed25519PrivateKey.generate()
    await within(pool, receiving.put_peer, name, "330106", key.public_key().public_bytes_raw())
    assert await within(pool, writing.put_link, name, "http://simulator/messages")
    simulator = Simulator(Store(":memory:"), name, key, sending.secret_of(KEY, name), "http://us/api/fiscal/messages")
    made = Linked(pool, name, simulator)
    yield made
    await made.http.aclose()
    await pool.execute("DELETE FROM fiscal_out WHERE peer = $1", name)
    await pool.execute("DELETE FROM fiscal_link WHERE peer = $1", name)
