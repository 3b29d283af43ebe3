"""Real arrival patterns: all recorded sessions of a folder at once, far above their pace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvloop

from loadtests.bench.product import LOGIN, PASSWORD
from loadtests.bench.runs import percentile
from loadtests.replay.door import Door
from loadtests.replay.oracle import judge
from loadtests.replay.player import Play
from loadtests.replay.reading import read
from loadtests.replay.record import Session
from loadtests.replay.tally import Tally


def sessions_of(folder: Path) -> list[Session]:
    """The sessions of a folder (form: the README's). Raises ``FolderError``."""
    return read(folder, None)


async def _play(url: str, tally: Tally, speed: float) -> None:
    door = Door(url)
    try:
        await door.post("/api/session", {"login": LOGIN, "password": PASSWORD})
        await Play(door, tally, speed).run()
    finally:
        door.close()


def play(url: str, sessions: list[Session], speed: float) -> dict[str, float]:
    """Every item of every session; late is counted from when a bid was due. Differing items are unlike the oracle."""
    verdicts = {(session.id, item.number): judge(item) for session in sessions for item in session.items}
    tally = Tally(sessions, verdicts)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_play(url, tally, speed))
    late = sorted(tally.late_ms)
    playing_s = max(tally.wall_s - tally.open_s, 1e-9)
    return {
        "replay_bids": tally.sent, "replay_bids_per_s": tally.sent / playing_s, "replay_s": playing_s,
        "replay_late_p50_ms": percentile(late, 0.5), "replay_late_p99_ms": percentile(late, 0.99),
        "replay_differing": len(tally.differing) + tally.items_total - len(tally.outcomes),
    }  # fmt: skip
