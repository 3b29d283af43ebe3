"""竞价方式: one small module per format behind one interface; a new format touches no other."""

from __future__ import annotations

from typing import Protocol

from auction.lot.formats import live_reverse, round_reverse
from auction.lot.model import Event, FormatName, LotRules, Refusal
from auction.lot.state import Bidder, LotState


class Format(Protocol):
    """What a format decides. Each is a module with these functions; ``live.lua`` holds the same table."""

    def closes_at(self, rules: LotRules, opens_at: int, bidders: int) -> int:
        """The planned end (epoch ms) of a lot that opens at ``opens_at`` with ``bidders`` admitted."""
        ...

    def due_at(self, state: LotState) -> int:
        """When the lot next needs ``advance`` (epoch ms); never after its end."""
        ...

    def advance(self, state: LotState, now_ms: int) -> Event | None:
        """The next event that time alone brings before ``now_ms``, or None."""
        ...

    def refuse(self, state: LotState, bidder: Bidder, now_ms: int) -> Refusal | None:
        """Why this bidder may not bid at this moment, as far as the format is concerned."""
        ...

    def extended_to(self, state: LotState, rank_before: int, rank_after: int, now_ms: int) -> int:
        """Where the end moves after a bid taken at ``now_ms``; 0 when it stays."""
        ...


FORMATS: dict[FormatName, Format] = {
    FormatName.LIVE_REVERSE: live_reverse,
    FormatName.ROUND_REVERSE: round_reverse,
}
"""The formats with a live phase; a lot of sealed quotes never reaches the live store."""
