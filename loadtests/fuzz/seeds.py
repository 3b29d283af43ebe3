"""Inputs that are nearly right, or not at all: made from dice alone, so that a seed names a whole run."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

from loadtests.bench import wire

TEXTS = (
    "", " ", "0", "-1", "1e309", "NaN", "null", "\x00", "\ufeff", "\u202e", "\ud800", "\uffff", "é", "甲公司",
    "😀" * 9, "../../etc/passwd", "%00", "%s%n", "{{7*7}}", "<script>", "' OR 1=1 --", "=1+1", "A" * 300, "\r\nX: y",
    "￥１２３", "１２", "0x10", " 5 ",
)  # fmt: skip
NUMBERS = (
    0, -0.0, 1, -1, 0.1, 1e300, -1e300, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 900_000_000_000,
    900_000_000_001, 1 << 400,
)  # fmt: skip
METHODS = ("GET",) * 6 + ("POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "G\x00T")
SOUND = (
    "Expect: 100-continue", "Connection: keep-alive, upgrade", "Upgrade: h2c", "Cookie: yangcai=x; yangcai=",
    "Accept: */*;q=x",
    "Cookie: " + "a=b; " * 300, "Content-Type: application/json", "Content-Type: multipart/form-data; boundary=",
    "Content-Encoding: gzip", "Origin: null", "Origin: http://[", "X-Request-Id: " + "\xff" * 9, "Range: bytes=-1-",
    "Forwarded: for=" + "1" * 90, "X-Forwarded-For: ::1, x", "If-None-Match: *", "Accept-Language: " + "zh," * 400,
    "Content-Length: 5", "Transfer-Encoding: chunked", "Sec-WebSocket-Version: 99", "Sec-WebSocket-Key: x",
    "Upgrade: websocket",
)  # fmt: skip
UNSOUND = (
    "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 5, 5", "no colon", " folded: yes",
    "Transfer-Encoding: chunked, identity", "Transfer-Encoding: \x0bchunked", "Bad\x00Name: x", "Host: y",
)  # fmt: skip


class Seeds:
    """Everything that can be made, each from the next dice."""

    def __init__(self, dice: random.Random, lots: tuple[str, ...] = (), paths: tuple[str, ...] = ("/",)) -> None:
        self.dice, self.lots, self.paths = dice, lots, paths

    def uuid(self) -> str:
        """Some id: of a lot that is there, or of nothing."""
        if self.lots and self.dice.random() < 0.5:
            return self.dice.choice(self.lots)
        return str(UUID(int=self.dice.getrandbits(128)))

    def text(self) -> str:
        """A string."""
        found = self.dice.choice(TEXTS)
        return found if self.dice.random() < 0.7 else found + chr(self.dice.choice((0, 7, 0x4E00, 0x1F600))) * 3

    def value(self, depth: int = 0) -> Any:
        """Any JSON value, not too deep."""
        kind = self.dice.randrange(9 if depth < 3 else 6)
        if kind < 2:
            return self.text()
        if kind < 4:
            return self.dice.choice(NUMBERS)
        if kind == 4:
            return self.dice.choice((None, True, False))
        if kind == 5:
            return self.uuid()
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.dice.randrange(4))]
        return {self.text(): self.value(depth + 1) for _ in range(self.dice.randrange(4))}

    def deep(self) -> str:
        """Nesting that no reader needs."""
        depth = self.dice.choice((10, 200, 1_100, 5_000))
        return self.dice.choice(("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth))

    def spoilt(self, data: bytes) -> bytes:
        """The same with some bytes changed, cut, doubled or put in."""
        found = bytearray(data)
        for _ in range(self.dice.randrange(1, 5)):
            at = self.dice.randrange(len(found) + 1)
            act = self.dice.randrange(5)
            if act == 0 and at < len(found):
                found[at] ^= 1 << self.dice.randrange(8)
            elif act == 1:
                del found[at : at + self.dice.randrange(1, 40)]
            elif act == 2:
                found[at:at] = found[at : at + self.dice.randrange(1, 40)]
            elif act == 3:
                found[at:at] = self.dice.choice(TEXTS).encode("utf-8", "surrogatepass")
            else:
                found[at : at + 1] = self.dice.randbytes(self.dice.randrange(4))
        return bytes(found)

    def json(self, value: Any) -> bytes:
        """A value as text, sometimes not quite."""
        text = json.dumps(value, ensure_ascii=self.dice.random() < 0.8).encode("utf-8", "surrogatepass")
        return self.spoilt(text) if self.dice.random() < 0.3 else text

    def message(self) -> bytes:
        """A message of the live socket, right or wrong."""
        good: dict[str, Any] = self.dice.choice(
            (
                {"t": "bid", "lot": self.uuid(), "id": f"fuzz{self.dice.getrandbits(60):015x}", "price": 10_000_000},
                {"t": "watch", "lot": self.uuid(), "since": self.dice.choice(("", "abc:1", "::", "x" * 900))},
                {"t": "unwatch", "lot": self.uuid()},
                {"t": "time", "t0": self.dice.choice(NUMBERS)},
            )
        )
        kind = self.dice.randrange(8)
        if kind == 0:
            return self.deep().encode()
        if kind == 1:
            return self.json(self.value())
        if kind < 6:
            good[self.dice.choice((*good, self.text(), "token", "unit_prices"))] = self.value()
        if kind == 6:
            good["unit_prices"] = [{"line": self.value(), "price": self.value()}] * self.dice.choice((1, 3, 201))
        return self.json(good)

    def frames(self) -> bytes:
        """A few frames of a socket: whole, in fragments, unmasked, of a wrong kind or size, or no frames at all."""
        return b"".join(self._frame() for _ in range(self.dice.randrange(1, 5)))

    def _frame(self) -> bytes:
        payload = self.message()[: self.dice.choice((5, 125, 126, 70_000))]
        if self.dice.random() < 0.2:
            payload = self.dice.randbytes(self.dice.randrange(130))
        kind = self.dice.randrange(10)
        if kind < 3:
            return wire.frame(payload[:60_000])
        if kind < 5:  # in fragments, with something in between
            half = len(payload) // 2
            between = wire.frame(b"ping"[: self.dice.randrange(5)], self.dice.choice((wire.PING, wire.PONG)))
            first = bytearray(wire.frame(payload[:half][:60_000]))
            first[0] &= 0x7F
            return bytes(first) + between + wire.frame(payload[half:][:60_000], 0)
        if kind == 5:  # any opcode, any reserved bits
            head = bytearray(wire.frame(payload[:100]))
            head[0] = self.dice.randrange(256)
            return bytes(head)
        if kind == 6:  # unmasked
            return bytes((0x81, min(len(payload), 125))) + payload[:125]
        if kind == 7:  # tells a size it has not
            size = self.dice.choice((2**63, 2**63 - 1, 65_537, 2**32))
            return b"\x81\xff" + size.to_bytes(8, "big") + payload[:90]
        if kind == 8:
            return wire.frame(self.dice.randbytes(self.dice.randrange(130)), self.dice.choice((wire.CLOSE, wire.PING)))
        return self.spoilt(wire.frame(payload[:300]))

    def request(self) -> bytes:
        """A request on the wire: nearly HTTP, or garbage."""
        if self.dice.random() < 0.15:
            return self.dice.randbytes(self.dice.randrange(1, 600))
        path = self.dice.choice(
            (*self.paths, "*", "http://x/", "//", "/%", "/%ff%00", "/" + "a" * self.dice.choice((9, 9_000)))
        )
        if self.dice.random() < 0.3:
            path += "?" + self.text() + "=" + self.text()
        version = self.dice.choice(("HTTP/1.1",) * 20 + ("HTTP/1.0", "HTTP/2.0", "HTTP/9", "", "PRI * HTTP/2.0"))
        lines = [f"{self.dice.choice(METHODS)} {path} {version}"]
        lines += ["Host: x", *(self.dice.choice(SOUND) for _ in range(self.dice.randrange(5)))]
        lines += [self.dice.choice(UNSOUND)] if self.dice.random() < 0.3 else []
        end = self.dice.choice(("\r\n",) * 12 + ("\n", "\r"))
        head = (end.join(lines) + end * 2).encode("utf-8", "surrogatepass")
        body = self.dice.choice((b"", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"hello", b"{}", self.json(self.value())))
        whole = head + body
        return self.spoilt(whole) if self.dice.random() < 0.3 else whole

    def of_schema(self, schema: dict[str, Any], known: dict[str, Any], depth: int = 0) -> Any:
        """A value of this JSON schema; now and then of another."""
        if self.dice.random() < 0.12 or depth > 6:
            return self.value()
        if "$ref" in schema:
            return self.of_schema(known[schema["$ref"].rpartition("/")[2]], known, depth + 1)
        for among in ("anyOf", "oneOf", "enum", "examples"):
            if among in schema:
                found = self.dice.choice(schema[among])
                return self.of_schema(found, known, depth + 1) if among in ("anyOf", "oneOf") else found
        kind = schema.get("type")
        if kind == "object":
            wanted = schema.get("properties", {})
            must = schema.get("required", ())
            return {
                name: self.of_schema(each, known, depth + 1)
                for name, each in wanted.items()
                if self.dice.random() < (0.95 if name in must else 0.5)
            }
        if kind == "array":
            most = min(3, schema.get("maxItems", 3))
            return [
                self.of_schema(schema.get("items") or {}, known, depth + 1) for _ in range(self.dice.randint(0, most))
            ]
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", 0), schema.get("maximum", 10**6)
            return self.dice.choice(
                (low, high, low - 1, high + 1, self.dice.randint(int(low), max(int(low), int(high))))
            )
        if kind == "string":
            return self._string(schema)
        return self.value()

    def _string(self, schema: dict[str, Any]) -> str:
        if schema.get("format") == "uuid":
            return self.uuid()
        if schema.get("format", "").startswith("date"):
            return self.dice.choice(("2031-01-02", "2031-01-02T03:04:05Z", "0000-00-00", "9999-12-31", "10000-01-01"))
        length = self.dice.choice((schema.get("minLength", 1), schema.get("maxLength", 20), 8))
        return self.dice.choice(("a", "甲", "9", "A-")) * min(length, 3_000)
