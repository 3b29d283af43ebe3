"""The verdicts of the to-do centre: pure, raise nothing."""

from __future__ import annotations

from enum import IntEnum

from accounts.model import Role

LENT = (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER)
"""The roles a substitute 代理人 gets; those who administer, watch or audit name others by the administrators."""
ABSENCE_MS_MAX = 92 * 86_400_000


class Rung(IntEnum):
    """How far the reminders of a step have gone 提醒级别."""

    NEW = 1
    SOON = 2
    LATE = 3


CHANNELS: dict[Rung, tuple[str, ...]] = {
    Rung.NEW: ("email",),
    Rung.SOON: ("email", "sms"),
    Rung.LATE: ("email", "sms", "voice"),
}
"""By which ways somebody is reminded at a rung, as far as he wants them; on the site he sees it in any case."""


def absence_fits(since_ms: int, until_ms: int, now_ms: int) -> bool:
    """Whether somebody may be away so: until later, from before then, and at most three months."""
    return max(since_ms, now_ms) < until_ms <= max(since_ms, now_ms) + ABSENCE_MS_MAX
