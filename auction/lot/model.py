"""The nouns of a reverse auction 反拍: rules of a lot, its stages, its log, its refusals.

Prices are integers of the lot's unit: fen 分 for totals and unit prices, basis points of the list price for discount
rates 下浮率 (7,350 means 73.50 % of the list price remains). Times are epoch milliseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NewType, TypeAlias

from msgspec import Meta, Struct

from standards.money import PRICE_MAX

Alias = NewType("Alias", str)
"""The name 别名 a bidder bears inside one auction; letters and digits only."""
Price = Annotated[int, Meta(ge=1, le=PRICE_MAX)]
BasisPoints = Annotated[int, Meta(ge=0, le=9_999)]
Millis = Annotated[int, Meta(ge=0, le=400 * 24 * 3_600_000)]


class FormatName(StrEnum):
    """How the price is found 竞价方式. Live ones are a module each under ``formats``; sealed quotes have none."""

    LIVE_REVERSE = "live_reverse"
    ROUND_REVERSE = "round_reverse"
    SEALED_ONE_SHOT = "sealed_one_shot"


class PriceBasis(StrEnum):
    """What the number stands for 报价方式."""

    TOTAL = "total"
    UNIT_PRICES = "unit_prices"
    DISCOUNT_RATE = "discount_rate"


class Visibility(StrEnum):
    """What a bidder learns of the others while the lot runs 信息可见级别."""

    RANK_ONLY = "rank_only"
    LEAD_PRICE = "lead_price"
    LEAD_AND_RANK = "lead_and_rank"
    COLOUR = "colour"


class HostView(StrEnum):
    """What the host 主持人 sees before the close: every offer by alias, or the lead alone."""

    ALIASES = "aliases"
    LEAD = "lead"


class StepKind(StrEnum):
    """Kinds of minimum decrement 最小降幅."""

    ABSOLUTE = "absolute"
    PERCENTAGE = "percentage"
    BANDS = "bands"
    MULTIPLE = "multiple"


class StepAgainst(StrEnum):
    """What the decrement is measured from: the bidder's own last price, or the leading offer."""

    OWN = "own"
    LEAD = "lead"


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """From ``at_or_above`` upward the decrement is ``amount`` (both in the lot's unit)."""

    at_or_above: Annotated[int, Meta(ge=0, le=PRICE_MAX)]
    amount: Price


class Decrement(Struct, frozen=True, forbid_unknown_fields=True):
    """Minimum decrement 最小降幅. ``amount`` serves ABSOLUTE and MULTIPLE, ``bp`` PERCENTAGE, ``bands`` BANDS."""

    kind: StepKind = StepKind.ABSOLUTE
    amount: Annotated[int, Meta(ge=0, le=PRICE_MAX)] = 100
    bp: BasisPoints = 0
    bands: tuple[Band, ...] = ()
    against: StepAgainst = StepAgainst.OWN


class Overtime(Struct, frozen=True, forbid_unknown_fields=True):
    """Extension 延时: a bid that changes rank within the best ``rank_max`` in the last ``window_ms`` moves the end.

    ``extensions_max`` None means unlimited, 0 none. ``hard_stop_ms`` counts from the start; None means no hard stop.
    """

    window_ms: Millis = 180_000
    extend_ms: Millis = 180_000
    rank_max: Annotated[int, Meta(ge=1, le=1_000)] = 3
    extensions_max: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    hard_stop_ms: Millis | None = None


class Rounds(Struct, frozen=True, forbid_unknown_fields=True):
    """Turn by turn 轮次竞价: worst first, best last; pauses between rounds (Prozorro: 3 rounds, 300/120/120 s)."""

    count: Annotated[int, Meta(ge=1, le=10)] = 3
    first_pause_ms: Millis = 300_000
    turn_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] = 120_000
    pause_ms: Millis = 120_000


class Conformity(StrEnum):
    """When conformity 响应审查 is reviewed; announced beforehand."""

    BEFORE_START = "before_start"
    AFTER_CLOSE = "after_close"


class LotRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a lot is run by, pinned when the case begins (domain A2). No floor price exists (87号令 §12)."""

    format: FormatName = FormatName.LIVE_REVERSE
    basis: PriceBasis = PriceBasis.TOTAL
    ceiling: Price | None = None
    decrement: Decrement = Decrement()
    duration_ms: Millis = 1_800_000
    overtime: Overtime = Overtime()
    rounds: Rounds = Rounds()
    suppliers_min: Annotated[int, Meta(ge=1, le=100)] = 3
    visibility: Visibility = Visibility.RANK_ONLY
    starting_gate: bool = False
    host_view: HostView = HostView.ALIASES
    big_drop_bp: BasisPoints = 2_000
    conformity: Conformity = Conformity.BEFORE_START
    award_confirm_ms: Millis = 72 * 3_600_000
    outage_pause_after_ms: Annotated[int, Meta(ge=2_000, le=600_000)] = 3_000
    left_after_outage_min_ms: Millis = 120_000
    practice: bool = False


class Stage(StrEnum):
    """Where a lot 标包 stands (domain Part C)."""

    DRAFT = "draft"
    APPROVING = "approving"
    SCHEDULED = "scheduled"
    SIGNUP = "signup"
    OPENING = "opening"
    RUNNING = "running"
    PAUSED = "paused"
    CLOSING = "closing"
    CONFORMITY_REVIEW = "conformity_review"
    ABNORMAL_REVIEW = "abnormal_review"
    AWARD_PENDING = "award_pending"
    BUYER_CONFIRM = "buyer_confirm"
    PUBLISHED = "published"
    CONTRACTED = "contracted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REHEARSED = "rehearsed"
    ON_HOLD = "on_hold"


LIVE_STAGES = frozenset({Stage.RUNNING, Stage.PAUSED})
"""Stages in which Valkey rules the lot."""
FINAL_STAGES = frozenset({Stage.CONTRACTED, Stage.CANCELLED, Stage.REHEARSED})


class Turn(StrEnum):
    """What moves a lot from stage to stage."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    RECALL = "recall"
    PUBLISH = "publish"
    AMEND = "amend"
    START = "start"
    START_SHORT = "start_short"
    UNSEAL = "unseal"
    OFFICES_FAIL = "offices_fail"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    SETTLE_REVIEW = "settle_review"
    SETTLE_FAIL = "settle_fail"
    SETTLE_ABNORMAL = "settle_abnormal"
    SETTLE_AWARD = "settle_award"
    SETTLE_PRACTICE = "settle_practice"
    SUPPLIER_CONFIRM = "supplier_confirm"
    NEXT_IN_RANK = "next_in_rank"
    NOBODY_LEFT = "nobody_left"
    BUYER_CONFIRM = "buyer_confirm"
    CONTRACT = "contract"
    RERUN = "rerun"
    CANCEL = "cancel"
    HOLD = "hold"


_S, _T = Stage, Turn
LIFE_CYCLE: dict[tuple[Stage, Turn], Stage] = {
    (_S.DRAFT, _T.SUBMIT): _S.APPROVING,
    (_S.APPROVING, _T.APPROVE): _S.SCHEDULED,
    (_S.APPROVING, _T.REJECT): _S.DRAFT,
    (_S.APPROVING, _T.RECALL): _S.DRAFT,
    (_S.SCHEDULED, _T.PUBLISH): _S.SIGNUP,
    # An amendment restarts the notice period; the lot stays open for sign-up.
    (_S.SIGNUP, _T.AMEND): _S.SIGNUP,
    (_S.SIGNUP, _T.START): _S.RUNNING,
    # Fewer registered than the minimum at the start: 竞价失败 without a running phase.
    (_S.SIGNUP, _T.START_SHORT): _S.FAILED,
    # Sealed quotes: the deadline comes, the offices open, and the lot closes without a live phase.
    (_S.SIGNUP, _T.UNSEAL): _S.OPENING,
    (_S.OPENING, _T.END): _S.CLOSING,
    # Not two offices opened every quote in time: never charged to a bidder, the lot is rerun.
    (_S.OPENING, _T.OFFICES_FAIL): _S.FAILED,
    (_S.RUNNING, _T.PAUSE): _S.PAUSED,
    (_S.PAUSED, _T.RESUME): _S.RUNNING,
    (_S.RUNNING, _T.END): _S.CLOSING,
    # A practice lot may be closed by its host while paused.
    (_S.PAUSED, _T.END): _S.CLOSING,
    (_S.CLOSING, _T.SETTLE_PRACTICE): _S.REHEARSED,
    # Announced beforehand: conformity is reviewed after the close, before anyone counts as valid.
    (_S.CLOSING, _T.SETTLE_REVIEW): _S.CONFORMITY_REVIEW,
    (_S.CLOSING, _T.SETTLE_FAIL): _S.FAILED,
    (_S.CLOSING, _T.SETTLE_ABNORMAL): _S.ABNORMAL_REVIEW,
    (_S.CLOSING, _T.SETTLE_AWARD): _S.AWARD_PENDING,
    (_S.CONFORMITY_REVIEW, _T.SETTLE_FAIL): _S.FAILED,
    (_S.CONFORMITY_REVIEW, _T.SETTLE_ABNORMAL): _S.ABNORMAL_REVIEW,
    (_S.CONFORMITY_REVIEW, _T.SETTLE_AWARD): _S.AWARD_PENDING,
    (_S.ABNORMAL_REVIEW, _T.SETTLE_AWARD): _S.AWARD_PENDING,
    (_S.ABNORMAL_REVIEW, _T.SETTLE_FAIL): _S.FAILED,
    # After an exclusion the next in rank may itself be abnormally low.
    (_S.ABNORMAL_REVIEW, _T.SETTLE_ABNORMAL): _S.ABNORMAL_REVIEW,
    (_S.AWARD_PENDING, _T.SUPPLIER_CONFIRM): _S.BUYER_CONFIRM,
    (_S.AWARD_PENDING, _T.NEXT_IN_RANK): _S.AWARD_PENDING,
    (_S.AWARD_PENDING, _T.NOBODY_LEFT): _S.FAILED,
    (_S.BUYER_CONFIRM, _T.BUYER_CONFIRM): _S.PUBLISHED,
    (_S.PUBLISHED, _T.CONTRACT): _S.CONTRACTED,
    # The rerun is a new lot in DRAFT; the failed one keeps its record and its stage.
    (_S.FAILED, _T.RERUN): _S.FAILED,
}
for _stage in Stage:
    if _stage not in FINAL_STAGES | {_S.PUBLISHED, _S.FAILED, _S.ON_HOLD}:
        LIFE_CYCLE[_stage, _T.CANCEL] = _S.CANCELLED
        LIFE_CYCLE[_stage, _T.HOLD] = _S.ON_HOLD
# From ON_HOLD a lot returns to the stage it came from, which the record keeps; hence no row here.
LIFE_CYCLE[_S.PUBLISHED, _T.HOLD] = _S.ON_HOLD
LIFE_CYCLE[_S.ON_HOLD, _T.CANCEL] = _S.CANCELLED


class Refusal(StrEnum):
    """Why a bid is not taken, in order of precedence: the first that applies is the answer (domain A2)."""

    AUTH = "AUTH"
    ROLE = "ROLE"
    RATE = "RATE"
    FORMAT = "FORMAT"
    CLOCK_SKEW = "CLOCK_SKEW"
    ID_REUSED = "ID_REUSED"
    LOT_UNKNOWN = "LOT_UNKNOWN"
    LOT_HELD = "LOT_HELD"
    """Its record is in doubt (docs/recovery.md): nothing is taken until two persons let it go on."""
    LOT_NOT_RUNNING = "LOT_NOT_RUNNING"
    LOT_PAUSED = "LOT_PAUSED"
    NOT_YET = "NOT_YET"
    LOT_CLOSED = "LOT_CLOSED"
    NOT_REGISTERED = "NOT_REGISTERED"
    BANNED = "BANNED"
    CONFLICT = "CONFLICT"
    NOT_YOUR_TURN = "NOT_YOUR_TURN"
    OVER_CEILING = "OVER_CEILING"
    NOT_IMPROVING_OWN = "NOT_IMPROVING_OWN"
    STEP = "STEP"
    EQUAL_LEAD = "EQUAL_LEAD"
    NEEDS_CONFIRM = "NEEDS_CONFIRM"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    """No answer came from the store: send the same id again to learn the first outcome."""


class Entrant(Struct, frozen=True):
    """A bidder as admitted to one lot: policy deduction in bp, malus in the lot's unit, qualifying price if any."""

    alias: Alias
    deduction_bp: int = 0
    malus: int = 0
    opening_price: int | None = None


class Bid(Struct, frozen=True, gc=False):
    """A bid 报价 as it reaches the lot. ``detail`` is JSON text of the breakdown, carried into the log untouched."""

    rid: str
    alias: Alias
    price: int
    token: str = ""
    detail: str = "null"


class Barred(StrEnum):
    """Why an admitted bidder may no longer bid."""

    NO = ""
    BANNED = "banned"
    CONFLICT = "conflict"


# ── the log of a lot: one Struct per kind of event, n gap-free, in the order of the world ──────────────────────────


class LogEvent(Struct, frozen=True, tag_field="kind", omit_defaults=False):
    """What every event bears: its position ``n`` (from 1, gap-free) and the server's time ``at`` (epoch ms)."""

    n: int
    at: int


class Opened(LogEvent, frozen=True, tag="opened"):
    """The lot opened 竞价开始."""

    opens_at: int
    closes_at: int
    entrants: tuple[Entrant, ...]
    rules_sha256: str


class Prebid(LogEvent, frozen=True, tag="prebid"):
    """A qualifying price 资格报价 brought in at the opening."""

    who: Alias
    price: int


class BidTaken(LogEvent, frozen=True, tag="bid"):
    """A bid taken 已受理. ``rid`` is the bidder's own request id."""

    who: Alias
    rid: str
    price: int
    detail: object = None


class Extended(LogEvent, frozen=True, tag="extended"):
    """The end moved 延时; ``cause`` is the bid's position."""

    closes_at: int
    cause: int


class Paused(LogEvent, frozen=True, tag="paused"):
    """Paused 暂停 with ``left_ms`` kept."""

    left_ms: int
    note: object = None


class Resumed(LogEvent, frozen=True, tag="resumed"):
    """Resumed 恢复."""

    closes_at: int
    note: object = None


class Outage(LogEvent, frozen=True, tag="outage"):
    """The service could not take bids from ``from_ms`` to ``to_ms``; the end moved 中断补时."""

    from_ms: int
    to_ms: int
    closes_at: int


class Broadcast(LogEvent, frozen=True, tag="broadcast"):
    """The host spoke to all 主持人公告."""

    note: object = None


class Voided(LogEvent, frozen=True, tag="voided"):
    """A bid was struck 报价作废 by two persons; the bidder's standing falls back to ``back_n`` (0: none)."""

    target: int
    who: Alias
    back_n: int
    back_price: int
    note: object = None


class BarredFrom(LogEvent, frozen=True, tag="barred"):
    """A bidder may bid no more (ban, or conflict of interest found)."""

    who: Alias
    why: Barred
    note: object = None


class TurnBegan(LogEvent, frozen=True, tag="turn"):
    """Rounds: a pause (``who`` empty) or a bidder's turn began."""

    round: int
    turn: int
    who: Alias
    ends_at: int
    order: tuple[Alias, ...] = ()


class Closed(LogEvent, frozen=True, tag="closed"):
    """The lot closed 竞价截止; always the last event of a lot that was not cancelled."""

    note: object = None


class Cancelled(LogEvent, frozen=True, tag="cancelled"):
    """The lot was cancelled 取消采购 by two persons with a reason."""

    note: object = None


Event: TypeAlias = (
    Opened
    | Prebid
    | BidTaken
    | Extended
    | Paused
    | Resumed
    | Outage
    | Broadcast
    | Voided
    | BarredFrom
    | TurnBegan
    | Closed
    | Cancelled
)


class Taken(Struct, frozen=True, gc=False):
    """The answer to a bid that was taken. ``repeat`` marks the first answer told again."""

    n: int
    at: int
    price: int
    rank: int
    closes_at: int
    repeat: bool = False


class Refused(Struct, frozen=True, gc=False):
    """The answer to a bid that was not taken: the code, the highest price that would be (0: none), and the token."""

    code: Refusal
    price_max: int = 0
    token: str = ""


Outcome: TypeAlias = Taken | Refused
