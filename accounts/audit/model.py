"""The nouns of the audit trail: an act 行为, and the leaf that it is in the chain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

LEAF_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Act(Struct, frozen=True):
    """One line of the trail. ``at``: microseconds since 1970; ``result``: done, refused or failed."""

    id: str
    at: int
    person: str
    login: str
    org: str
    region: str
    address: str
    door: str
    event: str
    object: str
    result: str
    detail: Mapping[str, Any]
    request: str


def micros(at: datetime) -> int:
    """A time of Postgres, exact."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def act_of(row: Any) -> Act:
    """The act in a row of ``audit_event``, by the names of its columns."""
    return Act(
        id=str(row["id"]),
        at=micros(row["at"]),
        person=str(row["person_id"] or ""),
        login=row["login"],
        org=str(row["org_id"] or ""),
        region=row["region"],
        address=row["address"],
        door=row["door"],
        event=row["event"],
        object=row["object"],
        result=row["result"],
        detail=row["detail"],
        request=row["request_id"],
    )


def leaf_text(n: int, act: Act) -> str:
    """The leaf of ``act`` at position ``n``: JSON without blanks, keys sorted, in every letter what was written."""
    fields = {name: getattr(act, name) for name in act.__struct_fields__}
    return json.dumps(
        {"v": LEAF_VERSION, "n": n, **fields}, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str
    )


def person_id(act: Act) -> UUID | None:
    """Whose act it is; None for an act of nobody who is signed in."""
    return UUID(act.person) if act.person else None
