"""Notices of Postgres: what a committed change tells every process. One connection, made anew after every loss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import asyncpg

from plumbing import logs
from plumbing.faults import BROKEN_PIPES
from plumbing.stopping import heed

AGAIN_S = 1.0

log = logs.get(__name__)


class Notices:
    """Calls the listener of a channel with the text of every notice; each with an empty one after not hearing."""

    def __init__(self, dsn: str, listeners: Mapping[str, Callable[[str], None]]) -> None:
        self._dsn, self._listeners = dsn, listeners
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            with suppress(*BROKEN_PIPES):
                await self._listen()
            self.listening.clear()
            await asyncio.sleep(AGAIN_S)
            heed()

    async def _listen(self) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        conn = await asyncpg.connect(self._dsn, timeout=10, server_settings={"application_name": "yangcai-notices"})
        try:
            conn.add_termination_listener(lambda _: lost.set())
            for channel in self._listeners:
                await conn.add_listener(channel, self._hand_out)
            self.listening.set()
            for channel in self._listeners:
                self._tell(channel, "")
            await lost.wait()
        finally:
            conn.terminate()

    def _hand_out(self, _conn: Any, _pid: int, channel: str, text: object) -> None:
        self._tell(channel, str(text))

    def _tell(self, channel: str, text: str) -> None:
        try:
            self._listeners[channel](text)
        except Exception:
            log.error("notice.broke", exc_info=True, channel=channel)
