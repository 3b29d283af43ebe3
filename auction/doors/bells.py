"""The bells 提醒铃: hosts and supervisors on a live page hear that something beside the view has changed.

Motions, questions and holds, and which lots there are, stand in Postgres; whoever hears the bell asks for them again,
by his own rights. Bidders never hear it.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from auction.lot.follower import Room
from auction.lot.messages import Changed
from plumbing.sockets.doors import Line

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
        self._lots: dict[Line, set[UUID]] = {}

    def add(self, line: Line, lot_id: UUID | None = None) -> None:
        """``line`` hears when the list of lots changes, and of ``lot_id``."""
        lots = self._lots.setdefault(line, set())
        if lot_id is not None:
            lots.add(lot_id)

    def forget(self, line: Line, lot_id: UUID | None = None) -> None:
        """``line`` is gone, or hears no more of ``lot_id``."""
        if lot_id is None:
            self._lots.pop(line, None)
        elif line in self._lots:
            self._lots[line].discard(lot_id)

    def heard(self, text: str) -> None:
        """A notice: tell the room of a new stage or opening, and ring. Empty: anything may have changed."""
        if not text:
            for line, lots in self._lots.items():
                for lot_id in (None, *lots):
                    line.say(_encode(Changed(lot_id)))
            return
        told = _told(text)
        if told.stage:
            self._room.told(told.lot, told.stage, told.opens_at)
        frame, listed = _encode(Changed(told.lot)), _encode(Changed())
        for line, lots in self._lots.items():
            if told.lot in lots:
                line.say(frame)
            if told.moved:
                line.say(listed)
