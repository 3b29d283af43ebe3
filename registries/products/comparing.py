"""商品比较: some products side by side, by price and by how well they do in what can be measured. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from registries.products.model import Attribute

PRODUCTS_MAX = 6
WIDE, HIGH = 600, 240


class Compared(Struct, frozen=True):
    """A product among those compared. ``score``: 0 to 100, the mean of what is measured of it and of another, each
    between the worst and the best among them; None where nothing is. ``x``, ``y``: its place in a picture ``WIDE`` by
    ``HIGH``, dearer to the right, better upwards.
    """

    score: int | None
    x: int
    y: int


def measured(known: Mapping[str, Attribute], values: Sequence[Mapping[str, str]]) -> list[str]:
    """The attributes of which more or less is better and which two or more of the products have."""
    return [name for name, of in known.items() if of.better and sum(name in each for each in values) > 1]


def compare(
    known: Mapping[str, Attribute], values: Sequence[Mapping[str, str]], prices: Sequence[int]
) -> list[Compared]:
    """Each product's score and place, in their order."""
    marks: list[list[float]] = [[] for _ in values]
    for name in measured(known, values):
        found = {at: float(each[name]) for at, each in enumerate(values) if name in each}
        low, high = min(found.values()), max(found.values())
        for at, value in found.items():
            share = (value - low) / (high - low) if high > low else 1.0
            marks[at].append(share if known[name].better == "high" else 1.0 - share if high > low else 1.0)
    cheap, dear = min(prices, default=0), max(prices, default=0)
    scores = [round(100 * sum(each) / len(each)) if each else None for each in marks]
    return [
        Compared(score, round((price - cheap) * WIDE / ((dear - cheap) or 1)), HIGH - HIGH * (score or 0) // 100)
        for score, price in zip(scores, prices, strict=True)
    ]
