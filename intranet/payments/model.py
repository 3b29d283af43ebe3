"""The nouns of payments 支付: their life, and an application as typed."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """The life of a payment application 支付申请. Name for people: ``payment.state.<value>``."""

    FILED = "filed"
    APPLIED = "applied"  # 支付在途
    PAID = "paid"
    DECLINED = "declined"  # by the head
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"  # by the treasury, or by the bank afterwards


class Step(StrEnum):
    """What moves it on."""

    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    PAY = "pay"
    RETURN = "return"


LIFE: dict[tuple[State, Step], State] = {
    (State.FILED, Step.APPROVE): State.APPLIED,
    (State.FILED, Step.DECLINE): State.DECLINED,
    (State.FILED, Step.WITHDRAW): State.WITHDRAWN,
    (State.APPLIED, Step.PAY): State.PAID,
    (State.APPLIED, Step.RETURN): State.RETURNED,
    (State.PAID, Step.RETURN): State.RETURNED,  # 退汇: the bank sends the money back
}
"""An absent pair is illegal."""

LIVE = (State.FILED, State.APPLIED, State.PAID)
"""What counts against the contract."""


class Application(Struct, frozen=True):
    """An application as typed: for which contract's money, how much, by which acceptance 验收单."""

    request_id: str
    fen: int
    acceptance_no: str
    about: str
