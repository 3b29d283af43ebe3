"""The clock: whole milliseconds, never backwards, deaf to steps of the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plumbing import clock as module
from plumbing.clock import Clock


def test_the_clock_tells_the_time_of_day_in_milliseconds() -> None:
    assert abs(Clock().now_ms() - datetime.now(UTC).timestamp() * 1000) < 1_000


def test_the_clock_never_runs_backwards() -> None:
    clock = Clock()
    seen = [clock.now_ms() for _ in range(10_000)]
    assert seen == sorted(seen)


def test_a_wall_clock_put_forward_by_an_hour_does_not_move_it_and_shows_as_drift(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    before, wall_ns = clock.now_ms(), module.time.time_ns
    monkeypatch.setattr(module.time, "time_ns", lambda: wall_ns() + 3_600 * 10**9)
    assert clock.now_ms() - before < 1_000
    assert 3_599_000 < clock.drift_ms() < 3_601_000
    clock.anchor()
    assert clock.now_ms() - before >= 3_599_000
    monkeypatch.undo()
    clock.anchor()  # all clocks of a process are one, and others come after this test
    assert abs(clock.drift_ms()) < 1_000
