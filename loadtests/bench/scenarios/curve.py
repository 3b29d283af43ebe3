"""Delay against offered load: the same bidders at one rate after another, delays from the scheduled time."""

from __future__ import annotations

from loadtests.bench.stage import Stage


def curve(stage: Stage) -> dict[str, float]:
    """p50 and p99 by rate, as ``curve_<rate>_p50`` and so on; ends where the server no longer keeps up."""
    figures: dict[str, float] = {}
    for rate in stage.scale.curve:
        run = stage.bid(["quiet"], stage.scale.second, rate=rate)
        figures |= {
            f"curve_{rate}_p50": run["p50"], f"curve_{rate}_p99": run["p99"],
            f"curve_{rate}_taken": run["taken"] / max(run["s"], stage.scale.second),
        }  # fmt: skip
        if run["overloaded"]:
            break
    return figures
