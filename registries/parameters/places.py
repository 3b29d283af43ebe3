"""行政区划: every process knows the names of places that were loaded, in any process, within a moment."""

from __future__ import annotations

import asyncio

from plumbing.faults import ever
from plumbing.postgres import Pool
from registries.parameters import records
from standards import regions


class Places:
    """Reads the loaded names again whenever Postgres tells that they changed (channel ``region``)."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._changed = pool, asyncio.Event()

    def heard(self, _text: str) -> None:
        """They changed, or may have while nobody listened."""
        self._changed.set()

    async def run(self) -> None:
        """Read until cancelled."""
        await ever("places", self._read, 0)

    async def _read(self) -> None:
        await self._changed.wait()
        regions.learn(await records.loaded_regions(self._pool))
        self._changed.clear()
