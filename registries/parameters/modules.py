"""模块开关: which modules are on, by place and day: parameters ``module.<name>``, like every other figure of the rules.

A module that is off has no entry in the navigation and its doors answer 404 with words. What is under way in it goes
on: opened cases are bid in, settled and archived by doors that no module closes.
"""

from __future__ import annotations

from datetime import date

from starlette.requests import Request

from plumbing.postgres import Pool
from plumbing.problems import Problem
from registries.parameters import records
from standards.params import RuleParam, resolve
from standards.workdays import day_of

HOME = "330000"
DOORS: dict[str, tuple[str, ...]] = {
    "opening": ("/auctions/new", "/auctions/new/", "/api/auctions"),
    "practice": ("/practice", "/practice/", "/api/practice"),
    "plans": ("/plans", "/plans/", "/budget", "/budget/", "/payments", "/payments/"),
    "exchange": ("/reconciliation",),
}
"""The doors of each module: whole paths, or with a stroke at the end whatever lies below."""


def module_of(path: str) -> str:
    """The module a door belongs to, or ""."""
    for name, doors in DOORS.items():
        if any(path == door or (door.endswith("/") and path.startswith(door)) for door in doors):
            return name
    return ""


class Modules:
    """The switches that differ from the defaults, as this process knows them."""

    def __init__(self) -> None:
        self._switches: list[RuleParam] = []

    async def read(self, pool: Pool) -> None:
        """Read them again."""
        self._switches = await records.switches(pool)

    def off(self, region: str, on: date) -> frozenset[str]:
        """The modules that are off in the place ``region`` (six digits) on that day."""
        if not self._switches:
            return frozenset()
        rules = resolve(self._switches, region, on)
        return frozenset(name for name in DOORS if not rules.flag(f"module.{name}"))

    def off_for(self, request: Request) -> frozenset[str]:
        """The modules that are off for whoever asks: where his organisation sits, or at home."""
        who = getattr(request.state, "who", None)
        return self.off(who.region if who else HOME, day_of(request.state.clock.now_ms()))

    def demand(self, request: Request) -> None:
        """Raise ``Problem`` 404 ``module_off`` where the door belongs to a module that is off."""
        name = module_of(request.url.path)
        if name and name in self.off_for(request):
            raise Problem(404, "module_off")
