"""A server of our own for one replay: started in a temporary data folder, stopped afterwards."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from asyncio.subprocess import STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from loadtests.replay.door import Door, DoorClosedError, TurnedAwayError

START_WAIT_S = 180.0
STOP_WAIT_S = 30.0
LOG_TAIL_CHARS = 3_000
CHECKOUT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answers(url: str) -> bool:
    """Does a server answer at ``url``?"""
    door = Door(url)
    try:
        await door.get("/healthz", tries=1)
    except DoorClosedError:
        return False
    except TurnedAwayError as turned:
        return turned.status < 500
    except ValueError:
        return True
    finally:
        door.close()
    return True


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARS:]


async def _ready(process: Process, url: str, log: Path) -> None:
    loop = asyncio.get_running_loop()
    give_up = loop.time() + START_WAIT_S
    while not await answers(url):
        if process.returncode is not None or loop.time() > give_up:
            tail = await asyncio.to_thread(_tail, log)
            raise DoorClosedError(f"the temporary server did not start:\n{tail}")
        await asyncio.sleep(0.2)


@asynccontextmanager
async def temporary(workers: int) -> AsyncIterator[str]:
    """``yangcai up`` on a free port with a fresh data folder; its address. Gone, with its data, afterwards."""
    with tempfile.TemporaryDirectory(prefix="yangcai-replay-") as folder:
        port, log = free_port(), Path(folder) / "server.log"
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "yangcai", "up", "--port", str(port), "--workers", str(workers)]
        path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "YANGCAI_DATA_DIR": str(Path(folder) / "data"), "PYTHONPATH": path}
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=STDOUT, env=environment)
        try:
            await _ready(process, url, log)
            yield url
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(STOP_WAIT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
