"""What must come out, computed from the recorded bids alone under the stated rules. Pure; knows nothing of the server.

1. A bid counts only before the close. The close is stamped in whole seconds, so it is taken to fall at the end of its
   second: a bid within that second counts, a bid in a later one is too late (LOT_CLOSED). No stamp: all bids count.
2. A bid must be below its bidder's own last counted bid, else it is ignored (NOT_IMPROVING_OWN).
3. Each bidder stands with his last counted bid; lower is better, and of equal prices the earlier wins.
"""

from __future__ import annotations

from msgspec import Struct

from loadtests.replay.record import Item, RecordedBid

CLOSE_SECOND_MS = 1_000
LATE = "LOT_CLOSED"
NOT_BELOW = "NOT_IMPROVING_OWN"


class Verdict(Struct, frozen=True):
    """What an item must come to: per bid empty or the code of its refusal, and (supplier, value) from best to last."""

    per_bid: tuple[str, ...]
    ranking: tuple[tuple[str, int], ...]

    @property
    def taken(self) -> int:
        """How many bids count."""
        return self.per_bid.count("")

    @property
    def leader(self) -> str:
        """The supplier in front; empty when no bid counts."""
        return self.ranking[0][0] if self.ranking else ""

    @property
    def best_value(self) -> int:
        """The best price; 0 when no bid counts."""
        return self.ranking[0][1] if self.ranking else 0

    @property
    def tied(self) -> bool:
        """Do two suppliers share the best price?"""
        return len(self.ranking) > 1 and self.ranking[0][1] == self.ranking[1][1]


def close_ms(item: Item) -> int | None:
    """The first instant at which a bid is too late (epoch ms); None when the record has no close."""
    return None if item.closed_s_ms is None else item.closed_s_ms + CLOSE_SECOND_MS


def judge(item: Item) -> Verdict:
    """The result of an item under the three rules above."""
    end = close_ms(item)
    standing: dict[str, RecordedBid] = {}
    order: dict[str, int] = {}
    per_bid: list[str] = []
    for position, bid in enumerate(item.bids):
        last = standing.get(bid.supplier)
        if end is not None and bid.at_ms >= end:
            per_bid.append(LATE)
        elif last is not None and bid.value >= last.value:
            per_bid.append(NOT_BELOW)
        else:
            per_bid.append("")
            standing[bid.supplier], order[bid.supplier] = bid, position
    best_first = sorted(standing.values(), key=lambda bid: (bid.value, order[bid.supplier]))
    return Verdict(tuple(per_bid), tuple((bid.supplier, bid.value) for bid in best_first))
