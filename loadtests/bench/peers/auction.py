"""What both peers share: the Lua call, the answers, and how they are served."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from redis import Redis as BlockingRedis
from redis.asyncio import BlockingConnectionPool, Redis

RULES = Path(__file__).with_name("bid.lua").read_text(encoding="utf-8")
CONNECTIONS = 50
DAY_MS = 24 * 3_600_000


class Auction:
    """A lot in Valkey, one script call per bid over a pool of connections."""

    def __init__(self, socket_path: str) -> None:
        self._valkey: Any = Redis.from_pool(
            BlockingConnectionPool.from_url(f"unix://{socket_path}", max_connections=CONNECTIONS)
        )
        self._script = self._valkey.register_script(RULES)

    async def bid(self, who: str, message: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The bidder's answer, and the frame for all watchers when the bid was taken."""
        lot, price = message["lot"], int(message["price"])
        key = f"peer:{{{lot}}}"
        keys = [key, f"{key}:board", f"{key}:ids", f"{key}:log"]
        outcome = await self._script(keys=keys, args=[who, message["id"], price])
        told = {"t": outcome[0].decode(), "id": message["id"], "lot": lot}
        if told["t"] == "refused":
            return {**told, "code": outcome[1].decode()}, None
        frame = {"t": "delta", "lot": lot, "k": outcome[1], "patch": {"n": outcome[1], "lead": {"price": price}}}
        return {**told, "price": price, "rank": outcome[2]}, frame

    def snapshot(self, lot: str) -> dict[str, Any]:
        """What a watcher begins with."""
        return {"t": "snapshot", "lot": lot, "k": 0, "view": {}}


def serve(make: Callable[[str], Any], arguments: list[str]) -> None:
    """``PORT SOCKET LOT...``: open the lots for a day, then serve: uvicorn on uvloop, one process, no access log."""
    port, socket_path, *lots = arguments
    with BlockingRedis(unix_socket_path=socket_path) as valkey:
        for lot in lots:
            valkey.hset(f"peer:{{{lot}}}", "closes_at", str(int(time.time() * 1000) + DAY_MS))
    application = make(socket_path)
    uvicorn.run(application, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", log_level="warning")
