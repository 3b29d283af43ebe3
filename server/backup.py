"""备份: one folder that holds the whole installation at one moment, taken while it runs.

First Postgres, by ``pg_dump`` on one snapshot; then every lot the live store holds, each in one step. So the live
store's part is never older than Postgres's, and a lot between the two finds its way by the same idempotent hand-overs
as after a crash. What was acknowledged after that moment is not in it: only a copy of the append-only file has that.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

import yangcai
from ledger import log as ledger
from plumbing.cluster.client import connect
from plumbing.valkey import Valkey
from server import dumping
from server.forgetting import BACKUP_LOCK
from server.settings import Settings

FORMAT = "yangcai-backup/1"
POSTGRES, VALKEY, KEYS, SETTINGS, MANIFEST = (
    "postgres.dump", "valkey.jsonl", "transcript.keys", "settings.json", "manifest.json",
)  # fmt: skip
SECRETS = ("secret_key", "secret_key_before", "oidc_client_secret", "smtp_url", "metrics_token")
Progress = Callable[[str, int, int], None]
"""Called with what is under way, how much of it is done, and how much there is."""


class BackupRefused(Exception):
    """It cannot be done; the text is for the operator."""


class Root(Struct, frozen=True):
    """The newest signed head of a lot: its size and root (hex)."""

    lot: UUID
    size: int
    root: str


class Manifest(Struct, frozen=True):
    """What a backup holds. ``files``: SHA-256 by name; ``roles``: of Postgres, to be there before the dump is read."""

    format: str
    made_at: int
    version: str
    schema: list[str]
    roles: list[str]
    files: dict[str, str]
    roots: list[Root]
    live: dict[UUID, int]


class Keys(Struct, frozen=True, omit_defaults=True):
    """Keys of the live store as it serialises them (base64): a lot's, a shard's record of outages, or the functions."""

    lot: UUID | None = None
    n: int = 0
    due_at: int = 0
    keys: dict[str, str] = {}
    functions: str = ""


def packed(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode()


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def back_up(settings: Settings, keys_file: Path, folder: Path, now_ms: int, progress: Progress) -> Manifest:
    """Write the backup of the running installation to ``folder``, which nobody else may read.

    Raises ``BackupRefused`` when there is something in the folder; it appears only when it is whole.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupRefused(f"{folder} is not empty")
    half = folder.with_name(folder.name + ".half")
    if half.exists():
        raise BackupRefused(f"{half} is left of a backup that was broken off: remove it")
    half.mkdir(mode=0o700, parents=True)
    conn = await asyncpg.connect(settings.postgres_url)
    client = connect(settings.valkey_url, settings.valkey_copies_min, timeout_s=60.0)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", BACKUP_LOCK)
        facts = await _postgres(conn, settings.postgres_url, half / POSTGRES, progress)
        live = await _valkey(client, half / VALKEY, progress)
    finally:
        await conn.close()
        await client.aclose()
    if keys_file.exists():
        _write(half / KEYS, keys_file.read_bytes())
    _write(half / SETTINGS, msgspec.json.format(msgspec.json.encode(_told(settings))))
    files = {path.name: digest(path) for path in sorted(half.iterdir())}
    manifest = Manifest(FORMAT, now_ms, yangcai.version(), files=files, live=live, **facts)
    _write(half / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    if folder.exists():
        folder.rmdir()
    half.rename(folder)
    return manifest


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _told(settings: Settings) -> dict[str, Any]:
    """The settings without secrets."""
    told = {name: value for name, value in msgspec.structs.asdict(settings).items() if name not in SECRETS}
    return told | {name: dumping.without_password(told[name])[0] for name in ("valkey_url", "postgres_url")}


async def _postgres(conn: asyncpg.Connection[Any], url: str, path: Path, progress: Progress) -> dict[str, Any]:
    """Dump one snapshot, and read in the same what the manifest says of it."""
    path.touch(mode=0o600)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        snapshot = await conn.fetchval("SELECT pg_export_snapshot()")
        tables = await conn.fetchval("SELECT count(*) FROM pg_stat_user_tables")
        done = 0

        def heard(line: str) -> None:
            nonlocal done
            done += "dumping contents of table" in line
            progress("Postgres", done, tables)

        where = (f"--snapshot={snapshot}", "--format=custom", "--no-owner", f"--file={path}")
        await dumping.run("pg_dump", url, *where, heard=heard)
        heads = await conn.fetch(
            "SELECT DISTINCT ON (lot_id) lot_id, size, root FROM transcript_checkpoint ORDER BY lot_id, size DESC"
        )
        schema = await conn.fetch("SELECT name FROM schema_migration ORDER BY name")
        roles = await conn.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'yangcai\\_%' ORDER BY rolname")
    return {
        "schema": [row["name"] for row in schema],
        "roles": [row["rolname"] for row in roles],
        "roots": [Root(row["lot_id"], row["size"], row["root"].hex()) for row in heads],
    }


async def _valkey(client: Valkey, path: Path, progress: Progress) -> dict[UUID, int]:
    """Write the functions, the record of outages and every lot; the length of each lot's log."""
    lots = [lot_id async for lot_id in ledger.all_lots(client)]
    live: dict[UUID, int] = {}
    path.touch(mode=0o600)
    with path.open("wb") as file:
        functions: Any = await client.function_dump()
        file.write(msgspec.json.encode(Keys(functions=packed(functions))) + b"\n")
        async for keys in _beats(client):
            file.write(msgspec.json.encode(keys) + b"\n")
        for number, lot_id in enumerate(lots, 1):
            found = await ledger.dump(client, lot_id)
            keys = Keys(lot_id, found.n, found.due_at, {key: packed(data) for key, data in found.keys.items()})
            file.write(msgspec.json.encode(keys) + b"\n")
            live[lot_id] = found.n
            progress("Valkey", number, len(lots))
    return live


async def _beats(client: Valkey) -> AsyncIterator[Keys]:
    for shard in range(ledger.SHARDS):
        data = await client.dump(ledger.beat_of(shard))
        if data:
            yield Keys(keys={ledger.beat_of(shard): packed(data)})
