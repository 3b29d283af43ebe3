"""``replay FOLDER``: the command line, from the folder to the exit code.

0: every item equals the oracle. 1: an item differs. 2: the folder or an option is not right. 3: no server, or it broke.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop
from rich.console import Console

from loadtests.replay import table
from loadtests.replay.door import Door, DoorClosedError, TurnedAwayError
from loadtests.replay.line import LineLostError
from loadtests.replay.oracle import judge
from loadtests.replay.player import Play
from loadtests.replay.reading import FolderError, read
from loadtests.replay.record import Session
from loadtests.replay.tally import Tally
from loadtests.replay.temporary import answers, temporary

SAME, DIFFERS, WRONG_INPUT, NO_SERVER = 0, 1, 2, 3
SPARE_FILES = 200
PLAIN_WIDTH = 160
DEMO_LOGIN, DEMO_PASSWORD = "buyer", "yangcai-demo"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="replay", description="Play recorded reverse auctions through a running server and compare every item."
    )
    parser.add_argument("folder", type=Path, help="folder with sessions, items, bids and events (.csv or .csv.gz)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--session", metavar="ID", help="one session of the folder")
    which.add_argument("--all", action="store_true", help="all sessions at once (default: the first)")
    which.add_argument("--list", action="store_true", help="list the sessions and stop")
    parser.add_argument("--speed", type=float, default=200.0, metavar="N", help="times the recorded pace (default 200)")
    parser.add_argument("--url", help="address of a running server; without it a temporary one is started")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of the temporary server")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write every item as a JSON line")
    parser.add_argument("--login", default=os.environ.get("YANGCAI_REPLAY_LOGIN", DEMO_LOGIN))
    parser.add_argument("--password", default=os.environ.get("YANGCAI_REPLAY_PASSWORD", DEMO_PASSWORD))
    options = parser.parse_args(arguments)
    if not 0 < options.speed <= 100_000:
        parser.error("--speed must lie above 0 and not over 100,000")
    if options.workers < 1:
        parser.error("--workers must be at least 1")
    return options


def _chosen(options: argparse.Namespace) -> list[Session]:
    sessions = read(options.folder, options.session)
    if options.session or options.all or options.list:
        return sessions
    return next(([session] for session in sessions if session.playable), sessions[:1])


def raise_file_limit(needed: int) -> None:
    """Lift the soft limit on open files to ``needed``; ``FolderError`` when the hard limit forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise FolderError(f"{needed} open files are needed and {hard} allowed (ulimit -Hn): play fewer sessions")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def _address(options: argparse.Namespace, console: Console, stack: AsyncExitStack) -> str:
    if options.url:
        if not await answers(options.url):
            how = "start one with ./dev up, or leave --url away: then a temporary one is started"
            raise DoorClosedError(f"no server answers at {options.url}; {how}")
        return str(options.url)
    console.print("Starting a temporary server …")
    return await stack.enter_async_context(temporary(options.workers))


async def _play(options: argparse.Namespace, tally: Tally, console: Console) -> None:
    async with AsyncExitStack() as stack:
        url = await _address(options, console, stack)
        door = Door(url)
        stack.callback(door.close)
        await door.post("/api/session", {"login": options.login, "password": options.password})
        console.print(f"{tally.items_total:,} items, {tally.bids_total:,} bids at {url}, speed ×{options.speed:g}")
        display = asyncio.create_task(table.show(tally, console))
        try:
            await Play(door, tally, options.speed).run()
        finally:
            display.cancel()
            await asyncio.gather(display, return_exceptions=True)


def _first(error: BaseException) -> BaseException:
    """The first failure of a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _run(play: asyncio.Runner, options: argparse.Namespace, tally: Tally, console: Console) -> int:
    try:
        play.run(_play(options, tally, console))
    except* (DoorClosedError, LineLostError, TurnedAwayError) as group:
        console.print(f"replay: {_first(group)}", style="red", markup=False, soft_wrap=True)
        return_code = NO_SERVER
    else:
        return_code = DIFFERS if tally.differing or len(tally.outcomes) < tally.items_total else SAME
    return return_code


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Replay what the arguments say; the exit code."""
    options = _options(arguments)
    console = console or Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        sessions = _chosen(options)
        if options.list:
            console.print(table.sessions_table(sessions))
            return SAME
        raise_file_limit(sum(len(session.suppliers) for session in sessions) + SPARE_FILES)
    except FolderError as problem:
        console.print(f"replay: {problem}", style="red", markup=False, soft_wrap=True)
        return WRONG_INPUT
    verdicts = {(session.id, item.number): judge(item) for session in sessions for item in session.items}
    tally = Tally(sessions, verdicts)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = _run(runner, options, tally, console)
    if tally.outcomes:
        table.closing(tally, console)
        if options.report:
            table.write_report(tally, options.report)
    return code
