"""Which exceptions mean that a server behind us is away, and not that we have a bug."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from plumbing import logs
from plumbing.clock import elapsed_s
from plumbing.valkey import RedisError

AGAIN_S = 0.1
T = TypeVar("T")
log = logs.get(__name__)

# OSError: the socket of a server that is just being started again is missing or refuses. InternalClientError: what the
# pool raises in place of the true error when a connection dies in the middle of a query (seen on killing Postgres).
BROKEN_PIPES: tuple[type[Exception], ...] = (
    OSError,
    RedisError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""Valkey or Postgres does not answer: it is on its way back, the same thing may be tried again."""


async def until_there(what: str, attempt: Callable[[], Awaitable[T]], *, within_s: float = 45.0) -> T:
    """What ``attempt`` gives, tried again while the server behind it is away, at most ``within_s``.

    For processes that start while Valkey or Postgres is being started again. Raises what ``attempt`` raised last.
    """
    began_s, told = elapsed_s(), False
    while True:
        try:
            return await attempt()
        except BROKEN_PIPES as error:
            if elapsed_s() - began_s > within_s:
                raise
            if not told:
                log.warning("waiting", what=what, why=f"{type(error).__name__}: {error}")
                told = True
        await asyncio.sleep(AGAIN_S)
