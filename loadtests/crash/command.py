"""``./dev crash``: play every scenario, show and write down what came of it.

Exit codes: 0 everything was as promised and every negative control was found out, 1 something was not, 2 an option is
not right, 3 the product did not start. Scenarios that need a C compiler are not run without one, which is said.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from websockets.exceptions import WebSocketException

from loadtests import proof
from loadtests.bench.gauges import machine
from loadtests.bench.helpers import CHECKOUT
from loadtests.bench.product import ProductError
from loadtests.bench.stage import raise_file_limit
from loadtests.cluster.report import section as cluster_section
from loadtests.cluster.scenarios import scenarios as cluster_scenarios
from loadtests.cluster.stand import ClusterStand
from loadtests.cluster.wires import able
from loadtests.crash import report
from loadtests.crash.kept import Kept
from loadtests.crash.machine import compiler
from loadtests.crash.neighbours import Neighbours
from loadtests.crash.rounds import Brought, Scenario, Sum, judged, summed
from loadtests.crash.scenarios import scenarios
from loadtests.crash.stand import Stand, TooLateError
from loadtests.money.report import section as money_section
from loadtests.money.scenarios import scenarios as money_scenarios

HELD, BROKEN, WRONG_OPTION, BROKE, STOPPED = 0, 1, 2, 3, 130
ROUNDS, PLAIN_WIDTH = 10, 150
NO_WIRES = "network namespaces need root and the command ip"
NO_COMPILER = "no C compiler (cc, gcc, clang) was found"
FAILED = (
    TooLateError, ProductError, TimeoutError, OSError, RuntimeError, IndexError, WebSocketException,
    asyncpg.PostgresError, asyncpg.InterfaceError,
)  # fmt: skip


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="crash", description="Kill, cut and mislead the running product while it is bid in."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="kills; the others follow (10)")
    parser.add_argument("--only", default="", metavar="NAMES", help="these scenarios alone, by comma")
    parser.add_argument("--cluster", action="store_true", help="break a Valkey Cluster under the product instead")
    parser.add_argument("--money", action="store_true", help="kill among a thousand freezes of one budget instead")
    parser.add_argument("--list", action="store_true", help="the scenarios and their rounds")
    parser.add_argument("--quick", action="store_true", help="shorter waits")
    parser.add_argument("--seed", type=int, metavar="N", help="of the dice")
    parser.add_argument("--resume", action="store_true", help="go on where the last run was interrupted")
    parser.add_argument("--again", default="", metavar="NAMES", help="with --resume: these are played anew")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where crash.json goes")
    parser.add_argument("--proof", type=Path, metavar="FILE", help="write the page of proof (docs/proof.md)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where the product's data lie: a real disk")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    known = {scenario.name for scenario in _scenarios(options)}
    if unknown := (_names(options.only) | _names(options.again)) - known:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    folder = Path(os.environ.get("YANGCAI_DATA_DIR", CHECKOUT / ".data")) / "crash"
    options.data = (options.data or folder).resolve()
    options.out = (options.out or folder / "crash.json").resolve()
    options.seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    return options


def _names(listed: str) -> set[str]:
    return set(filter(None, listed.split(",")))


def _scenarios(options: argparse.Namespace) -> list[Scenario]:
    if options.money:
        return money_scenarios(options.quick)
    return cluster_scenarios() if options.cluster else scenarios(options.quick)


def _lacking(scenario: Scenario) -> str:
    """What this machine lacks for a scenario."""
    if scenario.machine and scenario.cluster:
        return "" if able() else NO_WIRES
    return NO_COMPILER if scenario.machine and not compiler() else ""


class Suite:
    """One run. A product is kept for the next round as long as rounds go well and leave it whole."""

    def __init__(self, data: Path, dice: random.Random, kept: Kept, progress: Progress) -> None:
        self._data, self._dice, self._kept, self._progress = data, dice, kept, progress
        self._stand: Stand | None = None
        self._workers = 0

    async def play(self, scenario: Scenario, rounds: int) -> Sum:
        """All rounds of one scenario that were not played before."""
        before = len(self._kept.of(scenario.name))
        bar = self._progress.add_task(scenario.what, total=max(rounds, before), completed=before)
        if lacking := _lacking(scenario):
            return summed(scenario, [])._replace(skipped=lacking)
        for _ in range(before, rounds):
            await self._round(scenario)
            self._progress.advance(bar)
        return summed(scenario, self._kept.of(scenario.name))

    async def _round(self, scenario: Scenario) -> None:
        seed, began_s, others = self._dice.randrange(1 << 32), time.monotonic(), Neighbours()
        try:
            stand = await self._standing(scenario)
            brought = await scenario.play(stand, random.Random(seed))
        except FAILED as error:
            brought = Brought([f"broke off: {type(error).__name__}: {error}"])
        brought = judged(brought, others.share(), time.monotonic() - began_s)
        if brought.wrong:
            self._keep_logs(seed, brought)
        elif scenario.fresh or scenario.cluster:
            self.end()
        self._kept.add(scenario.name, seed, brought)

    async def _standing(self, scenario: Scenario) -> Stand:
        if self._stand and (scenario.fresh or self._workers != scenario.workers):
            self.end()
        if self._stand is None:
            make = partial(ClusterStand, copies_min=int(not scenario.control) * 2) if scenario.cluster else Stand
            self._stand, self._workers = make(self._data, scenario.workers), scenario.workers
            await self._stand.start()
        return self._stand

    def _keep_logs(self, seed: int, brought: Brought) -> None:
        """Stop the product, and leave its logs for whoever looks into it."""
        if self._stand is None:
            return
        kept = self._data / f"failed-{seed}"
        shutil.copytree(self._stand.product.folder / "data" / "log", kept, dirs_exist_ok=True)
        (kept / "wrong.txt").write_text("\n".join(brought.wrong), encoding="utf-8")
        self._progress.console.print(f"{kept}: {brought.wrong[0]}", style="red", markup=False, soft_wrap=True)
        self.end()

    def end(self) -> None:
        """Stop the product and remove its data."""
        if self._stand is not None:
            self._stand.end()
        self._stand = None


async def run(options: argparse.Namespace, kept: Kept, console: Console) -> list[Sum]:
    """Play what the options say, but for what is kept already."""
    wanted = _names(options.only)
    chosen = [one for one in _scenarios(options) if not wanted or one.name in wanted]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        suite = Suite(options.data, random.Random(options.seed), kept, progress)
        try:
            return [await suite.play(one, one.rounds(options.rounds)) for one in chosen]
        finally:
            suite.end()


def _facts(options: argparse.Namespace, kept: Kept, arguments: Sequence[str]) -> dict[str, Any]:
    told, rounds = machine(options.data), kept.every()
    busy = sorted(one.busy for one in rounds) or [0.0]
    said = "{cpu}, {cores} cores, kernel {kernel}, Python {python}, {file_system}".format(**told)
    power = (
        "every process is killed, then each of Valkey's files is cut back to its length at its last fsync, by a small "
        f"library compiled on the spot ({Path(compiler()).name}) and preloaded; Postgres' own files keep what it wrote"
    )
    spent = {"took_min": sum(one.took_s for one in rounds) / 60, "busy": busy[len(busy) // 2], "busiest": busy[-1]}
    return {
        "arguments": " ".join(arguments), "day": time.strftime("%Y-%m-%d"), "seed": options.seed, "machine": said,
        "power": power if compiler() else f"not run: {NO_COMPILER}", **spent,
    }  # fmt: skip


def _section(options: argparse.Namespace, sums: Sequence[Sum], facts: dict[str, Any]) -> tuple[str, str, str]:
    """Name, title and text for the page of proof."""
    if options.cluster:
        return "cluster", "Cluster 集群", cluster_section(sums, facts)
    if options.money:
        return "money", "Money 资金", money_section(sums, facts)
    return "crash", "Crashes 故障", report.section(sums, facts)


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Play what the arguments say; the exit code."""
    options = _options(arguments)
    console = console or Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    if options.list:
        for one in _scenarios(options):
            console.print(f"{one.name:10}{one.rounds(options.rounds):4}  {one.what}", markup=False, highlight=False)
        return HELD
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))  # so that nothing of ours is left running
    raise_file_limit()
    options.data.mkdir(parents=True, exist_ok=True)
    try:
        kept = Kept(options.out.with_suffix(".rounds.jsonl"), resume=options.resume, again=_names(options.again))
        sums = uvloop.run(run(options, kept, console))
    except KeyboardInterrupt:
        return STOPPED
    report.show(sums, console)
    facts = _facts(options, kept, sys.argv[1:] if arguments is None else arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({**facts, "rows": report.as_data(sums)}, indent=1, default=str), encoding="utf-8")
    console.print(f"{options.out}", soft_wrap=True)
    if options.proof:
        proof.write(options.proof, *_section(options, sums, facts))
    return HELD if all(one.well or one.skipped for one in sums) else BROKEN
