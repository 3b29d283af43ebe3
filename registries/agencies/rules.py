"""The verdicts of the agency registry: pure, raise nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from registries.agencies.model import AgencyFacts, Dossier, Mark, MarkKind, Standing, Status
from standards.workdays import Calendar, workdays_between

CREDIT_FULL = 100


class Shortcoming(StrEnum):
    """What an agency lacks to be published (财库〔2018〕2号 §11). Sentence: ``agency.short_<value>``."""

    STAFF = "staff"
    ROOM = "room"
    ADDRESS = "address"


def shortcomings(dossier: Dossier, staff_min: int) -> list[Shortcoming]:
    """What is missing: full-time people, a room that records, an office."""
    found = []
    if sum(one.full for one in dossier.staff) < staff_min:
        found.append(Shortcoming.STAFF)
    if not any(room.recording for room in dossier.rooms):
        found.append(Shortcoming.ROOM)
    if not dossier.address:
        found.append(Shortcoming.ADDRESS)
    return found


def standing(facts: AgencyFacts, on: date) -> Standing:
    """Where an agency stands on that day; ``agency_standing`` in the schema says the same."""
    if facts.status is Status.CLOSED:
        return Standing.CLOSED
    if any(mark.kind is MarkKind.BAN and mark.holds(on) for mark in facts.marks):
        return Standing.BANNED
    return Standing(facts.status.value)


def status_after_filing(now: Status | None) -> Status:
    """Where an agency stands that has just filed: a published one stays so, on what was published before."""
    return Status.ACTIVE if now is Status.ACTIVE else Status.REVIEWING


def credit(marks: Iterable[Mark], on: date) -> int:
    """Its credit 信用分 on that day: 100 less the points of what holds, from 0 to 100. It orders; it never excludes."""
    return max(0, min(CREDIT_FULL, CREDIT_FULL - sum(mark.points for mark in marks if mark.holds(on))))


def late_by(calendar: Calendar, changed_on: date | None, filed_on: date, within: int) -> int:
    """How many working days too late a change was filed (财库〔2018〕2号: ten); 0 in time, or of a first filing."""
    return max(0, workdays_between(calendar, changed_on, filed_on) - within) if changed_on else 0
