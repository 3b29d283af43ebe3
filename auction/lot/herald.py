"""传令: what this process wrote into lots is told to all who follow them, here directly, elsewhere by their channels.

It is told ``TELL_EVERY_S`` after it was written at the latest, a lot's events joined and all lots in one write: a
bid's answer comes first, and the next bid finds neither process nor store busy with telling. Who misses a message reads
the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from ledger.log import channel_of
from plumbing.pipe import Pipe

TELL_EVERY_S = 0.02
"""Shorter than the ticks at which watchers are shown a lot, which hide when it was told."""

Here = Callable[[UUID, bytes], None]
"""Follows the lot in this process; the same bytes come to it by the channel, too."""


class Herald:
    """One for the process."""

    def __init__(self, pipe: Pipe, here: Here) -> None:
        self._pipe, self._here = pipe, here
        self._waiting: dict[UUID, list[bytes]] = {}
        self._closed = False

    def tell(self, lot_id: UUID, events: bytes) -> None:
        """``events``: a JSON array, durable in the log of the lot."""
        if self._closed:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(TELL_EVERY_S, self._say)
        self._waiting.setdefault(lot_id, []).append(events)

    def close(self) -> None:
        """Tell at once what waits, and nothing more."""
        self._closed = True
        self._say()
        self._pipe.flush()

    def _say(self) -> None:
        """All that waits."""
        waiting, self._waiting = self._waiting, {}
        for lot_id, parts in waiting.items():
            events = parts[0] if len(parts) == 1 else b"[%b]" % b",".join(part[1:-1] for part in parts)
            self._pipe.tell("PUBLISH", channel_of(lot_id), events)
            self._here(lot_id, events)
