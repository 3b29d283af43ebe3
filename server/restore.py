"""恢复: a backup comes back into an empty installation, and is checked before anything serves it.

Every signed tree is built anew and compared with the manifest, every transcript is verified as anyone would. A lot that
ran when the backup was taken runs on when the product starts; as after any outage, its end moves by the time between.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from auction.lot import live
from auction.lot.model import Stage
from auction.transcript import files, verify
from auction.transcript.files import Reader
from ledger import log as ledger
from ledger.tree import Frontier, leaf_hash
from plumbing import postgres
from plumbing.cluster.client import connect
from plumbing.engines import Places, PostgresEngine, Supervisor, ValkeyEngine
from plumbing.engines.supervisor import Engine
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server import dumping
from server.backup import (
    FORMAT,
    KEYS,
    MANIFEST,
    POSTGRES,
    VALKEY,
    BackupRefused,
    Keys,
    Manifest,
    Progress,
    Root,
    digest,
)
from server.settings import Settings

LEAVES_AT_ONCE = 5_000


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are as they were written. Raises ``BackupRefused``."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupRefused(f"{folder} is no backup: {error}") from None
    if manifest.format != FORMAT:
        raise BackupRefused(f"{folder} is of the format {manifest.format}; this release reads {FORMAT}")
    for name, wanted in manifest.files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file() or digest(path) != wanted:
            raise BackupRefused(f"{path} is not the file that the manifest names: the backup is damaged")
    return manifest


@asynccontextmanager
async def _stores(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """The addresses of both servers; embedded ones are started for it, and stopped."""
    data = Path(settings.data_dir)
    if data.exists() and any(data.iterdir()):
        raise BackupRefused(f"the data folder {data} is not empty: a backup is restored into an empty one")
    if settings.valkey_url and settings.postgres_url:
        data.mkdir(parents=True, exist_ok=True)
        yield settings.valkey_url, settings.postgres_url
        return
    places = Places(data)
    wanted: list[Engine] = []
    if not settings.valkey_url:
        wanted.append(ValkeyEngine(places, settings.valkey_memory_max))
    if not settings.postgres_url:
        wanted.append(PostgresEngine(places))
    engines = Supervisor(places, wanted)
    await engines.start()
    try:
        found = {engine.name: engine.url for engine in wanted}
        yield settings.valkey_url or found["valkey"], settings.postgres_url or found["postgres"]
    finally:
        await engines.stop()


async def restore(settings: Settings, keys_file: Path, folder: Path, progress: Progress) -> list[str]:
    """Bring the backup in ``folder`` back; what its verification found wrong, empty when all is well.

    Raises ``BackupRefused`` before anything is written, when the backup is damaged or the target is not empty.
    """
    manifest = read_manifest(folder)
    async with _stores(settings) as (valkey_url, postgres_url):
        client = connect(valkey_url, settings.valkey_copies_min, timeout_s=60.0)
        try:
            await _refuse_if_used(client, postgres_url)
            await _postgres(folder, manifest, postgres_url, progress)
            pool = await postgres.open_pool(postgres_url, size_max=2, statement_timeout_ms=0)
            try:
                await _valkey(folder, manifest, client, pool, progress)
                if (folder / KEYS).exists():
                    keys_file.parent.mkdir(parents=True, exist_ok=True)
                    keys_file.touch(mode=0o600)
                    keys_file.write_bytes((folder / KEYS).read_bytes())
                return await check(manifest, client, pool, progress)
            finally:
                await pool.close()
        finally:
            await client.aclose()


async def _refuse_if_used(client: Valkey, postgres_url: str) -> None:
    conn = await asyncpg.connect(postgres_url)
    try:
        tables = await conn.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await conn.close()
    if tables or await client.dbsize():
        raise BackupRefused("the database or the live store is not empty: a backup is restored into empty ones")


async def _postgres(folder: Path, manifest: Manifest, url: str, progress: Progress) -> None:
    """The roles, then the dump."""
    conn = await asyncpg.connect(url)
    try:
        for role in manifest.roles:
            name = '"' + role.replace('"', '""') + '"'
            if not await conn.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await conn.execute(f"CREATE ROLE {name} NOLOGIN")
            await conn.execute(f"GRANT {name} TO CURRENT_USER")
    finally:
        await conn.close()
    done = 0

    def heard(line: str) -> None:
        nonlocal done
        done += "processing data for table" in line
        progress("Postgres", done, 0)

    await dumping.run("pg_restore", url, "--no-owner", "--exit-on-error", str(folder / POSTGRES), heard=heard)


def _records(folder: Path) -> Iterator[Keys]:
    with (folder / VALKEY).open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line, type=Keys)


async def _valkey(folder: Path, manifest: Manifest, client: Valkey, pool: Pool, progress: Progress) -> None:
    """The functions, the record of outages, and every lot that Postgres knows; what waits for a settler waits again."""
    done = 0
    for record in _records(folder):
        if functions := base64.b64decode(record.functions):
            await client.function_restore(functions)  # type: ignore[arg-type]  # sent as it is
        if record.lot and not await pool.fetchval("SELECT true FROM lot WHERE id = $1", record.lot):
            continue  # made after the look at Postgres
        await ledger.put_back(client, {key: base64.b64decode(data) for key, data in record.keys.items()})
        if not record.lot:
            continue
        tally = await live.read_tally(client, record.lot)
        over = tally is not None and tally[0] in (Stage.CLOSING, Stage.CANCELLED)
        if over and not await pool.fetchval("SELECT true FROM result WHERE lot_id = $1", record.lot):
            await ledger.enlist(client, record.lot, closed_at=manifest.made_at)
        elif record.due_at:
            await ledger.enlist(client, record.lot, due_at=record.due_at)
        done += 1
        progress("Valkey", done, len(manifest.live))


async def check(manifest: Manifest, client: Valkey, pool: Pool, progress: Progress) -> list[str]:
    """Build every tree, verify every transcript, recount every live lot; what is wrong, in words."""
    wrong: list[str] = []
    for number, root in enumerate(manifest.roots, 1):
        said = await _check_tree(pool, root) or await _check_file(pool, root)
        if said:
            wrong.append(f"lot {root.lot}: {said}")
        progress("verify", number, len(manifest.roots))
    for lot_id, n in manifest.live.items():
        state = await live.read_state(client, lot_id)
        if state is None and not await pool.fetchval("SELECT true FROM lot WHERE id = $1", lot_id):
            continue
        if state is None or state.n != n:
            wrong.append(f"lot {lot_id}: the live store holds {state.n if state else 0} of {n} events")
    return wrong


async def _check_tree(pool: Pool, root: Root) -> str:
    tree, what = Frontier(), "SELECT leaf, hash FROM transcript_entry WHERE lot_id = $1 AND n > $2 ORDER BY n LIMIT $3"
    while rows := await pool.fetch(what, root.lot, tree.size, LEAVES_AT_ONCE):
        for row in rows:
            if leaf_hash(row["leaf"].encode()) != row["hash"]:
                return f"position {tree.size + 1} is not what was signed"
            tree.add(row["hash"])
    found = (tree.size, tree.root().hex())
    return "" if found == (root.size, root.root) else f"the tree is {found}, the manifest says {(root.size, root.root)}"


async def _check_file(pool: Pool, root: Root) -> str:
    """``yangcai verify`` of a settled lot's transcript, as a supervisor would take it away."""
    settled: Any = await pool.fetchval("SELECT true FROM result WHERE lot_id = $1", root.lot)
    content = await files.transcript(pool, root.lot, Reader("supervisor")) if settled else None
    try:
        if content is not None:
            verify.verify(content)
    except verify.NotGenuine as error:
        return f"its transcript is not genuine: {error}"
    return ""
