"""The verdicts of what is sent out: pure, raise nothing."""

from __future__ import annotations

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
AGAIN_MS = (5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR)
"""After which time a failed sending is tried again: some 42 hours in all, then it is given up."""
LEASE_MS = 90 * SECOND
"""So long a sending may take; whose process dies meanwhile is taken up by another."""
KEPT_MS = 30 * 24 * HOUR


def again_after_ms(attempts: int) -> int | None:
    """When to try again after that many attempts failed; None: no more."""
    return AGAIN_MS[attempts - 1] if 1 <= attempts <= len(AGAIN_MS) else None
