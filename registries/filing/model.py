"""The nouns that registries share: a filing's stage, what a version changes, what is left to see of a number. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Stage(StrEnum):
    """Where a filing stands. A later one replaces one that was not decided."""

    FILED = "filed"
    APPROVED = "approved"
    RETURNED = "returned"
    REPLACED = "replaced"
    REJECTED = "rejected"  # 不予入库: not who it says it is


class Change(Struct, frozen=True):
    """One field that differs between two versions: its name for people (``<kind>.label.*``), before, after."""

    field: str
    before: str
    after: str


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """What the second version changes, field by field, in the order of its form."""
    return [
        Change(name, before.get(name, ""), text)
        for name, text in after.items()
        if before.get(name, "") != text
    ]  # fmt: skip


def status_after_review(now: str, decision: Stage) -> str:
    """The subject's status after the decision: a returned change leaves an active one as it was."""
    if decision is Stage.APPROVED or now == "active":
        return "active"
    return "closed" if decision is Stage.REJECTED else "draft"


def masked_phone(phone: str) -> str:
    """Three signs and the last four."""
    return phone[:3] + "*" * max(0, len(phone) - 7) + phone[-4:] if len(phone) > 7 else "*" * len(phone)
