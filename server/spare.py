"""备用进程: a server process that has loaded all its code and waits, so that the next one needed serves at once.

Loading takes a second of a core, most of what a killed process costs those who were connected to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from plumbing import logs
from plumbing.clock import elapsed_s
from plumbing.faults import ever
from server.release import Release

LOOK_EVERY_S, AGAIN_AFTER_S = 5.0, 15.0
FAILED_MAX = 3
"""So many that end while they wait, one after another, and no more are tried: it is another release, or no memory."""

log = logs.get(__name__)


class Held(Protocol):
    """What is known here of a process that waits."""

    release: Release

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""

    async def start(self, *, held: bool = False) -> None:
        """Start it; a ``held`` one loads its code and waits."""

    async def stop(self, grace_s: float) -> None:
        """End it."""


P = TypeVar("P", bound=Held)


class Spare(Generic[P]):
    """The one of an installation. Another is loaded a little after it was taken: who serves comes first."""

    def __init__(self, made: Callable[[], P]) -> None:
        """``made``: a process not started yet, of the release that runs now."""
        self._made, self._failed, self._next_s = made, 0, 0.0
        self._one: P | None = None

    def take(self, release: Release) -> P | None:
        """The process that waits, if it is of this release; it is the taker's from now on."""
        one = self._one
        if one is None or not one.lives or one.release != release:
            return None
        self._one, self._failed, self._next_s = None, 0, elapsed_s() + AGAIN_AFTER_S
        return one

    async def run(self) -> None:
        """See to it that one waits, until cancelled."""
        await asyncio.sleep(LOOK_EVERY_S)
        await ever("spare", self._look, LOOK_EVERY_S)

    async def _look(self) -> None:
        wanted = self._made()
        if self._one is not None and self._one.release != wanted.release:
            await self.stop()
            self._failed = 0
        if self._one is not None and not self._one.lives:
            self._one, self._failed = None, self._failed + 1
            log.warning("spare.ended", times=self._failed, tried_again=self._failed < FAILED_MAX)
        if self._one is None and self._failed < FAILED_MAX and elapsed_s() >= self._next_s:
            await wanted.start(held=True)
            self._one = wanted

    async def stop(self) -> None:
        """End the process that waits."""
        one, self._one = self._one, None
        if one is not None:
            await one.stop(0)
