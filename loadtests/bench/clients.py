"""One connection each, as small as it can be: what a bidder, a watcher and a raw connection do with what they hear."""

from __future__ import annotations

import json
import os
import socket
from typing import Any, Protocol

from loadtests.bench import wire

KNOWN_FRAMES_MAX = 64


class ClientLostError(Exception):
    """The other side hung up, or was never there."""


class Run(Protocol):
    """Who wants to know of answers."""

    def answered(self, client: Bidder, data: bytes, at: int, end: int) -> None:
        """An answer to a bid lies at ``data[at:end]``."""


class Client:
    """A connection of a group."""

    def __init__(self, sock: socket.socket, group: str) -> None:
        self.sock, self.group, self.fd = sock, group, sock.fileno()
        self.rest = b""
        self.open = self.shaken = False

    def send(self, data: bytes) -> None:
        """Write at once; the messages are far smaller than the kernel's buffer."""
        os.write(self.fd, data)

    def hear(self, data: bytes) -> None:
        """Take what came. Raises ``ClientLostError`` at the end of the connection."""
        raise NotImplementedError


class Live(Client):
    """A live socket: handshake, pings and the boundaries of frames. ``socketio``: with Socket.IO's envelope around."""

    def __init__(self, sock: socket.socket, group: str, *, socketio: bool = False) -> None:
        super().__init__(sock, group)
        self.socketio = socketio

    def hear(self, data: bytes) -> None:
        """Hand every text frame on."""
        if not data:
            raise ClientLostError("hung up")
        if self.rest:
            data = self.rest + data
        if not self.shaken:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self.rest = head
                return
            if b" 101 " not in head[:20]:
                raise ClientLostError(head[:80].decode("latin-1"))
            self.shaken, self.rest = True, b""
            self.open = not self.socketio
        done = 0
        for opcode, at, end in wire.frames(data):
            if opcode == wire.TEXT and self.socketio:
                self._unwrap(data, at, end)
            elif opcode == wire.TEXT:
                self.heard(data, at, end)
            elif opcode == wire.PING:
                self.send(wire.frame(data[at:end], wire.PONG))
            elif opcode == wire.CLOSE:
                raise ClientLostError("closed")
            done = end
        self.rest = data[done:] if done < len(data) else b""

    def say(self, message: dict[str, Any]) -> None:
        """Send a message in the form this server wants."""
        text = json.dumps(message, separators=(",", ":"))
        self.send(wire.frame((wire.SOCKETIO % text if self.socketio else text).encode()))

    def _unwrap(self, data: bytes, at: int, end: int) -> None:
        """Engine.IO: 0 opens, 2 is a ping; Socket.IO: 40 is the welcome, 42 an event."""
        if data.startswith(wire.SOCKETIO_ANSWER, at):
            self.heard(data, at + len(wire.SOCKETIO_ANSWER), end - 1)
        elif data.startswith(b"40", at):
            self.open = True
        elif data[at] == 48:
            self.send(wire.frame(b"40"))
        elif data[at] == 50:
            self.send(wire.frame(b"3"))

    def heard(self, data: bytes, at: int, end: int) -> None:
        """A text frame lies at ``data[at:end]``."""
        raise NotImplementedError


class Bidder(Live):
    """Bids and waits for answers; everything else is passed over."""

    def __init__(self, sock: socket.socket, group: str, *, socketio: bool = False) -> None:
        super().__init__(sock, group, socketio=socketio)
        self.forms: list[wire.Bids] = []
        self.turn = 0
        self.run: Run | None = None

    def heard(self, data: bytes, at: int, end: int) -> None:
        """``{"t":"taken"`` and ``{"t":"refused"`` are answers: their seventh letter tells."""
        if self.run is not None and data[at + 6] in b"tr":
            self.run.answered(self, data, at, end)


def merged(view: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396, as the live protocol asks of every client."""
    whole = dict(view)
    for key, value in patch.items():
        if value is None:
            whole.pop(key, None)
        elif isinstance(value, dict):
            before = whole.get(key)
            whole[key] = merged(before if isinstance(before, dict) else {}, value)
        else:
            whole[key] = value
    return whole


class Audience:
    """All watchers here of one lot. A frame is read once, however many receive it; each one's number is checked."""

    def __init__(self, lot: str) -> None:
        self.lot, self.k = lot, -1
        self.view: dict[str, Any] = {}
        self._known: dict[bytes, tuple[int, bool]] = {}

    def number(self, text: bytes) -> tuple[int, bool]:
        """The frame's number ``k`` and whether it is a whole snapshot; -1 for what is not of the stream."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= KNOWN_FRAMES_MAX:
                self._known.clear()
            found = self._known[text] = self._read(text)
        return found

    def _read(self, text: bytes) -> tuple[int, bool]:
        message = json.loads(text)
        kind = message["t"]
        if message.get("lot") != self.lot or kind not in ("snapshot", "delta", "current"):
            return -1, False
        k: int = message["k"]
        if kind == "snapshot" and k >= self.k:
            self.k, self.view = k, message["view"]
        elif kind == "delta" and k == self.k + 1:
            self.k, self.view = k, merged(self.view, message["patch"])
        return k, kind == "snapshot"


class Watcher(Live):
    """Follows one lot; counts frames and gaps."""

    def __init__(self, sock: socket.socket, group: str, *, socketio: bool = False) -> None:
        super().__init__(sock, group, socketio=socketio)
        self.audience: Audience | None = None
        self.k = -1
        self.frames = self.bytes = self.gaps = 0

    def heard(self, data: bytes, at: int, end: int) -> None:
        """A snapshot begins anew; a delta must be the next."""
        if self.audience is None:
            return
        k, whole = self.audience.number(data[at:end])
        if k < 0:
            return
        self.frames += 1
        self.bytes += end - at
        if not whole and k not in (self.k, self.k + 1):
            self.gaps += 1
        self.k = k


class Raw(Client):
    """A plain connection; counts bytes."""

    def __init__(self, sock: socket.socket, group: str) -> None:
        super().__init__(sock, group)
        self.open = True
        self.frames = self.bytes = self.gaps = 0

    def hear(self, data: bytes) -> None:
        """Count."""
        if not data:
            raise ClientLostError("hung up")
        self.bytes += len(data)
