"""The verdicts of the vehicle registry: pure, raise nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from registries.vehicles.model import Alert, Entry, Kind, Limits, Refusal, Stage, Vehicle, What, Wish
from standards.params import RuleSet

YEAR = timedelta(days=365)
KM_FAR = 100_000
"""So many kilometres above the last reading are asked for twice."""
_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9警挂学]"
)
_VIN = re.compile("[A-HJ-NPR-Z0-9]{17}")
CITY = 4
"""So many signs of a region's code name its city."""


def limits_for(rules: RuleSet, kind: Kind, *, new_energy: bool) -> Limits:
    """What a vehicle of that kind may cost and displace at most."""
    word = {Kind.SECRET: "secret", Kind.SPECIAL: "large"}.get(kind, "plain")
    price = rules.number("vehicles.price_energy_fen" if new_energy else f"vehicles.price_{word}_fen")
    return Limits(price, rules.number(f"vehicles.engine_{word}_ml"))


def judge_wish(wish: Wish, limits: Limits, *, quota: int, held: int) -> Refusal | None:
    """Whether a unit may ask for it: within its quota (``held`` it has or has asked for), price and displacement."""
    if held >= quota:
        return Refusal.BEYOND_QUOTA
    if wish.price_fen > limits.price_fen:
        return Refusal.OVER_PRICE
    return Refusal.OVER_ENGINE if not wish.new_energy and wish.engine_ml > limits.engine_ml else None


def alerts(vehicle: Vehicle, entries: Sequence[Entry], limits: Limits, repair_times: int) -> list[Alert]:
    """What the entries (in their order) raise since the last clearing; each once, in the order of ``Alert``."""
    found: set[Alert] = set()
    for entry, raised in zip(entries, raised_by_each(vehicle, entries, limits, repair_times), strict=True):
        found = set() if entry.what is What.CLEAR else found.union(raised)
    return [each for each in Alert if each in found]


def raised_by_each(vehicle: Vehicle, entries: Sequence[Entry], limits: Limits, repair_times: int) -> list[list[Alert]]:
    """What each entry raises, given those entered before it of its day or earlier."""
    found = []
    for n, entry in enumerate(entries):
        raised = raised_by(vehicle, entry, [one for one in entries[:n] if one.day <= entry.day], limits, repair_times)
        found.append([each for each in Alert if each in raised])
    return found


def raised_by(vehicle: Vehicle, entry: Entry, before: Sequence[Entry], limits: Limits, repair_times: int) -> set[Alert]:
    """What one entry raises, given those before it."""
    found = set()
    if entry.what is What.REGISTER and entry.amount_fen > limits.price_fen:
        found.add(Alert.OVER_PRICE)
    if entry.what is What.FUEL and entry.ml > vehicle.tank_ml:
        found.add(Alert.FUEL_OVER_TANK)
    if entry.what is What.FUEL and off_route(vehicle.region, entry, before):
        found.add(Alert.OFF_ROUTE)
    if entry.what is What.REPAIR and repair_is_high(entry, before, repair_times):
        found.add(Alert.REPAIR_HIGH)
    if entry.km and entry.km < max((one.km for one in before), default=0):
        found.add(Alert.KM_BACK)
    return found


def off_route(home: str, entry: Entry, before: Sequence[Entry]) -> bool:
    """Whether it was fuelled in a city that is neither its home nor where a dispatch of that day sent it."""
    sent = [
        one.place[:CITY]
        for one in before
        if one.what is What.DISPATCH and one.day <= entry.day <= (one.until or one.day)
    ]
    return bool(entry.place) and entry.place[:CITY] not in (home[:CITY], *sent)


def repair_is_high(entry: Entry, before: Sequence[Entry], times: int) -> bool:
    """Whether a repair costs more than so many times the mean of those of the year before it."""
    year = [one.amount_fen for one in before if one.what is What.REPAIR and one.day > entry.day - YEAR]
    return bool(year) and entry.amount_fen * len(year) > times * sum(year)


def plate_of(text: str) -> str | None:
    """A plate 号牌 (GA 36) as it is kept: province, letter, five signs, six of new energy; None for what is none."""
    plain = re.sub(r"[\s·.・-]", "", text).upper()
    return plain if _PLATE.fullmatch(plain) else None


def vin_of(text: str) -> str | None:
    """A vehicle's number 车辆识别代号 (GB 16735): seventeen signs without I, O and Q; None for what is none."""
    plain = re.sub(r"\s", "", text).upper()
    return plain if _VIN.fullmatch(plain) else None


def odometer(entries: Sequence[Entry]) -> int:
    """What the odometer said last, of the entries that count."""
    return max((one.km for one in entries), default=0)


def insured_until(entries: Sequence[Entry], registered: date | None) -> date | None:
    """Until when a vehicle is insured: the latest of its insurances and of what stood at its registration."""
    return max(
        (day for day in (registered, *(one.until for one in entries if one.what is What.INSURANCE)) if day),
        default=None,
    )


def may_transfer(vehicle: Vehicle, *, quota: int, held: int) -> bool:
    """Whether the unit that is to have it has room in its quota."""
    return vehicle.stage is Stage.ACTIVE and held < quota
