"""立项向导: what a purchaser types, step by step, becomes a ``Draft``; every fault is named with its field. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.case.drafting import Draft, DraftLine, DraftLot, FewSuppliers
from auction.case.gate import Gate
from auction.doors.wizardrules import own_lots, rule_fields, yuan_text
from auction.lot.model import FormatName, LotRules
from plumbing.typed import Fault, Typed, moment_text
from standards.categories import is_code, kind_of
from standards.params import RuleSet

STEPS = ("need", "basis", "rules", "people", "check")
LINES_MAX = 200
LOTS_MAX = 20
EMPTY_LINES = 3
MINUTE = 60_000
Fields = Mapping[str, str]


Kind = Literal["goods", "services", "works"]
Post = Literal["department", "finance", "head"]
POSTS: tuple[Post, ...] = ("department", "finance", "head")


class Need(Struct, frozen=True):
    """What is bought and from which money 采购需求; the gate's facts, besides what the registries know."""

    title: str
    kind: Kind
    category: str
    budget_fen: int
    budget_project: str
    plan_no: str
    in_framework: bool
    agreement_price_fen: int | None
    uniform: bool
    urgent_small: bool
    notice: str
    lots: dict[int, list[DraftLine]]


class People(Struct, frozen=True):
    """Who may come, when, and who approves 供应商与时间."""

    opens_at: int
    signup_from: int | None
    duration_ms: int
    invitation_only: bool
    invited: list[UUID]
    posts: tuple[Post, ...]
    agency: UUID | None = None


def line_numbers(fields: Fields) -> list[int]:
    """The lines that have anything typed in them, in order."""
    found = set()
    for name, value in fields.items():
        parts = name.split("-")
        told = len(parts) == 3 and parts[0] == "line" and parts[1].isascii() and parts[1].isdigit()
        if told and parts[2] not in ("lot", "unit") and str(value).strip() and len(parts[1]) <= 3:
            found.add(int(parts[1]))
    return sorted(found)[: LINES_MAX + 1]


def read_need(fields: Fields) -> tuple[Need | None, list[Fault]]:
    """The first step. A category is its code, with or without its name behind it."""
    typed = Typed(fields)
    title = typed.text("title", 200)
    code = typed.raw("category").split(" ")[0].upper()
    if not is_code(code) or len(code) == 1:
        typed.wrong("category", "wizard.fault.category" if code else "typed.missing")
    budget = typed.money("budget")
    agreement = typed.money("agreement", need=typed.ticked("in_framework")) if typed.ticked("in_framework") else None
    lots = _lots(typed)
    need = Need(
        title=title,
        kind=kind_of(code).value if is_code(code) else "goods",
        category=code,
        budget_fen=budget or 0,
        budget_project=typed.text("budget_project", 100, need=False),
        plan_no=typed.text("plan_no", 100, need=False),
        in_framework=typed.ticked("in_framework"),
        agreement_price_fen=agreement,
        uniform=typed.ticked("uniform"),
        urgent_small=typed.ticked("urgent_small"),
        notice=typed.text("notice", 20_000, need=False),
        lots=lots,
    )
    return (None if typed.faults else need), typed.faults


def _lots(typed: Typed) -> dict[int, list[DraftLine]]:
    numbers = line_numbers(typed.fields)
    if not numbers:
        typed.wrong("line-1-name", "wizard.fault.no_lines")
    if len(numbers) > LINES_MAX:
        typed.wrong(f"line-{numbers[LINES_MAX]}-name", "wizard.fault.lines_max", most=LINES_MAX)
    lots: dict[int, list[DraftLine]] = {}
    for n in numbers[:LINES_MAX]:
        lot = typed.whole(f"line-{n}-lot", 1, LOTS_MAX) if typed.raw(f"line-{n}-lot") else 1
        name = typed.text(f"line-{n}-name", 200)
        spec, unit = typed.text(f"line-{n}-spec", 4_000, need=False), typed.text(f"line-{n}-unit", 20, need=False)
        quantity = typed.quantity(f"line-{n}-quantity")
        ceiling = typed.money(f"line-{n}-ceiling", need=False)
        if lot and quantity is not None:
            lots.setdefault(lot, []).append(DraftLine(name, quantity, spec, unit, ceiling))
    return dict(sorted(lots.items()))


def duration_of(fields: Fields, default_ms: int) -> int:
    """The duration typed in the fourth step, if it can be read; else the default."""
    quiet = Typed(fields)
    begin, end = quiet.moment("opens_at", need=False), quiet.moment("closes_at", need=False)
    return end - begin if begin and end and end > begin else default_ms


def only_rounds(fields: Fields) -> bool:
    """Whether no lot has an end to be typed: rounds end by themselves, sealed quotes at their opening."""
    formats = {fields.get(f"own-{no}-format", "") for no in own_lots(fields, range(1, LOTS_MAX + 1))}
    endless = {FormatName.ROUND_REVERSE.value, FormatName.SEALED_ONE_SHOT.value}
    return formats | {fields.get("format", "")} <= endless


def read_people(fields: Fields, now_ms: int, default_ms: int) -> tuple[People | None, list[Fault]]:
    """The fourth step: times in Shanghai time, never in the past, the end behind the start."""
    typed = Typed(fields)
    opens_at, signup_from = typed.moment("opens_at"), typed.moment("signup_from", need=False)
    rounds = only_rounds(fields)
    closes_at = typed.moment("closes_at", need=not rounds)
    if opens_at is not None and opens_at <= now_ms:
        typed.wrong("opens_at", "problem.opening_passed")
    if signup_from is not None and opens_at is not None and signup_from >= opens_at:
        typed.wrong("signup_from", "problem.signup_after_opening")
    duration_ms = default_ms
    if opens_at is not None and closes_at is not None and not rounds:
        duration_ms = closes_at - opens_at
        if duration_ms <= 0:
            typed.wrong("closes_at", "wizard.fault.end_before_start")
        elif not MINUTE <= duration_ms <= 400 * MINUTE:
            typed.wrong("closes_at", "rules.duration")
    invited, agency = _ids(typed, "invited"), _ids(typed, "agency")
    invitation = typed.raw("invitation") == "1"
    if invitation and not invited:
        typed.wrong("invited", "problem.invited_missing")
    posts = tuple(post for post in POSTS if typed.ticked(f"post_{post}"))
    if not posts:
        typed.wrong("post_head", "wizard.fault.no_post")
    if typed.faults or opens_at is None:
        return None, typed.faults
    chosen, of_these = next(iter(agency), None), invited if invitation else []
    return People(opens_at, signup_from, duration_ms, invitation, of_these, posts, chosen), []


def _ids(typed: Typed, name: str) -> list[UUID]:
    found = []
    for text in typed.raw(name).split():
        try:
            found.append(UUID(text))
        except ValueError:
            typed.wrong(name, "typed.choice")
            break
    return list(dict.fromkeys(found))[:500]


def draft_of(need: Need, rules: Mapping[int, LotRules], people: People, few: FewSuppliers | None = None) -> Draft:
    """The whole draft; lots with one title are told apart by their number."""
    many = len(need.lots) > 1
    lots = [
        DraftLot((f"{need.title[:190]} {no}" if many else need.title), rules[no], lines)
        for no, lines in need.lots.items()
    ]
    return Draft(
        title=need.title, kind=need.kind, category=need.category, budget_fen=need.budget_fen, opens_at=people.opens_at,
        lots=lots, budget_project=need.budget_project, plan_no=need.plan_no, in_framework=need.in_framework,
        agreement_price_fen=need.agreement_price_fen, uniform=need.uniform, urgent_small=need.urgent_small,
        notice=need.notice, invitation_only=people.invitation_only, invited=people.invited,
        posts=people.posts, signup_from=people.signup_from, agency_org_id=people.agency, few_suppliers=few,
    )  # fmt: skip


def defaults(rule_set: RuleSet, gate: Gate, need: Need) -> dict[str, str]:
    """What the rules step begins with: the parameters in force here, the budget as the ceiling."""
    share = need.budget_fen // max(1, len(need.lots))
    step = max(
        rule_set.number("auction.decrement_least_fen"), share * rule_set.number("auction.decrement_bp") // 10_000
    )
    live = gate.built_formats
    return {
        "format": live[0].value if live else "",
        "basis": "total",
        **{f"ceiling-{no}": yuan_text(share) for no in need.lots},
        "step_kind": "absolute",
        "step_amount": yuan_text(max(100, step // 100 * 100)),
        "step_rate": f"{rule_set.number('auction.decrement_bp') / 100:.2f}",
        "step_against": "own",
        "overtime": "1",
        "overtime_window": str(rule_set.number("auction.overtime_window_seconds")),
        "overtime_extend": str(rule_set.number("auction.overtime_extend_seconds")),
        "overtime_rank": str(rule_set.number("auction.overtime_rank_max")),
        "rounds_count": str(rule_set.number("auction.rounds")),
        "rounds_turn": "120",
        "rounds_first": "300",
        "rounds_pause": "120",
        "visibility": rule_set.choice("auction.visibility"),
        "host_view": "aliases",
        "suppliers_min": str(gate.suppliers_min),
        "big_drop": str(rule_set.number("auction.big_drop_bp") // 100),
        "conformity": "before_start",
        "award_confirm": str(rule_set.number("award.supplier_confirm_hours")),
    }


def fields_of(
    case: Mapping[str, Any], lots: Sequence[tuple[LotRules, Sequence[Any]]], invited: Sequence[UUID]
) -> dict[str, str]:
    """A stored draft as the wizard's fields, to be changed."""
    first, gate = lots[0][0], case["gate"] or {}
    facts, few = gate.get("facts", {}), gate.get("few_suppliers") or {}
    fields = {
        "title": case["title"], "category": case["category"], "budget": yuan_text(case["budget_fen"]),
        "budget_project": case["budget_project"], "plan_no": case["plan_no"], "notice": case["notice"],
        "in_framework": "1" if case["in_framework"] else "",
        "agreement": yuan_text(facts["agreement_price_fen"]) if facts.get("agreement_price_fen") else "",
        "uniform": "1" if facts.get("uniform") else "", "urgent_small": "1" if facts.get("urgent_small") else "",
        **rule_fields(first),
        "invitation": "1" if case["invitation_only"] else "0", "invited": " ".join(map(str, invited)),
        "opens_at": moment_text(case["opens_ms"]), "closes_at": moment_text(case["opens_ms"] + first.duration_ms),
        "signup_from": moment_text(case["signup_ms"]) if case["signup_ms"] else "",
        "agency": str(case["agency_org_id"] or ""),
        "few_approved": "1" if few else "", "few_reason": few.get("reason", ""),
        "few_document": few.get("document_no", ""),
        **{f"post_{post}": "1" for post in case["posts"]},
        **{f"ceiling-{no}": yuan_text(rules.ceiling or 0) for no, (rules, _) in enumerate(lots, 1)},
    }  # fmt: skip
    for no, (rules, _) in enumerate(lots, 1):
        if msgspec.structs.replace(rules, ceiling=first.ceiling) != first:
            fields |= {f"own-{no}": "1", **{f"own-{no}-{name}": value for name, value in rule_fields(rules).items()}}
    lines = ((no, line) for no, (_, of_lot) in enumerate(lots, 1) for line in of_lot)
    for n, (no, line) in enumerate(lines, 1):
        fields |= {
            f"line-{n}-lot": str(no), f"line-{n}-name": line["name"], f"line-{n}-spec": line["spec"],
            f"line-{n}-unit": line["unit"], f"line-{n}-quantity": format(line["quantity"].normalize(), "f"),
            f"line-{n}-ceiling": yuan_text(line["unit_ceiling_fen"]) if line["unit_ceiling_fen"] else "",
        }  # fmt: skip
    return fields
