"""The money's side of the composition: what is held past its time is released, in every process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from intranet.budget import holds
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Pool

SWEEP_EVERY_S = 2.0


async def _sweep(pool: Pool, clock: Clock) -> None:
    await holds.sweep(pool, clock.now_ms)


@asynccontextmanager
async def run(state: Mapping[str, Any]) -> AsyncIterator[None]:
    """Sweep until the process ends."""
    sweep = partial(_sweep, state["postgres"], state["clock"])
    task = asyncio.create_task(ever("budget holds", sweep, SWEEP_EVERY_S), name="budget-holds")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
