"""The to-do centre's side of the composition: its marks, in the working days of each place."""

from __future__ import annotations

from accounts.todo.sweeping import sweep
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Pool
from registries.parameters import records as parameters
from standards.workdays import add_workdays, day_of, end_of_day_ms

SWEEP_EVERY_S = 2.0


async def due_of(pool: Pool, region: str, since_ms: int) -> int:
    """The end of the last working day that a step of ``region`` has from a moment on (parameter ``todo.workdays``)."""
    days = (await parameters.rule_set(pool, region, since_ms)).number("todo.workdays")
    calendar = await parameters.calendar(pool)
    return end_of_day_ms(add_workdays(calendar, day_of(since_ms), days).day)


class Marks:
    """Keeps the marks of what waits. ``run`` until cancelled."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def once(self) -> None:
        """Look through what waits now."""

        async def due(region: str, since_ms: int) -> int:
            return await due_of(self._pool, region, since_ms)

        await sweep(self._pool, due, self._clock.now_ms())

    async def run(self) -> None:
        """Again and again."""
        await ever("to-do marks", self.once, SWEEP_EVERY_S)
