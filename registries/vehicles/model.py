"""The nouns of the vehicle registry: kinds, stages, what happens to a vehicle, what is refused, what raises alerts."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Kind(StrEnum):
    """What a vehicle is for 用途 (党政机关公务用车管理办法)."""

    SECRET = "secret"  # noqa: S105 - 机要通信
    EMERGENCY = "emergency"  # 应急保障
    ENFORCEMENT = "enforcement"  # 执法执勤
    SPECIAL = "special"  # 特种专业技术


class Stage(StrEnum):
    """Where a vehicle's record stands."""

    ASKED = "asked"  # 控购申请
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # 撤回申请
    APPROVED = "approved"  # 准予购置
    ACTIVE = "active"  # 在用
    DISPOSED = "disposed"  # 已处置


class What(StrEnum):
    """What happens to a vehicle."""

    ASK = "ask"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"  # 撤回申请
    REGISTER = "register"  # 资产登记
    TRANSFER = "transfer"  # 资产划转
    DISPOSE = "dispose"
    DISPATCH = "dispatch"  # 调度
    FUEL = "fuel"
    REPAIR = "repair"
    INSURANCE = "insurance"
    CORRECT = "correct"  # 更正: an entry before counts no more
    CLEAR = "clear"  # 预警核销


SERVICES = (What.FUEL, What.REPAIR, What.INSURANCE)

STAGES: dict[tuple[Stage, What], Stage] = {
    (Stage.ASKED, What.APPROVE): Stage.APPROVED,
    (Stage.ASKED, What.REFUSE): Stage.REFUSED,
    (Stage.ASKED, What.WITHDRAW): Stage.WITHDRAWN,
    (Stage.APPROVED, What.REGISTER): Stage.ACTIVE,
    (Stage.ACTIVE, What.TRANSFER): Stage.ACTIVE,
    (Stage.ACTIVE, What.DISPATCH): Stage.ACTIVE,
    (Stage.ACTIVE, What.FUEL): Stage.ACTIVE,
    (Stage.ACTIVE, What.REPAIR): Stage.ACTIVE,
    (Stage.ACTIVE, What.INSURANCE): Stage.ACTIVE,
    (Stage.ACTIVE, What.CORRECT): Stage.ACTIVE,
    (Stage.ACTIVE, What.CLEAR): Stage.ACTIVE,
    (Stage.ACTIVE, What.DISPOSE): Stage.DISPOSED,
}
"""The life of a record; an absent pair is refused."""


class Refusal(StrEnum):
    """Why a purchase is refused, in order of precedence. Sentence: ``problem.vehicle_<value>``."""

    BEYOND_QUOTA = "beyond_quota"
    OVER_PRICE = "over_price"
    OVER_ENGINE = "over_engine"


class Alert(StrEnum):
    """What a vehicle's entries raise 预警. The schema adds ``uninsured`` and ``no_quota``, by day and quota."""

    OVER_PRICE = "over_price"
    FUEL_OVER_TANK = "fuel_over_tank"
    OFF_ROUTE = "off_route"
    REPAIR_HIGH = "repair_high"
    KM_BACK = "km_back"


ALERTS = (*(each.value for each in Alert), "uninsured", "no_quota")


class Wish(Struct, frozen=True):
    """A vehicle that a unit asks to buy. ``engine_ml``: displacement in ml; ``tank_ml`` its tank."""

    kind: Kind
    model: str
    price_fen: int
    engine_ml: int
    new_energy: bool
    tank_ml: int
    reason: str = ""


class Limits(Struct, frozen=True):
    """What the place's parameters allow for one kind. ``engine_ml`` does not bind what runs on new energy."""

    price_fen: int
    engine_ml: int


class Entry(Struct, frozen=True, kw_only=True):
    """Something that happened. ``ml``: fuel taken; ``place``: where, or where to; ``km``: what the odometer said."""

    what: What
    day: date
    amount_fen: int = 0
    ml: int = 0
    place: str = ""
    until: date | None = None
    km: int = 0


class Vehicle(Struct, frozen=True, kw_only=True):
    """A vehicle as recorded."""

    id: UUID
    org_id: UUID
    region: str
    kind: Kind
    stage: Stage
    model: str
    plate: str
    price_fen: int
    engine_ml: int
    new_energy: bool
    tank_ml: int
    km: int
