"""``bench``: the command line, from the first start to the table, ``bench.json`` and the plot.

0: every gate is held. 1: a gate is missed, or the numbers do not mean what they say. 2: an option is not right.
3: the product did not start or broke off.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtests.bench import gauges, plot, recorded, table
from loadtests.bench.helpers import CHECKOUT, HelperError
from loadtests.bench.product import ProductError
from loadtests.bench.rounds import Kept, Round, gather
from loadtests.bench.scenarios import AFTER, BEFORE, PEERS, ROUND, Scenario, peers
from loadtests.bench.stage import FULL, QUICK, Scale, Stage, fitting, raise_file_limit
from loadtests.replay.door import DoorClosedError, TurnedAwayError
from loadtests.replay.line import LineLostError
from loadtests.replay.reading import FolderError
from loadtests.replay.record import Session

HELD, MISSED, WRONG_OPTION, BROKE, STOPPED = 0, 1, 2, 3, 130
SPARE_QUICK, SPARE_FULL = 1, 3
PLAIN_WIDTH = 150
FILES_MIN = 2_000
now_s = time.monotonic


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure the product against raw floors on this machine and hold it to its budgets."
    )
    parser.add_argument(
        "--quick", action="store_true", help="under 90 s: shorter, fewer rounds, no many-lots scenarios"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds that count (5, with --quick 3)")
    parser.add_argument("--peers", action="store_true", help="also the same auction on Django Channels and Socket.IO")
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="also recorded auctions, all sessions at once")
    parser.add_argument("--speed", type=float, default=2_000.0, metavar="N", help="times the recorded pace (2000)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where bench.json goes; the plot goes beside it")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="where the product's data lie meanwhile: a real disk"
    )
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.speed <= 0:
        parser.error("--speed must lie above 0")
    folder = Path(os.environ.get("YANGCAI_DATA_DIR", CHECKOUT / ".data")) / "bench"
    options.data = (options.data or folder).resolve()
    options.out = (options.out or folder / "bench.json").resolve()
    return options


class Bench:
    """One run of the bench."""

    def __init__(
        self, stage: Stage, scale: Scale, console: Console, spare: int, scenarios: Sequence[Scenario] = ROUND
    ) -> None:
        self.scenarios = scenarios
        self.stage, self.scale, self.console, self.spare = stage, scale, console, spare
        self.once: dict[str, float] = {}
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.kept = Kept([], [])
        self._began = now_s()

    def say(self, text: str) -> None:
        """A line of progress."""
        self.console.print(f"[{now_s() - self._began:5.0f} s] {text}", markup=False, highlight=False, soft_wrap=True)

    def run(self) -> None:
        """Everything in order; what was measured is in ``kept`` and ``once``, also when it breaks off."""
        self._play_once(BEFORE)
        self.say(f"opening: {self.scale.bidders} bidders, {self.scale.watchers} and {self.scale.hall} watchers")
        self.stage.prepare()
        self.kept = gather(self._round, self.scale.rounds, min(self.spare, self.scale.rounds))
        if self.kept.rejected:
            self.say(f"{len(self.kept.rejected)} disturbed rounds do not count")
        self._meaning(self.kept)
        self._play_once(AFTER)

    def _play_once(self, scenarios: Sequence[Scenario]) -> None:
        for scenario in scenarios:
            if scenario.wanted(self.scale):
                self.say(f"{scenario.what} …")
                self.once |= scenario.play(self.stage)

    def _round(self, number: int) -> Round:
        began, before = now_s(), gauges.reading(os.getpid())
        figures: dict[str, float] = {}
        for place, scenario in enumerate(self.scenarios, 1):
            self.say(f"round {number} of {self.scale.rounds}, {place}/{len(self.scenarios)}: {scenario.what} …")
            figures |= scenario.play(self.stage)
        foreign = gauges.foreign_share(before, gauges.reading(os.getpid()), os.cpu_count() or 1)
        left = max(0, self.scale.rounds - number) * (now_s() - began)
        played = Round(figures, foreign)
        note = f"strangers took {foreign:.0%} of the machine" + (": disturbed" if played.disturbance > 1 else "")
        self.say(f"round {number} took {now_s() - began:.0f} s, {note}; rounds left: about {left:.0f} s")
        return played

    def _meaning(self, kept: Kept) -> None:
        """Answers, log and the watchers' last frame must agree."""
        self.say("checking: acknowledged = in the log, no gaps, last frame = final state …")
        self.faults += self.stage.faults()
        for one in (*kept.rounds, *kept.rejected):
            for name in ("gaps", "behind", "watched_gaps", "watched_behind", "fanout_gaps", "fanout_behind"):
                if one.figures.get(name):
                    self.faults.append(f"{name}: {one.figures[name]:g} watchers' frames")
        late = sum(bool(one.figures.get(f"{name}_overloaded")) for one in kept.rounds for name in ("steady", "watched"))
        if late:
            self.notes.append(
                f"the fixed rate of {self.scale.rate:,} bids/s was too much in {late} runs, which ended early"
            )
        if self.stage.lost:
            self.faults.append(f"{self.stage.lost} sockets were lost")

    def replay(self, sessions: list[Session], speed: float) -> None:
        """Recorded auctions, all at once."""
        self.say(f"{len(sessions)} recorded sessions at once, at {speed:g} times their pace …")
        self.once |= recorded.play(self.stage.visitor.origin, sessions, speed)
        if differing := self.once["replay_differing"]:
            self.faults.append(f"{differing:g} recorded items came out unlike the oracle")


def first(error: BaseException) -> BaseException:
    """The first failure of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _finish(bench: Bench, options: argparse.Namespace, extra: dict[str, Any]) -> int:
    kept = bench.kept
    rows = table.rows(kept.rounds, bench.once)
    console = bench.console
    table.show(rows, console)
    found = plot.points(bench.once)
    console.print(plot.in_terminal(found), markup=False, highlight=False)
    picture = options.out.with_suffix(".png")
    report = {
        "rows": rows, "machine": gauges.machine(options.data), "scale": bench.scale._asdict(), "once": bench.once,
        "rounds": [one._asdict() for one in kept.rounds], "rejected": [one._asdict() for one in kept.rejected],
        "disturbed": kept.disturbed, "faults": bench.faults, "notes": bench.notes, **extra,
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    console.print(f"{options.out}" + (f"\n{picture}" if plot.picture(found, picture) else ""), soft_wrap=True)
    for name, text in extra.get("peers", {}).items():
        console.print(f"peers: {name}: {text}", markup=False, highlight=False)
    if kept.disturbed:
        console.print("Too few rounds were undisturbed: these figures are a hint, no more.", style="yellow")
    for note in bench.notes:
        console.print(note, style="yellow")
    for fault in bench.faults:
        console.print(f"bench: {fault}", style="red", markup=False)
    missed = [row["name"] for row in rows if table.reaches(row, "gate") is False]
    if missed:
        console.print("gates missed: " + ", ".join(missed), style="red")
    return MISSED if missed or bench.faults else HELD


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Measure what the arguments say; the exit code."""
    options = _options(arguments)
    console = console or Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    files = raise_file_limit()
    if files < FILES_MIN:
        console.print(f"bench: {files} open files are allowed, {FILES_MIN} are needed (ulimit -Hn)", style="red")
        return WRONG_OPTION
    scale = fitting(QUICK if options.quick else FULL, files)
    scale = scale._replace(rounds=options.rounds or scale.rounds)
    try:
        sessions = recorded.sessions_of(options.replay) if options.replay else []
    except FolderError as problem:
        console.print(f"bench: {problem}", style="red", markup=False, soft_wrap=True)
        return WRONG_OPTION
    console.print(f"About {'80 s' if options.quick else '6 min'}; the machine should have nothing else to do.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))  # so that nothing of ours is left running
    stage = Stage(options.data, scale)
    scenarios = (*ROUND, *PEERS) if options.peers else ROUND
    bench = Bench(stage, scale, console, SPARE_QUICK if options.quick else SPARE_FULL, scenarios)
    try:
        bench.run()
        if sessions:
            bench.replay(sessions, options.speed)
    except (ProductError, HelperError, DoorClosedError, LineLostError, TurnedAwayError, ExceptionGroup) as problem:
        bench.faults.append(f"broke off: {first(problem)}")
        broke = True
    except KeyboardInterrupt:
        return STOPPED
    else:
        broke = False
    finally:
        stage.end()
    code = _finish(bench, options, {"peers": peers.settings()} if options.peers else {})
    return BROKE if broke else code
