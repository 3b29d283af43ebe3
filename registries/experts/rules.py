"""The verdicts of the expert registry: pure, raise nothing. Sources: 财库〔2016〕198号, 87号令, 74号令."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from registries.experts.model import Dossier, Employment, Expert, Need, Status, Title, Unfit
from standards.categories import in_scope
from standards.params import RuleSet
from standards.workdays import Calendar, workdays_between

AGE_LIMIT = 70
MIDDLE_YEARS = 8
CITY_DIGITS, PROVINCE_DIGITS = 4, 2


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
    if not in_scope(dossier.specialties, need.specialty):
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
