"""The verdicts of the expert registry: pure, raise nothing. Sources: 财库〔2016〕198号, 87号令, 74号令."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import msgspec

from registries.experts.model import (
    ASPECTS,
    Dossier,
    Employment,
    Expert,
    Fee,
    Need,
    Presence,
    Rates,
    Side,
    Status,
    Title,
    Unfit,
)
from standards.categories import covers, in_scope
from standards.params import RuleSet
from standards.workdays import Calendar, workdays_between

AGE_LIMIT = 70
MIDDLE_YEARS = 8
CITY_DIGITS, PROVINCE_DIGITS = 4, 2
HOUR_MS = 3_600_000
SCALE_BP = 10_000


def year_later(day: date, years: int) -> date:
    """The same day that many years later (before: negative); 29 February becomes 28 where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


class Lacks(StrEnum):
    """Which condition of 198号 §6 a dossier does not meet."""

    AGE = "age"
    TITLE = "title"


def conditions(dossier: Dossier, on: date) -> list[Lacks]:
    """Below seventy, and a senior title or a middle one for eight years (198号 §6)."""
    found = []
    if on >= year_later(dossier.born, AGE_LIMIT):
        found.append(Lacks.AGE)
    if dossier.title is Title.MIDDLE and on < year_later(dossier.title_since, MIDDLE_YEARS):
        found.append(Lacks.TITLE)
    return found


def employer_of(dossier: Dossier, on: date) -> Employment | None:
    """The latest employment that still lasts on that day: the unit of which one at most sits in a group."""
    now = [each for each in dossier.employments if each.until is None or each.until >= on]
    return max(now, key=lambda each: each.since, default=None)


def with_units_of(dossier: Dossier, filed: Dossier) -> Dossier:
    """The dossier in force with the units and relatives that a filed change adds: he stays away from those too."""
    return msgspec.structs.replace(
        dossier,
        employments=tuple(dict.fromkeys((*dossier.employments, *filed.employments))),
        relatives=tuple(dict.fromkeys((*dossier.relatives, *filed.relatives))),
    )


def tier_of(region: str, need: Need) -> int | None:
    """Called first: experts of the same city; then of the province; others only where the draw is wide. None: never."""
    if region[:CITY_DIGITS] == need.region[:CITY_DIGITS]:
        return 1
    if region[:PROVINCE_DIGITS] == need.region[:PROVINCE_DIGITS]:
        return 2
    return 3 if need.wide else None


def unfit(expert: Expert, need: Need, employment_years: int) -> list[Unfit]:
    """Why the expert may not be drawn; empty when he may.

    Stays away who works or within ``employment_years`` worked for a unit to be avoided, or whose relative does or heads
    it (198号 §16).
    """
    dossier, found = expert.dossier, set()
    if expert.status is not Status.ACTIVE:
        found.add(Unfit.NOT_ACTIVE)
    if expert.good_until is None or need.on >= expert.good_until:
        found.add(Unfit.EXPIRED)
    if need.on >= year_later(dossier.born, AGE_LIMIT):
        found.add(Unfit.AGE)
    if any(leave.first <= need.on <= leave.last for leave in expert.leaves):
        found.add(Unfit.ON_LEAVE)
    near = bool(need.near) and any(covers(need.near, one) for one in dossier.specialties)
    if not near and not in_scope(dossier.specialties, need.specialty):
        found.add(Unfit.SPECIALTY)
    if tier_of(dossier.region, need) is None:
        found.add(Unfit.REGION)
    counts_from = year_later(need.on, -employment_years)
    for each in dossier.employments:
        counts = each.until is None or each.until >= counts_from
        if counts and any(each.unit.same(bidder.unit) for bidder in need.avoided):
            found.add(Unfit.EMPLOYED)
    for relative in dossier.relatives:
        heads = {bidder.head for bidder in need.avoided if bidder.head}
        if relative.name in heads or any(relative.unit.same(bidder.unit) for bidder in need.avoided):
            found.add(Unfit.RELATIVE)
    if expert.id in need.declined:
        found.add(Unfit.DECLINED)
    return [each for each in Unfit if each in found]


class Method(StrEnum):
    """For what a group is drawn 采购方式."""

    TENDER = "tender"  # 招标
    OTHER = "other"  # 谈判、磋商、询价


class BadRequest(StrEnum):
    """Why a draw cannot be asked for, the first that applies."""

    PAST = "past"
    TOO_EARLY = "too_early"
    GROUP_EVEN = "group_even"
    GROUP_SMALL = "group_small"
    SHARE_SMALL = "share_small"
    MORE_THAN_GROUP = "more_than_group"


def judge_request(
    *, method: Method, group: int, experts: int, today: date, on: date, rules: RuleSet, calendar: Calendar
) -> BadRequest | None:
    """Whether a draw may begin today for a review on ``on``.

    Not earlier than two working days before (198号 §14; 谈判、磋商 excepted there); the group is odd, of at least five
    in a tender (87号令 §47), else three (74号令 §7), experts two thirds of it.
    """
    if on < today:
        return BadRequest.PAST
    if method is Method.TENDER and workdays_between(calendar, today, on) > rules.number("experts.ahead_workdays"):
        return BadRequest.TOO_EARLY
    if group % 2 == 0:
        return BadRequest.GROUP_EVEN
    if group < rules.number(f"experts.group_{method}_min"):
        return BadRequest.GROUP_SMALL
    if experts * 3 < group * 2:
        return BadRequest.SHARE_SMALL
    return BadRequest.MORE_THAN_GROUP if experts > group else None


def rates_of(rules: RuleSet) -> Rates:
    """The rates in force."""
    return Rates(
        half_fen=rules.number("experts.fee_half_fen"),
        day_fen=rules.number("experts.fee_day_fen"),
        hour_fen=rules.number("experts.fee_hour_fen"),
        half_ms=rules.ms("experts.fee_half_hours"),
        day_ms=rules.ms("experts.fee_day_hours"),
        travel_most_fen=rules.number("experts.travel_most_fen"),
        near=rules.flag("experts.travel_near"),
    )


def fee_of(presence: Presence, served_ms: int, travel_fen: int, far: bool, rates: Rates) -> Fee:
    """What is due for ``served_ms`` at a review and ``travel_fen`` of receipts; ``far``: in another city than his own.

    Nothing for who did not come, or left before the end (198号 §25). Receipts beyond the most are not refunded.
    """
    if presence is not Presence.CAME:
        return Fee()
    beyond = max(0, served_ms - rates.day_ms)
    hours = -(-beyond // HOUR_MS)
    time_fen = rates.half_fen if served_ms <= rates.half_ms else rates.day_fen
    return Fee(time_fen, hours * rates.hour_fen, min(travel_fen, rates.travel_most_fen) if far or rates.near else 0)


class BadAppraisal(StrEnum):
    """Why an appraisal is not taken, the first that applies."""

    MARKS = "marks"
    WORDS = "words"


def judge_appraisal(side: Side, marks: Mapping[str, int], best: int, words: str) -> BadAppraisal | None:
    """One mark from 1 to ``best`` for each aspect of the side; a mark in the lower half needs words."""
    if set(marks) != set(ASPECTS[side]) or not all(1 <= mark <= best for mark in marks.values()):
        return BadAppraisal.MARKS
    low = any(mark * 2 <= best for mark in marks.values())
    return BadAppraisal.WORDS if low and not words else None


def mean_bp(marks: Mapping[str, int], best: int) -> int:
    """The mean of the marks in basis points: the worst is 0, the best 10,000, whatever the scale."""
    span = (best - 1) * len(marks)
    return (sum(marks.values()) - len(marks)) * SCALE_BP // span


def weight_of(appraised: tuple[int, int] | None, rules: RuleSet) -> int:
    """The weight of an expert in a tiered draw 阶梯抽取概率 (198号 §21): 0 where the region draws all alike.

    ``appraised``: the mean of his appraisals in basis points, and how many; of too few, he weighs what most do.
    """
    if not rules.flag("experts.weighted"):
        return 0
    mean, many = appraised or (0, 0)
    if many < rules.number("experts.weight_appraisals"):
        return rules.number("experts.weight_plain")
    if mean >= rules.number("experts.weight_good_bp"):
        return rules.number("experts.weight_good")
    poor = mean < rules.number("experts.weight_poor_bp")
    return rules.number("experts.weight_poor" if poor else "experts.weight_plain")
