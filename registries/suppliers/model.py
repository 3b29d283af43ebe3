"""The nouns of the supplier registry: a supplier, its bans, what it declares, why it may not take part."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct


class Status(StrEnum):
    """What was decided of a registration 登记. Where the supplier stands on a day, see ``Standing``."""

    DRAFT = "draft"  # 退回待更正
    REVIEWING = "reviewing"
    PROVISIONAL = "provisional"  # 承诺即入, reviewed beside it
    ACTIVE = "active"
    CLOSED = "closed"


class Standing(StrEnum):
    """Where a supplier stands on a day: its status, and what begins and ends by its own days."""

    DRAFT = "draft"
    REVIEWING = "reviewing"
    PROVISIONAL = "provisional"
    ACTIVE = "active"
    LIMITED = "limited"  # 证照过期
    BANNED = "banned"
    CLOSED = "closed"


class SizeClass(StrEnum):
    """Size of a firm 企业规模 (工信部联企业〔2011〕300号)."""

    UNKNOWN = "unknown"
    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Ban(Struct, frozen=True):
    """A ban 禁止参加政府采购活动 from ``begins`` until before ``ends`` (None: until lifted)."""

    begins: date | None
    ends: date | None
    reason: str
    authority: str

    def holds(self, on: date) -> bool:
        """Whether it holds on that day."""
        return (self.begins is None or self.begins <= on) and (self.ends is None or on < self.ends)


class SupplierFacts(Struct, frozen=True, kw_only=True):
    """A supplier 供应商 as registered.

    ``head_key`` is a keyed hash (hex) of the identity number of its head 单位负责人, "" if not known: names alone are
    shared by strangers. ``controllers`` are credit codes or head keys of who directly holds or manages it.
    ``categories`` are scopes: each covers all below it. ``certificate_until`` is the first day it no longer holds.
    """

    org_id: UUID
    name: str
    uscc: str
    region: str
    status: Status
    size_class: SizeClass = SizeClass.UNKNOWN
    prison: bool = False
    welfare: bool = False
    head_name: str = ""
    head_key: str = ""
    controllers: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()
    certificate_until: date | None = None
    bans: tuple[Ban, ...] = ()


class Disqualification(StrEnum):
    """Why a supplier may not take part, in order of precedence. Sentence: ``problem.supplier_<value>``."""

    NOT_REGISTERED = "not_registered"
    UNDER_REVIEW = "under_review"
    CLOSED = "closed"
    BANNED = "banned"
    CERTIFICATE_EXPIRED = "certificate_expired"
    OUT_OF_SCOPE = "out_of_scope"
    RELATED = "related"


class Relation(StrEnum):
    """How two suppliers are related. The first two exclude each other from one contract (条例 §18)."""

    SAME_HEAD = "same_head"  # 单位负责人为同一人
    DIRECT_CONTROL = "direct_control"  # 直接控股、管理关系
    SAME_CONTROLLER = "same_controller"  # not named by the clause: raised for a person, never refused by itself


class Declarations(Struct, frozen=True):
    """What a supplier declares 声明函 with an offer; published with the result (财库〔2020〕46号 §11, §13).

    ``small_makers``: everything offered is made by small or micro firms. ``small_share_bp``: their share in a
    consortium or subcontract. ``domestic_share_bp``: domestic share of cost.
    """

    small_makers: bool = False
    small_share_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0
    domestic_share_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0
