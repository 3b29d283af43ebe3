"""权限: the acts 操作 that a door may ask for, which of them each built-in role has, which duties exclude each other.

Every door declares one act (``tests/accounts/test_every_door_has_an_act.py``). A role that an administrator makes is a
built-in one with fewer acts: nobody gets by it what no law knows.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from accounts.model import Role

OPEN = None
"""A door open to all."""
SIGNED_IN = ""
"""A door for whoever is signed in: his own things, or things whose room looks closer."""


class Act(StrEnum):
    """What a person may do to a kind of object: ``<kind>.<verb>``."""

    CASE_OPEN = "case.open"  # 立项
    CASE_PREPARE = "case.prepare"  # 编制、修改、提交
    CASE_APPROVE = "case.approve"  # 审批
    CASE_HOST = "case.host"  # 主持: amend, speak, answer, review, run again
    CASE_OVERVIEW = "case.overview"  # 大屏
    CASE_HOLD = "case.hold"  # 因质疑暂停
    CASE_SUSPEND = "case.suspend"  # 监管责令暂停
    CASE_AWARD = "case.award"  # 顺延、确认、合同
    MOTION_PROPOSE = "motion.propose"  # 提出动议
    MOTION_DECIDE = "motion.decide"  # 负责人决定动议
    BID_ENTER = "bid.enter"  # 报名、响应、提问
    BID_PLACE = "bid.place"  # 报价
    PRACTICE_HOST = "practice.host"  # 开设演练
    PLAN_READ = "plan.read"
    PLAN_FILE = "plan.file"
    PLAN_DECIDE = "plan.decide"
    BUDGET_READ = "budget.read"
    BUDGET_GRANT = "budget.grant"
    BUDGET_CLOSE = "budget.close"  # 年终结转
    PAYMENT_FILE = "payment.file"
    PAYMENT_DECIDE = "payment.decide"
    FISCAL_RECONCILE = "fiscal.reconcile"
    STANDARDS_SET = "standards.set"
    STANDARDS_EXTEND = "standards.extend"  # 申请扩展基础数据
    PLATFORM_WATCH = "platform.watch"
    RECORD_RELEASE = "record.release"
    AUDIT_READ = "audit.read"
    FLOW_SET = "flow.set"  # 设置审批流
    ORG_MANAGE = "org.manage"
    PERSON_MANAGE = "person.manage"
    REGISTRATION_DECIDE = "registration.decide"
    SUPPLIER_FILE = "supplier.file"  # 填报、更正、变更供应商档案
    SUPPLIER_REVIEW = "supplier.review"  # 属地审核
    SUPPLIER_BAN = "supplier.ban"  # 禁止参加政府采购活动
    AGENCY_FILE = "agency.file"  # 填报、更正、变更代理机构档案
    AGENCY_REVIEW = "agency.review"  # 核验、公布
    AGENCY_MARK = "agency.mark"  # 信用记录、禁止代理
    AGENCY_APPRAISE = "agency.appraise"  # 采购人评价
    VEHICLE_READ = "vehicle.read"
    VEHICLE_QUOTA = "vehicle.quota"  # 核定用车编制
    VEHICLE_APPROVE = "vehicle.approve"  # 控购审批、划转、定点、预警核销
    VEHICLE_ASK = "vehicle.ask"  # 申请购置、登记资产
    VEHICLE_DISPATCH = "vehicle.dispatch"  # 调度
    VEHICLE_SERVE = "vehicle.serve"  # 登记定点服务
    EXPERT_FILE = "expert.file"  # 填报专家档案、请假、答复抽取通知
    EXPERT_REVIEW = "expert.review"  # 专家库审核
    DRAW_ASK = "draw.ask"  # 申请抽取
    DRAW_HOLD = "draw.hold"  # 抽取的经办、监督
    PRODUCT_FILE = "product.file"  # 发布、维护商品
    PRODUCT_REVIEW = "product.review"  # 审核标准商品、标识、同款
    PRODUCT_RATE = "product.rate"  # 评价商品
    GRANT_GIVE = "grant.give"
    GRANT_READ = "grant.read"
    FACTOR_RESET = "factor.reset"  # 重置第二因素


A = Act
ACTS_OF: dict[Role, frozenset[Act]] = {
    Role.SUPPLIER: frozenset({
        A.BID_ENTER, A.BID_PLACE, A.SUPPLIER_FILE, A.PRODUCT_FILE, A.VEHICLE_READ, A.VEHICLE_SERVE,
    }),
    Role.BUYER: frozenset({
        A.CASE_OPEN, A.CASE_PREPARE, A.CASE_APPROVE, A.CASE_HOST, A.CASE_OVERVIEW, A.CASE_HOLD, A.CASE_AWARD,
        A.MOTION_PROPOSE, A.PRACTICE_HOST, A.PLAN_READ, A.PLAN_FILE, A.PLAN_DECIDE, A.PAYMENT_DECIDE, A.BUDGET_READ,
        A.PAYMENT_FILE, A.RECORD_RELEASE, A.STANDARDS_EXTEND, A.AGENCY_APPRAISE, A.PRODUCT_RATE,
        A.VEHICLE_READ, A.VEHICLE_ASK, A.VEHICLE_DISPATCH, A.DRAW_ASK, A.DRAW_HOLD,
    }),
    Role.HEAD: frozenset({
        A.CASE_APPROVE, A.CASE_HOST, A.CASE_OVERVIEW, A.CASE_HOLD, A.CASE_AWARD, A.MOTION_DECIDE, A.PLAN_READ,
        A.PLAN_DECIDE, A.BUDGET_READ, A.PAYMENT_DECIDE, A.RECORD_RELEASE, A.VEHICLE_READ, A.DRAW_HOLD,
    }),
    Role.AGENCY: frozenset({
        A.CASE_PREPARE, A.CASE_HOST, A.CASE_OVERVIEW, A.MOTION_PROPOSE, A.PRACTICE_HOST, A.STANDARDS_EXTEND,
        A.AGENCY_FILE, A.DRAW_ASK, A.DRAW_HOLD,
    }),
    Role.SUPERVISOR: frozenset({
        A.CASE_SUSPEND, A.CASE_OVERVIEW, A.PLAN_READ, A.PLAN_DECIDE, A.BUDGET_READ, A.BUDGET_GRANT, A.BUDGET_CLOSE,
        A.FISCAL_RECONCILE, A.AUDIT_READ, A.STANDARDS_EXTEND, A.SUPPLIER_REVIEW, A.SUPPLIER_BAN, A.PRODUCT_REVIEW,
        A.AGENCY_REVIEW, A.AGENCY_MARK, A.VEHICLE_READ, A.VEHICLE_QUOTA, A.VEHICLE_APPROVE,
        A.EXPERT_REVIEW, A.DRAW_HOLD,
    }),
    Role.OPERATOR: frozenset({
        A.STANDARDS_SET, A.PLATFORM_WATCH, A.RECORD_RELEASE, A.CASE_OVERVIEW, A.PRACTICE_HOST,
    }),
    Role.EXPERT: frozenset({A.EXPERT_FILE}),
    Role.AUDITOR: frozenset({A.AUDIT_READ, A.GRANT_READ}),
    Role.ADMIN: frozenset({
        A.ORG_MANAGE, A.PERSON_MANAGE, A.REGISTRATION_DECIDE, A.GRANT_GIVE, A.GRANT_READ, A.FLOW_SET,
    }),
    Role.SECURITY: frozenset({A.GRANT_GIVE, A.GRANT_READ, A.FACTOR_RESET}),
}  # fmt: skip
del A


class Conflict(msgspec.Struct, frozen=True):
    """Two duties that one person never has 不相容职务. ``why`` names the sentence."""

    one: Role
    other: Role
    why: str


THREE = (Role.OPERATOR, Role.SECURITY, Role.AUDITOR)
"""三员: the administrators of system, security and audit, who watch each other. They are named at the installation."""

CONFLICTS: tuple[Conflict, ...] = (
    Conflict(Role.OPERATOR, Role.SECURITY, "three"),
    Conflict(Role.OPERATOR, Role.AUDITOR, "three"),
    Conflict(Role.SECURITY, Role.AUDITOR, "three"),
    *(Conflict(own, Role.OPERATOR, "staff") for own in (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER)),
    *(Conflict(own, Role.SECURITY, "staff") for own in (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER)),
    Conflict(Role.ADMIN, Role.AUDITOR, "watches"),
    Conflict(Role.ADMIN, Role.SUPERVISOR, "watches"),
    *(Conflict(own, Role.AUDITOR, "watches") for own in (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER)),
    *(Conflict(own, Role.SUPERVISOR, "oversees") for own in (Role.BUYER, Role.HEAD, Role.AGENCY, Role.SUPPLIER)),
    *(Conflict(own, Role.SUPPLIER, "sides") for own in (Role.BUYER, Role.HEAD, Role.AGENCY, Role.EXPERT)),
)
"""Who buys may not sell, who runs a thing may not watch over it. Refused when the second is given."""

APART: tuple[tuple[Act, Act], ...] = (
    (Act.PLAN_FILE, Act.PLAN_DECIDE),
    (Act.PAYMENT_FILE, Act.PAYMENT_DECIDE),
    (Act.CASE_PREPARE, Act.CASE_APPROVE),
    (Act.MOTION_PROPOSE, Act.MOTION_DECIDE),
)
"""回避: a person may have both acts, but whoever did the first to an object never does the second to it: who files may
not approve. The rooms refuse it; here is what they are held to."""


def conflict_of(held: frozenset[Role], wanted: Role) -> Conflict | None:
    """The first conflict between ``wanted`` and what a person holds; None when there is none."""
    for each in CONFLICTS:
        if (each.one is wanted and each.other in held) or (each.other is wanted and each.one in held):
            return each
    return None
