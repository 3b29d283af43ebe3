"""The opening handshake of RFC 6455 as nearly every client makes it, read in one step.

What is not exactly by the book is left to websockets' ``ServerProtocol``, which knows every case and every refusal.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha1
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES, HEADERS_MAX = 16, 100
_ONCE = frozenset({b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"})
_NEVER = frozenset({b"content-length", b"transfer-encoding"})
_LINE = rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+:[\t -~]*"
_HEAD = re.compile(rb"GET ([!-~]+) HTTP/1\.1\r\n(%b(?:\r\n%b)*)\r\n\r\n" % (_LINE, _LINE))


class Knock(NamedTuple):
    """A sound request for a socket; names of ``headers`` are in lower case."""

    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    key: bytes

    def welcome(self, *more: tuple[str, str]) -> bytes:
        """The answer that opens the socket, with these headers besides."""
        accept = b64encode(sha1(self.key + _GUID, usedforsecurity=False).digest()).decode()
        own = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept))
        return _answer(101, *own, *more)


def refusal(status: int, *more: tuple[str, str]) -> bytes:
    """The answer that opens none; the connection ends with it."""
    return _answer(status, ("Connection", "close"), ("Content-Length", "0"), *more)


def _answer(status: int, *headers: tuple[str, str]) -> bytes:
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    return "\r\n".join([first, *(f"{name}: {value}" for name, value in headers), "", ""]).encode("latin-1")


def knock(target: str, headers: list[tuple[bytes, bytes]], key: bytes) -> Knock:
    """The request for the socket at ``target``."""
    path, _, query = target.partition("?")
    return Knock(unquote(path), query.encode("ascii", "replace"), headers, key)


def by_the_book(head: bytes) -> Knock | None:
    """Read a head as uvicorn's HTTP hands it on; None when it is for ``ServerProtocol`` to say what it is."""
    found = _HEAD.fullmatch(head)
    if found is None or len(lines := found[2].split(b"\r\n")) > HEADERS_MAX:
        return None
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    given = dict(pairs)
    once = [name for name, _ in pairs if name in _ONCE]
    if len(once) != len(_ONCE) or len(set(once)) != len(_ONCE) or not _NEVER.isdisjoint(given):
        return None
    wanted = given[b"upgrade"].lower(), given[b"sec-websocket-version"]
    if wanted != (b"websocket", b"13") or b"upgrade" not in map(bytes.strip, given[b"connection"].lower().split(b",")):
        return None
    key = given[b"sec-websocket-key"]
    try:
        if len(b64decode(key, validate=True)) != _KEY_BYTES:
            return None
    except Error:
        return None
    return knock(found[1].decode("ascii"), pairs, key)
