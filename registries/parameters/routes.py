"""The JSON doors of parameters, work calendars and categories. Reading is open to all, changing to the operator."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts import rules as accounts_rules
from accounts.acts import OPEN, Act
from accounts.audit import audit
from accounts.model import Role
from accounts.web import require
from plumbing.problems import Problem
from plumbing.web import collect, op
from registries.parameters import records
from registries.parameters.rules import judge_change
from standards import regions
from standards.parameters import Force, Kind
from standards.params import PARAMETERS, RuleParam, Value
from standards.workdays import day_of

REGION = r"^[1-9][0-9]{5}$"
PREFIX = r"^([1-9][0-9]([0-9]{2}){0,2})?$"
Region = Annotated[str, Meta(pattern=REGION, examples=["330106"])]
Prefix = Annotated[str, Meta(pattern=PREFIX, examples=["33"])]
Source = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
PROVINCE = "33"
"""Calendars, categories and names of places belong to no place: who runs the province's platform keeps them."""
Year = Annotated[int, Meta(ge=2000, le=2200)]


class Where(Struct, frozen=True):
    """The place 行政区划 asked about."""

    region: Region = "330000"


class ParameterOut(Struct, frozen=True):
    """A parameter 参数: the value in force, and what it may be. ``fixed``: national law leaves nothing to set."""

    key: str
    kind: Kind
    value: Value
    default: Value
    force: Force
    source: str
    least: int
    most: int
    words: tuple[str, ...]
    fixed: bool


class ParametersOut(Struct, frozen=True):
    """The rule set 规则集 in force in a place today; ``sha256`` is what a case pins."""

    region: str
    on: date
    sha256: str
    parameters: list[ParameterOut]


class SetValue(Struct, frozen=True):
    """A value as set for a place and all in it, from a day until before another (null: until further notice)."""

    key: str
    region: str
    valid_from: date
    valid_to: date | None
    value: Value
    source: str


class ChangeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A change: from ``valid_from`` on, tomorrow at the earliest. ``source`` names the document behind it.

    Until before ``valid_to``; null: until the next value already set. A period that reaches into the time of a value
    already set is refused.
    """

    key: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_.]*$")]
    region: Prefix
    value: bool | int | Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f]*$")]
    valid_from: date
    source: Source
    valid_to: date | None = None


class CalendarOut(Struct, frozen=True):
    """The holiday notice of a year: weekdays off and weekend days worked. Not ``known``: deadlines are provisional."""

    year: int
    known: bool
    off: list[date]
    make_up: list[date]


class CalendarBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The holiday notice of a year as an administrator loads it."""

    off: Annotated[list[date], Meta(max_length=120)]
    make_up: Annotated[list[date], Meta(max_length=60)]
    source: Source


class CategoryOut(Struct, frozen=True):
    """A category 品目 with its kind: goods, works or services."""

    code: str
    name: str
    kind: str


@op("GET", "/api/parameters", tag="parameters", summary=("现行参数", "Parameters in force"), act=OPEN)
async def parameters(request: Request, query: Where) -> ParametersOut:
    """Every parameter with the value in force in a place today, its bounds and its source."""
    found = await records.rule_set(request.state.postgres, query.region, request.state.clock.now_ms())
    listed = [
        ParameterOut(
            each.key, each.kind, found.values[each.key], each.default, each.force, each.source, each.least, each.most,
            each.words, each.fixed,
        )
        for each in PARAMETERS
    ]  # fmt: skip
    return ParametersOut(found.region, found.on, found.hash, listed)


@op("GET", "/api/parameters/values", tag="parameters", summary=("参数沿革", "Values set"), act=OPEN)
async def parameter_values(request: Request, query: Where) -> list[SetValue]:
    """Every value set in that place or above it, past, present and coming."""
    found = await records.history(request.state.postgres, query.region)
    return [SetValue(each.key, each.region, each.valid_from, each.valid_to, each.value, each.source) for each in found]


@op("POST", "/api/parameters/values", tag="parameters", summary=("设定参数", "Set a parameter"), act=Act.STANDARDS_SET,
    status=201, errors=(422,))  # fmt: skip
async def set_parameter(request: Request, body: ChangeBody) -> SetValue:
    """Set a value for a place and all in it. Cases that have begun keep the set they began with."""
    return await set_value(request, body)


async def set_value(request: Request, body: ChangeBody) -> SetValue:
    """What the door and the page do: judge, ask whether his grant covers the place, write, tell the trail."""
    actor, state = await require(request, Role.OPERATOR), request.state
    now_ms = state.clock.now_ms()
    param = RuleParam(body.key, body.region, body.valid_from, body.valid_to, body.value, body.source)
    fault = judge_change(param, day_of(now_ms))
    if fault is not None:
        earliest = (day_of(now_ms) + timedelta(days=1)).isoformat()
        raise Problem(422, f"param_{fault}", accept={"valid_from_min": earliest})
    if not accounts_rules.may(actor, (Role.OPERATOR,), region=body.region, now_ms=now_ms):
        raise Problem(403, "forbidden")
    async with state.postgres.acquire() as conn, conn.transaction():
        done = await records.put_param(conn, param, actor.user_id)
        if body.valid_to and done.valid_to and done.valid_to < body.valid_to:
            raise Problem(422, "param_overlap", since=done.valid_to.isoformat())
        detail = {"region": body.region, "value": body.value, "valid_from": body.valid_from.isoformat()}
        await audit(conn, actor, "parameter.set", f"parameter:{body.key}", detail=detail | {"source": body.source})
    return SetValue(done.key, done.region, done.valid_from, done.valid_to, done.value, done.source)


@op(
    "GET", "/api/calendars/{year:int}", tag="parameters", summary=("工作日历", "Work calendar"), errors=(404,), act=OPEN
)
async def work_calendar(request: Request, year: int) -> CalendarOut:
    """The weekdays off and the weekend days worked of a year (2000 to 2200)."""
    if not 2000 <= year <= 2200:
        raise Problem(404, "not_found")
    whole = await records.calendar(request.state.postgres)
    off, make_up = ([day for day in sorted(days) if day.year == year] for days in (whole.off, whole.make_up))
    return CalendarOut(year, year in whole.years, off, make_up)


@op("PUT", "/api/calendars/{year:int}", tag="parameters", summary=("载入工作日历", "Load a work calendar"),
    act=Act.STANDARDS_SET, errors=(404, 422))  # fmt: skip
async def load_calendar(request: Request, year: int, body: CalendarBody) -> CalendarOut:
    """Load the holiday notice of a year, in place of what was known of it."""
    await set_calendar(request, year, body)
    return CalendarOut(year, True, sorted(set(body.off)), sorted(set(body.make_up)))


async def set_calendar(request: Request, year: int, body: CalendarBody) -> None:
    """What the door and the page do: ask whether he may, judge, write, tell the trail."""
    actor, state = await require(request, Role.OPERATOR), request.state
    if not 2000 <= year <= 2200:
        raise Problem(404, "not_found")
    if not accounts_rules.may(actor, (Role.OPERATOR,), region=PROVINCE, now_ms=state.clock.now_ms()):
        raise Problem(403, "forbidden")
    async with state.postgres.acquire() as conn, conn.transaction():
        try:
            await records.put_calendar(conn, year, body.off, body.make_up, body.source, actor.user_id)
        except ValueError:
            raise Problem(422, "calendar_wrong", year=year) from None
        await audit(conn, actor, "calendar.loaded", f"calendar:{year}", detail={"source": body.source})


@op("GET", "/api/categories", tag="parameters", summary=("采购品目", "Categories"), act=OPEN)
async def categories_known(request: Request) -> list[CategoryOut]:
    """The categories known here, by code."""
    found = await records.all_categories(request.state.postgres)
    return [CategoryOut(each.code, each.name, each.kind) for each in found]


class RegionOut(Struct, frozen=True):
    """A place 行政区划 (GB/T 2260)."""

    code: str
    name: str
    level: int
    parent: str


@op("GET", "/api/regions", tag="parameters", summary=("行政区划", "Places"), act=OPEN)
async def regions_known(request: Request) -> list[RegionOut]:
    """The places known by name: the provinces, Zhejiang down to its counties, and what was loaded."""
    found = [regions.find(code) for code in sorted(regions.NAMES)]
    return [RegionOut(each.code, each.name, each.level, each.parent) for each in found if each is not None]


ROUTES = collect(globals())
