"""``./dev fuzz``: the kinds of input one after the other, while the canary bids; what came of it, shown and kept.

Exit codes: 0 nothing broke, 1 something did, 2 an option is not right, 3 the product did not start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loadtests import proof
from loadtests.bench.gauges import machine
from loadtests.bench.helpers import CHECKOUT
from loadtests.bench.product import ProductError
from loadtests.bench.stage import raise_file_limit
from loadtests.fuzz import guided, inside, outside, report
from loadtests.fuzz.ground import Canary, Ground
from loadtests.fuzz.outside import Told
from loadtests.fuzz.seeds import Seeds

WELL, BROKEN, BROKE, STOPPED = 0, 1, 3, 130
INPUTS, AT_ONCE, GUIDED_AT_ONCE, PLAIN_WIDTH = 1_000_000, 5_000, 25_000, 150

Play: TypeAlias = Callable[["Run", int, Told], Awaitable[None]]


class Kind(NamedTuple):
    """One kind of input and its share of them all. ``whole``: through the running product; ``possible``: here."""

    name: str
    what: str
    share: int
    play: Play
    whole: bool = True
    possible: Callable[[], bool] = lambda: True


class Run:
    """One run against one product."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.ground, self.dice = ground, random.Random(seed)
        self.pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self.genuine, self.receipt = b"", b""

    def seeds(self) -> Seeds:
        """New dice, which the run's seed names."""
        paths = ("/", "/healthz", "/login", "/ws", "/api/me", "/api/session", "/static/css/base.css")
        return Seeds(random.Random(self.dice.randrange(1 << 32)), tuple(self.ground.lots), paths)

    async def read_inside(self, work: Callable[..., list[str]], inputs: int, told: Told, *more: Any) -> None:
        """Give ``inputs`` inputs to readers in the process beside, some at a time."""
        loop = asyncio.get_running_loop()
        while inputs > 0:
            count = min(inputs, AT_ONCE)
            for broken in await loop.run_in_executor(self.pool, work, self.dice.randrange(1 << 32), count, *more):
                told.fault("broke", broken)
            told.had("read or refused", count)
            inputs -= count


def _over(play: Callable[[Ground, Seeds, int, Told], Awaitable[None]]) -> Play:
    return lambda run, inputs, told: play(run.ground, run.seeds(), inputs, told)


async def _decoders(run: Run, inputs: int, told: Told) -> None:
    await run.read_inside(inside.decoders, inputs, told)


async def _transcripts(run: Run, inputs: int, told: Told) -> None:
    run.genuine, run.receipt = await asyncio.to_thread(_a_transcript, run.ground)
    await run.read_inside(inside.transcripts, inputs, told, run.genuine, run.receipt)


async def _guided(run: Run, inputs: int, told: Told) -> None:
    """Some at a time, each taking up the corpus of the one before."""
    folder = run.ground.product.folder / "guided"
    records = next(i for i, reader in enumerate(inside.READERS) if reader.name == "records of lots")
    await asyncio.to_thread(guided.plant, folder, run.dice.randrange(1 << 32), {records: [run.genuine]})
    while inputs > 0:
        count = min(inputs, GUIDED_AT_ONCE)
        reached, broken = await guided.grow(folder, count, run.dice.randrange(1, 1 << 31))
        for one in broken:
            told.fault("broke", one)
        told.had("read or refused", count)
        told.answers["edges of the code reached"] = max(reached, told.answers["edges of the code reached"])
        inputs -= count


def _a_transcript(ground: Ground) -> tuple[bytes, bytes]:
    """The signed record of a small lot, and no receipt where practice gives none."""
    ground.host.log_in()  # garbage may have ended his session
    _, (lot,) = ground.open(1)
    ground.close(lot)
    for _ in range(100):
        found = ground.fetch(f"/api/lots/{lot}/transcript.jsonl", ground.host.cookie)
        if b'"checkpoint"' in found:
            return found, found
        time.sleep(0.1)
    raise ProductError(f"no transcript: {found[:200]!r}")


KINDS = (
    Kind("raw", "raw connections: nearly HTTP, or garbage", 60, _over(outside.raw)),
    Kind("frames", "frames of sockets: fragments, sizes, masks, reserved bits, bad UTF-8", 60, _over(outside.frames)),
    Kind("messages", "live messages: wrong types, huge numbers, deep nesting", 400, _over(outside.messages)),
    Kind("api", "requests made from the OpenAPI document and spoilt", 20, _over(outside.api)),
    Kind("forms", "pages and forms", 10, _over(outside.forms)),
    Kind("imports", "spoilt files of categories and places at the doors that load them", 10, _over(outside.imports)),
    Kind("referee", "arguments straight to the live store's functions", 170, _over(outside.referee)),
    Kind("transcripts", "spoilt files for yangcai verify", 20, _transcripts, whole=False),
    Kind("decoders", "readers of messages, forms, amounts, notes, keys, sealed quotes", 270, _decoders, whole=False),
    Kind("guided", "the same readers, inputs grown by libFuzzer", 100, _guided, whole=False, possible=guided.is_here),
)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description="Send the running product what no client should send.")
    parser.add_argument("--inputs", type=int, default=INPUTS, metavar="N", help="in all (1,000,000)")
    parser.add_argument("--only", default="", metavar="NAMES", help="these kinds alone, by comma")
    parser.add_argument("--seed", type=int, metavar="N", help="of the dice")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where fuzz.json goes")
    parser.add_argument("--proof", type=Path, metavar="FILE", help="write the page of proof (docs/proof.md)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where the product's data lie")
    options = parser.parse_args(arguments)
    if unknown := set(filter(None, options.only.split(","))) - {kind.name for kind in KINDS}:
        parser.error(f"no kind {', '.join(sorted(unknown))}; there are {', '.join(kind.name for kind in KINDS)}")
    if options.inputs < len(KINDS):
        parser.error(f"--inputs must be at least {len(KINDS)}")
    folder = Path(os.environ.get("YANGCAI_DATA_DIR", CHECKOUT / ".data")) / "fuzz"
    options.data = (options.data or folder).resolve()
    options.out = (options.out or folder / "fuzz.json").resolve()
    options.seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    return options


async def play(options: argparse.Namespace, ground: Ground, console: Console) -> dict[str, Any]:
    """All kinds, and the canary; what came of it."""
    wanted = set(filter(None, options.only.split(",")))
    chosen = [kind for kind in KINDS if (not wanted or kind.name in wanted) and kind.possible()]
    for kind in set(KINDS) - set(chosen):
        if not kind.possible():
            console.print(f"not possible here: {kind.what}", highlight=False)
    shares = sum(kind.share for kind in chosen)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    run, canary, rows = Run(ground, options.seed), Canary(ground), list[dict[str, Any]]()
    singing = asyncio.create_task(canary.sing())
    try:
        with Progress(*columns, console=console) as progress:
            for kind in chosen:
                inputs = -(-options.inputs * kind.share // shares)
                bar, began_s = progress.add_task(kind.what, total=inputs), time.monotonic()
                told = Told(partial(progress.advance, bar))
                try:
                    await kind.play(run, inputs, told)
                except (ProductError, OSError, ExceptionGroup) as error:
                    told.fault("broke off", repr(error))
                rows.append(
                    {"kind": kind.name, "what": kind.what, "whole_product": kind.whole, "inputs": told.inputs,
                     "answers": dict(told.answers.most_common(12)), "wrong": told.wrong,
                     "took_s": round(time.monotonic() - began_s, 1)}
                )  # fmt: skip
    finally:
        canary.ended = True  # between two bids: one that is under way is told, and counts
        await singing
        run.pool.shutdown()
    p50, p99 = canary.percentiles()
    wrong = [*canary.wrong, *await asyncio.to_thread(canary.reckon), *ground.wrong()]
    return {
        "rows": rows, "wrong": wrong, "inputs": sum(row["inputs"] for row in rows),
        "canary": {"acknowledged": len(canary.taken), "p50_ms": round(p50, 1), "p99_ms": round(p99, 1)},
        "log_lines": len(ground.log_lines()),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Play what the arguments say; the exit code."""
    options = _options(arguments)
    console = console or Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    with suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    raise_file_limit()
    options.data.mkdir(parents=True, exist_ok=True)
    began_s, ground = time.monotonic(), Ground(options.data)
    try:
        ground.start()
        found = asyncio.run(play(options, ground, console))
    except ProductError as error:
        console.print(str(error), style="red", markup=False)
        return BROKE
    except KeyboardInterrupt:
        return STOPPED
    finally:
        ground.product.remove()
    report.show(found, console)
    facts = {
        "suite": "fuzz",
        "arguments": " ".join(sys.argv[1:] if arguments is None else arguments),
        "seed": options.seed,
        "day": time.strftime("%Y-%m-%d"),
        "machine": machine(options.data),
        "took_min": round((time.monotonic() - began_s) / 60, 1),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({**facts, **found}, indent=1, default=str, ensure_ascii=False), encoding="utf-8")
    console.print(f"{options.out}", soft_wrap=True)
    if options.proof:
        proof.write(options.proof, "fuzz", "Malformed input 乱入", report.section({**facts, **found}))
    return BROKEN if found["wrong"] or any(row["wrong"] for row in found["rows"]) else WELL
