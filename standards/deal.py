"""成交: the one value every trading room ends in. After it nobody asks back."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from standards.money import PRICE_MAX, scale_half_up

_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class Source(StrEnum):
    """Which trading room a deal comes from."""

    AUCTION = "auction"
    MARKET = "market"
    BIDDING = "bidding"
    TENDERING = "tendering"


class DealLine(Struct, frozen=True):
    """A line 成交明细. ``quantity`` is a decimal text (``"12"``, ``"2.5"``); ``total_fen`` what the line costs.

    ``unit_price_fen`` is None where the lot was decided by its total (条例 §43 wants unit prices where there are any).
    """

    no: int
    name: str
    unit: str
    quantity: str
    unit_price_fen: int | None = None
    total_fen: int | None = None
    category: str = ""
    brand: str = ""
    model: str = ""
    spec: str = ""


class Deal(Struct, frozen=True, kw_only=True):
    """A deal 成交: who sells what to whom for how much, on what basis, and where the proof lies.

    ``amount_fen`` is what ranked (after policy deductions), ``contract_fen`` what is paid: the quoted price
    (财库〔2020〕46号 §9). ``discount_bp`` is the quoted rate of a lot decided by 下浮率. ``log_sha256`` is the hash
    of the whole log of ``log_length`` events, ``rule_set_sha256`` that of the rules it was run by.
    """

    deal_id: UUID
    source: Source
    case_id: UUID
    lot_id: UUID
    number: str
    ocid: str
    title: str
    region: str
    buyer_org: UUID
    buyer_name: str
    supplier_org: UUID
    supplier_name: str
    supplier_uscc: str
    legal_basis: str
    category: str
    amount_fen: int
    contract_fen: int
    awarded_at_ms: int
    rule_set_sha256: str
    agency_org: UUID | None = None
    budget_fen: int | None = None
    plan_no: str = ""
    discount_bp: int | None = None
    lines: tuple[DealLine, ...] = ()
    log_sha256: str = ""
    log_length: int = 0
    contract_due: date | None = None


class DealFault(StrEnum):
    """What makes a deal no deal."""

    AMOUNT = "amount"
    LINES = "lines"
    LINE_TOTAL = "line_total"
    BUYER_SELLS = "buyer_sells"


def line_total(unit_price_fen: int, quantity: str) -> int:
    """Unit price times quantity to the fen, half up. ``quantity`` is a plain decimal text; ``ValueError`` otherwise."""
    if not _QUANTITY.fullmatch(quantity):
        raise ValueError(f"{quantity!r} is no quantity")
    whole, _, decimals = quantity.partition(".")
    return scale_half_up(unit_price_fen, int(whole + decimals), 10 ** len(decimals))


def fault_of(deal: Deal) -> DealFault | None:
    """What is wrong with ``deal``, or None: amounts in range, unit prices times quantities equal to the contract."""
    if not (1 <= deal.contract_fen <= PRICE_MAX and 1 <= deal.amount_fen <= PRICE_MAX):
        return DealFault.AMOUNT
    if deal.buyer_org == deal.supplier_org:
        return DealFault.BUYER_SELLS
    priced = [line for line in deal.lines if line.unit_price_fen is not None]
    for line in priced:
        if line.unit_price_fen is not None and line.total_fen != line_total(line.unit_price_fen, line.quantity):
            return DealFault.LINE_TOTAL
    if priced and len(priced) == len(deal.lines) and sum(line.total_fen or 0 for line in priced) != deal.contract_fen:
        return DealFault.LINES
    return None
