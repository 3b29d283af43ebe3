"""The one clock 时钟. No other module of the product may ask the operating system for the time."""

from __future__ import annotations

import time
from typing import ClassVar

NS_PER_MS = 1_000_000
ANCHOR_READINGS = 5


class Clock:
    """Wall time in whole milliseconds since 1970 (UTC), anchored once and then carried by the monotonic clock.

    A step of the system's wall clock (a wrong administrator, a late NTP answer) does not move it: an auction would
    otherwise close early or late. ``drift_ms`` says how far the wall clock has gone from it; ``anchor`` takes the wall
    clock anew, ``move`` the time of others (``auction.lot.timekeeping`` decides when). All clocks of a process are one.
    """

    _offset_ns: ClassVar[int] = 0

    def __init__(self) -> None:
        if not Clock._offset_ns:
            self.anchor()

    def anchor(self) -> None:
        """Take the wall clock as it is now: of several readings the one that was least interrupted."""
        readings = []
        for _ in range(ANCHOR_READINGS):
            before_ns, wall_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
            readings.append((after_ns - before_ns, wall_ns - before_ns))
        Clock._offset_ns = min(readings)[1]

    def move(self, by_ms: int) -> None:
        """Go on ``by_ms`` later than now, or earlier when it is negative."""
        Clock._offset_ns += by_ms * NS_PER_MS

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z; never runs backwards but for ``anchor`` and ``move``."""
        return (time.monotonic_ns() + self._offset_ns) // NS_PER_MS

    def drift_ms(self) -> int:
        """Wall clock minus this clock, in milliseconds: positive when the wall clock was put forward."""
        return (time.time_ns() - time.monotonic_ns() - self._offset_ns) // NS_PER_MS


def elapsed_s() -> float:
    """Seconds of a clock that only ever goes forward, for measuring durations. Its zero has no meaning."""
    return time.monotonic()


def wait_s(seconds: float) -> None:
    """Block the thread. For synchronous start-up code only; never on an event loop."""
    time.sleep(seconds)
