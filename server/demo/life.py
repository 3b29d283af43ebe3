"""The process that keeps the demonstration alive: one auction of each kind, and suppliers that bid through sockets."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
import websockets
from websockets.asyncio.client import connect

from accounts import sessions
from auction.case import award
from auction.case.cases import lot_locked
from auction.lot import live
from auction.lot.model import Overtime, Stage
from auction.lot.views import View, merge
from plumbing import logs, postgres, valkey
from plumbing.clock import Clock
from plumbing.cluster import client as store
from plumbing.engines.launch import die_with_parent
from plumbing.faults import BROKEN_PIPES, until_there
from plumbing.stopping import heed
from server.demo import budget, cases, experts, people, vehicles
from server.demo.cases import MINUTE_MS
from server.handlers import on_deal
from server.settings import Settings, load
from server.site import load_texts

log = logs.get(__name__)
LOOK_EVERY_S = 10.0
FINISHED_MS = 4_000
PERSON = "SELECT id FROM person WHERE login = $1"


class Life:
    """Keeps one auction of each kind in being."""

    def __init__(self, settings: Settings, origin: str, pool: postgres.Pool, client: valkey.Valkey) -> None:
        self.settings, self.origin, self.pool, self.valkey = settings, origin, pool, client
        self.clock, self.dice, self.texts = Clock(), random.Random(), load_texts()

    async def run(self) -> None:
        """Look, mend, bid; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep())
            for person in people.SUPPLIERS[1:] if self.settings.simulate else ():
                group.create_task(self._bid_for_ever(person.login))

    async def _keep(self) -> None:
        while True:
            try:
                await self._mend()
                heed()
            except Exception as error:
                log.warning("demo.mend", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _count(self, condition: str) -> int:
        found: int = await self.pool.fetchval(f"SELECT count(*) FROM lot WHERE NOT practice AND {condition}")
        return found

    async def _mend(self) -> None:
        now = self.clock.now_ms()
        if not await self._count("(stage IN ('running', 'paused') OR (stage = 'signup' AND opens_at < now()))"):
            await self._add(cases.AUDIO, 30 * MINUTE_MS, now, 5)
        if not await self._count("stage = 'signup' AND opens_at < now() + interval '1 hour'"):
            await self._add(cases.PROJECTORS, 20 * MINUTE_MS, now + 6 * MINUTE_MS, 5)
        if not await self._count("stage = 'signup' AND opens_at > now() + interval '12 hours'"):
            await self._add(cases.CHAIRS, 30 * MINUTE_MS, now + 3 * 24 * 60 * MINUTE_MS, 2)
        if not await self.pool.fetchval("SELECT true FROM indicator LIMIT 1"):
            await self._budget(now)
        if not await self._count("stage IN ('failed') OR title LIKE '档案室%'"):
            await self._add(cases.SERVER, FINISHED_MS, now, 2)
        if not await self._count("title LIKE 'A4%'"):
            await self._finished(now)
        await self._publish()
        await self._experts(now)
        await self._vehicles(now)

    async def _add(self, goods: cases.Goods, duration_ms: int, opens_at: int, bidders: int) -> UUID:
        short = {"overtime": Overtime(extensions_max=0)} if duration_ms < MINUTE_MS else {}
        rules = cases.rules_for(goods, duration_ms, **short)
        async with self.pool.acquire() as conn, conn.transaction():
            return await cases.add(conn, goods, rules, opens_at, self.clock.now_ms(), bidders=bidders, dice=self.dice)

    async def _finished(self, now: int) -> None:
        """An auction that opens now, is bid in by four suppliers and closes within seconds."""
        await self._add(cases.PRINTERS, 3 * FINISHED_MS, now, 5)

    async def _publish(self) -> None:
        """Winner and purchaser of the finished one confirm, so that a published result stands there."""
        row = await self.pool.fetchrow("SELECT id, stage FROM lot WHERE title LIKE 'A4%' ORDER BY id LIMIT 1")
        if row is None or row["stage"] not in (Stage.AWARD_PENDING, Stage.BUYER_CONFIRM):
            return
        now = self.clock.now_ms()
        async with self.pool.acquire() as conn, conn.transaction():
            if row["stage"] == Stage.AWARD_PENDING:
                winner = await conn.fetchval(
                    "SELECT p.login FROM award a JOIN signup s ON s.id = a.signup_id "
                    "JOIN person p ON p.org_id = s.org_id WHERE a.lot_id = $1 ORDER BY a.rank DESC LIMIT 1",
                    row["id"],
                )
                actor = await self._actor(conn, winner)
                await award.answer(conn, actor, row["id"], True, "", now)
            lot = await lot_locked(conn, row["id"])
            await award.buyer_confirm(conn, lot, await self._actor(conn, "head"), now, on_deal)

    async def _budget(self, now: int) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            buyer, head, finance = [await self._actor(conn, login) for login in ("buyer", "head", "supervisor")]
            await budget.seed(conn, buyer, head, finance, now)

    async def _experts(self, now: int) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            given = (conn, self.settings, self.texts, self._actor, now)
            if not await conn.fetchval("SELECT true FROM expert LIMIT 1"):
                await experts.seed(*given)
            await experts.live(*given)

    async def _vehicles(self, now: int) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            await vehicles.seed(conn, self._actor, now)

    async def _actor(self, conn: postgres.Connection, login: str) -> Any:
        person_id = await conn.fetchval(PERSON, login)
        token = await sessions.begin(conn, person_id, self.clock.now_ms(), agent="demo")
        return await sessions.by_token(conn, token, self.clock.now_ms())

    # ── simulated suppliers ──────────────────────────────────────────────────────────────────────────────────────

    async def _bid_for_ever(self, login: str) -> None:
        while True:
            with suppress(websockets.WebSocketException, *BROKEN_PIPES):
                await self._bid(login)
            heed()
            await asyncio.sleep(2)

    async def _bid(self, login: str) -> None:
        async with self.pool.acquire() as conn:
            person_id = await conn.fetchval(PERSON, login)
            token = await sessions.begin(conn, person_id, self.clock.now_ms(), agent="demo")
        where = urlsplit(self.origin)
        cookie = {"Cookie": f"{sessions.cookie_name(self.settings)}={token}"}
        url = f"ws://{where.netloc}/ws"
        async with connect(url, additional_headers=cookie, origin=self.origin, proxy=None) as socket:  # type: ignore[arg-type]
            await Bidder(self, login, socket).run()


class Bidder:
    """One simulated supplier on one socket, bidding in every running auction he is admitted to."""

    def __init__(self, life: Life, login: str, socket: Any) -> None:
        self.life, self.login, self.socket = life, login, socket
        self.views: dict[str, View] = {}

    async def run(self) -> None:
        """Read frames, look for new lots, bid now and then; ends with the socket."""
        reader = asyncio.create_task(self._read())
        try:
            while not reader.done():
                for lot in await self._lots():
                    if lot not in self.views:
                        self.views[lot] = {}
                        await self._send({"t": "watch", "lot": lot})
                for _ in range(4):
                    await asyncio.sleep(self.life.dice.uniform(0.6, 2.2))
                    await self._offer_somewhere()
        finally:
            reader.cancel()

    async def _lots(self) -> list[str]:
        rows = await self.life.pool.fetch(
            "SELECT l.id FROM lot l JOIN signup s ON s.auction_id = l.auction_id JOIN person p ON p.org_id = s.org_id "
            "WHERE p.login = $1 AND l.stage = 'running' AND NOT l.practice ORDER BY l.id DESC LIMIT 10",
            self.login,
        )
        return [str(row["id"]) for row in rows]

    async def _send(self, message: dict[str, Any]) -> None:
        await self.socket.send(msgspec.json.encode(message), text=True)

    async def _read(self) -> None:
        async for text in self.socket:
            frame = msgspec.json.decode(text)
            if frame["t"] == "snapshot":
                self.views[frame["lot"]] = frame["view"]
            elif frame["t"] == "delta":
                self.views[frame["lot"]] = merge(self.views.get(frame["lot"], {}), frame["patch"])

    async def _offer_somewhere(self) -> None:
        dice = self.life.dice
        for lot, view in list(self.views.items()):
            if view.get("stage") != "running" or dice.random() < 0.5:
                continue
            ceiling, top = view.get("ceiling") or 0, view.get("price_max") or 0
            floor = ceiling * 62 // 100
            first = "price" not in view
            drop = dice.randint(0, ceiling // 40) if first else dice.randint(0, ceiling // 1_200)
            price = (top - drop) // 100 * 100
            if top and price > floor and (first or view.get("rank") != 1 or dice.random() < 0.25):
                await self._send({"t": "bid", "lot": lot, "id": uuid4().hex, "price": price})


async def main(origin: str, parent_pid: int) -> None:
    """Run until ended by the supervisor; ``origin`` is the address the site is reached at."""
    die_with_parent(signal.SIGTERM, parent_pid)
    settings = load()
    logs.configure(str(settings.log_level))
    client = store.connect(settings.valkey_url, settings.valkey_copies_min)
    pool = await until_there(
        "postgres", lambda: postgres.open_pool(settings.postgres_url, application_name="demo", size_max=6)
    )
    try:
        await until_there("valkey", lambda: live.load(client))
        await Life(settings, origin, pool, client).run()
    finally:
        await pool.close()
        await client.aclose()
