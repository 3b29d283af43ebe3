"""The verdicts on what outside registers say: pure, raise nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from registries.outside.model import (
    Answer,
    CreditExtract,
    CreditKind,
    Doubt,
    Extract,
    FirmExtract,
    FirmState,
    Outcome,
    Register,
    SocialExtract,
    Stated,
    TaxExtract,
)

HOLDS_BP = 5_000
LATE_DAYS = 92
"""Social insurance paid to a day longer ago than a quarter is late; the month before is often booked only now."""


def firm_of(answers: Mapping[Register, Answer]) -> FirmExtract | None:
    """What the company register said, if it knew the firm."""
    found = answers.get(Register.FIRM)
    return found.extract if found is not None and isinstance(found.extract, FirmExtract) else None


def doubts(stated: Stated, answers: Iterable[Answer], today: date) -> list[Doubt]:
    """What in the answers does not fit to what a firm states, or speaks against it; in the order of ``Doubt``."""
    found: set[Doubt] = set()
    for answer in answers:
        if answer.extract is not None:
            found |= _against(stated, answer.extract, today)
        elif answer.outcome is Outcome.UNKNOWN and answer.register is Register.FIRM:
            found.add(Doubt.UNKNOWN)
    return [each for each in Doubt if each in found]


def _against(stated: Stated, extract: Extract, today: date) -> set[Doubt]:
    if isinstance(extract, FirmExtract):
        return _firm(stated, extract)
    if isinstance(extract, TaxExtract):
        return _tax(extract)
    if isinstance(extract, SocialExtract):
        return _social(extract, today)
    return _credit(extract, today)


def _firm(stated: Stated, firm: FirmExtract) -> set[Doubt]:
    differs = {
        Doubt.GONE: firm.state is not FirmState.EXISTING,
        Doubt.NAME: _bare(firm.name) != _bare(stated.name),
        Doubt.REGION: firm.region != stated.region,
        Doubt.HEAD: bool(firm.head_name) and firm.head_name != stated.head_name,
        Doubt.HOLDER: any(
            each.share_bp > HOLDS_BP and not {each.code or each.name, each.name} & stated.holders
            for each in firm.holders
        ),
    }
    return {doubt for doubt, so in differs.items() if so}


def _bare(name: str) -> str:
    """A name as registers write it: brackets of either width, no blanks."""
    return "".join(name.split()).replace("(", "（").replace(")", "）")


def _tax(tax: TaxExtract) -> set[Doubt]:
    owed = {Doubt.TAX_OWED} if tax.arrears_fen > 0 else set()
    return owed | ({Doubt.TAX_GRADE} if tax.grade == "D" else set())


def _social(social: SocialExtract, today: date) -> set[Doubt]:
    if social.insured == 0 or social.paid_to is None:
        return {Doubt.SOCIAL_NONE}
    return {Doubt.SOCIAL_LATE} if social.paid_to < today - timedelta(days=LATE_DAYS) else set()


def _credit(credit: CreditExtract, today: date) -> set[Doubt]:
    kinds = {each.kind for each in credit.entries if each.holds(today)}
    barred = {Doubt.BARRED} if kinds - {CreditKind.ABNORMAL} else set()
    return barred | ({Doubt.ABNORMAL} if CreditKind.ABNORMAL in kinds else set())
