"""Keeps the embedded servers running: start, wait until ready, start again after a crash, stop in order."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from plumbing.clock import elapsed_s
from plumbing.engines.faults import EngineFailed
from plumbing.engines.places import Places
from plumbing.engines.process import Child, tail

log = logging.getLogger("yangcai.engines")

READY_POLL_S = 0.01
READY_MAX_S = 120.0  # a large append-only file takes its time to load
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.05, 5.0
CALM_S = 2.0  # who lived so long is started again at once; who does not, ever slower


class Engine(Protocol):
    """One kind of server."""

    name: str
    log: Path
    url: str

    async def start(self) -> Child:
        """Start it."""

    async def ready(self) -> bool:
        """Whether it takes work."""


class Supervisor:
    """The embedded servers of one data folder. One supervisor per data folder, ensured by a lock."""

    def __init__(self, places: Places, engines: list[Engine]) -> None:
        self.places = places
        self.engines = engines
        self.children: dict[str, Child] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._lock: int | None = None

    async def start(self) -> None:
        """Start all servers and return when all are ready. Raises ``EngineFailed`` with the end of the log."""
        self.claim()
        try:
            await asyncio.gather(*(self._begin(engine) for engine in self.engines))
        except BaseException:
            await self.stop()
            raise
        self._keepers = [asyncio.create_task(self._keep(engine), name=f"keep-{engine.name}") for engine in self.engines]

    def claim(self) -> None:
        """Take the data folder, or refuse a second run on it. The kernel gives the lock back however we end.

        Raises ``EngineFailed``. ``start`` claims by itself when that was not done before.
        """
        if self._lock is not None:
            return
        path = self.places.data_dir / "lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._lock, 20).decode() or "?"
            os.close(self._lock)
            self._lock = None
            raise EngineFailed(
                f"Yangcai already runs on the data folder {self.places.data_dir} (process {pid}). Stop it, or choose "
                "another folder with YANGCAI_DATA_DIR"
            ) from None
        os.ftruncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())

    async def _begin(self, engine: Engine) -> None:
        child = self.children[engine.name] = await engine.start()
        began_s = elapsed_s()
        while not await engine.ready():
            if child.ended:
                code = await child.wait()
                said = tail(engine.log)
                raise EngineFailed(f"{engine.name} stopped while starting (code {code}); end of {engine.log}:\n{said}")
            if elapsed_s() - began_s > READY_MAX_S:
                raise EngineFailed(f"{engine.name} was not ready after {READY_MAX_S:.0f} s; see {engine.log}")
            await asyncio.sleep(READY_POLL_S)

    async def _keep(self, engine: Engine) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            up_s = elapsed_s()
            code = await self.children[engine.name].wait()
            if elapsed_s() - up_s > CALM_S:
                backoff_s = BACKOFF_FIRST_S
            log.warning("%s ended (code %s); starting it again", engine.name, code)
            try:
                await self._begin(engine)
                log.warning("%s is back", engine.name)
            except (EngineFailed, OSError) as error:
                log.error("%s", error)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def stop(self) -> None:
        """Stop the servers in the opposite order of their start, and give the lock back."""
        for task in self._keepers:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for engine in reversed(self.engines):
            if engine.name in self.children:
                await self.children[engine.name].stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            self.places.clean()
