"""A fiscal system 预算管理一体化 for tests: its book, its key, and what a bad line to us does to its messages."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from intranet.exchange import receiving
from intranet.exchange.model import Line
from intranet.exchange.receiving import CONTEXT
from plumbing.postgres import Pool
from tests.auction.walk import within

DAY = date(2026, 5, 6)
AT = 1_778_040_000_000
"""Noon of that day in Shanghai."""


class FiscalSystem:
    """Writes messages in order, remembers them, and sends again whatever it was not answered for."""

    def __init__(self, name: str) -> None:
        self.name, self.key = name, Ed25519PrivateKey.generate()
        self.messages: list[bytes] = []
        self.book: list[Line] = []

    @classmethod
    async def known(cls, pool: Pool, region: str = "3301") -> FiscalSystem:
        """A system registered with us for a place."""
        made = cls("ys-" + uuid4().hex[:12])
        assert await within(pool, receiving.put_peer, made.name, region, made.key.public_key().public_bytes_raw())
        return made

    def write(self, data: dict[str, Any], biz_key: str = "") -> int:
        """Write the next message; its number."""
        seq = len(self.messages) + 1
        key = biz_key or f"{data['type']}-{seq}"
        self.messages.append(msgspec.json.encode({"seq": seq, "biz_key": key, "at": AT, "data": data}))
        if data["type"] != "statement":
            self.book.append(Line(seq, data["type"], key, data["fen"]))
        return seq

    def granted(self, uscc: str, fen: int, biz_key: str = "") -> int:
        data = {"type": "indicator.granted", "unit_uscc": uscc, "year": 2026, "fund": "general", "project": "设备更新"}
        return self.write(data | {"fen": fen, "about": "杭财〔2026〕1号"}, biz_key)

    def adjusted(self, indicator: str, fen: int, biz_key: str = "") -> int:
        data = {"type": "indicator.adjusted", "indicator": indicator, "fen": fen, "about": "杭财〔2026〕2号"}
        return self.write(data, biz_key)

    def statement(self, lines: list[Line] | None = None) -> int:
        """The day's statement, by its own book or by another."""
        told = msgspec.to_builtins(self.book if lines is None else lines)
        return self.write({"type": "statement", "day": DAY.isoformat(), "lines": told}, f"statement-{uuid4().hex}")

    def signature(self, raw: bytes) -> bytes:
        return self.key.sign(CONTEXT + raw)

    async def send(self, to: httpx.AsyncClient, seq: int, **changed: Any) -> httpx.Response:
        """Send one message; ``raw``, ``signature`` and ``name`` may be another's."""
        raw = changed.get("raw", self.messages[seq - 1])
        signature = base64.b64encode(changed.get("signature", self.signature(raw))).decode()
        headers = {"Fiscal-Peer": changed.get("name", self.name), "Fiscal-Signature": signature}
        return await to.post("/api/fiscal/messages", content=raw, headers=headers)

    async def send_all(self, to: httpx.AsyncClient, since: int = 1) -> None:
        """Send what there is from a number on, in order; every answer is good."""
        for seq in range(since, len(self.messages) + 1):
            answer = await self.send(to, seq)
            assert answer.status_code == 200, answer.text
