"""Scenario: thousands of sockets lose their server process in one moment and all come back, while bids run."""

from __future__ import annotations

import asyncio
import json
import random
from functools import partial
from uuid import UUID

from loadtests.bench import wire
from loadtests.bench.gauges import cpu_s
from loadtests.bench.stage import raise_file_limit
from loadtests.crash.breaking import now_s
from loadtests.crash.lots import a_hall
from loadtests.crash.rounds import Brought, Play, brought
from loadtests.crash.stand import Stand, eventually

SOCKETS, FILES_ELSE = 5_000, 1_000
AT_ONCE, AGAIN_S = 200, 0.3  # sockets opened side by side at first; a page waits up to so long before it connects again
OPEN_MAX_S, BACK_MAX_S, BACK_WAIT_S = 60.0, 5.0, 60.0


class Crowd:
    """Pages that all follow one lot, each for ever: who is thrown out comes back."""

    def __init__(self, port: int, head: bytes, lot_id: UUID, dice: random.Random) -> None:
        self.port, self.head, self.dice = port, head, dice
        self.watch = wire.frame(json.dumps({"t": "watch", "lot": str(lot_id)}).encode())
        self.back: set[int] = set()  # who holds a snapshot on a socket that lives
        self.going = True
        self.pages: list[Page] = []

    async def open(self, count: int) -> None:
        """Open ``count`` pages, some at once; back when each has its snapshot."""
        self.pages = [Page(self, number) for number in range(count)]
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

    def __init__(self, crowd: Crowd, number: int) -> None:
        self.crowd, self.number = crowd, number
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
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._rest, self._shaken = transport, b"", False
        transport.write(self.crowd.head)

    def data_received(self, data: bytes) -> None:
        """First the answer to the upgrade, then frames; of these only the snapshot matters, and pings."""
        data = self._rest + data
        assert self._transport is not None
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
        for opcode, at, end in wire.frames(data):
            if opcode == wire.PING:
                self._transport.write(wire.frame(data[at:end], wire.PONG))
            elif data.startswith(b'{"t":"snapshot"', at):
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


def storm(sockets: int = SOCKETS) -> Play:
    """The scenario with so many sockets, or fewer where the limit of open files is low."""

    async def play(stand: Stand, dice: random.Random) -> Brought:
        """All are back within five seconds of the fault, and not a bid is lost."""
        files = raise_file_limit()
        count = min(sockets, files - FILES_ELSE)
        async with a_hall(stand, dice) as hall:
            await hall.warm()
            crowd = Crowd(hall.host.port, hall.host.by_cookie().encode(), hall.lots[0].lot_id, dice)
            try:
                await crowd.open(count)
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
