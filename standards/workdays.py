"""期间: periods of days 日 and of working days 工作日, with holidays and make-up days 调休.

The day a period starts from is not counted; a period of days whose last day is no working day ends on the next one
(87号令 §85, 94号令 §42, 110号令 §49). In a year whose notice is not known, Monday to Friday count as working days and
what follows from it is marked provisional. Days are days of Shanghai.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone

from msgspec import Struct

from standards.known_years import MAKE_UP, OFF

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
ONE_DAY = timedelta(days=1)
PERIOD_MAX = 3_660


class Calendar(Struct, frozen=True):
    """A work calendar 工作日历: weekdays off, weekend days worked, and the years for which both are known."""

    off: frozenset[date]
    make_up: frozenset[date]
    years: frozenset[int]

    def works(self, day: date) -> bool:
        """Whether ``day`` is a working day 工作日."""
        return day in self.make_up or (day.weekday() < 5 and day not in self.off)

    def knows(self, day: date) -> bool:
        """Whether the holiday notice of that year is known."""
        return day.year in self.years


class Deadline(Struct, frozen=True):
    """The last day of a period. ``provisional`` 暂定: it touches a year whose notice is not known."""

    day: date
    provisional: bool = False


def seed() -> Calendar:
    """The calendar of the years known when this release was made."""
    return Calendar(frozenset(_days(OFF)), frozenset(_days(MAKE_UP)), frozenset(OFF))


def _days(years: dict[int, str]) -> Iterable[date]:
    for year, days in years.items():
        for text in days.split():
            yield date(year, int(text[:2]), int(text[2:]))


def with_year(calendar: Calendar, year: int, off: Iterable[date], make_up: Iterable[date]) -> Calendar:
    """``calendar`` with the notice of ``year`` put in place of its own. Days of other years raise ``ValueError``."""
    off, make_up = frozenset(off), frozenset(make_up)
    if any(day.year != year for day in off | make_up):
        raise ValueError(f"a day is not in {year}")
    if any(day.weekday() > 4 for day in off) or any(day.weekday() < 5 for day in make_up):
        raise ValueError("days off are weekdays, make-up days are weekend days")
    return Calendar(
        frozenset(day for day in calendar.off if day.year != year) | off,
        frozenset(day for day in calendar.make_up if day.year != year) | make_up,
        calendar.years | {year},
    )


def add_workdays(calendar: Calendar, start: date, count: int) -> Deadline:
    """The ``count``-th working day after ``start``, 1 to ``PERIOD_MAX``."""
    _check(count)
    day, left, provisional = start, count, False
    while left:
        day += ONE_DAY
        provisional = provisional or not calendar.knows(day)
        left -= calendar.works(day)
    return Deadline(day, provisional)


def add_days(calendar: Calendar, start: date, count: int) -> Deadline:
    """The ``count``-th day after ``start``, or the first working day after it if it is none. 1 to ``PERIOD_MAX``."""
    _check(count)
    day = start + count * ONE_DAY
    provisional = not calendar.knows(day)
    while not calendar.works(day):
        day += ONE_DAY
        provisional = provisional or not calendar.knows(day)
    return Deadline(day, provisional)


def workdays_between(calendar: Calendar, start: date, end: date) -> int:
    """Working days after ``start`` up to and with ``end``; 0 if ``end`` is not later."""
    span = range(1, (end - start).days + 1)
    return sum(calendar.works(start + n * ONE_DAY) for n in span)


def _check(count: int) -> None:
    if not 1 <= count <= PERIOD_MAX:
        raise ValueError(f"a period has 1 to {PERIOD_MAX} days")


def day_of(moment_ms: int) -> date:
    """The day in Shanghai of a moment (epoch ms)."""
    return datetime.fromtimestamp(moment_ms // 1000, UTC).astimezone(SHANGHAI).date()


def end_of_day_ms(day: date) -> int:
    """The moment (epoch ms) the day ends in Shanghai: the next midnight, which no longer belongs to it."""
    return start_of_day_ms(day + ONE_DAY)


def start_of_day_ms(day: date) -> int:
    """The moment (epoch ms) the day begins in Shanghai."""
    return int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()) * 1000
