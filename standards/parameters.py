"""参数目录: what each parameter is: kind, default, bounds, whose rule it is, and where it comes from.

A default marked LOCAL must be checked for the place before it is stated to users as law; an administrator sets it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

Value: TypeAlias = bool | int | str

WAN_FEN = 1_000_000
"""Ten thousand yuan 万元, in fen."""


class Kind(StrEnum):
    """What a value counts."""

    FEN = "fen"
    BASIS_POINTS = "basis_points"
    COUNT = "count"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WORKDAYS = "workdays"
    FLAG = "flag"
    CHOICE = "choice"

    @property
    def milliseconds(self) -> int:
        """Milliseconds of one SECOND, MINUTE or HOUR; ``TypeError`` for what is no length of time."""
        sizes = {Kind.SECONDS: 1_000, Kind.MINUTES: 60_000, Kind.HOURS: 3_600_000}
        if self not in sizes:
            raise TypeError(f"{self} is no length of time")
        return sizes[self]


class Force(StrEnum):
    """Whose rule: national law 全国, a province's 地方, or our own default 平台."""

    HARD = "hard"
    LOCAL = "local"
    OURS = "ours"


class Parameter(Struct, frozen=True):
    """One parameter 参数: key, kind, default, bounds (for numbers), words (for choices), force, source.

    Its name for people is ``param.<key>``. ``fixed``: national law leaves nothing to set.
    """

    key: str
    kind: Kind
    default: Value
    force: Force
    source: str
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()
    fixed: bool = False

    def takes(self, value: Value) -> bool:
        """Whether ``value`` is within the bounds. Its type is that of the default."""
        if isinstance(value, bool):
            return True
        if isinstance(value, str):
            return value in self.words
        return self.least <= value <= self.most


def _hard(key: str, kind: Kind, default: Value, source: str, least: int = 0, most: int = 0) -> Parameter:
    return Parameter(key, kind, default, Force.HARD, source, least, most, fixed=least == most)


def _local(key: str, kind: Kind, default: Value, source: str, least: int = 0, most: int = 0) -> Parameter:
    return Parameter(key, kind, default, Force.LOCAL, source, least, most)


def _ours(key: str, kind: Kind, default: Value, source: str, least: int = 0, most: int = 0) -> Parameter:
    return Parameter(key, kind, default, Force.OURS, source, least, most)


def _choice(key: str, default: str, words: tuple[str, ...], force: Force, source: str) -> Parameter:
    return Parameter(key, Kind.CHOICE, default, force, source, words=words)


_FEN_MAX = 900_000_000_000
_CENTRAL = "国办发〔2019〕55号（中央单位标准，暂作默认；地方以省级公布为准）"
_CUSTOM = "平台默认，可由管理员按当地规定调整"

_THRESHOLDS = (
    _local("gate.limit_goods_fen", Kind.FEN, 100 * WAN_FEN, _CENTRAL, 1, _FEN_MAX),
    _local("gate.limit_services_fen", Kind.FEN, 100 * WAN_FEN, _CENTRAL, 1, _FEN_MAX),
    _local("gate.limit_works_fen", Kind.FEN, 120 * WAN_FEN, _CENTRAL, 1, _FEN_MAX),
    _local("gate.tender_goods_fen", Kind.FEN, 200 * WAN_FEN, _CENTRAL, 1, _FEN_MAX),
    _local("gate.tender_services_fen", Kind.FEN, 200 * WAN_FEN, _CENTRAL, 1, _FEN_MAX),
    _local("gate.tender_works_fen", Kind.FEN, 400 * WAN_FEN, _CENTRAL, 1, _FEN_MAX),
    _local("gate.batch_single_fen", Kind.FEN, 10 * WAN_FEN, "条例 §24；金额为地方做法，待核", 0, _FEN_MAX),
    _local("gate.mall_live", Kind.FLAG, True, "电子卖场地方规则"),
    _local("gate.mall_services", Kind.FLAG, True, "电子卖场地方规则"),
    _local("gate.mall_catalogued", Kind.FLAG, True, "目录内限额以下由集采机构的电子卖场执行（地方规则）；法 §18"),
    _local("gate.further_formats", Kind.FLAG, False, "荷兰式、日本式、维克里默认关闭"),
)
_NOTICE = (
    _hard("notice.statutory_workdays", Kind.WORKDAYS, 3, "74号令 §45", 3, 60),
    _ours("notice.above_limit_workdays", Kind.WORKDAYS, 3, _CUSTOM, 1, 60),
    _ours("notice.below_limit_workdays", Kind.WORKDAYS, 1, _CUSTOM, 0, 60),
    _hard("suppliers.statutory_min", Kind.COUNT, 3, "政府采购法 §38、§40；74号令 §50", 3, 3),
    _ours("suppliers.min", Kind.COUNT, 3, _CUSTOM, 2, 20),
    _ours("suppliers.min_approved", Kind.COUNT, 2, "经批准并留痕", 2, 3),
)
_AUCTION = (
    _ours("auction.duration_minutes", Kind.MINUTES, 30, _CUSTOM, 10, 240),
    _ours("auction.decrement_bp", Kind.BASIS_POINTS, 50, _CUSTOM, 1, 2_000),
    _ours("auction.decrement_least_fen", Kind.FEN, 100, _CUSTOM, 1, 10_000 * WAN_FEN),
    _ours("auction.big_drop_bp", Kind.BASIS_POINTS, 2_000, "只提示确认，不得拒绝（87号令 §12）", 100, 9_999),
    _ours("auction.overtime_window_seconds", Kind.SECONDS, 180, _CUSTOM, 10, 3_600),
    _ours("auction.overtime_extend_seconds", Kind.SECONDS, 180, _CUSTOM, 10, 3_600),
    _ours("auction.overtime_rank_max", Kind.COUNT, 3, _CUSTOM, 1, 100),
    _ours("auction.rounds", Kind.COUNT, 3, _CUSTOM, 1, 10),
    _ours("auction.opening_minutes", Kind.MINUTES, 30, "密封报价开启时限；可按当地规定调整", 10, 1_440),
    _ours("auction.reruns_max", Kind.COUNT, 2, _CUSTOM, 0, 10),
    _choice(
        "auction.visibility", "rank_only", ("rank_only", "lead_price", "lead_and_rank", "colour"), Force.OURS, _CUSTOM
    ),
    _ours("auction.bidders_hidden", Kind.FLAG, True, "87号令 §28（招标为强制）"),
    _ours("auction.pause_after_outage_seconds", Kind.SECONDS, 3, _CUSTOM, 2, 600),
    _ours("auction.left_after_outage_seconds", Kind.SECONDS, 120, _CUSTOM, 0, 3_600),
    _hard("auction.suspension_days_max", Kind.DAYS, 30, "政府采购法 §57", 1, 30),
)
_AWARD = (
    _ours("award.supplier_confirm_hours", Kind.HOURS, 72, "同类平台做法", 1, 720),
    _local("award.next_in_rank", Kind.FLAG, True, "电子卖场地方规则；法定方式由采购人决定（条例 §49）"),
    _hard("award.buyer_confirm_workdays", Kind.WORKDAYS, 5, "74号令 §49", 1, 5),
    _hard("award.silence_confirms", Kind.FLAG, True, "74号令 §49"),
    _hard("award.publish_workdays", Kind.WORKDAYS, 2, "74号令 §18；110号令 §35", 1, 2),
    _local("award.display_workdays", Kind.WORKDAYS, 1, "电子卖场地方规则", 0, 10),
    _hard("award.contract_days_max", Kind.DAYS, 30, "政府采购法 §46", 1, 30),
)
_LOW_PRICE = (
    _hard("lowprice.mean_bp", Kind.BASIS_POINTS, 5_000, "财库〔2026〕2号", 5_000, 6_500),
    _hard("lowprice.second_bp", Kind.BASIS_POINTS, 5_000, "财库〔2026〕2号", 5_000, 6_500),
    _hard("lowprice.ceiling_bp", Kind.BASIS_POINTS, 4_500, "财库〔2026〕2号", 4_500, 6_500),
    _hard("lowprice.answer_minutes", Kind.MINUTES, 30, "财库〔2026〕2号：一般不少于 30 分钟", 30, 2_880),
)
_POLICY = (
    _hard("policy.small_goods_bp", Kind.BASIS_POINTS, 1_500, "财库〔2022〕19号：10%—20%", 1_000, 2_000),
    _hard("policy.small_works_bp", Kind.BASIS_POINTS, 300, "财库〔2020〕46号 §9：3%—5%", 300, 500),
    _hard("policy.consortium_goods_bp", Kind.BASIS_POINTS, 400, "财库〔2022〕19号：4%—6%", 400, 600),
    _hard("policy.consortium_works_bp", Kind.BASIS_POINTS, 100, "财库〔2020〕46号 §9：1%—2%", 100, 200),
    _hard("policy.consortium_share_bp", Kind.BASIS_POINTS, 3_000, "财库〔2020〕46号 §9", 3_000, 3_000),
    _hard("policy.domestic_bp", Kind.BASIS_POINTS, 2_000, "本国产品标准：20%", 2_000, 2_000),
    _hard("policy.domestic_share_bp", Kind.BASIS_POINTS, 8_000, "本国产品成本占比 80% 以上", 8_000, 8_000),
    _ours("policy.cap_bp", Kind.BASIS_POINTS, 4_000, "两项扣除按原报价相加", 0, 4_000),
)
_PLAN = (
    _local("plan.needed", Kind.FLAG, False, "无预算不采购（政府采购法 §6）；按地区启用日期设定"),
    _hard(
        "plan.small_all_fen", Kind.FEN, 200 * WAN_FEN, "财库〔2020〕46号 §7（货物、服务）", 200 * WAN_FEN, 200 * WAN_FEN
    ),
    _hard("plan.small_all_works_fen", Kind.FEN, 400 * WAN_FEN, "财库〔2020〕46号 §7", 400 * WAN_FEN, 400 * WAN_FEN),
    _hard("plan.small_share_bp", Kind.BASIS_POINTS, 3_000, "财库〔2020〕46号 §8：30% 以上", 3_000, 10_000),
    _hard("plan.small_share_works_bp", Kind.BASIS_POINTS, 4_000, "财库〔2022〕19号：工程 40% 以上", 3_000, 10_000),
)
_CATALOGUE = (_hard("record.keep_years", Kind.COUNT, 15, "政府采购法 §42", 15, 100),)
_SIGN_IN = (
    _choice(
        "signin.second_factor", "by_mode", ("by_mode", "none", "staff", "officials", "all"), Force.OURS,
        "GB/T 22239-2019 8.1.4.1 d（等保三级）",
    ),
    _ours("signin.step_up_minutes", Kind.MINUTES, 10, _CUSTOM, 1, 60),
    _ours("signin.idle_minutes", Kind.MINUTES, 240, _CUSTOM, 15, 720),
)  # fmt: skip

_TODO = (_ours("todo.workdays", Kind.WORKDAYS, 2, _CUSTOM, 1, 60),)

_EXPERT_FEES = "财库〔2016〕198号 §23—25；标准由当地财政部门制定，待核"
_EXPERT_TRAVEL = "财库〔2016〕198号 §24：异地评审差旅费凭据报销，待核"
_EXPERT_TIERS = "财库〔2016〕198号 §21：阶梯抽取概率由省级以上财政部门设置"
_EXPERTS = (
    _hard("experts.ahead_workdays", Kind.WORKDAYS, 2, "财库〔2016〕198号 §14", 1, 2),
    _hard("experts.group_tender_min", Kind.COUNT, 5, "87号令 §47", 5, 15),
    _hard("experts.group_other_min", Kind.COUNT, 3, "74号令 §7", 3, 15),
    _hard("experts.employment_years", Kind.COUNT, 3, "财库〔2016〕198号 §16", 3, 10),
    _ours("experts.term_years", Kind.COUNT, 2, _CUSTOM, 1, 10),
    _ours("experts.reply_minutes", Kind.MINUTES, 10, _CUSTOM, 1, 240),
    _ours("experts.unlock_minutes", Kind.MINUTES, 30, _CUSTOM, 0, 240),
    _local("experts.fee_half_fen", Kind.FEN, 40_000, _EXPERT_FEES, 0, WAN_FEN),
    _local("experts.fee_day_fen", Kind.FEN, 80_000, _EXPERT_FEES, 0, WAN_FEN),
    _local("experts.fee_hour_fen", Kind.FEN, 10_000, _EXPERT_FEES, 0, WAN_FEN),
    _local("experts.fee_half_hours", Kind.HOURS, 4, _EXPERT_FEES, 1, 12),
    _local("experts.fee_day_hours", Kind.HOURS, 8, _EXPERT_FEES, 1, 24),
    _local("experts.travel_most_fen", Kind.FEN, 200_000, _EXPERT_TRAVEL, 0, 10 * WAN_FEN),
    _local("experts.travel_near", Kind.FLAG, False, _EXPERT_TRAVEL),
    _ours("experts.appraisal_best", Kind.COUNT, 5, _CUSTOM, 2, 100),
    _ours("experts.appraisal_days", Kind.DAYS, 30, _CUSTOM, 1, 365),
    _ours("experts.appraisal_edit_days", Kind.DAYS, 5, _CUSTOM, 0, 60),
    _local("experts.weighted", Kind.FLAG, False, _EXPERT_TIERS),
    _local("experts.weight_good", Kind.COUNT, 3, _EXPERT_TIERS, 1, 10),
    _local("experts.weight_plain", Kind.COUNT, 2, _EXPERT_TIERS, 1, 10),
    _local("experts.weight_poor", Kind.COUNT, 1, _EXPERT_TIERS, 1, 10),
    _local("experts.weight_good_bp", Kind.BASIS_POINTS, 8_500, _EXPERT_TIERS, 0, 10_000),
    _local("experts.weight_poor_bp", Kind.BASIS_POINTS, 5_000, _EXPERT_TIERS, 0, 10_000),
    _local("experts.weight_appraisals", Kind.COUNT, 3, _EXPERT_TIERS, 1, 100),
)

_REGISTERS = (
    _ours("registers.again_days", Kind.DAYS, 30, "财库〔2016〕125号：信用记录须随采购查询；间隔为平台默认", 1, 365),
)
_AGENCIES = (
    _hard("agencies.staff_min", Kind.COUNT, 5, "财库〔2018〕2号 §11", 5, 1_000),
    _hard("agencies.update_workdays", Kind.WORKDAYS, 10, "财库〔2018〕2号（名录登记信息变更），条号待核", 1, 10),
)

_VEHICLE_LIMITS = "党政机关公务用车配备标准，金额和排气量以当地现行标准为准，待核"
_VEHICLES = (
    _local("vehicles.price_plain_fen", Kind.FEN, 18 * WAN_FEN, _VEHICLE_LIMITS, 1, _FEN_MAX),
    _local("vehicles.price_secret_fen", Kind.FEN, 12 * WAN_FEN, _VEHICLE_LIMITS, 1, _FEN_MAX),
    _local("vehicles.price_large_fen", Kind.FEN, 25 * WAN_FEN, _VEHICLE_LIMITS, 1, _FEN_MAX),
    _local("vehicles.price_energy_fen", Kind.FEN, 18 * WAN_FEN, _VEHICLE_LIMITS, 1, _FEN_MAX),
    _local("vehicles.engine_plain_ml", Kind.COUNT, 1_800, _VEHICLE_LIMITS, 1, 20_000),
    _local("vehicles.engine_secret_ml", Kind.COUNT, 1_600, _VEHICLE_LIMITS, 1, 20_000),
    _local("vehicles.engine_large_ml", Kind.COUNT, 3_000, _VEHICLE_LIMITS, 1, 20_000),
    _ours("vehicles.repair_times", Kind.COUNT, 3, _CUSTOM, 2, 100),
)

_MODULES = tuple(
    _ours(f"module.{name}", Kind.FLAG, True, _CUSTOM) for name in ("opening", "practice", "plans", "exchange")
)

PARAMETERS: tuple[Parameter, ...] = (
    *_THRESHOLDS,
    *_NOTICE,
    *_AUCTION,
    *_AWARD,
    *_LOW_PRICE,
    *_POLICY,
    *_PLAN,
    *_CATALOGUE,
    *_SIGN_IN,
    *_TODO,
    *_EXPERTS,
    *_REGISTERS,
    *_AGENCIES,
    *_VEHICLES,
    *_MODULES,
)
BY_KEY: dict[str, Parameter] = {parameter.key: parameter for parameter in PARAMETERS}
