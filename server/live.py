"""The live side of the composition: lots' function library, followers, the bid desk, and the tasks of each process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute

# Doors of the live rooms; filled by the rooms as they land.
ROUTES: list[BaseRoute] = []


@asynccontextmanager
async def run(state: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Start what runs beside the doors, hand out what the doors need in ``request.state``, stop it at the end."""
    yield {}
