"""The parameters a case has pinned 参数, as this room asks for them. Keys and sources: ``standards.parameters``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from auction.case.gate import LegalBasis
from plumbing.postgres import Record
from standards.parameters import BY_KEY, Value
from standards.workdays import Calendar, add_workdays, day_of, end_of_day_ms, seed

Row: TypeAlias = "Record | Mapping[str, Any]"
"""A case as its row, or as plain values of the same names."""
STATUTORY = LegalBasis.STATUTORY_INQUIRY.value


def value(row: Row, key: str) -> Value:
    """A parameter of the case's pinned rule set; its default for a case that pinned none (practice)."""
    found: Value = row["rule_set"].get(key, BY_KEY[key].default)
    return found


def number(row: Row, key: str) -> int:
    """A numeric parameter of the case."""
    return int(value(row, key))


def workdays_after(moment_ms: int, count: int, calendar: Calendar | None = None) -> int:
    """The end (epoch ms) of the ``count``-th working day after ``moment_ms``; with 0 the moment itself."""
    if not count:
        return moment_ms
    return end_of_day_ms(add_workdays(calendar or seed(), day_of(moment_ms), count).day)


def notice_ends_at(row: Row, published_ms: int, calendar: Calendar | None = None) -> int:
    """When the notice period 公告期 of a case published at ``published_ms`` is over (epoch ms); 74号令 §45 and ours."""
    if row["legal_basis"] == STATUTORY:
        key = "notice.statutory_workdays"
    elif row["budget_fen"] >= number(row, f"gate.limit_{row['kind']}_fen"):
        key = "notice.above_limit_workdays"
    else:
        key = "notice.below_limit_workdays"
    return workdays_after(published_ms, number(row, key), calendar)


def silence_confirms(row: Row) -> bool:
    """Whether the purchaser's silence confirms the first in rank (74号令 §49)."""
    return bool(value(row, "award.silence_confirms"))


def next_in_rank_by_itself(row: Row) -> bool:
    """Whether the next in rank is offered without asking. In a statutory case the purchaser chooses."""
    return row["legal_basis"] != STATUTORY and bool(value(row, "award.next_in_rank"))
