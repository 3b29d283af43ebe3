"""Periods end on the day the law says, and a year nobody has announced is marked."""

from __future__ import annotations

from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards import workdays
from standards.workdays import Deadline, add_days, add_workdays

CALENDAR = workdays.seed()
DAYS = st.dates(date(2023, 1, 1), date(2026, 10, 1))


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2024, 9, 26), 5, date(2024, 10, 9)),
        (date(2025, 6, 3), 5, date(2025, 6, 10)),
        (date(2025, 9, 26), 7, date(2025, 10, 13)),
        (date(2025, 12, 24), 15, date(2026, 1, 15)),
    ],
)
def test_working_days_skip_holidays_and_count_make_up_days(start: date, count: int, end: date) -> None:
    assert add_workdays(CALENDAR, start, count) == Deadline(end)
    assert workdays.workdays_between(CALENDAR, start, end) == count


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [(date(2025, 6, 3), 20, date(2025, 6, 23)), (date(2025, 9, 3), 30, date(2025, 10, 9))],
)
def test_a_period_of_days_that_ends_on_a_holiday_ends_on_the_next_working_day(
    start: date, count: int, end: date
) -> None:
    assert add_days(CALENDAR, start, count) == Deadline(end)


def test_every_day_of_the_known_years_agrees_with_the_public_package() -> None:
    package = holidays.country_holidays("CN", years=sorted(CALENDAR.years))
    day = date(min(CALENDAR.years), 1, 1)
    while day.year in CALENDAR.years:
        assert CALENDAR.works(day) is package.is_working_day(day), day
        day += timedelta(days=1)


def test_a_deadline_in_a_year_not_announced_is_provisional() -> None:
    assert 2027 not in CALENDAR.years
    assert add_workdays(CALENDAR, date(2026, 12, 30), 2) == Deadline(date(2027, 1, 1), provisional=True)
    assert add_days(CALENDAR, date(2026, 12, 20), 20) == Deadline(date(2027, 1, 11), provisional=True)
    assert not add_days(CALENDAR, date(2026, 12, 1), 20).provisional


def test_a_loaded_year_takes_the_mark_away() -> None:
    loaded = workdays.with_year(CALENDAR, 2027, [date(2027, 1, 1)], [date(2027, 1, 3)])
    assert add_workdays(loaded, date(2026, 12, 30), 2) == Deadline(date(2027, 1, 3))
    assert loaded.off > CALENDAR.off


def test_a_notice_with_a_day_of_another_year_or_a_weekend_day_off_is_refused() -> None:
    for off, make_up in (([date(2026, 1, 1)], []), ([date(2027, 1, 2)], []), ([], [date(2027, 1, 4)])):
        with pytest.raises(ValueError):
            workdays.with_year(CALENDAR, 2027, off, make_up)


def test_no_period_is_empty() -> None:
    for count in (0, -1, 3_661):
        with pytest.raises(ValueError):
            add_workdays(CALENDAR, date(2025, 1, 2), count)
        with pytest.raises(ValueError):
            add_days(CALENDAR, date(2025, 1, 2), count)


@given(DAYS, st.integers(1, 40))
def test_a_deadline_is_a_working_day_after_the_start_and_one_more_day_is_never_earlier(start: date, count: int) -> None:
    for add in (add_workdays, add_days):
        end = add(CALENDAR, start, count).day
        assert end > start
        assert CALENDAR.works(end)
        assert add(CALENDAR, start, count + 1).day >= end


def test_a_day_is_a_day_of_shanghai() -> None:
    midnight = workdays.start_of_day_ms(date(2026, 11, 22))
    assert midnight == 1_795_276_800_000
    assert workdays.day_of(midnight) == date(2026, 11, 22)
    assert workdays.day_of(midnight - 1) == date(2026, 11, 21)
    assert workdays.end_of_day_ms(date(2026, 11, 21)) == midnight
