"""What the wizard's steps show: the form under way, what follows from it, and each step's choices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from accounts.flows import engine
from accounts.flows.model import Facts, Kind, Step
from accounts.flows.rules import path_of
from accounts.model import Actor
from auction.case import params
from auction.case.gate import Gate, GateRefusal
from auction.doors import wizard, wording
from auction.doors.pagekit import sayer
from auction.doors.wizardrules import BANDS, own_lots, read_few
from auction.doors.wizardrules import read_rules as read_typed_rules
from auction.lot.model import FormatName, LotRules
from plumbing import sql
from plumbing.typed import Fault, moment_text
from registries.agencies import records as agencies
from registries.parameters import records as parameters
from registries.suppliers import records as suppliers
from registries.suppliers.model import SupplierFacts
from standards.params import RuleSet
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("wizard.sql"))
HOUR_MS = 3_600_000
FOUND_MAX = 12
"""So many suppliers are shown of those that match what is looked for."""


class Sheet(Struct):
    """One form under way: what was typed, and what follows from it so far."""

    id: UUID | None
    auction_id: UUID | None
    fields: dict[str, str]
    rule_set: RuleSet
    need: wizard.Need | None = None
    need_faults: list[Fault] = []
    verdict: Gate | GateRefusal | None = None
    told: list[Fault] = []


async def _need_context(request: Request, actor: Actor, sheet: Sheet) -> dict[str, Any]:
    pool = request.state.postgres
    numbers = wizard.line_numbers(sheet.fields)
    asked = request.query_params.get("lines", "")
    more = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0
    last = max([*numbers, 0])
    count = min(wizard.LINES_MAX, max(wizard.EMPTY_LINES if not numbers else last, more))
    forms = await pool.fetch(SQL["forms_of"], actor.user_id) if sheet.id is None else []
    return {
        "lines": range(1, count + 1),
        "categories": await parameters.all_categories(pool),
        "forms": forms,
        "defaults": {f"line-{n}-lot": "1" for n in range(1, count + 1)},
    }


async def _basis_context(request: Request, actor: Actor, sheet: Sheet) -> dict[str, Any]:
    assert sheet.need is not None
    return {"refused": isinstance(sheet.verdict, GateRefusal), "limits": _limits(sheet)}


def _limits(sheet: Sheet) -> dict[str, int]:
    kind = sheet.need.kind if sheet.need else "goods"
    return {name: sheet.rule_set.number(f"gate.{name}_{kind}_fen") for name in ("limit", "tender")}


async def _rules_context(request: Request, actor: Actor, sheet: Sheet) -> dict[str, Any]:
    assert sheet.need is not None
    assert isinstance(sheet.verdict, Gate)
    found, faults = read_rules(sheet)
    return {
        "defaults": rule_defaults(sheet),
        "lots": list(sheet.need.lots),
        "own": own_lots(sheet.fields, sheet.need.lots),
        "lawful": [name.value for name in sheet.verdict.built_formats],
        "bands": BANDS,
        "words": [] if faults else words_of(request, found),
        "min_approved": sheet.rule_set.number("suppliers.min_approved"),
    }


def rule_defaults(sheet: Sheet) -> dict[str, str]:
    """What the fields of the rules begin with: the parameters' values, and for a lot's own rules the common ones."""
    assert sheet.need is not None
    assert isinstance(sheet.verdict, Gate)
    common = wizard.defaults(sheet.rule_set, sheet.verdict, sheet.need)
    begins = {name: sheet.fields.get(name, value) for name, value in common.items() if not name.startswith("ceiling")}
    own = own_lots(sheet.fields, sheet.need.lots)
    return common | {f"own-{no}-{name}": value for no in own for name, value in begins.items()}


def words_of(request: Request, found: dict[int, LotRules]) -> list[tuple[list[int], list[str]]]:
    """The rules in words, lots with the same words together."""
    say, told = sayer(request), dict[tuple[str, ...], list[int]]()
    for no, rules in found.items():
        told.setdefault(tuple(wording.rules_in_words(rules, say)), []).append(no)
    return [(lots, list(words)) for words, lots in told.items()]


def read_rules(sheet: Sheet) -> tuple[dict[int, LotRules], list[Fault]]:
    """The rules as typed so far, by lot; the defaults where nothing was sent yet."""
    assert sheet.need is not None
    duration_ms = wizard.duration_of(sheet.fields, sheet.rule_set.ms("auction.duration_minutes"))
    need = sheet.need
    return read_typed_rules(
        rule_defaults(sheet) | sheet.fields, need.lots, need.budget_fen, duration_ms, sheet.rule_set
    )


async def _people_context(request: Request, actor: Actor, sheet: Sheet) -> dict[str, Any]:
    assert sheet.need is not None
    assert isinstance(sheet.verdict, Gate)
    pool, now_ms = request.state.postgres, request.state.clock.now_ms()
    matching = await suppliers.facts_of(pool, await suppliers.matching(pool, sheet.need.category))
    invited = set(sheet.fields.get("invited", "").split())
    everyone = sheet.verdict.invite_all
    chosen = [one for one in matching.values() if str(one.org_id) in invited or everyone]
    looked_for = request.query_params.get("find", sheet.fields.get("find", "")).strip()[:100]
    found = looked_up([one for one in matching.values() if one not in chosen], looked_for)
    earliest = await earliest_opening(pool, sheet, now_ms)
    begins = _round_hour(earliest)
    return {
        "count": len(matching),
        "chosen": sorted(chosen, key=lambda one: one.name),
        "found": found[:FOUND_MAX],
        "found_more": max(0, len(found) - FOUND_MAX),
        "looked_for": looked_for,
        "invite_all": everyone,
        "agencies": await agencies.choosable(pool, actor.region, day_of(now_ms)),
        "flow_steps": await _path(pool, actor, sheet),
        "only_rounds": wizard.only_rounds(rule_defaults(sheet) | sheet.fields),
        "earliest": earliest,
        "defaults": {
            "opens_at": moment_text(begins),
            "closes_at": moment_text(begins + sheet.rule_set.ms("auction.duration_minutes")),
            "invitation": "0",
            **({} if "opens_at" in sheet.fields else {"post_head": "1"}),
        },
    }


async def _path(pool: Any, actor: Actor, sheet: Sheet) -> tuple[Step, ...]:
    """The steps of the place's approval flow that this case comes to; () where the place has none."""
    assert isinstance(sheet.verdict, Gate)
    assert sheet.need is not None
    facts = Facts(sheet.need.budget_fen, sheet.need.category, sheet.verdict.legal_basis, actor.region)
    return path_of((await engine.flow_of(pool, Kind.CASE, actor.region))[1], facts)


def looked_up(among: list[SupplierFacts], words: str) -> list[SupplierFacts]:
    """Those whose name or credit code has ``words`` in it, by name; all when nothing is looked for."""
    asked = words.casefold()
    return sorted(
        (one for one in among if asked in one.name.casefold() or asked in one.uscc.casefold()),
        key=lambda one: one.name,
    )


async def earliest_opening(pool: Any, sheet: Sheet, now_ms: int) -> int:
    """The earliest lawful opening when the case is published today."""
    assert isinstance(sheet.verdict, Gate)
    assert sheet.need is not None
    row = {
        "legal_basis": sheet.verdict.legal_basis.value, "budget_fen": sheet.need.budget_fen, "kind": sheet.need.kind,
        "rule_set": sheet.rule_set.values,
    }  # fmt: skip
    return max(now_ms, params.notice_ends_at(row, now_ms, await parameters.calendar(pool)))


def _round_hour(moment_ms: int) -> int:
    """A fitting opening from ``moment_ms`` on: the next full hour, ten o'clock where that is Shanghai's midnight."""
    hour = -(-moment_ms // HOUR_MS) * HOUR_MS
    return hour + 10 * HOUR_MS if hour % (24 * HOUR_MS) == 16 * HOUR_MS else hour


def is_sealed(rules: Mapping[int, LotRules]) -> bool:
    """Whether a lot takes sealed quotes: then the offices are seated before the case is submitted."""
    return any(one.format is FormatName.SEALED_ONE_SHOT for one in rules.values())


async def _check_context(request: Request, actor: Actor, sheet: Sheet) -> dict[str, Any]:
    rules, _ = read_rules(sheet)
    people, _ = wizard.read_people(sheet.fields, request.state.clock.now_ms(), 0)
    pool = request.state.postgres
    invited = await suppliers.facts_of(pool, people.invited if people else [])
    agency = people.agency if people else None
    choosable = await agencies.choosable(pool, actor.region, day_of(request.state.clock.now_ms()))
    return {
        "rules": rules,
        "amounts": {no: wording.amount_text(one.ceiling, one.basis) for no, one in rules.items() if one.ceiling},
        "words": words_of(request, rules),
        "sealed": is_sealed(rules),
        "flow_steps": await _path(pool, actor, sheet),
        "people": people,
        "few": read_few(sheet.fields)[0],
        "agency": next((row["name"] for row in choosable if row["id"] == agency), ""),
        "invited": sorted(one.name for one in invited.values()),
    }


CONTEXT = {
    "need": _need_context,
    "basis": _basis_context,
    "rules": _rules_context,
    "people": _people_context,
    "check": _check_context,
}
"""What each step shows besides the form itself."""
