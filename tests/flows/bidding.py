"""Suppliers that bid without pause over real sockets and lose no answer, and the check of what was kept of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from auction.lot.model import LotRules
from tests.live import Site, a_program
from tests.support import eventually

BROKEN = (OSError, WebSocketException, httpx.HTTPError, TimeoutError, KeyError)
ANSWER_WITHIN_S = 8.0
AGAIN_S = 0.05  # what a page waits before it connects or asks again
ASK_AGAIN = frozenset({"OUTCOME_UNKNOWN", "RATE"})


class Kept(NamedTuple):
    """A bid: who, its request id, price (fen) and the server's time (epoch ms)."""

    who: str
    rid: str
    price: int
    at: int


class Tried(NamedTuple):
    """A bid answered as taken: first sending and answer (loop's seconds), tries, and the end it was told (epoch ms)."""

    kept: Kept
    sent_s: float
    taken_s: float
    tries: int
    closes_at: int


class Bidder:
    """One supplier: the next bid only after the last one's answer; no answer, or an unknown outcome: the same id."""

    def __init__(self, lot_id: UUID, alias: str, price: int, enter: Callable[[], Awaitable[ClientConnection]]) -> None:
        self.lot_id, self.alias, self.price, self._enter = lot_id, alias, price, enter
        self.taken: list[Tried] = []
        self.refused: Counter[str] = Counter()
        self.lost, self.going = 0, True

    async def run(self) -> None:
        """Bid until told to stop; every bid begun is brought to its answer."""
        socket: ClientConnection | None = None
        while self.going:
            self.price -= 100
            rid, tries, sent_s, frame = uuid4().hex, 0, _now_s(), None
            while frame is None:
                tries += 1
                try:
                    socket = socket or await self._enter()
                    async with asyncio.timeout(ANSWER_WITHIN_S):
                        frame = await self._ask(socket, rid)
                except BROKEN:
                    self.lost, socket = self.lost + 1, None
                if frame is None:
                    await asyncio.sleep(AGAIN_S)
            if frame["t"] == "taken":
                kept = Kept(self.alias, rid, frame["price"], frame["at"])
                self.taken.append(Tried(kept, sent_s, _now_s(), tries, frame["closes_at"]))
            else:
                self.refused[frame["code"]] += 1
                self.going = self.going and frame["code"] != "LOT_CLOSED"
        if socket is not None:
            await socket.close()

    async def _ask(self, socket: ClientConnection, rid: str) -> Any:
        """The answer to the bid; None when it must be asked again."""
        bid = {"t": "bid", "lot": str(self.lot_id), "id": rid, "price": self.price}
        await socket.send(msgspec.json.encode(bid).decode())
        async for text in socket:
            frame = msgspec.json.decode(text)
            if frame["t"] in ("taken", "refused") and frame["id"] == rid:
                return None if frame.get("code") in ASK_AGAIN else frame
        raise ConnectionError("the socket ended")


def _now_s() -> float:
    return asyncio.get_running_loop().time()


class Auction(NamedTuple):
    """A practice lot with its bidders at work."""

    site: Site
    host: httpx.AsyncClient
    lot_id: UUID
    bidders: list[Bidder]
    tasks: list[asyncio.Task[None]]

    async def all_have_bid_since(self, moment_s: float, within_s: float) -> float:
        """Wait until each bidder had a bid taken that he first sent after ``moment_s``; the seconds it took."""

        def fresh() -> list[float]:
            return [next((t.taken_s for t in b.taken if t.sent_s >= moment_s), 0.0) for b in self.bidders]

        await eventually(lambda: all(fresh()), within_s=within_s, why=f"all bid again: {self.bidders}")
        return max(fresh()) - moment_s

    async def taken(self, count: int) -> None:
        """Wait until each bidder has so many bids taken."""
        await eventually(lambda: all(len(b.taken) >= count for b in self.bidders), within_s=20)

    async def stop_bidding(self) -> list[Kept]:
        """Let every bid begun come to its answer; all that were taken."""
        for bidder in self.bidders:
            bidder.going = False
        async with asyncio.timeout(20):
            await asyncio.gather(*self.tasks)
        return [tried.kept for bidder in self.bidders for tried in bidder.taken]


@asynccontextmanager
async def a_practice(site: Site, bidders: int, rules: LotRules) -> AsyncIterator[Auction]:
    """A practice lot on the running product with ``bidders`` bidding; they enter by one-time tickets."""
    names = [f"S{number}" for number in range(1, bidders + 1)]
    async with a_program(site, "buyer") as host:
        lot = {"title": "Kills", "rules": msgspec.to_builtins(rules), "bidders": names}
        opened = (await host.post("/api/practice", json={"title": "Kills", "lots": [lot]})).raise_for_status().json()
        auction_id, lot_id = opened["auction_id"], UUID(opened["lots"][0]["lot_id"])

        async def enter(name: str) -> ClientConnection:
            wanted = {"auction_id": auction_id, "names": [name]}
            answer = await host.post("/api/practice/tickets", json=wanted)
            ticket = answer.raise_for_status().json()["tickets"][name]
            where = site.origin.replace("http", "ws", 1) + f"/ws?ticket={ticket}"
            return await connect(where, proxy=None, open_timeout=3)

        people = [
            Bidder(lot_id, alias, 47_000_000 - number, partial(enter, name))
            for number, (name, alias) in enumerate(opened["lots"][0]["aliases"].items())
        ]
        tasks = [asyncio.create_task(bidder.run()) for bidder in people]
        try:
            yield Auction(site, host, lot_id, people, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def settled_log(site: Site, lot_id: UUID, within_s: float = 10.0) -> list[dict[str, Any]]:
    """The lot's log as Postgres has it once it is settled."""

    async def stands() -> Any:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return await site.pool.fetchval("SELECT true FROM result WHERE lot_id = $1", lot_id)

    await eventually(stands, within_s=within_s, every_s=0.05)
    rows = await site.pool.fetch("SELECT body::text FROM lot_event WHERE lot_id = $1 ORDER BY n", lot_id)
    return [msgspec.json.decode(row["body"]) for row in rows]


def faults(log: list[dict[str, Any]], taken: list[Kept]) -> list[str]:
    """What is wrong with a settled log, seen from the bidders who hold ``taken``; empty when nothing is."""
    said: list[str] = []
    if [event["n"] for event in log] != list(range(1, len(log) + 1)):
        said.append("positions have gaps")
    if [event["kind"] for event in log].count("closed") != 1 or log[-1]["kind"] != "closed":
        said.append("not exactly one closed, at the end")
    if any(later["at"] < earlier["at"] for earlier, later in pairwise(log)):
        said.append("time runs backwards")
    stored = Counter(Kept(e["who"], e["rid"], e["price"], e["at"]) for e in log if e["kind"] == "bid")
    said += [f"stored {count} times: {bid}" for bid, count in stored.items() if count > 1]
    said += [f"acknowledged and lost: {bid}" for bid in taken if bid not in stored]
    said += [f"stored and never acknowledged: {bid}" for bid in stored.keys() - set(taken)]
    return said
