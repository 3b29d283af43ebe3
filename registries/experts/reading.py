"""What is typed into the registry's forms 表单: dossiers and requests for a draw, read strictly, and written back."""

from __future__ import annotations

import re
from datetime import date

from msgspec import Struct

from accounts import names
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form
from registries.experts.model import (
    ASPECTS,
    Attendance,
    Dossier,
    Employment,
    Party,
    Presence,
    Relative,
    Side,
    Title,
)
from registries.experts.rules import Method
from registries.suppliers.reading import read_region, read_scope
from standards import uscc as codes
from standards.categories import is_code

JOBS_MAX, RELATIVES_MAX, AVOIDED_MAX = 6, 6, 200
PHONE_LENGTHS = range(5, 21)
EARLIEST_YEAR, ADULT_YEARS = 1930, 18
_LIKE_A_CODE = re.compile("[0-9A-Za-z]{15,20}")


def _day(typed: Typed, name: str, *, need: bool = True) -> date | None:
    found = typed.raw(name)
    if not found and not need:
        return None
    try:
        return date.fromisoformat(found)
    except ValueError:
        typed.wrong(name, "filing.day_wrong" if found else "typed.missing")
        return None


def party_of(typed: Typed, field: str, name: str, code: str) -> Party:
    """A unit as typed: its name, and its credit code where it was given."""
    checked = codes.check(code) if code else None
    if checked is not None and not checked.acceptable:
        typed.wrong(field, "expert.code_wrong", code=code[:40])
    return Party(name, names.key_of(name), checked.code if checked is not None and checked.acceptable else "")


def _job(typed: Typed, n: int) -> Employment | None:
    unit, code = typed.text(f"job-{n}-unit", 200, need=False), typed.raw(f"job-{n}-code")
    if not (unit or code or typed.raw(f"job-{n}-since")):
        return None
    if not unit:
        typed.wrong(f"job-{n}-unit", "typed.missing")
    since, until = _day(typed, f"job-{n}-since"), _day(typed, f"job-{n}-until", need=False)
    if since and until and until < since:
        typed.wrong(f"job-{n}-until", "filing.day_wrong")
    party = party_of(typed, f"job-{n}-code", unit, code)
    return Employment(party, since, until) if since else None


def _days_follow(
    typed: Typed, born: date | None, since: date | None, jobs: list[Employment | None], today: date
) -> None:
    """Birth, title and jobs follow each other and are not to come."""
    if born is not None and (born.year < EARLIEST_YEAR or born.year + ADULT_YEARS > today.year):
        typed.wrong("born", "filing.day_wrong")
    if since is not None and (since > today or (born is not None and since <= born)):
        typed.wrong("title_since", "filing.day_wrong")
    for n, job in enumerate(jobs, 1):
        if job is not None and (job.since > today or (born is not None and job.since <= born)):
            typed.wrong(f"job-{n}-since", "filing.day_wrong")


def _relative(typed: Typed, n: int) -> Relative | None:
    name, unit = typed.text(f"kin-{n}-name", 100, need=False), typed.text(f"kin-{n}-unit", 200, need=False)
    code = typed.raw(f"kin-{n}-code")
    if not (name or unit or code):
        return None
    for field, given in (("name", name), ("unit", unit)):
        if not given:
            typed.wrong(f"kin-{n}-{field}", "typed.missing")
    return Relative(name, party_of(typed, f"kin-{n}-code", unit, code))


def read_dossier(form: Form, name: str, today: date) -> tuple[Dossier | None, list[Fault]]:
    """A dossier as typed by the person ``name`` on the day ``today``, and what is wrong with it (then None)."""
    typed = Typed(form, "expert.label")
    region, specialties = read_region(typed), read_scope(typed)
    phone = typed.raw("phone")
    if not phone.removeprefix("+").isdigit() or not phone.isascii() or len(phone) not in PHONE_LENGTHS:
        typed.wrong("phone", "expert.phone_wrong" if phone else "typed.missing")
    title = typed.choice("title", Title, Title.SENIOR)
    born, since = _day(typed, "born"), _day(typed, "title_since")
    jobs = [_job(typed, n) for n in range(1, JOBS_MAX + 1)]
    if not typed.raw("job-1-unit"):
        typed.wrong("job-1-unit", "typed.missing")
    relatives = [_relative(typed, n) for n in range(1, RELATIVES_MAX + 1)]
    _days_follow(typed, born, since, jobs, today)
    if typed.faults or born is None or since is None or title is None:
        return None, typed.faults
    return Dossier(
        name=name, region=region, phone=phone, born=born, title=title, title_since=since, specialties=specialties,
        employments=tuple(one for one in jobs if one), relatives=tuple(one for one in relatives if one),
    ), []  # fmt: skip


def as_typed(dossier: Dossier) -> dict[str, str]:
    """The fields of the form that give this dossier."""
    fields = {
        "region": dossier.region, "phone": dossier.phone, "born": dossier.born.isoformat(),
        "title": dossier.title.value, "title_since": dossier.title_since.isoformat(),
        "categories": " ".join(dossier.specialties),
    }  # fmt: skip
    for n, job in enumerate(dossier.employments, 1):
        until = job.until.isoformat() if job.until else ""
        given = {"unit": job.unit.name, "code": job.unit.uscc, "since": job.since.isoformat(), "until": until}
        fields |= {f"job-{n}-{name}": value for name, value in given.items()}
    for n, kin in enumerate(dossier.relatives, 1):
        given = {"name": kin.name, "unit": kin.unit.name, "code": kin.unit.uscc}
        fields |= {f"kin-{n}-{name}": value for name, value in given.items()}
    return fields


def as_lines(dossier: Dossier) -> dict[str, str]:
    """A dossier field by field as text, repeated parts in one field each."""
    jobs = [f"{one.unit.name} {one.unit.uscc} {one.since} – {one.until or ''}" for one in dossier.employments]
    kin = [f"{one.name} {one.unit.name} {one.unit.uscc}" for one in dossier.relatives]
    plain = {name: value for name, value in as_typed(dossier).items() if "-" not in name}
    return plain | {"jobs": "；".join(jobs), "relatives": "；".join(kin)}


def changes(before: Dossier | None, after: Dossier) -> list[tuple[str, str, str]]:
    """What differs: field, before, after."""
    one, two = (as_lines(before) if before else {}), as_lines(after)
    return [(name, one.get(name, ""), two[name]) for name in two if one.get(name, "") != two[name]]


def read_marks(form: Form, side: Side) -> dict[str, int]:
    """The marks as typed, one an aspect; what is no number is left out."""
    typed = {name: form.get(name, "").strip() for name in ASPECTS[side]}
    return {name: int(mark) for name, mark in typed.items() if mark.isascii() and mark.isdecimal() and len(mark) < 4}


def read_attendance(form: Form) -> Attendance:
    """Who came, when, and his receipts, as typed. ``Problem`` 422 for what is no time or no amount."""
    typed = Typed(form, "draw.label")
    presence = typed.choice("presence", Presence, Presence.CAME)
    came = presence is Presence.CAME
    from_ms, until_ms = typed.moment("from", need=came), typed.moment("until", need=came)
    travel = typed.money("travel", need=False) if typed.raw("travel") not in ("", "0") else 0
    if typed.faults:
        raise Problem(422, "fee_times")
    return Attendance(presence, from_ms, until_ms, travel or 0)


class Asked(Struct, frozen=True, kw_only=True):
    """A request for a draw 抽取申请 as typed. ``review_at_ms``: when the review begins."""

    title: str
    specialty: str
    method: Method
    group: int
    need: int
    review_at_ms: int
    wide: bool
    avoided: tuple[Party, ...]


def read_request(form: Form) -> tuple[Asked | None, list[Fault]]:
    """A request as typed, and what is wrong with it (then None). ``avoided``: a line a unit, its code after a blank."""
    typed = Typed(form, "draw.label")
    title, specialty = typed.text("title", 200), typed.raw("specialty").upper()
    if not is_code(specialty):
        typed.wrong("specialty", "typed.choice" if specialty else "typed.missing")
    method = typed.choice("method", Method, Method.TENDER)
    group, need = typed.whole("group", 1, 99), typed.whole("need", 1, 99)
    review_at = typed.moment("review_at")
    lines = [line.split() for line in typed.raw("avoided").splitlines() if line.strip()]
    if len(lines) > AVOIDED_MAX or any(len("".join(line)) > 240 for line in lines):
        typed.wrong("avoided", "typed.too_long", most=AVOIDED_MAX)
    parties = tuple(_avoided(typed, words) for words in lines[:AVOIDED_MAX])
    if typed.faults or group is None or need is None or review_at is None or method is None:
        return None, typed.faults
    return Asked(
        title=title, specialty=specialty, method=method, group=group, need=need, review_at_ms=review_at,
        wide=typed.ticked("wide"), avoided=parties,
    ), []  # fmt: skip


def _avoided(typed: Typed, words: list[str]) -> Party:
    last = words[-1]
    coded = (len(last) == codes.LENGTH and last.isascii()) or _LIKE_A_CODE.fullmatch(last) is not None
    name = " ".join(words[:-1] if coded else words)
    return party_of(typed, "avoided", name or words[-1], words[-1] if coded else "")
