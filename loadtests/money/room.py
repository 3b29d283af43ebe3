"""A trading room's process: a thousand lots want money of one indicator at once. It prints what it was told of each.

``python -m loadtests.money.room URL NAME HOW LOTS``: as a server process works, by the public functions of the budget,
each act in a transaction with the room's own book. Started again under the same ``NAME`` it asks for all of it again.
``HOW`` is ``sound``, or one of two faults for the negative controls: ``early`` tells before it stands in Postgres,
``apart`` writes the room's book in a transaction of its own. A broken connection ends it.
"""

from __future__ import annotations

import asyncio
import sys
from uuid import NAMESPACE_OID, UUID, uuid5

import asyncpg

from accounts.records import moment
from intranet.budget import holds, records
from intranet.budget.model import Hold, Refusal, Source
from intranet.plans import carrying
from intranet.plans.operations import SQL as PLANS
from plumbing import postgres
from plumbing.clock import Clock
from plumbing.problems import Problem

FEN, LEFT_FEN, CONNECTIONS = 100, 60, 16
PLANNED = 9  # of ten lots; the tenth is an order of the mall, without a plan
SOUND, EARLY, APART = "sound", "early", "apart"
SHORT, HELD = "short", "held"
ENDS = ("held", "released", "reduced", "consumed")
SLACK_S = 0.05  # between the two halves of what a control tears apart


def lot_of(name: str, n: int) -> UUID:
    """The lot ``n`` of a round."""
    return uuid5(NAMESPACE_OID, f"{name}:{n}")


def planned(n: int) -> bool:
    """Whether lot ``n`` carries a plan out, and so has a row in the room's book."""
    return n % 10 < PLANNED


def plan_of(name: str, n: int) -> UUID:
    """The plan of lot ``n``."""
    return lot_of(name, -1 - n % 10)


def indicator_of(name: str) -> UUID:
    """The one indicator of a round."""
    return lot_of(name, -100)


def end_of(n: int) -> str:
    """What becomes of the money of lot ``n``: three in four move on."""
    return ENDS[n % len(ENDS)]


class Room:
    """The lots of a round."""

    def __init__(self, pool: postgres.Pool, name: str, how: str) -> None:
        self._pool, self._name, self._how = pool, name, how
        self._now_ms = Clock().now_ms

    async def run(self, lots: int) -> None:
        """All of them at once, to their end."""
        await asyncio.gather(*(self._life(n) for n in range(lots)))

    async def _life(self, n: int) -> None:
        lot = lot_of(self._name, n)
        found = await (self._freeze(n, lot) if planned(n) else self._order(n, lot))
        if found == SHORT:
            say(n, SHORT)
            return
        if end_of(n) != HELD:
            async with self._pool.acquire() as conn, conn.transaction():
                await self._end(conn, lot, end_of(n))
            say(n, end_of(n))

    async def _freeze(self, n: int, lot: UUID) -> str:
        """As the last approval of a case does it."""
        request = carrying.request_of(lot)
        async with self._pool.acquire() as conn:
            async with conn.transaction():
                plan = await conn.fetchrow(PLANS["plan_locked"], plan_of(self._name, n))
                if await records.hold(conn, request) is None:
                    given = {"category": plan["category"], "legal_basis": "mall_local", "fen": FEN}
                    try:
                        left = await carrying.check(conn, plan, **given)
                        if self._how == APART:
                            await holds.reserve(conn, request, left_of(left), None, self._now_ms())
                        else:
                            parts = {lot: FEN}
                            await carrying.freeze(conn, plan, lot, parts, left, plan["filed_by"], self._now_ms())
                    except Problem:
                        return SHORT
                if self._how == EARLY:
                    say(n, HELD)
                    await asyncio.sleep(SLACK_S)
            if self._how == APART:
                await asyncio.sleep(SLACK_S)
                await conn.execute(PLANS["add_use"], request, plan["id"], lot, moment(self._now_ms()))
        say(n, HELD)
        return HELD

    async def _order(self, n: int, lot: UUID) -> str:
        async with self._pool.acquire() as conn, conn.transaction():
            source = Source(indicator_of(self._name), FEN)
            held = await holds.reserve(conn, carrying.request_of(lot), [source], None, self._now_ms())
        if held is Refusal.SHORT:
            return SHORT
        assert isinstance(held, Hold), held
        say(n, HELD)
        return HELD

    async def _end(self, conn: postgres.Connection, lot: UUID, end: str) -> None:
        """As failure, award and contract do it. Each may come twice."""
        if end == "released":
            await carrying.give_back(conn, lot)
        elif end == "reduced":
            await holds.reduce(conn, carrying.request_of(lot), LEFT_FEN, self._now_ms())
        else:
            await holds.confirm(conn, carrying.request_of(lot), FEN, self._now_ms())


def left_of(left: list[Source]) -> list[Source]:
    """The first fen of what a plan has left."""
    return [Source(left[0].indicator_id, FEN)]


def say(n: int, what: str) -> None:
    """What the room was told of a lot."""
    print(n, what, flush=True)


async def main(url: str, name: str, how: str, lots: str) -> int:
    """Run; 0 when every lot has its end, 1 when Postgres went away."""
    pool = await postgres.open_pool(url, application_name=f"room {name}", size_max=CONNECTIONS)
    try:
        await Room(pool, name, how).run(int(lots))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return 1
    finally:
        pool.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
