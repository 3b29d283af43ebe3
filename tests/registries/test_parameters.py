"""A change of parameters begins on a coming day, in one place, and never touches the past."""

from __future__ import annotations

from datetime import date

import asyncpg
import pytest

from plumbing.postgres import Pool
from registries.parameters import records
from registries.parameters.rules import judge_change
from standards.categories import Category, CategoryRule, Standing
from standards.params import ParamError, RuleParam, resolve
from standards.workdays import Deadline, add_workdays, start_of_day_ms

KEY = "auction.duration_minutes"
TODAY = date(2026, 11, 22)


def a_param(value: int, valid_from: date, region: str = "33") -> RuleParam:
    return RuleParam(KEY, region, valid_from, None, value, "浙财〔2026〕1号")


async def put(pool: Pool, *params: RuleParam) -> None:
    async with pool.acquire() as conn, conn.transaction():
        for param in params:
            await records.put_param(conn, param, None)


async def duration(pool: Pool, on: date, region: str = "330106") -> int:
    return (await records.rule_set(pool, region, start_of_day_ms(on))).number(KEY)


def test_a_change_begins_tomorrow_at_the_earliest() -> None:
    assert judge_change(a_param(45, TODAY), TODAY) is ParamError.PERIOD
    assert judge_change(a_param(45, date(2026, 11, 21)), TODAY) is ParamError.PERIOD
    assert judge_change(a_param(45, date(2026, 11, 23)), TODAY) is None
    assert judge_change(a_param(5, date(2026, 11, 23)), TODAY) is ParamError.BOUNDS


async def test_an_empty_registry_gives_the_defaults(fresh_pool: Pool) -> None:
    found = await records.rule_set(fresh_pool, "330106", start_of_day_ms(TODAY))
    assert found.hash == resolve([], "330106", TODAY).hash


async def test_a_value_ends_when_the_next_begins(fresh_pool: Pool) -> None:
    await put(fresh_pool, a_param(45, date(2026, 12, 1)), a_param(60, date(2027, 1, 1)))
    days = [TODAY, date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [await duration(fresh_pool, day) for day in days] == [30, 45, 45, 60]
    assert await duration(fresh_pool, date(2027, 1, 1), "320100") == 30


async def test_a_value_put_between_two_ends_where_the_later_begins(fresh_pool: Pool) -> None:
    await put(fresh_pool, a_param(45, date(2026, 12, 1)), a_param(90, date(2027, 3, 1)))
    await put(fresh_pool, a_param(60, date(2027, 1, 1)))
    found = await records.history(fresh_pool, "330106")
    assert [(each.value, each.valid_from, each.valid_to) for each in found] == [
        (45, date(2026, 12, 1), date(2027, 1, 1)),
        (60, date(2027, 1, 1), date(2027, 3, 1)),
        (90, date(2027, 3, 1), None),
    ]


async def test_a_value_of_the_same_day_takes_the_place_of_the_first(fresh_pool: Pool) -> None:
    await put(fresh_pool, a_param(45, date(2026, 12, 1)), a_param(60, date(2026, 12, 1)))
    assert [each.value for each in await records.history(fresh_pool, "330106")] == [60]


async def test_the_nearest_place_wins_out_of_the_database_too(fresh_pool: Pool) -> None:
    day = date(2026, 12, 1)
    await put(fresh_pool, a_param(45, day), a_param(60, day, "3301"), a_param(90, day, ""))
    assert [await duration(fresh_pool, day, region) for region in ("330106", "330200", "320100")] == [60, 45, 90]


async def test_two_values_at_once_cannot_stand_in_the_table(fresh_pool: Pool) -> None:
    add = "INSERT INTO rule_param (key, region, during, value, source) VALUES ($1, '33', daterange($2, NULL), '1', 'x')"
    await fresh_pool.execute(add, KEY, date(2026, 1, 1))
    with pytest.raises(asyncpg.ExclusionViolationError):
        await fresh_pool.execute(add, KEY, date(2027, 1, 1))


async def test_a_loaded_year_makes_deadlines_certain(fresh_pool: Pool) -> None:
    before = await records.calendar(fresh_pool)
    assert add_workdays(before, date(2026, 12, 31), 1) == Deadline(date(2027, 1, 1), provisional=True)
    async with fresh_pool.acquire() as conn:
        await records.put_calendar(conn, 2027, [date(2027, 1, 1)], [date(2027, 1, 3)], "国办发明电〔2026〕7号", None)
        with pytest.raises(ValueError):
            await records.put_calendar(conn, 2027, [date(2027, 1, 2)], [], "x", None)
    after = await records.calendar(fresh_pool)
    assert add_workdays(after, date(2026, 12, 31), 1) == Deadline(date(2027, 1, 3))


async def test_loaded_categories_join_the_seed_and_loaded_rules_come_first(fresh_pool: Pool) -> None:
    now = start_of_day_ms(TODAY)
    rule = CategoryRule("33", "A02010000", True, False, date(2026, 1, 1), None, "浙江省集中采购目录")
    assert (await records.standing(fresh_pool, "A02010105", "330106", now)).batch
    async with fresh_pool.acquire() as conn:
        await records.put_categories(conn, [Category("A02010103", "小型计算机"), Category("A02010104", "服务器设备")])
        await records.put_category_rule(conn, rule, None)
        with pytest.raises(ValueError):
            await records.put_categories(conn, [Category("X", "无")])
    names = {each.code: each.name for each in await records.all_categories(fresh_pool)}
    assert (names["A02010103"], names["A02010104"], names["A02010105"]) == ("小型计算机", "服务器设备", "台式计算机")
    assert await records.standing(fresh_pool, "A02010105", "330106", now) == Standing(True, False, "浙江省集中采购目录")
    assert (await records.standing(fresh_pool, "A02010105", "320100", now)).batch
