"""The outside registers an installation is connected to: a gateway, made-up ones in the demonstration, or none."""

from __future__ import annotations

from datetime import date
from typing import Any

from plumbing.clock import Clock
from registries.outside.connector import Connector, Gateway
from registries.outside.model import FirmExtract
from registries.outside.world import World
from standards.workdays import day_of


def registers_of(settings: Any) -> Connector | None:
    """The connector that the settings name; None where no register is asked."""
    chosen = settings.registers_url or ("simulated" if str(settings.mode) == "demo" else "none")
    if chosen == "none":
        return None
    return World(_today, _known()) if chosen == "simulated" else Gateway(chosen, settings.registers_token)


def _today() -> date:
    return day_of(Clock().now_ms())


def _known() -> dict[str, FirmExtract]:
    """The demonstration's own firms, as they are registered."""
    from server.demo import people

    return {
        person.uscc: FirmExtract(name=person.org, region=person.region) for person in people.SUPPLIERS if person.uscc
    }
