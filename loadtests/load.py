"""``./dev load SCENARIO``: one crowd for a while, against a running server or a temporary one."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from loadtests.replay.door import DoorClosedError
from loadtests.replay.temporary import answers, temporary

SCENARIOS = {
    "bidding": ("Bidding",),
    "watching": ("Watching", "WatchedBidder"),
    "many_auctions": ("ManyAuctions",),
    "browsing": ("Browsing",),
}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="load", description="Send a crowd of users to a running server.")
    parser.add_argument("scenario", nargs="?", default="bidding", choices=SCENARIOS)
    parser.add_argument("--users", type=int, default=100, metavar="N")
    parser.add_argument("--per-second", type=int, default=20, metavar="N", help="users who arrive each second")
    parser.add_argument("--time", default="30s", help="how long, for example 30s or 5m (default 30s)")
    parser.add_argument("--url", help="address of a running server; without it a temporary one is started")
    parser.add_argument("--web", type=int, metavar="PORT", help="watch on locust's own page at this port")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of the temporary server")
    return parser.parse_args(arguments)


def _shown(port: int | None) -> list[str]:
    """Where locust shows its figures: a table at the end, or its own page, open to this machine alone."""
    if port is None:
        return ["--headless", "--only-summary"]
    return ["--web-host", "127.0.0.1", "--web-port", str(port), "--autostart"]


async def _run(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        if options.url and not await answers(options.url):
            raise DoorClosedError(f"no server answers at {options.url}; start one with ./dev up, or leave --url away")
        url = options.url or await stack.enter_async_context(temporary(options.workers))
        command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py")), "--host", url]
        command += ["--users", str(options.users), "--spawn-rate", str(options.per_second), "--stop-timeout", "5"]
        command += ["--run-time", options.time, *SCENARIOS[options.scenario], *_shown(options.web)]
        process = await asyncio.create_subprocess_exec(*command)
        return await process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one scenario; locust's exit code: 0 when no request failed and the final count agrees."""
    options = _options(arguments)
    try:
        return asyncio.run(_run(options))
    except DoorClosedError as error:
        print(f"load: {error}")
        return 3


if __name__ == "__main__":
    sys.exit(main())
