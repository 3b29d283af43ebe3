"""审计: who did what to which object, and whether it was done. Append only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from accounts.model import Actor
from accounts.records import SQL
from plumbing import logs
from plumbing.postgres import Connection, Pool


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
    passwords, tokens or sealed prices into ``detail``.
    """
    who = (actor.user_id, actor.login, actor.org_id, actor.region) if actor else (None, "", None, "")
    await conn.execute(SQL["add_audit"], *who, event, object, result, dict(detail or {}), logs.request_id())
