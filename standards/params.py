"""参数: every number of the rules, dated and by place; a case pins the set in force when it is created.

``PARAMETERS`` says what a parameter is, its default, bounds and source. A ``RuleParam`` overrides it in a place for a
time; the most specific place wins. ``resolve`` makes the ``RuleSet`` a case keeps for ever, with its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

import msgspec
from msgspec import Struct

from standards import regions
from standards.parameters import BY_KEY, PARAMETERS, Kind, Parameter, Value

__all__ = [
    "BY_KEY", "PARAMETERS", "Kind", "ParamError", "Parameter", "RuleParam", "RuleSet", "Value", "fault_of",
    "overlapping", "resolve",
]  # fmt: skip


class RuleParam(Struct, frozen=True):
    """A value 参数值 for a place and all in it, on every day from ``valid_from`` until before ``valid_to``."""

    key: str
    region: str
    valid_from: date
    valid_to: date | None
    value: Value
    source: str

    def holds(self, region: str, on: date) -> bool:
        """Whether it applies in the place ``region`` on that day."""
        in_time = self.valid_from <= on and (self.valid_to is None or on < self.valid_to)
        return in_time and regions.within(region, self.region)


class ParamError(StrEnum):
    """Why a value cannot be set. Sentences: ``problem.param_<value>``."""

    UNKNOWN = "unknown"
    REGION = "region"
    PERIOD = "period"
    SOURCE = "source"
    TYPE = "type"
    BOUNDS = "bounds"
    FIXED = "fixed"


class RuleSet(Struct, frozen=True):
    """The parameters 规则集 in force in a place on a day. ``values`` has every known key."""

    region: str
    on: date
    values: dict[str, Value]

    @property
    def hash(self) -> str:
        """SHA-256 of the values, by key, as JSON: the same rules have the same hash wherever and whenever."""
        return hashlib.sha256(msgspec.json.encode(self.values, order="sorted")).hexdigest()

    def number(self, key: str) -> int:
        """A number, in the unit its kind says."""
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{key} is no number")
        return value

    def flag(self, key: str) -> bool:
        """A yes or no."""
        value = self.values[key]
        if not isinstance(value, bool):
            raise TypeError(f"{key} is no flag")
        return value

    def choice(self, key: str) -> str:
        """One of the words its parameter allows."""
        value = self.values[key]
        if not isinstance(value, str):
            raise TypeError(f"{key} is no choice")
        return value

    def ms(self, key: str) -> int:
        """A length of time in milliseconds; for SECONDS, MINUTES and HOURS only."""
        return self.number(key) * BY_KEY[key].kind.milliseconds


def resolve(params: Iterable[RuleParam], region: str, on: date) -> RuleSet:
    """The rule set for the place ``region`` (six digits) on the day ``on``.

    Of two that apply the one with the longer region prefix wins, then the one that began later. Keys nobody knows any
    more are left out, so that an old row cannot change a new case.
    """
    values: dict[str, Value] = {parameter.key: parameter.default for parameter in PARAMETERS}
    holding = [param for param in params if param.key in values and param.holds(region, on)]
    for param in sorted(holding, key=lambda each: (len(each.region), each.valid_from)):
        values[param.key] = param.value
    return RuleSet(region, on, values)


def overlapping(params: Iterable[RuleParam]) -> list[tuple[RuleParam, RuleParam]]:
    """The pairs of one key in one place that are in force on a common day, each pair once, the earlier first."""
    found: list[tuple[RuleParam, RuleParam]] = []
    held: dict[tuple[str, str], list[RuleParam]] = {}
    for param in sorted(params, key=lambda one: one.valid_from):
        before = held.setdefault((param.key, param.region), [])
        found += [(one, param) for one in before if one.valid_to is None or param.valid_from < one.valid_to]
        before.append(param)
    return found


def fault_of(param: RuleParam) -> ParamError | None:
    """Why ``param`` may not be set, or None: unknown key, wrong place, empty period, no source, type, bounds."""
    known = BY_KEY.get(param.key)
    if known is None:
        return ParamError.UNKNOWN
    if not regions.is_prefix(param.region):
        return ParamError.REGION
    if param.valid_to is not None and param.valid_to <= param.valid_from:
        return ParamError.PERIOD
    if not param.source.strip():
        return ParamError.SOURCE
    if type(param.value) is not type(known.default):
        return ParamError.TYPE
    if known.fixed and param.value != known.default:
        return ParamError.FIXED
    return None if known.takes(param.value) else ParamError.BOUNDS
