"""Rules in the wizard 竞价规则: one set for all lots, and one of its own for each lot that opened it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from auction.case.drafting import DraftLine, FewSuppliers
from auction.lot.model import (
    Band,
    Conformity,
    Decrement,
    FormatName,
    HostView,
    LotRules,
    Overtime,
    PriceBasis,
    Rounds,
    StepAgainst,
    StepKind,
    Visibility,
)
from auction.lot.rules import lot_problem
from plumbing.typed import Fault, Typed
from standards.params import RuleSet

BANDS = (1, 2, 3)
MINUTE = 60_000
Fields = Mapping[str, str]


def own_lots(fields: Fields, lots: Iterable[int]) -> list[int]:
    """The lots that have rules of their own."""
    return [no for no in lots if fields.get(f"own-{no}")]


def read_rules(
    fields: Fields, lots: Mapping[int, list[DraftLine]], budget_fen: int, duration_ms: int, rule_set: RuleSet
) -> tuple[dict[int, LotRules], list[Fault]]:
    """The third step: the rules by lot number, each with its ceiling; the ceilings together within the budget."""
    own = own_lots(fields, lots)
    sets = {no: Typed(fields, lot=no) for no in ([0] if len(own) < len(lots) else []) + own}
    read = {no: _rules(typed, duration_ms, rule_set) for no, typed in sets.items()}
    prices = Typed(fields)
    found: dict[int, LotRules] = {}
    for no in lots:
        rules = read[no if no in own else 0]
        percent = rules.basis is PriceBasis.DISCOUNT_RATE
        ceiling = prices.percent(f"ceiling-{no}") if percent else prices.money(f"ceiling-{no}")
        if ceiling is not None:
            found[no] = msgspec.structs.replace(rules, ceiling=ceiling)
    faults = [fault for typed in (prices, *sets.values()) for fault in typed.faults]
    if not faults:
        faults = _together(found, own, budget_fen)
    return found, faults


def _together(found: Mapping[int, LotRules], own: list[int], budget_fen: int) -> list[Fault]:
    """What is wrong with rules that can be read: the first that cannot be run, and a sum over the budget."""
    typed = Typed({})
    for no, rules in found.items():
        wrong = lot_problem(rules)
        if wrong:
            field = FIELD_OF.get(wrong, f"ceiling-{no}")
            of_its_own = no in own and field not in ("closes_at", "line-1-name") and not field.startswith("ceiling")
            there = Typed({}, lot=no if of_its_own else 0)
            there.wrong(field, f"rules.{wrong}")
            return there.faults
    total = sum(rules.ceiling or 0 for rules in found.values() if rules.basis is not PriceBasis.DISCOUNT_RATE)
    if total > budget_fen:
        typed.wrong(f"ceiling-{max(found)}", "problem.ceiling_over_budget", budget_fen=budget_fen)
    return typed.faults


def _rules(typed: Typed, duration_ms: int, rule_set: RuleSet) -> LotRules:
    if typed.raw("format") == FormatName.SEALED_ONE_SHOT.value:
        return _sealed(typed)
    basis = typed.choice("basis", PriceBasis, PriceBasis.TOTAL)
    drop = typed.whole("big_drop", 0, 99) if typed.raw("big_drop") else 0
    return LotRules(
        format=typed.choice("format", FormatName, FormatName.LIVE_REVERSE),
        basis=basis,
        decrement=_decrement(typed, basis),
        duration_ms=duration_ms,
        overtime=_overtime(typed, duration_ms),
        rounds=_rounds(typed),
        suppliers_min=typed.whole("suppliers_min", 1, 100) or 3,
        visibility=typed.choice("visibility", Visibility, Visibility.RANK_ONLY),
        starting_gate=typed.ticked("starting_gate"),
        host_view=typed.choice("host_view", HostView, HostView.ALIASES),
        big_drop_bp=(drop or 0) * 100,
        conformity=typed.choice("conformity", Conformity, Conformity.BEFORE_START),
        award_confirm_ms=(typed.whole("award_confirm", 1, 720) or 72) * 60 * MINUTE,
        outage_pause_after_ms=rule_set.ms("auction.pause_after_outage_seconds"),
        left_after_outage_min_ms=rule_set.ms("auction.left_after_outage_seconds"),
    )


def _sealed(typed: Typed) -> LotRules:
    """One sealed price: nothing to step down by, nothing to see, reviewed after the opening."""
    return LotRules(
        format=FormatName.SEALED_ONE_SHOT,
        suppliers_min=typed.whole("suppliers_min", 1, 100) or 3,
        conformity=Conformity.AFTER_CLOSE,
        award_confirm_ms=(typed.whole("award_confirm", 1, 720) or 72) * 60 * MINUTE,
    )


def read_few(fields: Fields) -> tuple[FewSuppliers | None, list[Fault]]:
    """The approval of fewer suppliers than the parameters ask for, where one is claimed: its document and reason."""
    typed = Typed(fields)
    if not typed.ticked("few_approved"):
        return None, []
    document, reason = typed.text("few_document", 100), typed.text("few_reason", 500)
    return (None if typed.faults else FewSuppliers(document, reason)), typed.faults


FIELD_OF = {
    "suppliers_min_too_low": "suppliers_min",
    "decrement_missing": "step_amount",
    "multiple_needs_own": "step_against",
    "lead_hidden": "step_against",
    "rounds_tell_number": "visibility",
    "decrement_over_ceiling": "step_amount",
    "hard_stop_before_end": "hard_stop",
    "duration": "closes_at",
    "lines_missing": "line-1-name",
}
"""Where in the form a rule that cannot be run was typed."""


def _decrement(typed: Typed, basis: PriceBasis) -> Decrement:
    kind = typed.choice("step_kind", StepKind, StepKind.ABSOLUTE)
    against = typed.choice("step_against", StepAgainst, StepAgainst.OWN)
    read = typed.percent if basis is PriceBasis.DISCOUNT_RATE else typed.money
    if kind is StepKind.PERCENTAGE:
        return Decrement(kind=kind, amount=0, bp=typed.percent("step_rate", 5_000) or 0, against=against)
    if kind is not StepKind.BANDS:
        return Decrement(kind=kind, amount=read("step_amount") or 0, against=against)
    bands = []
    for n in BANDS:
        if not typed.raw(f"band-{n}-from") and not typed.raw(f"band-{n}-amount"):
            continue
        begin = 0 if typed.raw(f"band-{n}-from") in ("0", "0.00") else read(f"band-{n}-from")
        amount = read(f"band-{n}-amount")
        if begin is not None and amount is not None:
            bands.append(Band(begin, amount))
    if not bands and not typed.faults:
        typed.wrong("band-1-from", "wizard.fault.no_bands")
    least = min((band.amount for band in bands), default=0)
    return Decrement(kind=kind, amount=least, bands=tuple(bands), against=against)


def _overtime(typed: Typed, duration_ms: int) -> Overtime:
    if typed.raw("overtime") == "0":
        return Overtime(extensions_max=0)
    window, extend = typed.whole("overtime_window", 10, 3_600), typed.whole("overtime_extend", 10, 3_600)
    most = typed.whole("extensions_max", 1, 1_000, need=False)
    after = typed.whole("hard_stop", 1, 1_440, need=False)
    return Overtime(
        window_ms=(window or 180) * 1000,
        extend_ms=(extend or 180) * 1000,
        rank_max=typed.whole("overtime_rank", 1, 100) or 3,
        extensions_max=most,
        hard_stop_ms=None if after is None else duration_ms + after * MINUTE,
    )


def _rounds(typed: Typed) -> Rounds:
    if typed.raw("format") != FormatName.ROUND_REVERSE.value:
        return Rounds()
    count, turn = typed.whole("rounds_count", 1, 10), typed.whole("rounds_turn", 10, 3_600)
    first, pause = typed.whole("rounds_first", 0, 3_600), typed.whole("rounds_pause", 0, 3_600)
    return Rounds(count or 3, (first or 0) * 1000, (turn or 120) * 1000, (pause or 0) * 1000)


def rule_fields(rules: LotRules) -> dict[str, str]:
    """A set of rules as it is typed; the ceiling stands beside it."""
    step, over, rounds = rules.decrement, rules.overtime, rules.rounds
    fields = {
        "format": rules.format.value, "basis": rules.basis.value, "step_kind": step.kind.value,
        "step_amount": yuan_text(step.amount), "step_rate": f"{step.bp / 100:.2f}", "step_against": step.against.value,
        "overtime": "0" if over.extensions_max == 0 else "1", "overtime_window": str(over.window_ms // 1000),
        "overtime_extend": str(over.extend_ms // 1000), "overtime_rank": str(over.rank_max),
        "extensions_max": str(over.extensions_max or ""),
        "hard_stop": str((over.hard_stop_ms - rules.duration_ms) // MINUTE) if over.hard_stop_ms else "",
        "rounds_count": str(rounds.count), "rounds_turn": str(rounds.turn_ms // 1000),
        "rounds_first": str(rounds.first_pause_ms // 1000), "rounds_pause": str(rounds.pause_ms // 1000),
        "visibility": rules.visibility.value, "starting_gate": "1" if rules.starting_gate else "",
        "host_view": rules.host_view.value, "suppliers_min": str(rules.suppliers_min),
        "big_drop": str(rules.big_drop_bp // 100), "conformity": rules.conformity.value,
        "award_confirm": str(rules.award_confirm_ms // (60 * MINUTE)),
    }  # fmt: skip
    for n, band in enumerate(step.bands[: len(BANDS)], 1):
        fields |= {f"band-{n}-from": yuan_text(band.at_or_above), f"band-{n}-amount": yuan_text(band.amount)}
    return fields


def yuan_text(fen: int) -> str:
    """An amount as it is typed: yuan with two decimals."""
    return f"{fen // 100}.{fen % 100:02d}"
