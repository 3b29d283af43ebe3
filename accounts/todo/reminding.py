"""提醒: who wants it is told of a step, once when it is new, when it is due within a day, and when it is overdue."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from accounts.outgoing.sending import SQL as OUT
from accounts.records import millis, moment
from accounts.todo.rules import CHANNELS, Rung
from accounts.todo.waiting import SQL
from plumbing.postgres import Connection, Record
from plumbing.texts import Texts

SOON_MS = 86_400_000
JUST_BEFORE = timedelta(milliseconds=1)
"""The end of a day is shown as its last minute, not as the next day's first."""


async def remind(conn: Connection, texts: Texts, origin: str, now_ms: int) -> int:
    """Write the reminders that are due, and note the rung; how many steps rose. Within the caller's transaction."""
    rows = await conn.fetch(SQL["to_remind"], moment(now_ms), moment(now_ms + SOON_MS))
    if not rows:
        return 0
    people = await conn.fetch(SQL["people_reached"])
    wanted = {row["person_id"]: row for row in people}
    by_key: dict[str, list[UUID]] = defaultdict(list)
    for step in await conn.fetch(SQL["waiting_for"], list(wanted), moment(now_ms)):
        if step["mine"]:
            by_key[step["key"]].append(step["reader"])
    for row in rows:
        rung = Rung(row["rung"])
        for person in by_key[row["key"]]:
            for channel in CHANNELS[rung]:
                if wanted[person][f"by_{channel}"]:
                    once = f"todo:{row['key']}:{millis(row['since'])}:{rung}:{person}:{channel}"
                    said = words(texts, row, rung, origin)
                    await conn.execute(OUT["say_once"], channel, person, once, "todo", *said)
        await conn.execute(SQL["reminded"], row["key"], int(rung))
    return len(rows)


def words(texts: Texts, row: Record, rung: Rung, origin: str) -> tuple[str, str]:
    """Subject and text of a reminder."""
    about = {"kind": texts.say(f"todo.kind.{row['kind']}"), "title": row["title"]}
    subject = texts.say(f"todo.mail.{rung.name.lower()}", "zh", **about)
    body = texts.say(
        "todo.mail.body",
        "zh",
        **about,
        number=row["number"],
        due=row["due_at"] - JUST_BEFORE,
        address=origin + row["path"],
    )
    return subject, body
