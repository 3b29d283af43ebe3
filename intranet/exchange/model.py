"""The nouns of the exchange: messages, lines of the day's statement, differences."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from intranet.budget.model import Fund

Key = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x20]+$")]
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Fen = Annotated[int, Meta(ge=1, le=900_000_000_000)]


class Granted(Struct, frozen=True, forbid_unknown_fields=True, tag="indicator.granted", tag_field="type"):
    """指标下达: an indicator for the unit of that credit code. Its ``biz_key`` is how later messages name it."""

    unit_uscc: Annotated[str, Meta(pattern=r"^[0-9A-Z]{18}$")]
    year: Annotated[int, Meta(ge=2000, le=2200)]
    fund: Fund
    project: Text
    fen: Fen
    about: Text


class Adjusted(Struct, frozen=True, forbid_unknown_fields=True, tag="indicator.adjusted", tag_field="type"):
    """指标调整: ``fen`` more, or less when negative, for the indicator granted as ``indicator``."""

    indicator: Key
    fen: Annotated[int, Meta(ge=-900_000_000_000, le=900_000_000_000)]
    about: Text


class Paid(Struct, frozen=True, forbid_unknown_fields=True, tag="payment.paid", tag_field="type"):
    """支付凭证: the treasury paid ``fen``; ``about`` is the voucher. It names our ``request``, or for a payment
    applied for elsewhere the ``indicator`` whose money under contract it was.
    """

    fen: Fen
    about: Text
    indicator: Key | None = None
    request: Key | None = None


class Returned(Struct, frozen=True, forbid_unknown_fields=True, tag="payment.returned", tag_field="type"):
    """支付退回: our ``request`` is not paid, or its money came back from the bank 退汇; ``about`` says why."""

    request: Key
    fen: Fen
    about: Text


class Line(Struct, frozen=True):
    """A message in a book 对账行: its place, what it is about, its amount."""

    seq: int
    type: str
    biz_key: str
    fen: int


class Statement(Struct, frozen=True, forbid_unknown_fields=True, tag="statement", tag_field="type"):
    """日对账单: all the other system sent for a day, by its own book."""

    day: date
    lines: Annotated[tuple[Line, ...], Meta(max_length=5_000)]


class Heard(Statement, frozen=True, forbid_unknown_fields=True, tag="statement.heard", tag_field="type"):
    """日对账单（收）: all the other system heard of us for a day, by its own book; ``biz_key`` ends in ``#ver``."""


Content: TypeAlias = Granted | Adjusted | Paid | Returned | Statement | Heard


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """A message 报文: ``seq`` counts from 1 without a gap, ``biz_key`` is never used twice for one type."""

    seq: Annotated[int, Meta(ge=1, le=2**53)]
    biz_key: Key
    at: Annotated[int, Meta(ge=0, le=2**47)]
    data: Content


class Answer(Struct, frozen=True):
    """What became of a message: ``outcome`` is "taken", or the code for which its content was not."""

    seq: int
    outcome: str


class Refusal(StrEnum):
    """Why a message is not even written down. Sentence: ``problem.fiscal_<value>``."""

    SIGNATURE = "signature"
    REUSED = "reused"
    GAP = "gap"


class Fault(StrEnum):
    """What the two books of a day differ in. Name for people: ``exchange.fault.<value>``; what to do:
    ``exchange.todo.<value>``.
    """

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DOUBLED_HERE = "doubled_here"
    DOUBLED_THERE = "doubled_there"
    AMOUNT = "amount"
    ORDER = "order"
    LATE = "late"
    REFUSED = "refused"
    SILENT = "silent"


class Difference(Struct, frozen=True):
    """A difference 差异: which message, and what each book says of its amount (fen; None: nothing).

    ``why``: for one not carried out, the reason that was answered.
    """

    fault: Fault
    type: str
    biz_key: str
    ours: int | None
    theirs: int | None
    why: str = ""


Standing: TypeAlias = Literal["next", "again"]
