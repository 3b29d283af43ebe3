"""Many who watch: what a frame costs, and what their frames do to the delay of bids at a fixed rate (open loop)."""

from __future__ import annotations

from typing import Any

from loadtests.bench.scenarios.floors import FRAMES_PER_S
from loadtests.bench.stage import Stage


def fan_out(stage: Stage) -> dict[str, float]:
    """A frame to each of N watchers at each of a few bids a second; all of the server's CPU is put on the frames."""
    stage.watchers.ask("seen", group="hall")

    def bids() -> dict[str, Any]:
        run = stage.bid(["hall"], stage.scale.second, rate=FRAMES_PER_S)
        return {**run, **stage.seen("hall")}

    told, cpu_s = stage.cpu_of(stage.product.servers(), bids)
    stage.views["hall"] = told["view"]
    frames = max(1, told["frames"])
    return {"frame_us": cpu_s / frames * 1e6, "fanout_gaps": told["gaps"], "fanout_behind": told["behind"]}


def _steady(stage: Stage, lot: str) -> dict[str, Any]:
    return stage.bid([lot], 2 * stage.scale.second, rate=stage.scale.rate)


def unwatched(stage: Stage) -> dict[str, float]:
    """Bids at a fixed rate, nobody watching: delay of the acknowledgement from the scheduled moment."""
    run = _steady(stage, "quiet")
    return {"steady_p50_ms": run["p50"], "steady_p99_ms": run["p99"], "steady_per_s": run["taken"] / run["s"],
            "steady_overloaded": run["overloaded"]}  # fmt: skip


def watched(stage: Stage) -> dict[str, float]:
    """The same with N watchers, 20 frames a second each."""
    stage.watchers.ask("seen", group="hall")
    run = _steady(stage, "hall")
    told = stage.seen("hall")
    stage.views["hall"] = told["view"]
    return {
        "watched_p50_ms": run["p50"], "watched_p99_ms": run["p99"], "watched_per_s": run["taken"] / run["s"],
        "watched_frames_per_s": told["frames"] / run["s"], "watched_gaps": told["gaps"],
        "watched_behind": told["behind"], "watched_overloaded": run["overloaded"],
    }  # fmt: skip
