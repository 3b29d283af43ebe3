"""Who else uses the machine: a promise in seconds is judged where nobody takes it away, a promise of bids always."""

from __future__ import annotations

import os

from loadtests.bench import gauges

BUSY = 0.15
"""With so much of the machine taken by others a late return is told, and not held against the product."""


class Neighbours:
    """The share of the machine that programs not ours took, or its host stole, since this was made.

    Counted are those there at both ends, in user and system time; pid 1 inherits our orphans, and is passed over.
    """

    def __init__(self) -> None:
        self._began, self._before = gauges.reading(os.getpid()), self._spent()

    @staticmethod
    def _spent() -> dict[int, float]:
        ours = gauges.tree(os.getpid())
        every = (int(path.name) for path in gauges.PROC.glob("[0-9]*"))
        found = {pid: gauges.stat(pid) for pid in every if pid not in ours and pid != 1}
        return {pid: one.user + one.system + one.ended_user for pid, one in found.items() if one}

    def share(self) -> float:
        """0..1."""
        ended, after = gauges.reading(os.getpid()), self._spent()
        theirs = sum(max(0.0, after[pid] - spent) for pid, spent in self._before.items() if pid in after)
        wall = max(ended.at - self._began.at, 1e-9)
        return min(1.0, (theirs + ended.stolen - self._began.stolen) / (wall * (os.cpu_count() or 1)))
