"""One and two server processes over many lots, 10 bidders in each: what a second process adds on this machine."""

from __future__ import annotations

from loadtests.bench.stage import Stage

BIDDERS_PER_LOT = 10


def _spread(stage: Stage) -> float:
    """Bids a second over all lots."""
    lots, count = stage.scale.spread_lots, stage.scale.spread_lots * BIDDERS_PER_LOT
    names = [f"S{number:05d}" for number in range(count)]
    auction = stage.open("Bench: spread", {f"spread-{lot}": ("own", names[lot::lots]) for lot in range(lots)})
    stage.join("spread", auction, names)
    run = stage.bid([f"spread-{lot}" for lot in range(lots)], 2 * stage.scale.second, group="spread")
    stage.bidders.ask("drop", group="spread")
    return float(run["taken"] / run["s"])


def one_and_two(stage: Stage) -> dict[str, float]:
    """On this product, then on a second one with two workers, started for it."""
    one = _spread(stage)
    other = Stage(stage.product.folder.parent, stage.scale, workers=2)
    try:
        other.product.start()
        two = _spread(other)
        faults = len(other.faults())
    finally:
        other.end()
    return {"spread_one_per_s": one, "spread_two_per_s": two, "workers_faults": faults}
