"""When each step of a session is due: recorded times from its first bid, with idle time over 60 s cut to 60 s."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from msgspec import Struct

from loadtests.replay.oracle import close_ms
from loadtests.replay.record import Item, Session

IDLE_MAX_MS = 60_000


class Timeline(Struct, frozen=True):
    """Recorded instants and how many ms after the session's start each is due at speed 1."""

    instants: tuple[int, ...]
    offsets: tuple[int, ...]
    cuts: int
    longest_idle_ms: int

    def due_ms(self, at_ms: int) -> int:
        """The offset of a recorded instant that is part of this timeline."""
        return self.offsets[bisect_right(self.instants, at_ms) - 1]

    @property
    def length_ms(self) -> int:
        """The whole session at speed 1."""
        return self.offsets[-1] if self.offsets else 0


def closes_at_ms(item: Item) -> int:
    """When an item that has bids is closed: at the end of its ``Encerrado`` second; absent, with its last bid."""
    end = close_ms(item)
    return item.bids[-1].at_ms if end is None else end


def timeline(session: Session) -> Timeline:
    """The timeline of all bids and closes of a session."""
    bids = {bid.at_ms for item in session.playable for bid in item.bids}
    instants = sorted(bids | {closes_at_ms(item) for item in session.playable})
    if not instants:
        return Timeline((), (), 0, 0)
    offsets, cuts, longest, total = [0], 0, 0, 0
    for before, instant in pairwise(instants):
        idle = instant - before
        cuts += idle > IDLE_MAX_MS
        longest = max(longest, idle)
        total += min(idle, IDLE_MAX_MS)
        offsets.append(total)
    return Timeline(tuple(instants), tuple(offsets), cuts, longest)
