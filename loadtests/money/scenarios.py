"""Scenarios: the room's process, a backend of Postgres, or all of Postgres is killed among a thousand freezes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from contextlib import suppress
from itertools import count
from uuid import uuid4

import asyncpg

from intranet.budget import records
from intranet.budget.model import Kind, Posting
from loadtests.bench.helpers import CHECKOUT
from loadtests.crash.rounds import Brought, Play, Scenario
from loadtests.crash.stand import Stand, eventually
from loadtests.money.checker import Facts, faults, spoilt
from loadtests.money.checker import facts as facts_of
from loadtests.money.room import APART, EARLY, FEN, HELD, PLANNED, SOUND, indicator_of, plan_of
from plumbing.clock import Clock

LOTS, QUICK_LOTS = 1_000, 200
AGREE_MAX_S, END_MAX_S, TRIES = 5.0, 60.0, 5
_number = count(1)


class Storm:
    """The process of a room, and what it was told."""

    def __init__(self, stand: Stand, lots: int, how: str) -> None:
        self.name, self.lots = f"storm{next(_number)}-{uuid4().hex[:6]}", lots
        self._given = (sys.executable, "-m", "loadtests.money.room", stand.postgres_url(), self.name, how, str(lots))
        self.told: dict[int, list[str]] = {}
        self.lines = 0

    async def start(self) -> None:
        """Begin, or begin again on the same lots."""
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(*self._given, cwd=CHECKOUT, stdout=pipe, stderr=null)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            n, _, what = line.decode().strip().partition(" ")
            self.told.setdefault(int(n), []).append(what)
            self.lines += 1

    @property
    def held(self) -> int:
        """How many lots were told yes."""
        return sum(HELD in told for told in self.told.values())

    def kill(self) -> None:
        """``kill -9``."""
        with suppress(ProcessLookupError):
            self.process.kill()

    def faults(self, found: Facts, *, over: bool) -> list[str]:
        """What the checker says to that."""
        return faults(self.told, found, self.name, self.lots, over=over)

    async def over(self) -> int:
        """Wait for its end; its exit code."""
        code = await self.process.wait()
        await self._reading
        return code


async def prepare(conn: asyncpg.Connection, name: str, lots: int) -> None:
    """An indicator of the demonstration's unit, and approved plans that promise a little more than it holds."""
    people = "SELECT id, org_id, region FROM person WHERE login = ANY ($1) ORDER BY login"
    buyer, head = await conn.fetch(people, ["buyer", "head"])
    indicator = indicator_of(name)
    async with conn.transaction():
        await conn.execute(
            "INSERT INTO indicator (id, number, region, org_id, year, fund_source, project) "
            "VALUES ($1, $2, $3, $4, 2026, 'general', 'storm')", indicator, name, buyer["region"], buyer["org_id"],
        )  # fmt: skip
        given = [Posting(indicator, Kind.GRANT, lots * FEN * 7 // 10)]
        await records.post(conn, given, about=name, person_id=None, now_ms=Clock().now_ms())
        for n in range(PLANNED):
            await conn.execute(
                "INSERT INTO plan (id, number, region, org_id, title, category, method, amount_fen, small_share_bp, "
                "state, filed_by, filed_at, decided_by, decided_at) VALUES ($1, $2, $3, $4, 'storm', 'A02091001', "
                "'mall', $5, 10000, 'approved', $6, now(), $7, now())",
                plan_of(name, n), f"{name}-{n}", buyer["region"], buyer["org_id"], lots * FEN * 8 // 100,
                buyer["id"], head["id"],
            )  # fmt: skip
            source = "INSERT INTO plan_source (plan_id, no, indicator_id, amount_fen) VALUES ($1, 1, $2, $3)"
            await conn.execute(source, plan_of(name, n), indicator, lots * FEN * 8 // 100)


async def _kill(stand: Stand, storm: Storm, part: str) -> None:
    if part == "room":
        storm.kill()
    elif part == "backend":
        async with stand.postgres() as conn:
            busy = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle' LIMIT 1"
            pid = await conn.fetchval(busy, f"room {storm.name}")
        os.kill(pid, signal.SIGKILL) if pid else storm.kill()
    else:
        stand.kill("postgres")


async def _facts(stand: Stand, storm: Storm) -> Facts:
    async with stand.postgres() as conn:
        return await facts_of(conn, storm.name)


async def _struck(stand: Stand, dice: random.Random, part: str, how: str, lots: int) -> tuple[Storm, list[str], float]:
    """A storm and a kill in its middle: what the checker says then, and after how many seconds it was content."""
    storm = Storm(stand, lots, how)
    async with stand.postgres() as conn:
        await prepare(conn, storm.name, lots)
    await storm.start()
    wanted = dice.randint(lots // 20, lots // 2)
    await eventually(lambda: storm.lines >= wanted, END_MAX_S, "the room is at work")
    await _kill(stand, storm, part)
    began_s = time.monotonic()
    if await storm.over() == 0:
        return storm, ["the kill came after everything"], 0.0
    await eventually(stand.postgres_answers, END_MAX_S, "Postgres answers")
    back_s, wrong = time.monotonic(), [""]
    while wrong and time.monotonic() - back_s < AGREE_MAX_S:
        wrong = storm.faults(await _facts(stand, storm), over=False)
    return storm, wrong, time.monotonic() - began_s


def _killed(part: str, lots: int) -> Play:
    async def play(stand: Stand, dice: random.Random) -> Brought:
        storm, wrong, again_s = await _struck(stand, dice, part, SOUND, lots)
        await storm.start()  # the next process of the room: it asks for all of it again
        if await storm.over() != 0:
            wrong.append("the room did not come to its end")
        found = await _facts(stand, storm)
        wrong += storm.faults(found, over=True)
        if not wrong:
            wrong += [f"the checker overlooks {what}" for what, bad in spoilt(found).items()
                      if not storm.faults(bad, over=True)]  # fmt: skip
        lost = sum(fault.endswith("told and lost") for fault in wrong)
        doubled = sum(fault.endswith("exactly once") for fault in wrong)
        return Brought(wrong, storm.held, lost, doubled, again_s=again_s)

    return play


def _weaker(how: str, kind: str, lots: int) -> Play:
    async def play(stand: Stand, dice: random.Random) -> Brought:
        for _ in range(TRIES):  # a kill may fall between two acts
            storm, wrong, _ = await _struck(stand, dice, "postgres", how, lots)
            if found := [fault for fault in wrong if fault.endswith(kind)]:
                return Brought([], storm.held, note=f"found: {len(found)} lots: {kind}")
        return Brought([f"{kind}: not noticed"])

    return play


def scenarios(quick: bool = False) -> list[Scenario]:
    """Every scenario of the money; ``quick``: with fewer lots."""
    lots = QUICK_LOTS if quick else LOTS
    return [
        Scenario("room", "the room's process: kill -9", _killed("room", lots), 1.0),
        Scenario("backend", "a backend of Postgres that is at it: kill -9", _killed("backend", lots), 1.0),
        Scenario("budget", "Postgres: kill -9", _killed("postgres", lots), 1.0),
        Scenario("early", "told before it stands in Postgres", _weaker(EARLY, "told and lost", lots), 0.1, True),
        Scenario("apart", "the room's book in a transaction of its own",
                 _weaker(APART, "room and budget disagree", lots), 0.1, True),
    ]  # fmt: skip
