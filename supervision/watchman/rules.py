"""The watchman's verdicts 预警规则, pure: acts in the order of the trail go in, warnings come out."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from standards.workdays import SHANGHAI, Calendar
from supervision.watchman.model import Alert, Limits, Seen

MINUTE_MS = 60_000
REFUSALS_WINDOW_MS = 10 * MINUTE_MS
AGAIN_MS = 10 * MINUTE_MS
"""The same warning of the same person or address is not raised again within this time."""
SUBJECTS_MAX = 20_000


class Rules:
    """What is remembered between acts: recent reads and refusals by person or address. Bounded."""

    def __init__(self, limits: Limits, calendar: Calendar) -> None:
        self.limits, self._calendar = limits, calendar
        self._reads: dict[str, deque[tuple[int, str]]] = {}
        self._refusals: dict[str, deque[int]] = {}
        self._warned: dict[tuple[str, str], int] = {}

    def see(self, act: Seen) -> list[Alert]:
        """Look at one act; the warnings it brings."""
        found = [self._bulk_read(act), self._refused(act), self._off_hours(act)]
        for kept in (self._reads, self._refusals, self._warned):
            while len(kept) > SUBJECTS_MAX:
                kept.pop(next(iter(kept)))  # type: ignore[call-overload]
        return [warning for warning in found if warning is not None]

    def _warn(self, kind: str, act: Seen, text: str) -> Alert | None:
        key = (kind, act.subject)
        if act.at - self._warned.get(key, act.at - AGAIN_MS) < AGAIN_MS:
            return None
        self._warned[key] = act.at
        return Alert(kind, act.at, act.login or act.address, act.person, text, act.n)

    def _bulk_read(self, act: Seen) -> Alert | None:
        """More different things read by one person within a minute than the limit: bulk copying 批量拷贝."""
        if not act.person or act.result != "done" or act.event not in ("door.read", "paper.fetched"):
            return None
        recent = self._reads.setdefault(act.subject, deque())
        recent.append((act.at, act.object))
        while recent and recent[0][0] <= act.at - MINUTE_MS:
            recent.popleft()
        things = len({thing for _, thing in recent})
        return self._warn("bulk_read", act, str(things)) if things > self.limits.objects_per_minute else None

    def _refused(self, act: Seen) -> Alert | None:
        """Access refused more often than the limit within ten minutes: unlawful access 非法访问."""
        if act.result != "refused" or not act.subject:
            return None
        recent = self._refusals.setdefault(act.subject, deque())
        recent.append(act.at)
        while recent and recent[0] <= act.at - REFUSALS_WINDOW_MS:
            recent.popleft()
        over = len(recent) > self.limits.refusals_per_10_minutes
        return self._warn("refused", act, str(len(recent))) if over else None

    def _off_hours(self, act: Seen) -> Alert | None:
        """An operator's act, or a command on the machine, outside office hours 非工作时间运维."""
        by_hand = act.door.startswith("yangcai ") and act.event != "platform.started"
        if not (act.operator or by_hand) or act.result != "done":
            return None
        there = datetime.fromtimestamp(act.at / 1000, UTC).astimezone(SHANGHAI)
        if self._calendar.works(there.date()) and (
            self.limits.office_from_hour <= there.hour < self.limits.office_until_hour
        ):
            return None
        return self._warn("off_hours", act, f"{there:%m-%d %H:%M} {act.door or act.event}")
