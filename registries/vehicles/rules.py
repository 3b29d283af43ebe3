"""The verdicts of the vehicle registry: pure, raise nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from registries.vehicles.model import Alert, Entry, Kind, Limits, Refusal, Stage, Vehicle, What, Wish
from standards.params import RuleSet

YEAR = timedelta(days=365)
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


def may_transfer(vehicle: Vehicle, *, quota: int, held: int) -> bool:
    """Whether the unit that is to have it has room in its quota."""
    return vehicle.stage is Stage.ACTIVE and held < quota
