"""What every process keeps of the standards in memory, read again within a moment of a change in any process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from plumbing.faults import ever
from plumbing.postgres import Pool
from registries.parameters import records
from standards import regions


class Rereading:
    """Calls ``read`` whenever Postgres tells that what it reads has changed, or may have while nobody listened."""

    def __init__(self, what: str, read: Callable[[], Awaitable[None]]) -> None:
        self._what, self._read, self._changed = what, read, asyncio.Event()

    def heard(self, _text: str) -> None:
        """It changed: what a channel of notices calls."""
        self._changed.set()

    async def run(self) -> None:
        """Read until cancelled."""
        await ever(self._what, self._again, 0)

    async def _again(self) -> None:
        await self._changed.wait()
        self._changed.clear()
        try:
            await self._read()
        except BaseException:
            self._changed.set()
            raise


async def read_places(pool: Pool) -> None:
    """Know the places 行政区划 that were loaded."""
    regions.learn(await records.loaded_regions(pool))
