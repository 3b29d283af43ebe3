"""The whole product for tests: real server processes' worth of application on loopback, and clients on real sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import msgspec
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from accounts import sessions
from auction.lot.model import Decrement, LotRules, Overtime
from auction.lot.views import View, merge
from plumbing.clock import Clock
from plumbing.postgres import Pool
from server import app, notarial, worker
from server.demo import cases, people
from server.settings import Settings, load
from tests.support import SECRET, eventually, free_port

GOODS = cases.AUDIO


class Site(NamedTuple):
    """One or more server processes' worth of application on the same engines."""

    origins: list[str]
    pool: Pool
    settings: Settings

    @property
    def origin(self) -> str:
        return self.origins[0]


@asynccontextmanager
async def a_live_site(
    pool: Pool, valkey_url: str, postgres_url: str, servers: int = 1, **given: str
) -> AsyncIterator[Site]:
    """The application ``servers`` times over, each on a port of its own, a notary, and the demo's people.

    ``given``: further settings.
    """
    async with pool.acquire() as conn, conn.transaction():
        await people.seed(conn)
    ports = [free_port() for _ in range(servers)]
    given = {"secret_key": SECRET, "registers_url": "none", **given}
    settings = load(mode="demo", valkey_url=valkey_url, postgres_url=postgres_url, port=ports[0], **given)
    running, tasks = [], []
    for port in ports:
        config = worker.configuration(app.create(settings), 1)
        config.host, config.port = "127.0.0.1", port
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        running.append(server)
        tasks.append(asyncio.create_task(server._serve()))
    await eventually(lambda: all(server.started for server in running), within_s=15)
    notary = asyncio.create_task(notarial.run(settings))
    try:
        yield Site([f"http://127.0.0.1:{port}" for port in ports], pool, settings)
    finally:
        for server in running:
            server.should_exit = True
        notary.cancel()
        await asyncio.gather(*tasks)
        with suppress(asyncio.CancelledError):
            await notary


def quick_rules(**changes: object) -> LotRules:
    """Five seconds, steps of ¥1.00, no extensions, no questions asked about deep drops."""
    base: dict[str, object] = {
        "ceiling": GOODS.ceiling,
        "duration_ms": 5_000,
        "decrement": Decrement(amount=100),
        "overtime": Overtime(extensions_max=0),
        "big_drop_bp": 0,
    }
    return LotRules(**(base | changes))  # type: ignore[arg-type]


async def a_started_lot(site: Site, rules: LotRules, bidders: int = 4) -> UUID:
    """A lot of the demo's purchaser that opens at once; returned when it runs in the live store."""
    now = Clock().now_ms()
    async with site.pool.acquire() as conn, conn.transaction():
        lot_id = await cases.add(conn, GOODS, rules, now, now, bidders=bidders, dice=random.Random(1))
    await eventually(
        lambda: site.pool.fetchval("SELECT handed_over_at IS NOT NULL FROM lot WHERE id = $1", lot_id), within_s=10
    )
    return lot_id


class Page:
    """What a browser page does: one socket, views kept from snapshot and deltas, answers by request id."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.views: dict[str, View] = {}
        self.answers: dict[str, asyncio.Future[Any]] = {}
        self.frames: list[Any] = []
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for text in self.socket:
            frame = msgspec.json.decode(text)
            self.frames.append(frame)
            if frame["t"] == "snapshot":
                self.views[frame["lot"]] = frame["view"]
            elif frame["t"] == "delta":
                self.views[frame["lot"]] = merge(self.views[frame["lot"]], frame["patch"])
            elif frame["t"] in ("taken", "refused"):
                future = self.answers.pop(frame["id"], None)
                if future and not future.done():
                    future.set_result(frame)

    async def send(self, message: Any) -> None:
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode()
        await self.socket.send(text)

    async def watch(self, lot_id: UUID) -> View:
        await self.send({"t": "watch", "lot": str(lot_id)})
        return await eventually(lambda: self.views.get(str(lot_id)))

    def view(self, lot_id: UUID) -> View:
        return self.views[str(lot_id)]

    async def bid(self, lot_id: UUID, price: Any, **more: Any) -> Any:
        """Bid and wait for the answer."""
        rid = more.pop("id", None) or uuid4().hex
        future = self.answers[rid] = asyncio.get_running_loop().create_future()
        await self.send({"t": "bid", "lot": str(lot_id), "id": rid, "price": price, **more})
        async with asyncio.timeout(10):
            return await future

    async def fault(self) -> Any:
        """The next error frame."""
        return await eventually(lambda: next((frame for frame in self.frames if frame["t"] == "error"), None))


async def a_cookie(site: Site, login: str) -> str:
    """The cookie of a session of ``login``."""
    person_id = await site.pool.fetchval("SELECT id FROM person WHERE login = $1", login)
    token = await sessions.begin(site.pool, person_id, Clock().now_ms())
    return f"{sessions.cookie_name(site.settings)}={token}"


@asynccontextmanager
async def a_program(site: Site, login: str) -> AsyncIterator[httpx.AsyncClient]:
    """A program of ``login`` on the first server."""
    headers = {"Cookie": await a_cookie(site, login)}
    async with httpx.AsyncClient(base_url=site.origin, headers=headers, trust_env=False) as program:
        yield program


@asynccontextmanager
async def a_page(
    site: Site, login: str = "", number: int = 0, query: str = "", origin: str = "", cookie: str = ""
) -> AsyncIterator[Page]:
    """A page of ``login`` (nobody when empty), or of who bears ``cookie``, on server ``number``."""
    headers = {}
    if login or cookie:
        headers["Cookie"] = cookie or await a_cookie(site, login)
    ours = site.origins[number]
    url = ours.replace("http", "ws") + "/ws" + query
    async with connect(url, additional_headers=headers, origin=origin or ours, proxy=None) as socket:  # type: ignore[arg-type]
        page = Page(socket)
        try:
            yield page
        finally:
            page.task.cancel()
