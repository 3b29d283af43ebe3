"""标准化: pages of parameters, categories and work calendars. All may read; the operator changes them here."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import rules, sessions
from accounts.acts import OPEN, Act
from accounts.model import Role
from plumbing.problems import Problem, language
from plumbing.templates import as_data
from plumbing.web import collect, page, read_form, see_other
from registries.parameters import records, wording
from registries.parameters.routes import CalendarBody, ChangeBody, set_calendar, set_value
from standards import regions
from standards.parameters import BY_KEY, PARAMETERS, Parameter
from standards.params import RuleParam
from standards.workdays import SHANGHAI, day_of

HOME = "330000"
PER_PAGE = 50
WORDS_MAX = 100


class Held(Struct, frozen=True):
    """A parameter as the page shows it: its value in force, where it was set (empty: the default), what comes."""

    parameter: Parameter
    value: str
    field: str
    set_in: str
    source: str
    coming: list[RuleParam]


def _place(text: str) -> str:
    """The place asked for; Zhejiang when it is none that is known by name."""
    return text if regions.find(text) else HOME


def _where(prefix: str) -> str:
    return regions.full_name(prefix.ljust(6, "0")) if prefix else ""


def _today(request: Request) -> date:
    return day_of(request.state.clock.now_ms())


def _say(request: Request) -> wording.Say:
    texts, lang = request.state.texts, language(request)
    return lambda key, **params: texts.say(key, lang, **params)


def _held(parameter: Parameter, place: str, today: date, history: list[RuleParam], say: wording.Say) -> Held:
    own = [one for one in history if one.key == parameter.key]
    inforce = [one for one in own if one.holds(place, today)]
    best = max(inforce, key=lambda one: (len(one.region), one.valid_from), default=None)
    value = best.value if best else parameter.default
    return Held(
        parameter,
        wording.shown(parameter, value, say),
        wording.field(parameter, value),
        best.region if best else "",
        best.source if best else parameter.source,
        [one for one in own if one.valid_from > today],
    )


@page("GET", "/standards", act=OPEN)
async def parameters(request: Request) -> Response:
    """Every parameter in force in a place, by section, with its source and what is to come."""
    place, words = _place(request.query_params.get("region", "")), request.query_params.get("words", "")[:WORDS_MAX]
    say, today = _say(request), _today(request)
    history = await records.history(request.state.postgres, place)
    found = [_held(one, place, today, history, say) for one in PARAMETERS]
    wanted = words.strip().lower()
    found = [one for one in found if wanted in f"{say('param.' + one.parameter.key)} {one.source}".lower()]
    sections: dict[str, list[Held]] = {}
    for one in found:
        sections.setdefault(one.parameter.key.partition(".")[0], []).append(one)
    return _draw(
        request, "standards.html", place=place, words=words, sections=sections, where=_where, on=today,
        places=_places(place),
        rules=await records.rule_set(request.state.postgres, place, request.state.clock.now_ms()),
    )  # fmt: skip


def _places(place: str) -> list[regions.Region]:
    """The province of ``place`` and what lies in it, then the other provinces."""
    here = place[:2]
    codes = [code for code in regions.NAMES if code.startswith(here) or code.endswith("0000")]
    known = [one for code in codes if (one := regions.find(code))]
    return sorted(known, key=lambda one: (not one.code.startswith(here), one.code))


def _draw(request: Request, name: str, status: int = 200, **context: Any) -> Response:
    response: Response = request.state.templates.page(request, name, status, **context)
    return response


@page("GET", "/standards/parameters/{key}", act=OPEN)
async def parameter(request: Request) -> Response:
    """One parameter: its value in a place, everything ever set, and the form to change it."""
    return await _one(request, {}, "")


async def _one(request: Request, given: dict[str, str], refused: str, status: int = 200) -> Response:
    known = BY_KEY.get(request.path_params["key"])
    if known is None:
        raise Problem(404, "not_found")
    place, say, today = _place(request.query_params.get("region", "")), _say(request), _today(request)
    history = await records.history(request.state.postgres, place)
    actor = await sessions.actor(request)
    own = sorted((one for one in history if one.key == known.key), key=lambda one: one.valid_from, reverse=True)
    may_set = actor is not None and actor.has(Role.OPERATOR) and not known.fixed
    return _draw(
        request, "standard.html", status, held=_held(known, place, today, history, say), history=own, given=given,
        shown=partial(wording.shown, known, say=say), bounds=wording.bounds(known, say), place=place, where=_where,
        places=_places(place), today=today, earliest=today + timedelta(days=1), refused=refused, may_set=may_set,
        default=wording.shown(known, known.default, say),
        everywhere=rules.may(actor, (Role.OPERATOR,), region="", now_ms=request.state.clock.now_ms()),
    )  # fmt: skip


@page("POST", "/standards/parameters/{key}", act=Act.STANDARDS_SET)
async def change(request: Request) -> Response:
    """Set a value from a day on; what is refused is told on the page, with what was typed."""
    known, form = BY_KEY.get(request.path_params["key"]), dict(await read_form(request))
    if known is None:
        raise Problem(404, "not_found")
    try:
        value = wording.typed(known, form.get("value", ""))
        if value is None:
            raise Problem(422, "param_type")
        body = {
            "key": known.key, "region": form.get("place", ""), "value": value, "source": form.get("source", ""),
            "valid_from": form.get("valid_from", ""), "valid_to": form.get("valid_to") or None,
        }  # fmt: skip
        try:
            await set_value(request, msgspec.convert(body, ChangeBody))
        except msgspec.ValidationError:
            raise Problem(422, "param_source" if not form.get("source") else "param_period") from None
    except Problem as refused:
        return await _one(request, form, _say(request)(refused.text, **refused.params), refused.status)
    at = form["place"].ljust(6, "0") if form["place"] else HOME
    return see_other(f"{request.url.path}?{urlencode({'region': at})}", "note.parameter_set")


@page("GET", "/standards/categories", act=OPEN)
async def categories_page(request: Request) -> Response:
    """The categories known here, searched by code or name; the operator loads a file of them."""
    asked = request.query_params
    words, kind = asked.get("words", "").strip()[:WORDS_MAX], asked.get("kind", "")
    at = int(asked["page"]) if asked.get("page", "").isascii() and asked.get("page", "").isdigit() else 1
    every = await records.all_categories(request.state.postgres)
    found = [one for one in every if words.lower() in f"{one.code} {one.name}".lower() and kind in ("", one.kind.value)]
    pages = max(1, -(-len(found) // PER_PAGE))
    at = min(max(at, 1), pages)
    actor = await sessions.actor(request)
    return _draw(
        request, "categories.html", found=found[(at - 1) * PER_PAGE : at * PER_PAGE], total=len(found), at=at,
        pages=pages, words=words, kind=kind, may_load=actor is not None and actor.has(Role.OPERATOR),
        link=lambda at: "/standards/categories?" + urlencode({"words": words, "kind": kind, "page": at}),
        facts=as_data({}),
    )  # fmt: skip


@page("GET", "/standards/regions", act=OPEN)
async def regions_page(request: Request) -> Response:
    """The places known by name, one level at a time; the operator loads a file of them."""
    place = request.query_params.get("region", "")
    place = place if regions.find(place) else ""
    above = regions.parent(place) if place else ""
    actor = await sessions.actor(request)
    return _draw(
        request, "regions.html", place=place, above=above, where=_where, found=regions.children(place),
        total=len(regions.NAMES), may_load=actor is not None and actor.has(Role.OPERATOR),
    )  # fmt: skip


@page("GET", "/standards/calendar", act=OPEN)
async def calendar(request: Request) -> Response:
    """The working days of a year: months with days off and make-up days; years that are not known say so."""
    text, today = request.query_params.get("year", ""), _today(request)
    year = int(text) if text.isascii() and text.isdigit() and 2000 <= int(text) <= 2200 else today.year
    return await _year(request, year)


async def _year(
    request: Request, year: int, given: dict[str, str] | None = None, refused: str = "", status: int = 200
) -> Response:
    whole, today = await records.calendar(request.state.postgres), _today(request)
    months = []
    for month in range(1, 13):
        first = date(year, month, 1)
        days: list[tuple[date, str]] = []
        day = first
        while day.month == month:
            kind = "make_up" if day in whole.make_up else "off" if day in whole.off else ""
            days.append((day, kind or ("weekend" if not whole.works(day) else "work")))
            day += timedelta(days=1)
        months.append((first.weekday(), days))
    actor = await sessions.actor(request)
    held = {"off": _dates(whole.off, year), "make_up": _dates(whole.make_up, year)}
    return _draw(
        request, "calendar.html", status, year=year, known=year in whole.years, months=months, today=today,
        zone=str(SHANGHAI), may_load=actor is not None and actor.has(Role.OPERATOR), given=given or held,
        refused=refused,
    )  # fmt: skip


def _dates(days: frozenset[date], year: int) -> str:
    """The days of a year as they stand in the field: month and day."""
    return " ".join(f"{day:%m-%d}" for day in sorted(days) if day.year == year)


def _typed_days(text: str, year: int) -> list[str]:
    """Days typed with or without their year, parted by spaces, commas or lines."""
    words = text.replace(",", " ").replace("，", " ").replace("、", " ").split()
    return [word if len(word) > 5 else f"{year}-{word}" for word in words]


@page("POST", "/standards/calendar", act=Act.STANDARDS_SET)
async def load_calendar(request: Request) -> Response:
    """Load the holiday notice of a year; what is refused is told on the page, with what was typed."""
    form = dict(await read_form(request))
    text = form.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() and 2000 <= int(text) <= 2200 else 0
    if not year:
        raise Problem(422, "calendar_wrong", year=text[:10])
    body = {
        "off": _typed_days(form.get("off", ""), year), "make_up": _typed_days(form.get("make_up", ""), year),
        "source": form.get("source", ""),
    }  # fmt: skip
    try:
        try:
            await set_calendar(request, year, msgspec.convert(body, CalendarBody))
        except msgspec.ValidationError:
            raise Problem(422, "calendar_wrong" if form.get("source") else "param_source", year=year) from None
    except Problem as refused:
        return await _year(request, year, form, _say(request)(refused.text, **refused.params), refused.status)
    return see_other(f"/standards/calendar?year={year}", "note.calendar_set")


ROUTES = collect(globals())
