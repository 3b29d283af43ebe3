"""Which exceptions mean that a server behind us is away, and not that we have a bug; and how to go on after both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from plumbing import logs
from plumbing.clock import elapsed_s
from plumbing.stopping import heed
from plumbing.valkey import RedisError

AGAIN_S = 0.1
RETRY_S = 0.5
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


async def ever(what: str, work: Callable[[], Awaitable[None]], every_s: float) -> None:
    """``work`` again and again until cancelled. One line when it begins to fail and one when it goes on.

    A store that is away is told in one line, a bug with its traceback; either way it is tried again.
    """
    failed = ""
    while True:
        heed()
        try:
            await work()
            heed()
            if failed:
                log.warning("task.again", what=what)
            failed = ""
            await asyncio.sleep(every_s)
        except Exception as error:
            if type(error).__name__ != failed:
                failed = type(error).__name__
                if isinstance(error, BROKEN_PIPES):
                    log.warning("task.failed", what=what, why=f"{failed}: {error}")
                else:
                    log.error("task.failed", exc_info=True, what=what, why=f"{failed}: {error}")
            await asyncio.sleep(RETRY_S)
