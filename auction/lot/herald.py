"""传令: what this process wrote into a lot is told to all who follow it, here directly, elsewhere by the lot's channel.

A busy lot is told in joined messages, the first at once, the next ``TELL_EVERY_S`` later. Who misses one reads the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from ledger.log import channel_of
from plumbing.pipe import Pipe

TELL_EVERY_S = 0.05

Here = Callable[[UUID, bytes], None]
"""Follows the lot in this process; the same bytes come to it by the channel, too."""


class Herald:
    """One for the process."""

    def __init__(self, pipe: Pipe, here: Here) -> None:
        self._pipe, self._here = pipe, here
        self._waiting: dict[UUID, list[bytes]] = {}

    def tell(self, lot_id: UUID, events: bytes) -> None:
        """``events``: a JSON array, durable in the log of the lot."""
        waiting = self._waiting.get(lot_id)
        if waiting is None:
            self._say(lot_id, events)
        else:
            waiting.append(events)

    def _say(self, lot_id: UUID, events: bytes) -> None:
        self._waiting[lot_id] = []
        asyncio.get_running_loop().call_later(TELL_EVERY_S, self._go_on, lot_id)
        self._pipe.tell("PUBLISH", channel_of(lot_id), events)
        self._here(lot_id, events)

    def _go_on(self, lot_id: UUID) -> None:
        waiting = self._waiting.pop(lot_id)
        if waiting:
            self._say(lot_id, b"[%b]" % b",".join(events[1:-1] for events in waiting))
