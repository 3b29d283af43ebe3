"""The nouns of a recorded auction. Values are integers of 1/10,000 real; times are epoch milliseconds, read as UTC."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

VALUE_UNIT = 10_000
"""Units in one real: the record uses up to four decimals."""
VALUE_MAX = 900_000_000_000
"""The largest price a lot takes (docs/live-protocol.md)."""


class RecordedBid(Struct, frozen=True):
    """One row of the open phase, not struck, with a value: what is sent."""

    seq: int
    supplier: str
    value: int
    at_ms: int


class Note(Struct, frozen=True):
    """One row of ``events``: what happened to the item, in the record's own words."""

    event: str
    at_ms: int
    text: str


class Item(Struct, frozen=True):
    """One item of a session, with its bids in the order of the record.

    ``closed_s_ms`` is the whole second of its last ``Encerrado`` as epoch ms, None when the record has none.
    ``winner`` and ``best_value`` are the record's own result, empty and None when nothing was awarded.
    """

    session: str
    number: str
    name: str
    group: str
    status: str
    winner: str
    best_value: int | None
    closed_s_ms: int | None = None
    closings: int = 0
    struck: int = 0
    tiebreaks: int = 0
    bids: tuple[RecordedBid, ...] = ()
    notes: tuple[Note, ...] = ()


class Session(Struct, frozen=True):
    """One recorded session 场次: its items, and the rows left out, counted by reason."""

    id: str
    title: str
    items: tuple[Item, ...]
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def playable(self) -> tuple[Item, ...]:
        """The items with at least one bid to send."""
        return tuple(item for item in self.items if item.bids)

    @property
    def suppliers(self) -> tuple[str, ...]:
        """Everyone who bids in this session, in the order of first appearance."""
        return tuple(dict.fromkeys(bid.supplier for item in self.playable for bid in item.bids))
