"""The parameters a case has pinned 参数, as this room asks for them: each with its default and its source."""

from __future__ import annotations

from typing import Any

from plumbing.postgres import Record

DAY_MS = 24 * 3_600_000


def value(row: Record, key: str, default: Any) -> Any:
    """A parameter of the case's pinned rule set, else ``default``."""
    return row["rule_set"].get(key, default)


def buyer_silence_at(row: Record, now_ms: int) -> int:
    """When the purchaser's time to confirm ends (epoch ms)."""
    return now_ms + 5 * DAY_MS


def silence_confirms(row: Record) -> bool:
    """Whether the purchaser's silence confirms the first in rank."""
    return bool(value(row, "silence_confirms", True))


def next_in_rank_by_itself(row: Record) -> bool:
    """Whether the next in rank is offered without asking: local rules yes, statutory cases no."""
    return bool(value(row, "next_in_rank", True))
