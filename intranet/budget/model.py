"""The nouns of the budget: accounts 科目, the lawful postings, an indicator's balances, a hold 额度占用."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Account(StrEnum):
    """Where the money of an indicator stands. ``GRANTED`` is the other side of all others, and never above zero."""

    GRANTED = "granted"  # 下达
    AVAILABLE = "available"  # 可用
    FROZEN = "frozen"  # 冻结
    CONSUMED = "consumed"  # 已执行（合同）
    PAYING = "paying"  # 支付在途
    PAID = "paid"  # 已支付
    CARRIED = "carried"  # 结转


class Kind(StrEnum):
    """What a posting is. Name for people: ``budget.kind.<value>``."""

    GRANT = "grant"  # 下达、追加
    CUT = "cut"  # 调减、收回
    FREEZE = "freeze"
    RELEASE = "release"
    CONSUME = "consume"
    APPLY = "apply"  # 支付申请
    PAY = "pay"  # 支付凭证
    TURN_DOWN = "turn_down"  # 支付退回
    REFUND = "refund"  # 退汇
    CARRY_AVAILABLE = "carry_available"  # 年终结转
    CARRY_FROZEN = "carry_frozen"
    CARRY_CONSUMED = "carry_consumed"
    BRING_AVAILABLE = "bring_available"  # 上年结转
    BRING_FROZEN = "bring_frozen"
    BRING_CONSUMED = "bring_consumed"


SIDES: dict[Kind, tuple[Account, Account]] = {
    Kind.GRANT: (Account.GRANTED, Account.AVAILABLE),
    Kind.CUT: (Account.AVAILABLE, Account.GRANTED),
    Kind.FREEZE: (Account.AVAILABLE, Account.FROZEN),
    Kind.RELEASE: (Account.FROZEN, Account.AVAILABLE),
    Kind.CONSUME: (Account.FROZEN, Account.CONSUMED),
    Kind.APPLY: (Account.CONSUMED, Account.PAYING),
    Kind.PAY: (Account.PAYING, Account.PAID),
    Kind.TURN_DOWN: (Account.PAYING, Account.CONSUMED),
    Kind.REFUND: (Account.PAID, Account.CONSUMED),
    Kind.CARRY_AVAILABLE: (Account.AVAILABLE, Account.CARRIED),
    Kind.CARRY_FROZEN: (Account.FROZEN, Account.CARRIED),
    Kind.CARRY_CONSUMED: (Account.CONSUMED, Account.CARRIED),
    Kind.BRING_AVAILABLE: (Account.GRANTED, Account.AVAILABLE),
    Kind.BRING_FROZEN: (Account.GRANTED, Account.FROZEN),
    Kind.BRING_CONSUMED: (Account.GRANTED, Account.CONSUMED),
}
"""What each kind of posting takes from and gives to. Nothing else may be posted."""


class Fund(StrEnum):
    """The source of funds 资金来源. Name for people: ``budget.fund.<value>``."""

    GENERAL = "general"  # 一般公共预算
    FUND = "fund"  # 政府性基金
    CAPITAL = "capital"  # 国有资本经营预算
    SPECIAL = "special"  # 财政专户
    OWN = "own"  # 单位自有资金


class Refusal(StrEnum):
    """Why money is not moved, in order of precedence. Sentence: ``problem.budget_<value>``."""

    INDICATOR_UNKNOWN = "indicator_unknown"
    NO_AMOUNT = "no_amount"
    SOURCE_TWICE = "source_twice"
    REQUEST_REUSED = "request_reused"
    HOLD_UNKNOWN = "hold_unknown"
    HOLD_OVER = "hold_over"
    OVER_HOLD = "over_hold"
    CLOSED = "closed"
    SHORT = "short"
    PAYMENT_UNDER_WAY = "payment_under_way"


class Source(Struct, frozen=True):
    """So many fen from this indicator."""

    indicator_id: UUID
    fen: int


class Posting(Struct, frozen=True):
    """A movement in one indicator."""

    indicator_id: UUID
    kind: Kind
    fen: int


class Balances(Struct, frozen=True):
    """An indicator 指标 as it stands, in fen; ``granted`` as people read it, not below zero."""

    indicator_id: UUID
    granted: int = 0
    available: int = 0
    frozen: int = 0
    consumed: int = 0
    paying: int = 0
    paid: int = 0
    carried: int = 0
    closed: bool = False


class HoldState(StrEnum):
    """The life of a hold 额度占用. Only ``HELD`` moves on."""

    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


class Hold(Struct, frozen=True):
    """What is held for a request: ``asked`` at first, ``sources`` now. No ``expires_at_ms``: until its room ends it."""

    request_id: str
    state: HoldState
    asked: tuple[Source, ...]
    sources: tuple[Source, ...]
    expires_at_ms: int | None = None

    @property
    def fen(self) -> int:
        """What is held now, or was when it ended."""
        return sum(source.fen for source in self.sources)
