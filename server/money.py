"""The money's side of the composition, in every process: holds past their time end, fiscal systems are told, missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import httpx

from intranet.budget import holds
from intranet.exchange import reconciling
from intranet.outbox import sending
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Pool

SWEEP_EVERY_S = 2.0
SEND_EVERY_S = 2.0
SILENCE_EVERY_S = 300.0


async def _sweep(pool: Pool, clock: Clock) -> None:
    await holds.sweep(pool, clock.now_ms)


async def _send(pool: Pool, http: httpx.AsyncClient, secret_key: str, clock: Clock) -> None:
    await sending.send_due(pool, http, secret_key, clock.now_ms)


async def _silence(pool: Pool, clock: Clock) -> None:
    await reconciling.note_silence(pool, clock.now_ms())


@asynccontextmanager
async def run(state: Mapping[str, Any]) -> AsyncIterator[None]:
    """Sweep and send until the process ends."""
    pool, clock = state["postgres"], state["clock"]
    async with httpx.AsyncClient(trust_env=False) as http:
        send = partial(_send, pool, http, state["settings"].secret_key, clock)
        tasks = [
            asyncio.create_task(ever("budget holds", partial(_sweep, pool, clock), SWEEP_EVERY_S), name="budget-holds"),
            asyncio.create_task(
                ever("fiscal silence", partial(_silence, pool, clock), SILENCE_EVERY_S), name="fiscal-silence"
            ),
            asyncio.create_task(ever("fiscal outbox", send, SEND_EVERY_S), name="fiscal-outbox"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
