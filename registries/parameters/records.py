"""The tables of parameters, calendars and categories, and their only caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from uuid import UUID

from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from standards import categories, params, workdays
from standards.categories import Category, CategoryRule, Standing
from standards.params import RuleParam, RuleSet
from standards.workdays import Calendar, day_of

SQL = sql.load(Path(__file__).with_name("records.sql"))


def _param(row: Record) -> RuleParam:
    return RuleParam(row["key"], row["region"], row["valid_from"], row["valid_to"], row["value"], row["source"])


async def rule_set(conn: Connection | Pool, region: str, now_ms: int) -> RuleSet:
    """The rule set in force in the place ``region`` (six digits) today: what a new case pins."""
    on = day_of(now_ms)
    rows = await conn.fetch(SQL["params_in_force"], region, on)
    return params.resolve([_param(row) for row in rows], region, on)


async def history(conn: Connection | Pool, region: str) -> list[RuleParam]:
    """Every value set in that place or above it, past, present and coming."""
    return [_param(row) for row in await conn.fetch(SQL["params_of"], region)]


async def all_params(conn: Connection | Pool) -> list[RuleParam]:
    """Every value ever set, in any place."""
    return [_param(row) for row in await conn.fetch(SQL["all_params"])]


async def switches(conn: Connection | Pool) -> list[RuleParam]:
    """Every switch of a module ever set, in any place."""
    return [_param(row) for row in await conn.fetch(SQL["switches"])]


async def put_param(conn: Connection, param: RuleParam, set_by: UUID | None) -> RuleParam:
    """Set a value from ``param.valid_from`` until before ``param.valid_to`` or the next one already set, if that is
    sooner: the value given back says when. What stood on the first day ends the day before.

    For a transaction of the caller, who has judged the change (``rules.judge_change``).
    """
    await conn.execute(SQL["lock_param"], f"rule_param {param.key} {param.region}")
    await conn.execute(SQL["drop_param_from_that_day"], param.key, param.region, param.valid_from)
    await conn.execute(SQL["end_param"], param.key, param.region, param.valid_from)
    following: date | None = await conn.fetchval(SQL["next_param"], param.key, param.region, param.valid_from)
    valid_to = min((day for day in (param.valid_to, following) if day is not None), default=None)
    given = (param.key, param.region, param.valid_from, valid_to, param.value, param.source, set_by)
    await conn.execute(SQL["add_param"], *given)
    if param.key.startswith("module."):
        await conn.execute(SQL["tell_switches"])
    return RuleParam(param.key, param.region, param.valid_from, valid_to, param.value, param.source)


async def calendar(conn: Connection | Pool) -> Calendar:
    """The work calendar 工作日历: the years of the release, and those an administrator has loaded in their place."""
    whole = workdays.seed()
    for row in await conn.fetch(SQL["calendars"]):
        whole = workdays.with_year(whole, row["year"], row["off"], row["make_up"])
    return whole


async def put_calendar(
    conn: Connection, year: int, off: Iterable[date], make_up: Iterable[date], source: str, set_by: UUID | None
) -> None:
    """Load the holiday notice of a year, in place of what was known of it. ``ValueError`` for a day that cannot be."""
    off, make_up = sorted(set(off)), sorted(set(make_up))
    workdays.with_year(workdays.seed(), year, off, make_up)
    await conn.execute(SQL["set_calendar"], year, off, make_up, source, set_by)


async def all_categories(conn: Connection | Pool) -> list[Category]:
    """The categories 品目 known here: the seed of the release and those loaded, by code."""
    known = {category.code: category for category in categories.SEED}
    known |= {row["code"]: Category(row["code"], row["name"]) for row in await conn.fetch(SQL["categories"])}
    return [known[code] for code in sorted(known)]


async def put_categories(conn: Connection, loaded: Iterable[Category]) -> None:
    """Load categories, for example the whole catalogue; a known code gets the new name. ``ValueError`` for no code."""
    rows = [(category.code, category.name) for category in loaded]
    for code, _ in rows:
        categories.kind_of(code)
    await conn.executemany(SQL["set_category"], rows)


async def loaded_regions(conn: Connection | Pool) -> dict[str, str]:
    """Codes and names of the places 行政区划 an administrator has loaded."""
    return {row["code"]: row["name"] for row in await conn.fetch(SQL["regions"])}


async def put_regions(conn: Connection, found: Mapping[str, str]) -> None:
    """Load names of places; a known code gets the new name. Every process is told when the transaction commits."""
    await conn.executemany(SQL["set_region"], list(found.items()))
    await conn.execute(SQL["tell_regions"])


async def standing(conn: Connection | Pool, code: str, region: str, now_ms: int) -> Standing:
    """How a category stands in a place today: catalogued, to be batched. Loaded rules come before the seed."""
    on = day_of(now_ms)
    loaded = [
        CategoryRule(
            row["region"], row["code"], row["catalogued"], row["batch"], row["valid_from"], row["valid_to"],
            row["source"],
        )
        for row in await conn.fetch(SQL["category_rules"], region, on)
    ]  # fmt: skip
    if any(categories.covers(rule.code, code) for rule in loaded):
        return categories.standing(loaded, code, region, on)
    return categories.standing(categories.SEED_RULES, code, region, on)


async def put_category_rule(conn: Connection, rule: CategoryRule, set_by: UUID | None) -> None:
    """Add how a place treats a category and all below it. Raises asyncpg's ``ExclusionViolationError`` on overlap."""
    given = (rule.region, rule.code, rule.valid_from, rule.valid_to, rule.catalogued, rule.batch, rule.source, set_by)
    await conn.execute(SQL["add_category_rule"], *given)
