"""The product on the test stand: started as its users start it, its parts at hand to be killed, stopped or misled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from loadtests.bench import gauges
from loadtests.bench.meaning import Wire, events
from loadtests.bench.product import Product, ProductError, Visitor
from loadtests.crash.history import Record
from loadtests.crash.machine import Machine

MARKS = {
    "worker": ("yangcai worker",), "valkey": ("unixsocket:",), "postgres": ("bin/postgres -D",),
    "notary": ("yangcai notary",),
}  # fmt: skip
PARTS = tuple(MARKS)
LOOK_AGAIN_S = 0.02
AWAY = (OSError, RuntimeError, ProductError, asyncpg.PostgresError, asyncpg.InterfaceError, IndexError)


class TooLateError(Exception):
    """Something that had to happen did not, in the time it has."""


async def eventually(what: Callable[[], Any | Awaitable[Any]], within_s: float, why: str) -> Any:
    """Ask until the answer is true; that answer. Raises ``TooLateError``."""
    loop = asyncio.get_running_loop()
    end, last = loop.time() + within_s, None
    while True:
        with suppress(*AWAY):
            found = what()
            last = await found if isinstance(found, Awaitable) else found
            if last:
                return last
        if loop.time() >= end:
            raise TooLateError(f"not within {within_s:g} s: {why}; last: {last!r}")
        await asyncio.sleep(LOOK_AGAIN_S)


class Stand:
    """One product in a folder of its own below ``folder``."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.product = Product(folder, workers)
        self.machine = Machine(self.product.folder)
        self.product.environ |= self.machine.environ
        self.product.environ["YANGCAI_SOCKETS_PER_ADDRESS_MAX"] = "0"  # the crowd has one
        self._socket, self.valkey_folder = "", Path()

    async def start(self) -> float:
        """Start it, or start it again on what it has; the seconds until it was well. Raises ``ProductError``."""
        took_s = await asyncio.to_thread(self.product.start)
        self._socket = self.product.valkey_socket()
        self.valkey_folder = Path((await self.valkey("CONFIG", "GET", "dir"))[1])
        return took_s

    @property
    def aof(self) -> Path:
        """The folder of the append-only files."""
        return self.valkey_folder / "appendonlydir"

    def end(self) -> None:
        """Stop it and remove its data."""
        if self.machine.able:
            self.machine.step_clock(0)
            self.machine.fill_disk(False)
        self.product.remove()

    def said(self) -> str:
        """All that the server processes wrote."""
        path = self.product.folder / "data" / "log" / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────

    def pids(self, part: str) -> list[int]:
        """The processes of a part."""
        return gauges.found(self.product.pid, *MARKS[part])

    def kill(self, part: str) -> int:
        """``kill -9`` for one process of a part; its id."""
        pid = self.pids(part)[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def replaced(self, part: str, pid: int) -> bool:
        """Whether another process stands in the place of ``pid``."""
        return self.pids(part) not in ([], [pid])

    async def behead(self) -> None:
        """Kill every process of it in one stroke, Valkey first; back when none is left."""
        first = self.pids("valkey")
        rest = [pid for pid in gauges.tree(self.product.pid) if pid not in first]
        for pid in (*first, self.product.pid, *rest):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(self.product.stop)
        gone = [gauges.PROC / str(pid) for pid in (*first, *rest)]  # Postgres does not start beside its own corpse
        await eventually(lambda: not any(path.exists() for path in gone), 10, "all processes are gone")

    @contextmanager
    def held_down(self, part: str) -> Iterator[None]:
        """The part is killed and not replaced meanwhile: who would do it stands still."""
        os.kill(self.product.pid, signal.SIGSTOP)
        try:
            self.kill(part)
            yield
        finally:
            os.kill(self.product.pid, signal.SIGCONT)

    async def valkey(self, *words: str) -> Any:
        """One command of an operator at the live store; its answer."""

        def ask() -> Any:
            wire = Wire(self._socket)
            try:
                return wire.ask(*words)
            finally:
                wire.close()

        return await asyncio.to_thread(ask)

    # ── what it holds ────────────────────────────────────────────────────────────────────────────────────────────

    def visitor(self) -> Visitor:
        """A logged-in purchaser."""
        return self.product.visitor()

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of an operator."""
        conn = await asyncpg.connect(host=str(Path(self._socket).parent), user="yangcai", database="yangcai")
        try:
            yield conn
        finally:
            await conn.close()

    def postgres_url(self) -> str:
        """Its address, for processes of the suite that work as the product's do."""
        return f"postgresql://yangcai@/yangcai?host={Path(self._socket).parent}"

    async def postgres_answers(self) -> bool:
        """Whether it is there."""
        async with self.postgres() as conn:
            return bool(await conn.fetchval("SELECT true"))

    async def settled(self, lot_id: UUID) -> bool:
        """Whether the lot has a result."""
        async with self.postgres() as conn:
            return bool(await conn.fetchval("SELECT count(*) FROM result WHERE lot_id = $1", lot_id))

    async def contradiction(self, lot_id: UUID) -> dict[str, Any]:
        """What was found of a lot that is held because its record is in doubt; empty: it is not."""
        async with self.postgres() as conn:
            row = await conn.fetchrow("SELECT why, put_back, fault FROM lot_contradiction WHERE lot_id = $1", lot_id)
        return dict(row) if row else {}

    async def live_log(self, lot_id: UUID) -> list[dict[str, Any]]:
        """The lot's log as the live store has it."""

        def read() -> list[dict[str, Any]]:
            wire = Wire(self._socket)
            try:
                return list(events(wire, str(lot_id)))
            finally:
                wire.close()

        return await asyncio.to_thread(read)

    async def signed(self, lot_id: UUID) -> int:
        """How much of the lot's log is signed: the anchor outside the live store."""
        async with self.postgres() as conn:
            size = await conn.fetchval("SELECT max(size) FROM transcript_checkpoint WHERE lot_id = $1", lot_id)
        return int(size or 0)

    async def record(self, lot_id: UUID, by_host: bool) -> Record:
        """Everything the product holds of a settled lot."""
        live = await self.live_log(lot_id)
        async with self.postgres() as conn:
            rows = await conn.fetch("SELECT body::text FROM lot_event WHERE lot_id = $1 ORDER BY n", lot_id)
            ends = await conn.fetch("SELECT final_n FROM result WHERE lot_id = $1", lot_id)
            standing = await conn.fetch("SELECT alias, price, n FROM standing WHERE lot_id = $1 ORDER BY rank", lot_id)
        log = [json.loads(row["body"]) for row in rows]
        final_n = ends[0]["final_n"] if ends else 0
        signed = await self.signed(lot_id)
        return Record(log, len(ends), final_n, [tuple(row) for row in standing], live or None, signed, by_host)
