"""审计: who did what to which object, when, from where, and whether it was done. Append only, chained, signed.

``audit`` writes an act within its own transaction; ``doors`` sees to it that no act, refusal or protected read at a
door stays unwritten; ``chain`` gives each act its position under signed heads, ``check`` finds what was tampered with.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Literal

from msgspec import Struct
from starlette.types import Scope

from accounts.audit.records import SQL
from accounts.model import Actor
from plumbing import logs
from plumbing.postgres import Connection, Pool


class Here(Struct):
    """Where acts of the request being served come from; ``done`` and ``refused`` count what it wrote itself."""

    address: str = ""
    name: str = ""
    scope: Scope | None = None
    done: int = 0
    refused: int = 0

    @property
    def door(self) -> str:
        """The door: method and route, with the names of its parameters; the path itself where no door was found."""
        if self.scope is None:
            return self.name
        route = getattr(self.scope.get("route"), "path", "") or self.scope["path"][:100]
        return f"{self.scope['method']} {route}".replace(":uuid}", "}").replace(":int}", "}").replace(":str}", "}")


here: ContextVar[Here | None] = ContextVar("here", default=None)


async def audit(
    conn: Connection | Pool,
    actor: Actor | None,
    event: str,
    object: str = "",  # noqa: A002  # the word of the trail
    result: Literal["done", "refused", "failed"] = "done",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one line of the trail, on the caller's connection so that it stands or falls with his transaction.

    ``event`` is dotted lower case (``auction.submitted``), ``object`` what it was done to (``auction:<id>``). Never put
    passwords, tokens or sealed prices into ``detail``. A refusal is written outside of what is rolled back.
    """
    place = here.get() or Here()
    who = (actor.user_id, actor.login, actor.org_id, actor.region) if actor else (None, "", None, "")
    from_where = (logs.request_id(), place.address, place.door)
    told = dict(detail or {}) | ({"key": str(actor.key)} if actor and actor.key else {})
    await conn.execute(SQL["add_event"], *who, event, object, result, told, *from_where)
    if result == "done":
        place.done += 1
    else:
        place.refused += 1
