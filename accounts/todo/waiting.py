"""What waits for a person 待办, read from where it stands."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from accounts.records import millis, moment
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record

SQL = sql.load(Path(__file__).with_name("records.sql"))
NEVER_MS = 1 << 62


class Step(Struct, frozen=True):
    """One step that waits for ``reader``; times epoch ms, ``due_at`` 0 while it is not known yet.

    ``mine``: it is his to do, else he or another handed it on to ``to_name``. ``personal``: no other can do it.
    ``for_name``: for whom he stands in.
    """

    reader: UUID
    key: str
    kind: str
    title: str
    number: str
    path: str
    since: int
    due_at: int
    mine: bool
    personal: bool
    to_name: str
    by_name: str
    by_person: UUID | None
    for_name: str
    reason: str

    def matches(self, words: str) -> bool:
        """Whether ``words`` are in what is shown of it."""
        low = words.lower()
        return low in self.title.lower() or low in self.number.lower()


def _step(row: Record, now_ms: int) -> Step:
    due = row["until"] or row["due_at"]
    return Step(
        row["reader"], row["key"], row["kind"], row["title"], row["number"], row["path"],
        millis(row["since"]) if row["since"] else now_ms, millis(due) if due else 0,
        row["mine"], row["personal"], row["to_name"] or "", row["by_name"] or "", row["by_person"],
        row["for_name"] or "", row["reason"] or "",
    )  # fmt: skip


async def steps_of(conn: Connection | Pool, person_id: UUID, now_ms: int) -> list[Step]:
    """Every step that waits for the person or that was handed on from his hands, the soonest due first."""
    rows = await conn.fetch(SQL["waiting_for"], [person_id], moment(now_ms))
    return sorted(
        (_step(row, now_ms) for row in rows), key=lambda step: (step.due_at or NEVER_MS, step.since, step.key)
    )


async def counts_of(conn: Connection | Pool, people: Collection[UUID], now_ms: int) -> dict[UUID, tuple[int, int]]:
    """How many steps are each person's to do now, and how many of them are overdue."""
    found = dict.fromkeys(people, (0, 0))
    for row in await conn.fetch(SQL["waiting_for"], list(people), moment(now_ms)):
        if row["mine"]:
            due = row["until"] or row["due_at"]
            count, late = found[row["reader"]]
            found[row["reader"]] = (count + 1, late + bool(due and millis(due) <= now_ms))
    return found
