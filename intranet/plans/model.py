"""The nouns of plans: methods 采购方式, a plan as drafted, and what the checks find."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from intranet.budget.model import Source


class Method(StrEnum):
    """How is bought 采购方式. Name for people: ``plan.method.<value>``."""

    OPEN_TENDER = "open_tender"  # 公开招标
    INVITED_TENDER = "invited_tender"  # 邀请招标
    NEGOTIATION = "negotiation"  # 竞争性谈判
    CONSULTATION = "consultation"  # 竞争性磋商
    INQUIRY = "inquiry"  # 询价
    SINGLE_SOURCE = "single_source"  # 单一来源
    FRAMEWORK = "framework"  # 框架协议
    MALL = "mall"  # 电子卖场（直购、竞价、反拍）


METHOD_OF_BASIS = {
    "statutory_inquiry": (Method.INQUIRY,),
    "framework_mini": (Method.FRAMEWORK,),
    "mall_local": (Method.MALL,),
    "tender_second_offer": (Method.NEGOTIATION, Method.CONSULTATION),
}
"""The methods under which a case of that lawful basis carries a plan out."""


class State(StrEnum):
    """The life of a plan 采购计划. Name for people: ``plan.state.<value>``."""

    FILED = "filed"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What moves a plan on."""

    APPROVE = "approve"
    RETURN = "return"
    FILE_AGAIN = "file_again"
    WITHDRAW = "withdraw"


LIFE: dict[tuple[State, Step], State] = {
    (State.FILED, Step.APPROVE): State.APPROVED,
    (State.FILED, Step.RETURN): State.RETURNED,
    (State.RETURNED, Step.FILE_AGAIN): State.FILED,
    (State.FILED, Step.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Step.WITHDRAW): State.WITHDRAWN,
}
"""An absent pair is illegal. An approved plan stays: its cases refer to it."""


class PlanDraft(Struct, frozen=True):
    """A plan as filed. ``small_share_bp``: the share reserved for small and medium firms 预留份额; ``small_reason``:
    why it is less than the rules ask for. ``approval_no``: finance's approval of another method than open tender.
    """

    title: str
    category: str
    method: Method
    amount_fen: int
    sources: tuple[Source, ...]
    project: str = ""
    small_share_bp: int = 10_000
    small_reason: str = ""
    approval_no: str = ""


class Code(StrEnum):
    """What a check finds, in order of precedence. Sentence: ``plan.finding.<value>``."""

    SOURCES_DIFFER = "sources_differ"
    NO_BUDGET = "no_budget"
    OPEN_TENDER_NEEDED = "open_tender_needed"
    STATUTORY_NEEDED = "statutory_needed"
    INQUIRY_GOODS_ONLY = "inquiry_goods_only"
    SMALL_REASON = "small_reason"
    SPLIT = "split"
    SMALL_SHARE = "small_share"


WATCHED = frozenset({Code.SPLIT, Code.SMALL_SHARE})
"""What does not stop a plan, and is shown to who approves it."""


class Finding(Struct, frozen=True):
    """What a check found, with the amount it is about (fen; 0: none)."""

    code: Code
    fen: int = 0


class Facts(Struct, frozen=True):
    """What a plan is judged by, besides itself: ``free`` is what each of its sources has that no plan promised yet;
    ``year_sum_fen`` what this unit planned this year of the same item and project by other ways than open tender.
    """

    free: tuple[int, ...]
    year_sum_fen: int = 0
