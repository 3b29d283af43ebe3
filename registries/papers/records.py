"""The table of papers, and its only caller."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from accounts.model import Actor
from accounts.records import moment
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from registries.papers.model import Kind, Seen

SQL = sql.load(Path(__file__).with_name("records.sql"))
DAY_MS = 86_400_000


def ids_of(texts: Iterable[str]) -> list[UUID]:
    """The ids among some texts; what is none is left out."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


async def add(conn: Connection, actor: Actor, name: str, kind: Kind, raw: bytes, seen: Seen, now_ms: int) -> UUID:
    """Keep a paper for the actor's firm, in the caller's transaction; what it never filed goes after a day."""
    await conn.execute(SQL["forget"], actor.org_id, moment(now_ms - DAY_MS))
    given = (seen.width, seen.height, seen.pages, seen.edited_with, moment(now_ms), actor.user_id)
    made: UUID = await conn.fetchval(
        SQL["add"], actor.org_id, hashlib.sha256(raw).digest(), kind, name[:200] or "—", raw, *given
    )
    return made


async def told(conn: Connection | Pool, org_id: UUID, texts: Iterable[str]) -> Mapping[str, Record]:
    """A firm's own papers among some ids, without their content, by id as text."""
    return {str(row["id"]): row for row in await conn.fetch(SQL["told"], org_id, ids_of(texts))}


async def keep(conn: Connection, org_id: UUID, texts: Iterable[str]) -> None:
    """A filing names these papers: they stay."""
    await conn.execute(SQL["keep"], org_id, ids_of(texts))


async def elsewhere(conn: Connection | Pool, org_id: UUID, texts: Iterable[str]) -> set[str]:
    """Which of a firm's papers another firm has filed too, to the byte."""
    return {str(row["id"]) for row in await conn.fetch(SQL["elsewhere"], org_id, ids_of(texts))}
