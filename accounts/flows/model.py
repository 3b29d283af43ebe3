"""The nouns of approval flows 审批流: kinds of business, posts 审批岗位, steps, and what a case is judged by."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from accounts.acts import Act
from accounts.model import Role


class Kind(StrEnum):
    """The business a flow is for. Name for people: ``flow.kind.<value>``."""

    PLAN = "plan"  # 采购计划
    CASE = "case"  # 采购项目
    PAYMENT = "payment"  # 支付申请


class Post(StrEnum):
    """Who decides 审批岗位. Name for people: ``flow.post.<value>``."""

    DEPARTMENT = "department"  # 业务科室
    FINANCE = "finance"  # 单位财务
    HEAD = "head"  # 单位负责人
    FISCAL = "fiscal"  # 财政部门


ROLE_OF = {Post.DEPARTMENT: Role.BUYER, Post.FINANCE: Role.BUYER, Post.HEAD: Role.HEAD, Post.FISCAL: Role.SUPERVISOR}
"""The role its holder has: in the unit itself, but for the finance department, which has the place."""
POSTS_OF = {
    Kind.PLAN: (Post.DEPARTMENT, Post.FINANCE, Post.HEAD, Post.FISCAL),
    Kind.CASE: (Post.DEPARTMENT, Post.FINANCE, Post.HEAD),
    Kind.PAYMENT: (Post.DEPARTMENT, Post.FINANCE, Post.HEAD),
}
"""Who oversees purchases takes no part in them: a unit alone approves its cases and its payments."""
ACT_OF = {Kind.PLAN: Act.PLAN_DECIDE, Kind.CASE: Act.CASE_APPROVE, Kind.PAYMENT: Act.PAYMENT_DECIDE}


class Needs(StrEnum):
    """Of several posts in one step: all of them 会签, or any one 或签."""

    ALL = "all"
    ANY = "any"


class Step(Struct, frozen=True, omit_defaults=True):
    """One step of a flow, for cases of at least ``from_fen``, of one of ``categories`` (beginnings of codes; none: any)
    and for which the CEL expression ``when`` holds (empty: always).
    """

    posts: tuple[Post, ...]
    needs: Needs = Needs.ALL
    from_fen: int = 0
    categories: tuple[str, ...] = ()
    when: str = ""

    @property
    def always(self) -> bool:
        """Whether no case goes past it."""
        return not (self.from_fen or self.categories or self.when)


class Facts(Struct, frozen=True):
    """What conditions may ask about a case; the names are those of the CEL expressions."""

    amount_fen: int
    category: str = ""
    method: str = ""
    region: str = ""


class Filing(Struct, frozen=True):
    """A case as it is given to its flow: what it is, where it stands, where it is read. ``author``: who drew it up,
    where another files it; neither of them ever approves it.
    """

    kind: Kind
    object_id: UUID
    region: str
    org_id: UUID
    title: str
    number: str
    path: str
    facts: Facts
    author: UUID | None = None


class Outcome(StrEnum):
    """Where a decision leads."""

    RUNNING = "running"
    APPROVED = "approved"
    RETURNED = "returned"


class Fault(StrEnum):
    """Why a flow is refused, in order of precedence. Sentence: ``error.flow_<value>``."""

    ENDLESS = "endless"  # no step that every case comes to: some would end nowhere
    TOO_LONG = "too_long"
    POST_UNKNOWN = "post_unknown"
    POST_MISSING = "post_missing"
    POST_TWICE = "post_twice"
    CATEGORY = "category"
    CONDITION = "condition"
