"""The nouns of the expert registry: the file of an expert 专家档案, where he stands, and what a draw asks for."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class Title(StrEnum):
    """The professional title 职称."""

    SENIOR = "senior"  # 高级
    MIDDLE = "middle"  # 中级


class Status(StrEnum):
    """Where an expert stands in the registry 在库状态."""

    DRAFT = "draft"
    REVIEWING = "reviewing"
    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


class Party(Struct, frozen=True):
    """A unit 单位 by credit code (where known) and by the comparable form of its name (``accounts.names``)."""

    name: str
    key: str
    uscc: str = ""

    def same(self, other: Party) -> bool:
        """Whether both are one unit: by code, or by name where one has none."""
        if self.uscc and other.uscc:
            return self.uscc == other.uscc
        return bool(self.key) and self.key == other.key


class Employment(Struct, frozen=True):
    """Where he works, sits on the board or holds shares 任职: from a day, to a day or still."""

    unit: Party
    since: date
    until: date | None = None


class Relative(Struct, frozen=True):
    """A relative 亲属 he named, and the unit he heads or works for."""

    name: str
    unit: Party


class Dossier(Struct, frozen=True, kw_only=True):
    """What an expert says of himself. ``title_since``: since when he has the title."""

    name: str
    region: str
    phone: str
    born: date
    title: Title
    title_since: date
    specialties: tuple[str, ...]
    employments: tuple[Employment, ...] = ()
    relatives: tuple[Relative, ...] = ()


class Span(Struct, frozen=True):
    """Days of leave 请假, both counted."""

    first: date
    last: date


class Expert(Struct, frozen=True, kw_only=True):
    """An expert as registered. ``good_until``: the first day on which he must have been examined again 复审."""

    id: str
    status: Status
    dossier: Dossier
    good_until: date | None
    leaves: tuple[Span, ...] = ()


class Bidder(Struct, frozen=True):
    """A unit to be avoided, and the name of its head where it is known."""

    unit: Party
    head: str = ""


class Need(Struct, frozen=True, kw_only=True):
    """What a draw looks for: the specialty, the day, and from whom to stay away.

    ``near``: a category any of whose specialties will do, in a widened draw. ``declined``: refused it before.
    """

    specialty: str
    region: str
    on: date
    avoided: tuple[Bidder, ...]
    wide: bool = False
    near: str = ""
    declined: frozenset[str] = frozenset()


class Unfit(StrEnum):
    """Why an expert is not on the list of a draw, the first that applies first."""

    NOT_ACTIVE = "not_active"
    EXPIRED = "expired"
    AGE = "age"
    ON_LEAVE = "on_leave"
    SPECIALTY = "specialty"
    REGION = "region"
    EMPLOYED = "employed"
    RELATIVE = "relative"
    DECLINED = "declined"


class Presence(StrEnum):
    """Whether an expert served 到场情况."""

    CAME = "came"
    ABSENT = "absent"
    LEFT = "left"  # 擅自离开


class Attendance(Struct, frozen=True):
    """What the host records of one expert: whether he came, from when to when (epoch ms), his receipts (fen)."""

    presence: Presence
    from_ms: int | None = None
    until_ms: int | None = None
    travel_fen: int = 0


class FeeStage(StrEnum):
    """Where a fee 劳务费 stands. ``NOTHING``: none is due."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    OBJECTED = "objected"
    PAID = "paid"
    NOTHING = "nothing"


class Rates(Struct, frozen=True):
    """What a review is paid 劳务费标准, in fen: half a day, a day, each begun hour beyond; travel at most.

    ``near``: whether travel within one's own city is refunded too.
    """

    half_fen: int
    day_fen: int
    hour_fen: int
    half_ms: int
    day_ms: int
    travel_most_fen: int
    near: bool


class Fee(Struct, frozen=True):
    """What an expert is due, in fen, before tax."""

    time_fen: int = 0
    overtime_fen: int = 0
    travel_fen: int = 0

    @property
    def total_fen(self) -> int:
        """All of it."""
        return self.time_fen + self.overtime_fen + self.travel_fen


class Side(StrEnum):
    """Who appraises 评价方: the unit that asked for the draw the expert, or the expert that unit."""

    HOST = "host"
    EXPERT = "expert"


ASPECTS = {Side.HOST: ("skill", "conduct", "punctual"), Side.EXPERT: ("order", "neutral", "service")}
"""What each side marks, from 1 to the best mark of its region."""
