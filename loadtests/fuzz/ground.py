"""The product under fire, and the canary in it: a bidder of a lot of his own whose every answer is checked."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin

from loadtests.bench.meaning import Wire, events
from loadtests.bench.product import PASSWORD, Product, ProductError, Visitor

LONG_MS, TOP, STEP = 24 * 3_600_000, 90_000_000_000, 100
BID_EVERY_S, ANSWER_MAX_S, SETTLE_TRIES = 0.05, 10.0, 200
LOGINS = ("buyer", "supplier1", "supervisor", "operator")
RULES = {
    "ceiling": None, "decrement": {"kind": "absolute", "amount": STEP, "against": "own"}, "duration_ms": LONG_MS,
    "overtime": {"extensions_max": 0}, "suppliers_min": 1, "visibility": "rank_only", "big_drop_bp": 0,
}  # fmt: skip


class Ground:
    """One product in a folder of its own, people logged in to it, lots to aim at."""

    def __init__(self, folder: Path) -> None:
        self.product = Product(folder, 1)
        self.cookies: list[str] = [""]
        self.auction, self.lots = "", list[str]()

    def start(self) -> None:
        """Start it; log in; open lots. Raises ``ProductError``."""
        self.product.start()
        self.host = self.product.visitor()
        for login in LOGINS:
            visitor = Visitor(self.product.port)
            visitor.ask("POST", "/api/session", {"login": login, "password": PASSWORD})
            self.cookies.append(visitor.cookie)
        self.auction, self.lots = self.open(3)
        self.workers = self.product.servers()

    def open(self, lots: int) -> tuple[str, list[str]]:
        """A practice auction with ``lots`` lots, in each the bidders 甲 and 乙."""
        wanted = [{"title": f"乱入 {i}", "rules": RULES, "bidders": ["甲", "乙"]} for i in range(lots)]
        opened = self.host.ask("POST", "/api/practice", {"title": "乱入试验", "opens_in_ms": 0, "lots": wanted})
        return opened["auction_id"], [lot["lot_id"] for lot in opened["lots"]]

    def ticket(self, auction: str, name: str) -> str:
        """A way into one socket."""
        asked = {"auction_id": auction, "names": [name]}
        ticket: str = self.host.ask("POST", "/api/practice/tickets", asked)["tickets"][name]
        return ticket

    def close(self, lot: str) -> dict[str, Any]:
        """Close a lot; its result. Raises ``ProductError`` when there is none in time."""
        self.host.ask("POST", f"/api/practice/lots/{lot}/close", {})
        for _ in range(SETTLE_TRIES):
            found: dict[str, Any] = self.host.ask("GET", f"/api/lots/{lot}/result")
            if found.get("stage") == "rehearsed":
                return found
            time.sleep(0.1)
        raise ProductError(f"lot {lot} was not settled")

    def fetch(self, path: str, cookie: str) -> bytes:
        """A file by plain request."""
        from http.client import HTTPConnection

        http = HTTPConnection("127.0.0.1", self.product.port, timeout=30)
        http.request("GET", path, None, {"Cookie": cookie})
        content = http.getresponse().read()
        http.close()
        return content

    def log_lines(self) -> list[str]:
        """What the server processes wrote."""
        path = self.product.folder / "data" / "log" / "server.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def wrong(self) -> list[str]:
        """What the product's own processes say: one that died, a line that tells of a fault."""
        found = []
        if self.product.servers() != self.workers:
            found.append(f"a server process was replaced: {self.workers} became {self.product.servers()}")
        for line in self.log_lines():
            if '"level":"error"' in line or '"traceback"' in line or "Traceback" in line:
                found.append(f"log: {line[:300]} … {line[-700:]}")
        return found


class Canary:
    """Bids through it all."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.taken, self.wrong = ground, list[int](), list[str]()
        self.spent_ms: list[float] = []
        self.ended = False
        self.auction, (self.lot,) = ground.open(1)

    async def sing(self) -> None:
        """Bid until it is ended; whatever is not as it should be is kept in ``wrong``."""
        port = self.ground.product.port
        ticket = await asyncio.to_thread(self.ground.ticket, self.auction, "甲")
        try:
            async with connect(
                f"ws://127.0.0.1:{port}/ws?ticket={ticket}", origin=Origin(f"http://127.0.0.1:{port}"), proxy=None
            ) as socket:
                await socket.recv()
                while not self.ended:
                    await self._bid(socket, TOP - STEP * len(self.taken))
                    await asyncio.sleep(BID_EVERY_S)
        except (OSError, WebSocketException, TimeoutError) as error:
            self.wrong.append(f"the canary's socket: {type(error).__name__}: {error}")

    async def _bid(self, socket: Any, price: int) -> None:
        began = time.perf_counter()
        rid = f"canary{len(self.taken):012d}"
        await socket.send(json.dumps({"t": "bid", "lot": self.lot, "id": rid, "price": price}))
        async with asyncio.timeout(ANSWER_MAX_S):
            answer = json.loads(await socket.recv())
        self.spent_ms.append((time.perf_counter() - began) * 1_000)
        if (answer.get("t"), answer.get("id"), answer.get("price")) != ("taken", rid, price):
            self.wrong.append(f"the canary's bid {rid}: {answer}")
        else:
            self.taken.append(price)

    def reckon(self) -> list[str]:
        """Close the lot: what of the bids acknowledged is not in the log, or not in the result."""
        wire = Wire(self.ground.product.valkey_socket())
        logged = {event["rid"]: event["price"] for event in events(wire, self.lot) if event["kind"] == "bid"}
        wire.close()
        self.ground.host.log_in()
        lost = [price for i, price in enumerate(self.taken) if logged.get(f"canary{i:012d}") != price]
        wrong = [f"{len(lost)} of the canary's bids are not in the log"] if lost else []
        result = self.ground.close(self.lot)
        if not self.taken or result["standings"][0]["price"] != self.taken[-1]:
            wrong.append(f"the canary's result: {result['standings'][:1]}")
        return wrong

    def percentiles(self) -> tuple[float, float]:
        """p50 and p99 of the time to the answer, ms."""
        ranked: Sequence[float] = sorted(self.spent_ms) or [0.0]
        return ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
