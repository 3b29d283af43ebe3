"""The bells 提醒铃: hosts and supervisors on a live page hear that something beside the view has changed.

Motions, questions and holds, and which lots there are, stand in Postgres; whoever hears the bell asks for them again,
by his own rights. Bidders never hear it.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from auction.lot.follower import Room
from auction.lot.messages import Changed
from plumbing.hub import Outbox

LISTENERS = ("host", "supervisor")
"""The seats that hear the bell."""


class Told(msgspec.Struct, frozen=True):
    """A notice of Postgres about one lot. ``moved``: its stage is another; ``opens_at`` in epoch ms."""

    lot: UUID
    stage: str = ""
    opens_at: int = 0
    moved: bool = False


_told = msgspec.json.Decoder(Told).decode
_encode = msgspec.json.Encoder().encode


class Bells:
    """Who in this process hears of which lots. ``ring`` never waits."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._lots: dict[Outbox, set[UUID]] = {}

    def add(self, outbox: Outbox, lot_id: UUID | None = None) -> None:
        """``outbox`` hears when the list of lots changes, and of ``lot_id``."""
        lots = self._lots.setdefault(outbox, set())
        if lot_id is not None:
            lots.add(lot_id)

    def forget(self, outbox: Outbox) -> None:
        """``outbox`` is gone."""
        self._lots.pop(outbox, None)

    def heard(self, text: str) -> None:
        """A notice: tell the room of a new stage or opening, and ring. Empty: anything may have changed."""
        if not text:
            for outbox, lots in self._lots.items():
                for lot_id in (None, *lots):
                    outbox.answer(_encode(Changed(lot_id)))
            return
        told = _told(text)
        if told.stage:
            self._room.told(told.lot, told.stage, told.opens_at)
        frame, listed = _encode(Changed(told.lot)), _encode(Changed())
        for outbox, lots in self._lots.items():
            if told.lot in lots:
                outbox.answer(frame)
            if told.moved:
                outbox.answer(listed)
