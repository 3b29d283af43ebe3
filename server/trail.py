"""The audit trail's side of the composition: the queue of the doors and the chain, in every process."""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from accounts.audit import Here, audit, here
from accounts.audit.chain import Chain
from accounts.audit.doors import Ink
from ledger import keys
from plumbing.faults import BROKEN_PIPES, ever
from plumbing.postgres import Connection, Pool
from server.settings import site_name, transcript_keys

POUR_EVERY_S = 0.25
CHAIN_EVERY_S = 1.0


@asynccontextmanager
async def run(state: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Write what the doors report and chain what is written, until the process ends; then its last lines."""
    pool: Pool = state["postgres"]
    ink = Ink(state["clock"].now_ms)
    chain = Chain(keys.load(transcript_keys(state["settings"])), site_name(state["settings"]))
    tasks = [
        asyncio.create_task(ever("audit lines", partial(ink.pour, pool), POUR_EVERY_S), name="audit-lines"),
        asyncio.create_task(ever("audit chain", partial(chain.look, pool), CHAIN_EVERY_S), name="audit-chain"),
    ]
    try:
        yield {"ink": ink}
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        with suppress(*BROKEN_PIPES):
            await ink.pour(pool)


async def by_hand(
    conn: Connection | Pool, command: str, event: str, thing: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Write an act of whoever runs ``command`` on this machine 运维操作: his account there and the machine's name."""
    try:
        whoever = getpass.getuser()
    except (KeyError, OSError):
        whoever = "?"
    token = here.set(Here(address=socket.gethostname(), name=f"yangcai {command}"))
    try:
        await audit(conn, None, event, thing, detail={"system_user": whoever, **(detail or {})})
    finally:
        here.reset(token)
