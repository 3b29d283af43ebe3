"""From the command to the first good answer, engines included."""

from __future__ import annotations

from statistics import median

from loadtests.bench.stage import Stage


def cold_start(stage: Stage) -> dict[str, float]:
    """Start on the data of an earlier start: stopped in good order before. The very first one makes the database."""
    first = stage.product.start()
    again = []
    for _ in range(stage.scale.starts):
        stage.product.stop()
        again.append(stage.product.start())
    return {"first_start_s": first, "cold_start_s": median(again)}


def restart(stage: Stage) -> dict[str, float]:
    """Start on everything this run has left behind; the time grows with the log Valkey has to read."""
    bids = stage.bids_taken()
    stage.product.stop()
    return {"restart_s": stage.product.start(), "restart_bids": bids}
