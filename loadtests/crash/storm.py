"""Scenario: thousands of sockets lose their server process in one moment and all come back, while bids run."""

from __future__ import annotations

import asyncio
import json
import random
from functools import partial
from hashlib import sha256
from typing import cast
from uuid import UUID

from loadtests.bench import wire
from loadtests.bench.gauges import cpu_s
from loadtests.bench.product import Visitor
from loadtests.bench.stage import raise_file_limit
from loadtests.crash.breaking import now_s
from loadtests.crash.lots import a_hall
from loadtests.crash.rounds import Brought, Play, brought
from loadtests.crash.stand import Stand, eventually

SOCKETS, FILES_ELSE = 5_000, 1_000
AT_ONCE, AGAIN_S = 200, 0.3  # sockets opened side by side at first; a page waits up to so long before it connects again
SESSIONS = """
INSERT INTO login_session
    (token_sha256, person_id, created_at, seen_at, expires_at, address, user_agent, how, proved_at, idle_s)
SELECT digest, person_id, created_at, seen_at, expires_at, address, user_agent, how, proved_at, idle_s
FROM login_session, unnest($1::bytea[]) AS digest WHERE token_sha256 = $2
"""
OPEN_MAX_S, BACK_MAX_S, BACK_WAIT_S = 60.0, 5.0, 60.0


class Crowd:
    """Pages that all follow one lot, each with a session of its own, for ever: who is thrown out comes back."""

    def __init__(self, port: int, heads: list[bytes], lot_id: UUID, dice: random.Random) -> None:
        self.port, self.dice = port, dice
        self.watch = wire.frame(json.dumps({"t": "watch", "lot": str(lot_id)}).encode())
        self.back: set[int] = set()  # who holds a snapshot on a socket that lives
        self.going = True
        self.pages = [Page(self, number, head) for number, head in enumerate(heads)]

    async def open(self) -> None:
        """Open all pages, some at once; back when each has its snapshot."""
        count = len(self.pages)
        for start in range(0, count, AT_ONCE):
            for page in self.pages[start : start + AT_ONCE]:
                page.connect()
            wanted = min(start + AT_ONCE, count)
            await eventually(partial(self._holds, wanted), OPEN_MAX_S, "pages are open")

    def _holds(self, wanted: int) -> bool:
        return len(self.back) >= wanted

    def close(self) -> None:
        """Everyone leaves."""
        self.going = False
        for page in self.pages:
            page.leave()


class Page(asyncio.Protocol):
    """One page."""

    def __init__(self, crowd: Crowd, number: int, head: bytes) -> None:
        self.crowd, self.number, self.head = crowd, number, head
        self._rest, self._shaken = b"", False
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connect(self) -> None:
        """Begin to connect; when it fails, again a little later."""
        if self.crowd.going:
            self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self.crowd.port)
        except OSError:
            self._later()

    def _later(self) -> None:
        asyncio.get_running_loop().call_later(self.crowd.dice.random() * AGAIN_S, self.connect)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self._transport, self._rest, self._shaken = cast("asyncio.Transport", transport), b"", False
        self._transport.write(self.head)

    def data_received(self, data: bytes) -> None:
        """First the answer to the upgrade, then frames; of these only the snapshot matters, and pings."""
        assert self._transport is not None
        if self.number in self.crowd.back:
            if wire.PINGED in data:  # a pong too many does no harm
                self._transport.write(wire.frame(b"", wire.PONG))
            return
        data = self._rest + data
        if not self._shaken:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if b" 101 " not in head[:20]:
                self._transport.abort()
                return
            self._shaken = True
            self._transport.write(self.crowd.watch)
        done = 0
        for _, at, end in wire.frames(data):
            if data.startswith(b'{"t":"snapshot"', at):
                self.crowd.back.add(self.number)
            done = end
        self._rest = data[done:]

    def connection_lost(self, error: Exception | None) -> None:
        """Come back."""
        self.crowd.back.discard(self.number)
        if self.crowd.going:
            self._later()

    def leave(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


async def sessions_like(stand: Stand, host: Visitor, count: int) -> list[bytes]:
    """Upgrade requests of as many sessions as there are pages: each must be looked up, as those of a real crowd."""
    name, _, token = host.cookie.partition(";")[0].partition("=")
    tokens = [f"{token[:20]}-{number}" for number in range(count)]
    async with stand.postgres() as conn:
        await conn.execute(
            SESSIONS, [sha256(each.encode()).digest() for each in tokens], sha256(token.encode()).digest()
        )
    host_of = f"{host.host}:{host.port}"
    return [wire.upgrade(host_of, "/ws", origin=host.origin, cookie=f"{name}={each}") for each in tokens]


def storm(sockets: int = SOCKETS) -> Play:
    """The scenario with so many sockets, or fewer where the limit of open files is low."""

    async def play(stand: Stand, dice: random.Random) -> Brought:
        """All are back within five seconds of the fault, and not a bid is lost."""
        files = raise_file_limit()
        count = min(sockets, files - FILES_ELSE)
        async with a_hall(stand, dice) as hall:
            await hall.warm()
            heads = await sessions_like(stand, hall.host, count)
            crowd = Crowd(hall.host.port, heads, hall.lots[0].lot_id, dice)
            try:
                await crowd.open()
                moment_s = now_s()
                stand.kill("worker")
                await eventually(lambda: len(crowd.back) < count // 2, BACK_WAIT_S, "the sockets are lost")
                await eventually(lambda: len(crowd.back) == count, BACK_WAIT_S, "all sockets are back")
                back_s, spent_s = now_s() - moment_s, cpu_s(*stand.pids("worker"))
                await hall.all_bid_since(moment_s, BACK_WAIT_S)
            finally:
                crowd.close()
            hall.in_time(f"{count:,} sockets were back", back_s, BACK_MAX_S)
            note = f"{count:,} sockets (of {sockets:,}; {files:,} files may be open) back after {back_s:.1f} s"
            note += f", {spent_s / count * 1e3:.2f} ms CPU of the new server process each, its start included"
            return brought(await hall.reckon(), back_s, note)

    return play
