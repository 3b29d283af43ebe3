"""The rules of a lot in sentences 竞价规则, for those who bid by them. Pure: the catalogue is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from auction.lot.model import FormatName, LotRules, PriceBasis, StepKind

Say = Callable[..., str]
"""``say(key, **params)``: a sentence of the catalogue in the reader's language."""


def amount_text(value: int, basis: PriceBasis) -> str:
    """A price or step in the lot's unit as people read it: ``¥2,400.00``, or ``0.50%`` for discount-rate lots."""
    if basis is PriceBasis.DISCOUNT_RATE:
        return f"{value // 100}.{value % 100:02d}%"
    return f"¥{value // 100:,}.{value % 100:02d}"


def rate_text(bp: int) -> str:
    """Basis points without idle zeros: 50 is ``0.5%``, 2,000 is ``20%``."""
    return f"{bp / 100:.2f}".rstrip("0").rstrip(".") + "%"


def span_text(ms: int, say: Say) -> str:
    """A span in whole minutes where it is one, else in seconds."""
    if ms >= 60_000 and ms % 60_000 == 0:
        return say("room.rule.minutes", n=ms // 60_000)
    return say("room.rule.seconds", n=f"{ms / 1000:g}")


def _step(rules: LotRules, say: Say) -> str:
    decrement = rules.decrement
    key = f"room.rule.step_{decrement.kind.value}_{decrement.against.value}"
    if decrement.kind is StepKind.PERCENTAGE:
        return say(key, rate=rate_text(decrement.bp))
    if decrement.kind is StepKind.BANDS:
        return say(key)
    return say(key, amount=amount_text(decrement.amount, rules.basis))


def _sealed_in_words(rules: LotRules, say: Say) -> Iterator[str]:
    for key in ("once", "nobody", "offices"):
        yield say(f"room.rule.sealed_{key}")
    yield say("room.rule.ties")
    yield say("room.rule.suppliers_min", n=rules.suppliers_min)
    yield say("room.rule.award_confirm", h=f"{rules.award_confirm_ms / 3_600_000:g}")


def rules_in_words(rules: LotRules, say: Say) -> Iterator[str]:
    """One sentence per rule that a bidder must know, most important first."""
    if rules.format is FormatName.SEALED_ONE_SHOT:
        yield from _sealed_in_words(rules, say)
        return
    if rules.format is FormatName.LIVE_REVERSE:
        yield say("room.rule.live_reverse")
    else:
        yield say("room.rule.round_reverse", n=rules.rounds.count, s=rules.rounds.turn_ms // 1000)
    yield _step(rules, say)
    overtime = rules.overtime
    if rules.format is FormatName.LIVE_REVERSE:
        if overtime.extensions_max == 0:
            yield say("room.rule.no_overtime")
        else:
            window, extend = span_text(overtime.window_ms, say), span_text(overtime.extend_ms, say)
            yield say("room.rule.overtime", window=window, n=overtime.rank_max, extend=extend)
            if overtime.extensions_max is not None:
                yield say("room.rule.extensions_max", n=overtime.extensions_max)
    yield say("room.rule.ties")
    if rules.big_drop_bp:
        yield say("room.rule.big_drop", rate=rate_text(rules.big_drop_bp))
    if not rules.practice:
        yield say("room.rule.suppliers_min", n=rules.suppliers_min)
        yield say("room.rule.award_confirm", h=f"{rules.award_confirm_ms / 3_600_000:g}")
