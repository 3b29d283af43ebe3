"""The simulator's doors: messages in, and orders of whoever plays with it (on loopback, no login)."""

from __future__ import annotations

import asyncio
import base64
import hmac
from datetime import date
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from intranet.exchange.receiving import CONTEXT
from intranet.outbox.sending import code_of
from intranet.simulator.store import FAULTS, HEARD, TOLD, Store
from plumbing.clock import Clock
from standards.workdays import day_of

NOT_THEIRS = {"code": "code_differs"}


class Simulator:
    """A fiscal system 预算管理一体化 played: it answers, pays what it is asked to pay, and reports each day's book.

    ``refuse``: payments are returned instead of paid, until told otherwise.
    """

    def __init__(self, store: Store, name: str, key: Ed25519PrivateKey, secret: bytes, platform: str) -> None:
        self.store, self.name, self.key, self.secret, self.platform = store, name, key, secret, platform
        self.refuse = False
        self._one_at_a_time = asyncio.Lock()

    async def take(self, request: Request) -> Response:
        """``POST /messages``: a message of the platform, once and in order."""
        raw = await request.body()
        if not hmac.compare_digest(request.headers.get("fiscal-code", ""), code_of(self.secret, raw)):
            return JSONResponse(NOT_THEIRS, 401)
        message = msgspec.json.decode(raw)
        last, seq = self.store.last("heard"), message["seq"]
        known = self.store.rows("SELECT body FROM heard WHERE seq = ?", seq)
        if seq > last + 1 or (known and known[0]["body"] != raw):
            return JSONResponse({"seq": last + 1}, 409)
        if not known:
            self.store.hear(message, raw)
            self._react(message)
        return JSONResponse({"seq": seq, "outcome": "taken"})

    def _react(self, message: dict[str, Any]) -> None:
        if message["type"] == "payment.requested":
            kind, about = ("payment.returned", "账户信息不符") if self.refuse else ("payment.paid", "凭证")
            data = {"request": message["biz_key"], "fen": message["fen"], "about": f"{about} {message['biz_key']}"}
            now_ms = Clock().now_ms()
            self.store.tell(kind, message["biz_key"], message["fen"], str(day_of(now_ms)), now_ms, data)

    async def grant(self, request: Request) -> Response:
        """``POST /grant``: an indicator for a unit; the content of ``indicator.granted``, and ``biz_key``."""
        data, now_ms = await request.json(), Clock().now_ms()
        key = data.pop("biz_key")
        seq = self.store.tell("indicator.granted", key, data["fen"], str(day_of(now_ms)), now_ms, data)
        return JSONResponse({"seq": seq, "unsent": await self.send()})

    async def fault(self, request: Request) -> Response:
        """``POST /fault``: the kinds of faults to make with the next messages heard (``told``: with those it tells);
        ``refuse`` turns payments back.
        """
        asked = await request.json()
        side = TOLD if asked.get("told") else HEARD
        self.refuse = bool(asked.get("refuse", self.refuse))
        kinds = [kind for kind in asked.get("kinds", []) if kind in FAULTS]
        for kind in kinds:
            self.store.inject(kind, side)
        return JSONResponse({"kinds": kinds, "refuse": self.refuse})

    async def day_ends(self, request: Request) -> Response:
        """``POST /day-end``: both statements of the day, and whatever has not been sent yet."""
        now_ms = Clock().now_ms()
        day = str(date.fromisoformat(request.query_params.get("day", str(day_of(now_ms)))))
        for kind, table in (("statement", TOLD), ("statement.heard", HEARD)):
            query = f"SELECT seq, type, biz_key, fen FROM {table} WHERE day = ? ORDER BY place"
            lines = [dict(row) for row in self.store.rows(query, day)]
            key = f"{kind}-{day}-{self.store.last('told') + 1}"
            self.store.tell(kind, key, 0, day, now_ms, {"day": day, "lines": lines})
        return JSONResponse({"unsent": await self.send()})

    async def stand(self, _: Request) -> Response:
        """``GET /``: what it heard and told, and the faults it made."""
        made = [tuple(row) for row in self.store.rows("SELECT fault, biz_key FROM made")]
        return JSONResponse({
            "heard": self.store.last("heard"), "told": self.store.last("told"), "made": made, "unsent": self.unsent(),
        })  # fmt: skip

    def unsent(self) -> int:
        """How many messages wait for the platform's answer."""
        return int(self.store.rows("SELECT count(*) FROM told WHERE outcome IS NULL")[0][0])

    async def send(self) -> int:
        """Send what the platform has not answered, in order; how many are left."""
        async with self._one_at_a_time, httpx.AsyncClient(trust_env=False) as http:
            for row in self.store.rows("SELECT seq, body FROM told WHERE outcome IS NULL ORDER BY seq"):
                signature = base64.b64encode(self.key.sign(CONTEXT + row["body"])).decode()
                headers = {"Fiscal-Peer": self.name, "Fiscal-Signature": signature}
                try:
                    answer = await http.post(self.platform, content=row["body"], headers=headers)
                except httpx.HTTPError:
                    break
                if answer.status_code != 200:
                    break
                self.store.rows("UPDATE told SET outcome = ? WHERE seq = ?", answer.json()["outcome"], row["seq"])
        return self.unsent()

    async def keep_sending(self, every_s: float = 1.0) -> None:
        """Send for ever."""
        while True:
            await self.send()
            await asyncio.sleep(every_s)

    def site(self) -> Starlette:
        """Its doors."""
        doors = (("/messages", self.take), ("/grant", self.grant), ("/fault", self.fault), ("/day-end", self.day_ends))
        return Starlette(routes=[Route("/", self.stand), *(Route(path, do, methods=["POST"]) for path, do in doors)])
