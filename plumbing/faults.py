"""Which exceptions mean that a server behind us is away, and not that we have a bug."""

from __future__ import annotations

import asyncpg

from plumbing.valkey import RedisError

# OSError: the socket of a server that is just being started again is missing or refuses.
BROKEN_PIPES: tuple[type[Exception], ...] = (
    OSError,
    RedisError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""Valkey or Postgres does not answer: it is on its way back, the same thing may be tried again."""
