"""Who may open a socket, and what stands between a socket and the room behind it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeAlias

from starlette.requests import HTTPConnection

from plumbing.hub import Renew
from plumbing.security import Origins
from plumbing.sockets.frames import Frame
from plumbing.stopping import heed

PING_EVERY_S = 20
"""Each socket is pinged this often. One that said nothing in between, no pong even, is dropped."""
LINES_A_SECOND = 50
"""Sockets written down one by one; who come beyond are part of a storm."""


class Line(Protocol):
    """What a visitor may do with his socket. Nothing here blocks; a reader too slow is dropped."""

    def say(self, text: bytes) -> None:
        """An answer to this client, which must arrive."""

    def stream(self, key: Hashable, frame: Frame, renew: Renew) -> None:
        """A frame of the stream ``key``; one who cannot take it gets what ``renew`` gives once he can."""

    def forget(self, key: Hashable) -> None:
        """Nothing more of the stream ``key``."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close."""


class Visitor(Protocol):
    """Who came in by a socket."""

    def greet(self, line: Line) -> None:
        """The socket is open."""

    def hear(self, message: bytes) -> Coroutine[Any, Any, None] | None:
        """Act on a message. What takes longer is returned as a coroutine; nothing else is heard until it is done."""

    def left(self) -> None:
        """The socket is gone."""


class Dismissal(NamedTuple):
    """The socket is opened only to be closed with a code that tells why."""

    code: int
    reason: str


Door: TypeAlias = Callable[[HTTPConnection], Awaitable[Visitor | Dismissal]]


def address_of(peer: Any, headers: Mapping[str, str]) -> str:
    """Whom a socket comes from: the other end or, behind a proxy on this machine, whom that names last.

    Empty for a program on this machine: nobody keeps it from opening as many as it likes.
    """
    address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
    if address not in ("", "127.0.0.1", "::1"):
        return address
    return headers.get("x-forwarded-for", "").rpartition(",")[2].strip()[:64]


class Pinged(Protocol):
    """What the wheel needs of a socket."""

    def turn(self) -> None:
        """Ping, or drop when nothing was heard since the last turn."""


class Sockets:
    """All sockets of a process: their doors by path, and the wheel that finds the dead. ``app_state["sockets"]``."""

    def __init__(
        self, doors: Mapping[str, Door], public_origin: str, now_ms: Callable[[], int], per_address_max: int = 0
    ) -> None:
        """``per_address_max``: so many sockets of one address may be open in this process; 0 means any number."""
        self.doors, self.origins, self.now_ms = doors, Origins(public_origin.rstrip("/")), now_ms
        self._per_address_max = per_address_max
        self._by_address: Counter[str] = Counter()
        self._wheel: list[set[Pinged]] = [set() for _ in range(PING_EVERY_S)]
        self._next = 0
        self._second, self._lines = 0, 0
        self._turning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to turn the wheel; needs a running loop."""
        self._turning = asyncio.create_task(self._turn(), name="sockets-wheel")

    async def close(self) -> None:
        """Stop the wheel."""
        if self._turning:
            self._turning.cancel()
            with suppress(asyncio.CancelledError):
                await self._turning

    def admit(self, address: str) -> bool:
        """Count one more socket of ``address``; False, and not counted, when it has as many as it may."""
        if self._per_address_max and self._by_address[address] >= self._per_address_max:
            return False
        self._by_address[address] += 1
        return True

    def part(self, address: str) -> None:
        """One socket of ``address`` is gone."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def worth_a_line(self, now_ms: int) -> bool:
        """Whether another socket of this second is written down: when thousands come back at once, a few of them."""
        if now_ms // 1_000 != self._second:
            self._second, self._lines = now_ms // 1_000, 0
        self._lines += 1
        return self._lines <= LINES_A_SECOND

    def seat(self, socket: Pinged) -> int:
        """Take a socket onto the wheel; its place on it."""
        self._next = (self._next + 1) % PING_EVERY_S
        self._wheel[self._next].add(socket)
        return self._next

    def unseat(self, socket: Pinged, place: int) -> None:
        """Take it off."""
        self._wheel[place].discard(socket)

    async def _turn(self) -> None:
        """One spoke a second, in slices, so that a thousand pings hold nobody up."""
        while True:
            for spoke in self._wheel:
                await asyncio.sleep(1)
                heed()
                for i, socket in enumerate(list(spoke)):
                    socket.turn()
                    if i % 64 == 63:
                        await asyncio.sleep(0)
