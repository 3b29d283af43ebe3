"""发布版本: from which tree server processes are started, and how a running supervisor is asked to change to another.

The word passes through three small files in the data folder: ``supervisor`` says that it runs and where its servers
are, ``release`` what was asked of it (read once), ``rolled`` what came of it. Beside these, two releases agree on the
arguments of the command lines ``worker``, ``spare``, ``demo-life`` and ``migrate``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import yangcai
from plumbing.engines.process import alive, command_line

ASKED, ANSWERED, SUPERVISOR = "release", "rolled", "supervisor"
LOOK_EVERY_S = 0.1


class Release(Struct, frozen=True):
    """A tree of the product: the Python that runs it, and the folder in which a new process finds the door."""

    python: str
    folder: str

    @classmethod
    def ours(cls) -> Release:
        """The one whose code this process runs."""
        return cls(sys.executable, str(Path(yangcai.__file__).resolve().parent.parent))

    async def start(self, *arguments: str, environ: Mapping[str, str], **how: Any) -> asyncio.subprocess.Process:
        """A process of this release with ``arguments`` of the command line; ``how`` as for a subprocess."""
        path = os.pathsep.join(filter(None, (self.folder, environ.get("PYTHONPATH", ""))))
        return await asyncio.create_subprocess_exec(
            self.python, "-P", "-m", "yangcai", *arguments, env={**environ, "PYTHONPATH": path},
            start_new_session=True, stdin=asyncio.subprocess.DEVNULL, **how,
        )  # fmt: skip

    async def migrate(self, environ: Mapping[str, str], url: str) -> str:
        """Bring the schema up to this release while the other still runs; what it said when it could not."""
        process = await self.start(
            "migrate", environ={**environ, "YANGCAI_POSTGRES_URL": url},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        return "" if process.returncode == 0 else f"the schema could not be brought up to date: {said.decode()[-800:]}"


class Running(Struct, frozen=True):
    """A running supervisor: its process id, and where its two servers are."""

    pid: int
    valkey_url: str
    postgres_url: str


class Desk:
    """What lies in one data folder about the supervisor that runs on it."""

    def __init__(self, data_dir: Path) -> None:
        self._asked, self._answered, self._pid = (data_dir / name for name in (ASKED, ANSWERED, SUPERVISOR))

    def open(self, valkey_url: str, postgres_url: str) -> None:
        """Note that this process is the supervisor now; what an earlier one was asked is void."""
        self._pid.parent.mkdir(parents=True, exist_ok=True)
        self._pid.unlink(missing_ok=True)
        self._pid.touch(mode=0o600)  # an address may bear a password
        self._pid.write_bytes(msgspec.json.encode(Running(os.getpid(), valkey_url, postgres_url)))
        self._asked.unlink(missing_ok=True)

    def running(self) -> Running | None:
        """The supervisor that runs on this folder; None without one."""
        with suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(self._pid.read_bytes(), type=Running)
            if alive(found.pid) and "yangcai" in command_line(found.pid):
                return found
        return None

    def close(self) -> None:
        """It ends."""
        self._pid.unlink(missing_ok=True)

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked for another release."""
        return self._asked.exists()

    def asked(self) -> Release:
        """The release that is wanted, read once; ours when none was named."""
        try:
            return msgspec.json.decode(self._asked.read_bytes(), type=Release)
        except (OSError, msgspec.MsgspecError):
            return Release.ours()
        finally:
            self._asked.unlink(missing_ok=True)

    def answer(self, said: str) -> None:
        """What came of it; "" when it was done."""
        half = self._answered.with_suffix(".half")
        half.write_text(said, encoding="utf-8")
        half.rename(self._answered)

    async def ask(self, within_s: float) -> str:
        """Ask the supervisor to change to our release; what it said, "" when it was done."""
        found = self.running()
        if found is None:
            return f"no Yangcai runs on the data folder {self._pid.parent.resolve()}"
        self._answered.unlink(missing_ok=True)
        self._asked.write_bytes(msgspec.json.encode(Release.ours()))
        os.kill(found.pid, signal.SIGHUP)
        return await self._reply(found.pid, within_s)

    async def _reply(self, pid: int, within_s: float) -> str:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while alive(pid):
                    if self._answered.exists():
                        return self._answered.read_text(encoding="utf-8")
                    await asyncio.sleep(LOOK_EVERY_S)
                return "the supervisor ended"
        return f"no answer within {within_s:.0f} s; see the supervisor's log"
