"""Killed in the middle of a thousand freezes, client or Postgres: the book is whole and nothing told is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from intranet.budget import holds, records
from intranet.budget.model import Hold, Source
from plumbing import migrations, postgres
from plumbing.engines import Places, PostgresEngine, Supervisor
from tests.auction.walk import within
from tests.intranet.money import NOW, an_indicator, standing
from tests.support import ROOT, eventually

CLIENT = """
import asyncio, sys
from uuid import UUID
from intranet.budget import holds
from intranet.budget.model import Source
from plumbing import postgres

async def main(url, indicator, name):
    pool = await postgres.open_pool(url)
    async def one(n):
        async with pool.acquire() as conn:
            async with conn.transaction():
                await holds.reserve(conn, f"{name}:{n}", [Source(UUID(indicator), 100)], None, 1)
            print(n, flush=True)
    await asyncio.gather(*(one(n) for n in range(1_000)))

asyncio.run(main(*sys.argv[1:]))
"""


class Client:
    """A process that freezes a hundred fen a thousand times, and says each time it was told yes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.told = process, set[int]()
        self.reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, url: str, indicator: str, name: str) -> Client:
        given = (sys.executable, "-c", CLIENT, url, indicator, name)
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.DEVNULL}
        return cls(await asyncio.create_subprocess_exec(*given, cwd=ROOT, **pipes))  # type: ignore[arg-type]

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.told.add(int(line))

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.reading


async def held(pool: postgres.Pool, name: str) -> set[int]:
    rows = await pool.fetch("SELECT request_id FROM budget_hold WHERE starts_with(request_id, $1)", name + ":")
    return {int(row["request_id"].split(":")[1]) for row in rows}


async def test_a_kill_in_the_middle_loses_no_freeze_that_was_told_and_breaks_no_sum(short_tmp: Path) -> None:
    places = Places(short_tmp / "budget")
    engine = PostgresEngine(places)
    supervisor = Supervisor(places, [engine])
    await supervisor.start()
    try:
        await migrations.migrate(engine.url, ROOT / "server" / "migrations")
        pool = await postgres.open_pool(engine.url)
        indicator = await an_indicator(pool, 70_000)
        client = await Client.start(engine.url, str(indicator), "client")
        await eventually(lambda: len(client.told) > 100, within_s=20)
        await client.end()  # kill -9 of the client
        assert client.told <= await held(pool, "client")

        client = await Client.start(engine.url, str(indicator), "engine")
        await eventually(lambda: len(client.told) > 100, within_s=20)
        killed = supervisor.children["postgres"].pid
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: supervisor.children["postgres"].pid != killed, within_s=20)
        await eventually(engine.ready, within_s=20)
        await client.end()
        pool.terminate()
        pool = await postgres.open_pool(engine.url)
        assert client.told <= await held(pool, "engine")

        # Whoever lost his answer asks again, under the same name.
        for name in ("client", "engine"):
            for n in range(1_000):
                got = await within(pool, holds.reserve, f"{name}:{n}", [Source(indicator, 100)], None, NOW())
                if not isinstance(got, Hold):
                    break
        found, there = (
            await standing(pool, indicator),
            len(await held(pool, "client")) + len(await held(pool, "engine")),
        )
        assert (found.available, found.frozen, there) == (0, 70_000, 700)
        assert await records.faults(pool) == []
        pool.terminate()
    finally:
        await supervisor.stop()
