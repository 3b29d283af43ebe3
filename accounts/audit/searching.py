"""审计查询: what may be found in the trail and by whom, by the hour and as a file for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
from msgspec import Struct

from accounts.audit.check import fault_of
from accounts.audit.model import act_of, leaf_text
from accounts.audit.records import PER_HOUR, SEARCH
from accounts.model import Actor, Role
from accounts.records import moment
from ledger.tree import leaf_hash
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from plumbing.texts import SHANGHAI, local

RESULTS = ("done", "refused", "failed")
FIELDS = ("who", "org", "event", "object", "result", "address", "since", "until")
PAGE_SIZE = 50
EXPORT_MAX = 20_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
BARS_BY_HOUR_MAX_MS = 4 * DAY_MS
COLUMNS = (
    "at", "login", "person_name", "org_name", "region", "address", "door", "event", "object", "result", "detail",
    "request_id", "n", "leaf",
)  # fmt: skip


class Wanted(Struct, frozen=True):
    """What is looked for, empty: not asked; times epoch ms; ``before``: the last act of the page before."""

    since_ms: int
    until_ms: int
    who: str = ""
    org: str = ""
    event: str = ""
    object: str = ""
    result: str = ""
    address: str = ""
    before: UUID | None = None

    def link(self, path: str, **changed: Any) -> str:
        """The address of the same search at ``path``, changed."""
        asked = {name: getattr(self, name) for name in FIELDS[:-2]}
        asked |= {"since": typed(self.since_ms), "until": typed(self.until_ms)} | changed
        return path + "?" + urlencode({name: value for name, value in asked.items() if value})


def typed(ms: int) -> str:
    """Epoch ms as a ``datetime-local`` of Shanghai."""
    return f"{local(ms):%Y-%m-%dT%H:%M}"


def _moment_ms(text: str, otherwise: int) -> int:
    try:
        there = datetime.fromisoformat(text[:19]).replace(tzinfo=SHANGHAI)
    except ValueError:
        return otherwise
    return int(there.timestamp() * 1000) if 1970 < there.year < 9000 else otherwise


def wanted(query: Mapping[str, str], now_ms: int) -> Wanted:
    """What an address asks for; what makes no sense is left out. Without times: the last 24 hours."""
    text = {name: query.get(name, "").replace("\0", "").strip()[:100] for name in FIELDS}
    until_ms = _moment_ms(text["until"], (now_ms // 60_000 + 1) * 60_000)
    since_ms = _moment_ms(text["since"], until_ms - DAY_MS)
    try:
        before = UUID(query.get("before", ""))
    except ValueError:
        before = None
    return Wanted(
        min(since_ms, until_ms), until_ms, text["who"], text["org"], text["event"], text["object"],
        text["result"] if text["result"] in RESULTS else "", text["address"], before,
    )  # fmt: skip


def reach_of(actor: Actor) -> tuple[list[str], bool]:
    """The region prefixes whose acts this person may look through, and whether those of no region too.

    Supervisors see their regions; audit administrators also what belongs to none: failed logins, the system, operators'
    commands.
    """
    roles = (Role.SUPERVISOR, Role.AUDITOR)
    prefixes = [grant.region for grant in actor.grants if grant.role in roles and grant.org_id is None]
    return prefixes, actor.has(Role.AUDITOR)


def _given(actor: Actor, asked: Wanted) -> tuple[Any, ...]:
    texts = (asked.who, asked.org, asked.event, asked.object, asked.result, asked.address)
    times = (moment(asked.since_ms), moment(asked.until_ms))
    return (*reach_of(actor), *(text or None for text in texts), *times)


async def search(conn: Connection | Pool, actor: Actor, asked: Wanted, most: int) -> list[dict[str, Any]]:
    """The newest ``most`` acts that fit, each with ``chained``: waiting, good or bad; details only of closed cases.

    Raises ``Problem`` 422 for a search that takes longer than a statement may.
    """
    try:
        rows = await conn.fetch(SEARCH, *_given(actor, asked), asked.before, most)
    except asyncpg.QueryCanceledError:
        raise Problem(422, "search_too_wide") from None
    return [_shown(row) for row in rows]


def _shown(row: Record) -> dict[str, Any]:
    state = "waiting" if row["n"] is None else "bad" if fault_of(row["n"], row) else "good"
    shown = {**dict(row), "chained": state, "leaf": ""}
    if row["n"] is not None:
        shown["leaf"] = leaf_hash(leaf_text(row["n"], act_of(row)).encode()).hex()
    return {**shown, "detail": {}} if row["case_open"] else shown


async def per_bar(conn: Connection | Pool, actor: Actor, asked: Wanted) -> list[tuple[int, dict[str, int]]]:
    """Acts by outcome in each hour of the time asked for, by day when it is long: (start in ms, counts)."""
    width = HOUR_MS if asked.until_ms - asked.since_ms <= BARS_BY_HOUR_MAX_MS else DAY_MS
    shift = int(timedelta(hours=8).total_seconds() * 1000)  # days begin at midnight in Shanghai

    def start_of(ms: int) -> int:
        return (ms + shift) // width * width - shift

    bars: dict[int, dict[str, int]] = {
        at: dict.fromkeys(RESULTS, 0) for at in range(start_of(asked.since_ms), asked.until_ms, width)
    }
    try:
        rows = await conn.fetch(PER_HOUR, *_given(actor, asked))
    except asyncpg.QueryCanceledError:
        raise Problem(422, "search_too_wide") from None
    for row in rows:
        at = start_of(int(row["hour"].timestamp() * 1000))
        if at in bars:
            bars[at][row["result"]] += row["acts"]
    return sorted(bars.items())


def cells(row: Mapping[str, Any]) -> list[Any]:
    """A found act as a row of the file, with the columns ``COLUMNS``."""
    return [f"{local(row['at']):%Y-%m-%d %H:%M:%S.%f}"[:-3], *(row[name] for name in COLUMNS[1:])]
