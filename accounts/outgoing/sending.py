"""Sends what waits, by its channel, again and ever later after a failure. Any number of processes share the work.

At least once: whoever receives twice knows it by the id. Order is not promised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from accounts.outgoing.rules import KEPT_MS, LEASE_MS, again_after_ms
from accounts.records import moment
from plumbing import logs, sql
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Pool, Record

SQL = sql.load(Path(__file__).with_name("records.sql"))
EVERY_S = 1.0
FORGET_EVERY_MS = 600_000
AT_ONCE = 20
SAID_MAX = 300

log = logs.get(__name__)


class NotSent(Exception):
    """It did not get there; the text is for the log page. ``final``: trying again is of no use."""

    def __init__(self, said: str, *, final: bool = False) -> None:
        super().__init__(said)
        self.final = final


Channel = Callable[[Record], Awaitable[str]]
"""Sends one row and gives what was answered; raises ``NotSent`` or ``OSError``."""


class Sender:
    """One process's share of the sending. ``run`` until cancelled."""

    def __init__(self, pool: Pool, clock: Clock, channels: Mapping[str, Channel]) -> None:
        self._pool, self._clock, self._channels = pool, clock, channels
        self._forgot_at = 0

    async def run(self) -> None:
        """Again and again."""
        await ever("sending", self._all, EVERY_S)

    async def _all(self) -> None:
        while await self.once() == AT_ONCE:
            pass
        now_ms = self._clock.now_ms()
        if now_ms - self._forgot_at > FORGET_EVERY_MS:
            self._forgot_at = now_ms
            await self._pool.execute(SQL["forget_old"], moment(now_ms - KEPT_MS))

    async def once(self) -> int:
        """Send what is due now, at most ``AT_ONCE``; how many that were."""
        now_ms = self._clock.now_ms()
        rows = await self._pool.fetch(SQL["claim"], moment(now_ms), moment(now_ms + LEASE_MS), AT_ONCE)
        await asyncio.gather(*(self._send(row) for row in rows))
        return len(rows)

    async def _send(self, row: Record) -> None:
        try:
            said = await self._channels[row["channel"]](row)
        except (NotSent, OSError) as error:
            await self._failed(row, str(error) or type(error).__name__, final=getattr(error, "final", False))
        except Exception as error:  # a bug in one channel holds up no other
            log.error("sending.broke", exc_info=True, channel=row["channel"])
            await self._failed(row, type(error).__name__, final=False)
        else:
            await self._pool.execute(SQL["sent"], row["id"], moment(self._clock.now_ms()), said[:SAID_MAX])

    async def _failed(self, row: Record, said: str, *, final: bool) -> None:
        wait_ms, now_ms = None if final else again_after_ms(row["attempts"]), self._clock.now_ms()
        next_at = None if wait_ms is None else moment(now_ms + wait_ms)
        await self._pool.execute(SQL["failed"], row["id"], moment(now_ms), next_at, said.replace("\0", "")[:SAID_MAX])
