"""价格监测: how far a price lies from what it is held against, what is told of it, and its line over time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

PEERS_MIN = 2
"""So many other sellers of one standard product make a price to compare with."""
WIDE, HIGH = 600, 120
_BP = 10_000


class Against(StrEnum):
    """What a price is held against."""

    REFERENCE = "reference"  # 市场参考价: above it
    HISTORY = "history"  # 自身历史: a jump either way
    PEERS = "peers"  # 同款其他卖家: either way, a low bait as well


LIMITS_BP = {Against.REFERENCE: 1_000, Against.HISTORY: 2_000, Against.PEERS: 2_000}
"""How far, in hundredths of a percent, is told. A person looks into it; nothing is taken down by itself."""


class Watched(Struct, frozen=True):
    """A good with what its price is held against, in fen; None where there is none."""

    price_fen: int
    reference_fen: int | None = None
    before_fen: int | None = None
    peers_fen: tuple[int, ...] = ()


class Deviation(Struct, frozen=True):
    """A price that lies too far from ``base_fen``: by so many hundredths of a percent, negative below it."""

    against: Against
    base_fen: int
    by_bp: int


def middle(prices: Sequence[int]) -> int:
    """The median of some prices, of an even number the lower of the two in the middle."""
    return sorted(prices)[(len(prices) - 1) // 2]


def deviations(of: Watched) -> list[Deviation]:
    """What is told of a price; a deviation of exactly the limit is not."""
    found = []
    peers = middle(of.peers_fen) if len(of.peers_fen) >= PEERS_MIN else None
    for against, base in (
        (Against.REFERENCE, of.reference_fen),
        (Against.HISTORY, of.before_fen),
        (Against.PEERS, peers),
    ):
        if not base:
            continue
        by = (of.price_fen - base) * _BP // base
        if by > LIMITS_BP[against] or (against is not Against.REFERENCE and -by > LIMITS_BP[against]):
            found.append(Deviation(against, base, by))
    return found


def line_of(prices: Sequence[tuple[float, int]]) -> str:
    """The points of a stepped line over time in a picture ``WIDE`` by ``HIGH``; "" for fewer than two prices."""
    if len(prices) < 2:
        return ""
    dots = sorted(prices)
    (first, _), (last, _) = dots[0], dots[-1]
    low, high = min(fen for _, fen in dots), max(fen for _, fen in dots)
    points, before = [], None
    for at, fen in dots:
        x = round((at - first) * WIDE / ((last - first) or 1))
        y = round(HIGH - (fen - low) * HIGH / ((high - low) or 1))
        points += [f"{x},{before}", f"{x},{y}"] if before is not None else [f"{x},{y}"]
        before = y
    return " ".join(points)
