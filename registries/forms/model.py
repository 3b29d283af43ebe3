"""A text form 格式文本: its kinds, the blanks it may have, and which version is in force. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from standards import regions

BODY_MAX, SOURCE_MAX = 20_000, 500
BLANKS = ("number", "title", "purchaser", "agency", "budget", "supplier", "amount", "contract_no", "date")
"""What a text may leave to be filled in, as ``{number}``."""
_BLANK = re.compile(r"\{([^{}]*)\}")


class Kind(StrEnum):
    """What a text is for."""

    NOTICE = "notice"  # 采购公告
    AWARD = "award"  # 成交通知书
    CONFIRMATION = "confirmation"  # 成交确认书
    CONTRACT = "contract"  # 合同


class Form(Struct, frozen=True):
    """One version, in force in ``region`` (a prefix) and all in it from ``valid_from`` until the next begins."""

    id: UUID | None
    kind: Kind
    region: str
    version: int
    valid_from: date
    body: str
    source: str


class Fault(StrEnum):
    """Why a version cannot be added. Sentences: ``problem.form_<value>``."""

    REGION = "region"
    BODY = "body"
    BLANK = "blank"
    SOURCE = "source"
    PERIOD = "period"


def fault_of(form: Form, newest: date | None, earliest: date) -> Fault | None:
    """Why ``form`` cannot be added, or None. It begins on ``earliest`` at the soonest, and after the newest version."""
    if not regions.is_prefix(form.region):
        return Fault.REGION
    if not 1 <= len(form.body.strip()) <= BODY_MAX or not form.body.replace("\n", "").isprintable():
        return Fault.BODY
    if any(name not in BLANKS for name in _BLANK.findall(form.body)):
        return Fault.BLANK
    if not 1 <= len(form.source.strip()) <= SOURCE_MAX or not form.source.isprintable():
        return Fault.SOURCE
    if form.valid_from < earliest or (newest is not None and form.valid_from <= newest):
        return Fault.PERIOD
    return None


def in_force(forms: Iterable[Form], region: str, on: date) -> dict[Kind, Form]:
    """The version of each kind in force in the place ``region`` on a day: the nearest place's, then the newest."""
    found: dict[Kind, Form] = {}
    for form in sorted(forms, key=lambda one: (len(one.region), one.valid_from)):
        if form.valid_from <= on and regions.within(region, form.region):
            found[form.kind] = form
    return found
