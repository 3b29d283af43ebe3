"""The to-do centre's side of the composition: its marks, in the working days of each place; the ways out."""

from __future__ import annotations

from accounts.outgoing.people import Console, Mail, nowhere
from accounts.outgoing.sending import Channel
from accounts.todo.sweeping import sweep
from accounts.webhooks.posting import Webhooks
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Pool
from plumbing.texts import Texts
from registries.parameters import records as parameters
from server.settings import Settings
from standards.workdays import add_workdays, day_of, end_of_day_ms

SWEEP_EVERY_S = 2.0


def ways_out(pool: Pool, clock: Clock, settings: Settings) -> dict[str, Channel]:
    """How each kind of sending leaves. An operator's SMS and voice gateways take the place of ``Console`` here."""
    mail: Channel = Mail(pool, settings.smtp_url, settings.mail_from) if settings.smtp_url else nowhere
    return {"webhook": Webhooks(pool, clock, settings), "email": mail, "sms": Console(pool), "voice": Console(pool)}


async def due_of(pool: Pool, region: str, since_ms: int) -> int:
    """The end of the last working day that a step of ``region`` has from a moment on (parameter ``todo.workdays``)."""
    days = (await parameters.rule_set(pool, region, since_ms)).number("todo.workdays")
    calendar = await parameters.calendar(pool)
    return end_of_day_ms(add_workdays(calendar, day_of(since_ms), days).day)


class Marks:
    """Keeps the marks of what waits. ``run`` until cancelled."""

    def __init__(self, pool: Pool, clock: Clock, texts: Texts, origin: str) -> None:
        self._pool, self._clock, self._texts, self._origin = pool, clock, texts, origin

    async def once(self) -> None:
        """Look through what waits now."""

        async def due(region: str, since_ms: int) -> int:
            return await due_of(self._pool, region, since_ms)

        await sweep(self._pool, due, self._texts, self._origin, self._clock.now_ms())

    async def run(self) -> None:
        """Again and again."""
        await ever("to-do marks", self.once, SWEEP_EVERY_S)
