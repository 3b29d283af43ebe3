"""Bids as fast as they go: closed loop, each bidder waits for his answer and bids again."""

from __future__ import annotations

from loadtests.bench.scenarios import floors
from loadtests.bench.stage import SINGLE_LOTS, Stage


def quiet(stage: Stage) -> dict[str, float]:
    """200 bidders on one lot that nobody watches: CPU per bid of server, notary and Valkey."""
    run = stage.bid(["quiet"], stage.scale.second)
    spent = {name: run[name] for name in ("server_us", "notary_us", "valkey_us")}
    return {"quiet_per_s": run["taken"] / run["s"], **spent}


def main(stage: Stage) -> dict[str, float]:
    """The main scenario: the same with 1,000 watchers of the lot. Every bid is acceptable."""
    stage.watchers.ask("seen", group="gallery")
    run = stage.bid(["main"], 2 * stage.scale.second)
    told = stage.seen("gallery")
    stage.views["main"] = told["view"]
    return {
        "bids_per_s": run["taken"] / run["s"], "main_p99_ms": run["p99"], "main_server_us": run["server_us"],
        "main_frames_per_s": told["frames"] / run["s"], "gaps": told["gaps"], "behind": told["behind"],
        "unanswered": run["unanswered"],
    }  # fmt: skip


def contest(stage: Stage) -> dict[str, float]:
    """Every bid must beat the best, and each bidder goes a little below the best he knows: many come too late."""
    run = stage.bid(["contest"], stage.scale.second, contest=True)
    answers = max(1, run["answers"])
    return {
        "contest_per_s": answers / run["s"], "contest_taken_share": run["taken"] / answers,
        "contest_server_us": run["server_us"],
    }  # fmt: skip


def single(stage: Stage) -> dict[str, float]:
    """One bidder alone, each answer awaited; one connection of SETs before and after shows the disk's swing."""
    lots = [f"single-{number}" for number in range(SINGLE_LOTS)]
    before = floors.raw_set_one(stage)
    run = stage.bid(lots, stage.scale.second, group="one", rotate=True)
    after = floors.raw_set_one(stage)
    return {
        "single_per_s": run["taken"] / run["s"], "set_one_per_s": (before + after) / 2,
        "floor_swing": max(before, after) / max(min(before, after), 1e-9),
    }  # fmt: skip
