"""Schema changes: numbered SQL files, each applied once, in the order of their names.

Many processes may start at once: one advisory lock lets one of them do the work while the others wait.
A file that was applied and then edited is refused, because two installations would no longer be the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import asyncpg

LOCK_ID = 0x59_43_4D_47  # "YCMG"
LOCK_TIMEOUT = "10s"

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationChanged(Exception):
    """The file was edited after it had been applied. Put it back, and write a new file for the new change."""


async def migrate(dsn: str, folder: Path) -> list[str]:
    """Apply every ``NNNN_*.sql`` of ``folder`` not yet applied at ``dsn``; return their names in order.

    Each file runs in a transaction of its own: all of it stands, or nothing. Raises ``MigrationChanged``.
    """
    files = [(file.name, file.read_bytes()) for file in _files(folder)]
    conn = await asyncpg.connect(dsn, server_settings={"application_name": "yangcai-migrate"})
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK_ID)
        await conn.execute(_LEDGER)
        known = {row["name"]: row["sha256"] for row in await conn.fetch("SELECT name, sha256 FROM schema_migration")}
        return [name for name, content in files if await _apply(conn, name, content, known.get(name))]
    finally:
        await conn.close()  # also gives the lock back


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))


async def _apply(
    conn: asyncpg.Connection[asyncpg.Record], name: str, content: bytes, applied_sha256: str | None
) -> bool:
    sha256 = hashlib.sha256(content).hexdigest()
    if applied_sha256 is not None:
        if applied_sha256 != sha256:
            raise MigrationChanged(f"{name} was changed after it had been applied")
        return False
    async with conn.transaction():
        await conn.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await conn.execute(content.decode())
        await conn.execute("INSERT INTO schema_migration (name, sha256) VALUES ($1, $2)", name, sha256)
    return True
