"""One child process: started so that it dies with us, its output in a log file, stopped in good order or by force."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
LOG_TAIL_BYTES = 2_000
LOG_BYTES_MAX = 8 * 1024 * 1024


def alive(pid: int) -> bool:
    """Whether a process with this id exists and is not a corpse."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return True


def command_line(pid: int) -> str:
    """The command line of a process, or nothing where it cannot be read."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def name_of(pid: int) -> str:
    """The name under which a process is listed, or nothing where it cannot be read."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


async def end_orphan(pid: int, marks: str, signal_number: int, wait_s: float = 10.0) -> None:
    """End a server that an earlier run of ours left behind: only if its command line contains ``marks``."""
    if not alive(pid) or marks not in command_line(pid):
        return
    for number in (signal_number, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        for _ in range(int(wait_s / 0.05)):
            if not alive(pid):
                return
            await asyncio.sleep(0.05)


async def buried(pid: int, wait_s: float = 5.0) -> bool:
    """Wait until the id of a dead process is free: until then whoever asks the kernel is told that it exists."""
    for _ in range(int(wait_s / 0.05)):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        if alive(pid):
            return False
        await asyncio.sleep(0.05)
    return False


def tail(log: Path) -> str:
    """The end of a log file, for the operator."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""


class Child:
    """A running program. ``signal_number`` is how it is asked to stop, by us or by the kernel when we are gone."""

    def __init__(self, process: asyncio.subprocess.Process, signal_number: int) -> None:
        self._process = process
        self._signal_number = signal_number
        self.pid = process.pid

    @classmethod
    async def start(
        cls, command: list[str], log: Path, *, signal_number: int = signal.SIGTERM, uid: int = -1, gid: int = -1,
        environ: Mapping[str, str] | None = None,
    ) -> Child:  # fmt: skip
        """Start ``command`` in a session of its own (Ctrl-C at the terminal is ours to pass on), as user ``uid``."""
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".old"))
        who = [str(int(signal_number)), str(uid), str(gid), str(os.getpid())]
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(LAUNCH), *who, *command,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                cwd="/", start_new_session=True, env=environ,
            )  # fmt: skip
        return cls(process, signal_number)

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        return await self._process.wait()

    async def stop(self, wait_s: float = 10.0) -> None:
        """Ask it to stop, and kill it if it has not within ``wait_s``."""
        if self.ended:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(self._signal_number)
        try:
            async with asyncio.timeout(wait_s):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
