"""The audit trail's side of the composition: the queue of the doors in every process, and acts done by hand."""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from accounts.audit import Here, audit, here
from accounts.audit.doors import Ink
from plumbing.faults import BROKEN_PIPES, ever
from plumbing.postgres import Connection, Pool

POUR_EVERY_S = 0.25


@asynccontextmanager
async def run(state: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Write what the doors report until the process ends; then its last lines. The notary process chains them."""
    pool: Pool = state["postgres"]
    ink = Ink(state["clock"].now_ms)
    writing = asyncio.create_task(ever("audit lines", partial(ink.pour, pool), POUR_EVERY_S), name="audit-lines")
    try:
        yield {"ink": ink}
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
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
