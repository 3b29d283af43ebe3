"""守时: what a server process does about its clock, by what the live store answers to its heartbeats.

Time passes in a lot only where the store's clock and a process's clock agree (docs/decisions/0013). Where all processes
disagree with the store, the store takes their time; a process that stays alone takes the store's. One that has agreed
with no shard yet has no say, unless its wall clock was stepped by just what it is off. The wall clock is taken anew
only while no lot runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Gauge

from auction.lot.live import Beat
from plumbing import logs
from plumbing.clock import Clock

AGREE_MS = 1_000
"""As ``SKEW_MS`` of the store."""
ANSWERED_WITHIN_MS = 300
"""An answer that took longer says too little about the time."""
FOLLOW_AFTER_MS = 3_000
ANCHOR_AFTER_MS = 5_000

DRIFT = Gauge("yangcai_clock_drift_seconds", "Wall clock of the machine minus ours", multiprocess_mode="mostrecent")
SHIFT = Gauge("yangcai_clock_shift_seconds", "Ours minus the wall clock of Valkey", multiprocess_mode="mostrecent")
DOUBTED = Gauge("yangcai_clock_doubted_shards", "Shards that do not agree with our time", multiprocess_mode="livesum")

log = logs.get(__name__)


class Timekeeper:
    """The one of a process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.sure: frozenset[int] = frozenset()
        """Shards whose last answer came at once and disagreed, where we may be the one who is right."""
        self._agreed = False
        self._alone_since = self._wall_off_since = 0
        self._shifts: dict[int, int] = {}

    def heard(self, asked_at: int, answers: Mapping[int, Beat]) -> None:
        """The answers to the heartbeats sent at ``asked_at`` (our clock), by shard; none when no lot runs."""
        now = self._clock.now_ms()
        self._mind_the_wall_clock(now, idle=not answers)
        self._tell_shifts(answers)
        if now - asked_at > ANSWERED_WITHIN_MS:
            self.sure = frozenset()
            return
        off = {shard: beat.now_ms - (asked_at + now) // 2 for shard, beat in answers.items()}
        doubted = [shard for shard, by_ms in off.items() if abs(by_ms) > AGREE_MS]
        drift_ms = self._clock.drift_ms()
        self.sure = frozenset(s for s in doubted if self._agreed or abs(drift_ms - off[s]) <= AGREE_MS)
        DOUBTED.set(len(doubted))
        self._compare(now, sorted(off.values()), all_doubted=len(doubted) == len(off))

    def _compare(self, now: int, off: list[int], *, all_doubted: bool) -> None:
        """Take the store's time where it differs everywhere by the same, and did not take ours in the meantime."""
        if not off or not all_doubted:
            self._agreed = self._agreed or bool(off)
            self._alone_since = 0
            return
        if not self._alone_since:
            self._alone_since = now
            log.error("clock.doubted", by_ms=off[0], shards=len(off))
        if now - self._alone_since >= FOLLOW_AFTER_MS and off[-1] - off[0] <= AGREE_MS:
            self._clock.move(off[len(off) // 2])
            self._agreed, self._alone_since = True, 0
            log.error("clock.moved", by_ms=off[len(off) // 2], why="the time of the running lots")

    def _mind_the_wall_clock(self, now: int, *, idle: bool) -> None:
        drift_ms = self._clock.drift_ms()
        DRIFT.set(drift_ms / 1000)
        if abs(drift_ms) <= AGREE_MS:
            self._wall_off_since = 0
        elif not self._wall_off_since:
            self._wall_off_since = now
            log.error("clock.wall_stepped", by_ms=drift_ms)
        elif idle and now - self._wall_off_since >= ANCHOR_AFTER_MS:
            self._clock.anchor()
            self._wall_off_since = 0
            log.error("clock.moved", by_ms=drift_ms, why="the wall clock; no lot runs")

    def _tell_shifts(self, answers: Mapping[int, Beat]) -> None:
        """One line when the store's clock was found out, whichever shards it serves."""
        shifts = {shard: beat.shift_ms for shard, beat in answers.items()}
        most = max(shifts.values(), key=abs, default=0)
        SHIFT.set(most / 1000)
        if any(abs(by_ms - self._shifts.get(shard, 0)) > AGREE_MS for shard, by_ms in shifts.items()):
            log.error("clock.store_stepped", shift_ms=most)
        self._shifts = shifts
