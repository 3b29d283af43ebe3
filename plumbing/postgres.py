"""Postgres: one pool per process, set up the same way everywhere.

Values of type ``jsonb`` travel as Python objects, through the binary codec (the text codec breaks COPY).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg
import orjson

JSONB_VERSION = b"\x01"
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Record: TypeAlias = asyncpg.Record


class _Connection(asyncpg.Connection):
    """Goes back to the pool without a query of its own, which cost as much as the one it was lent for.

    Nothing outlasts its transaction here: roles and settings are LOCAL, locks are of the transaction, who listens has
    a connection of his own. A transaction left open is still rolled back.
    """

    def get_reset_query(self) -> str:
        """Nothing."""
        return ""


def _encode_jsonb(value: Any) -> bytes:
    return JSONB_VERSION + orjson.dumps(value)


def _decode_jsonb(data: bytes) -> Any:
    return orjson.loads(data[1:])


async def set_codecs(conn: asyncpg.Connection[asyncpg.Record]) -> None:
    """Make ``jsonb`` columns read and write plain Python values on ``conn``."""
    await conn.set_type_codec(
        "jsonb", encoder=_encode_jsonb, decoder=_decode_jsonb, schema="pg_catalog", format="binary"
    )


async def open_pool(
    dsn: str,
    *,
    application_name: str = "yangcai",
    size_min: int = 0,
    size_max: int = 8,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    connect_timeout_s: float = 10.0,
) -> Pool:
    """Open the pool of one process. ``size_max`` bounds the connections; waiting for one is bounded by the caller.

    Fails at once when the server does not answer. No connection is kept open for its own sake: asyncpg would write a
    traceback for each time it cannot restore one. Times are kept and compared in UTC. A statement over
    ``statement_timeout_ms`` raises ``QueryCanceledError``.
    """
    pool = asyncpg.create_pool(
        dsn,
        min_size=size_min,
        max_size=size_max,
        timeout=connect_timeout_s,
        init=set_codecs,
        connection_class=_Connection,
        server_settings={
            "application_name": application_name,
            "statement_timeout": str(statement_timeout_ms),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
            "timezone": "UTC",
        },
    )
    await pool
    try:
        async with pool.acquire():
            return pool
    except BaseException:
        pool.terminate()
        raise
