"""A data element 数据元 and the verdict on a request for another. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}", re.ASCII)
_FORMAT = re.compile(r"(?:an?|n)(?:\.\.)?[1-9][0-9]{0,3}(?:,[0-9])?|d8|dt14|b", re.ASCII)
NAME_MAX, REASON_MAX = 60, 500


class Element(Struct, frozen=True):
    """A data element: its code, its name, and its format as GB/T 18391 writes it (``an..20``, ``n..14,2``, ``d8``)."""

    code: str
    name: str
    format: str


BUILT_IN: tuple[Element, ...] = (
    Element("uscc", "统一社会信用代码", "an18"),
    Element("region_code", "行政区划代码", "n6"),
    Element("category_code", "采购品目编码", "an..9"),
    Element("project_number", "采购项目编号", "an..40"),
    Element("org_name", "单位名称", "an..200"),
    Element("budget_amount", "预算金额", "n..14,2"),
    Element("deal_amount", "成交金额", "n..14,2"),
    Element("deal_date", "成交日期", "d8"),
    Element("contract_number", "合同编号", "an..60"),
    Element("contract_signed_on", "合同签订日期", "d8"),
)
_TAKEN = frozenset(one.code for one in BUILT_IN)


class Fault(StrEnum):
    """Why a request is not taken, or not decided. Sentences: ``problem.element_<value>``."""

    CODE = "code"
    NAME = "name"
    FORMAT = "format"
    REASON = "reason"
    TAKEN = "taken"
    DECIDED = "decided"
    OWN = "own"


def fault_of(asked: Element, reason: str) -> Fault | None:
    """Why ``asked`` is not taken as a request, or None. Whether another has asked for it first, the table says."""
    if not _CODE.fullmatch(asked.code):
        return Fault.CODE
    if not 1 <= len(asked.name) <= NAME_MAX or not asked.name.isprintable():
        return Fault.NAME
    if not _FORMAT.fullmatch(asked.format):
        return Fault.FORMAT
    if not 1 <= len(reason) <= REASON_MAX or not reason.isprintable():
        return Fault.REASON
    return Fault.TAKEN if asked.code in _TAKEN else None
