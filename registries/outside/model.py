"""The nouns of outside registers: which there are, what each says of a firm, what may be doubtful. Pure.

Sources: 政府采购法 §22 (registered, taxes and social insurance paid, no grave breach), 财库〔2016〕125号 (which credit
records are asked).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class Register(StrEnum):
    """An outside register 外部登记."""

    FIRM = "firm"  # 市场监管: 企业登记信息
    TAX = "tax"  # 税务: 纳税情况
    SOCIAL = "social"  # 人社、医保: 社会保险缴纳情况
    CREDIT = "credit"  # 信用中国、中国政府采购网: 信用记录


class FirmState(StrEnum):
    """Whether a firm exists 登记状态."""

    EXISTING = "existing"  # 存续
    SUSPENDED = "suspended"  # 歇业
    REVOKED = "revoked"  # 吊销
    CANCELLED = "cancelled"  # 注销


class Holder(Struct, frozen=True):
    """A shareholder 股东. ``code``: its credit code, "" for a natural person; ``share_bp``: of the capital."""

    name: str
    code: str = ""
    share_bp: int = 0


class FirmExtract(Struct, frozen=True, kw_only=True):
    """What the company register 市场监管 says. ``region``: the county it is registered in, six digits."""

    name: str
    region: str
    state: FirmState = FirmState.EXISTING
    head_name: str = ""
    address: str = ""
    capital_fen: int = 0
    founded: date | None = None
    holders: tuple[Holder, ...] = ()


class TaxExtract(Struct, frozen=True):
    """Taxes 纳税情况: the credit grade 纳税信用级别 (A B M C D, "" for none yet), what is owed, paid to which day."""

    grade: str = ""
    arrears_fen: int = 0
    paid_to: date | None = None


class SocialExtract(Struct, frozen=True):
    """Social insurance 社会保险: how many are insured, paid to which day."""

    insured: int = 0
    paid_to: date | None = None


class CreditKind(StrEnum):
    """A credit record 信用记录. The first three keep a firm out of procurement (财库〔2016〕125号)."""

    PROCUREMENT = "procurement"  # 政府采购严重违法失信行为记录名单
    DEBTOR = "debtor"  # 失信被执行人
    TAX_BREACH = "tax_breach"  # 重大税收违法失信主体
    ABNORMAL = "abnormal"  # 经营异常名录


class CreditEntry(Struct, frozen=True):
    """One record: decided by ``authority`` under ``number``, holds from ``since`` until before ``until`` (or on)."""

    kind: CreditKind
    number: str
    authority: str
    since: date
    until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it holds on that day."""
        return self.since <= on and (self.until is None or on < self.until)


class CreditExtract(Struct, frozen=True):
    """All records of a firm; none is good."""

    entries: tuple[CreditEntry, ...] = ()


Extract = FirmExtract | TaxExtract | SocialExtract | CreditExtract
SHAPES: dict[Register, type[Extract]] = {
    Register.FIRM: FirmExtract,
    Register.TAX: TaxExtract,
    Register.SOCIAL: SocialExtract,
    Register.CREDIT: CreditExtract,
}


class Outcome(StrEnum):
    """How a question ended."""

    FOUND = "found"
    UNKNOWN = "unknown"  # the register knows no such firm
    SILENT = "silent"  # nobody answered, or nothing readable: asked again later


class Answer(Struct, frozen=True):
    """What a register said, since when and when last. ``extract`` is there when it was found."""

    register: Register
    outcome: Outcome
    extract: Extract | None = None
    since_ms: int = 0
    seen_ms: int = 0


class Doubt(StrEnum):
    """What a reviewer should look at before he approves. Sentence: ``outside.doubt.*``. None refuses by itself."""

    UNKNOWN = "unknown"
    GONE = "gone"
    NAME = "name"
    REGION = "region"
    HEAD = "head"
    HOLDER = "holder"
    TAX_OWED = "tax_owed"
    TAX_GRADE = "tax_grade"
    SOCIAL_NONE = "social_none"
    SOCIAL_LATE = "social_late"
    BARRED = "barred"  # one of the three records that keep a firm out
    ABNORMAL = "abnormal"


class Stated(Struct, frozen=True):
    """What a firm states of itself, as far as registers know it. ``holders``: names and codes of its shareholders."""

    name: str
    region: str
    head_name: str
    holders: frozenset[str]
