"""The nouns of the agency registry: a dossier with staff and rooms, marks by authorities, where an agency stands."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct


class Status(StrEnum):
    """What was decided of an agency's registration 名录登记. Where it stands on a day, see ``Standing``."""

    DRAFT = "draft"  # 退回待更正
    REVIEWING = "reviewing"
    ACTIVE = "active"  # 已公布
    CLOSED = "closed"


class Standing(StrEnum):
    """Where an agency stands on a day: its status, unless a ban holds."""

    DRAFT = "draft"
    REVIEWING = "reviewing"
    ACTIVE = "active"
    BANNED = "banned"
    CLOSED = "closed"


class MarkKind(StrEnum):
    """What an authority decided of an agency."""

    BAN = "ban"  # 禁止代理政府采购业务
    VIOLATION = "violation"  # 违法违规
    COMPLAINT = "complaint"  # 投诉成立
    COMMENDATION = "commendation"  # 表彰


class Mark(Struct, frozen=True):
    """A decision 信用记录 from ``begins`` until before ``ends`` (None: until lifted). ``points``: taken from credit."""

    kind: MarkKind
    begins: date | None
    ends: date | None
    reason: str
    authority: str
    points: int = 0

    def holds(self, on: date) -> bool:
        """Whether it holds on that day."""
        return (self.begins is None or self.begins <= on) and (self.ends is None or on < self.ends)


class Staff(Struct, frozen=True):
    """One of its people 从业人员; ``full``: 专职. ``paper``: number of the certificate of training."""

    name: str
    duty: str = ""
    paper: str = ""
    full: bool = False


class Room(Struct, frozen=True):
    """A room for opening or evaluation 开标、评审场所; ``recording``: 录音录像设备."""

    name: str
    address: str = ""
    seats: int = 0
    recording: bool = False


class Dossier(Struct, frozen=True, kw_only=True):
    """What an agency says of itself, complete each time (财库〔2018〕2号 §9 - §11). ``fee``: how it charges."""

    name: str
    uscc: str
    region: str
    head_name: str = ""
    address: str = ""
    contact: str = ""
    phone: str = ""
    fee: str = ""
    staff: tuple[Staff, ...] = ()
    rooms: tuple[Room, ...] = ()


class AgencyFacts(Struct, frozen=True, kw_only=True):
    """An agency 代理机构 as registered, with what authorities decided of it."""

    org_id: UUID
    name: str
    uscc: str
    region: str
    status: Status
    marks: tuple[Mark, ...] = ()


Score = Annotated[int, Meta(ge=1, le=5)]


class Appraisal(Struct, frozen=True):
    """A purchaser's view 评价 of the agency after a case, 1 to 5 each."""

    competence: Score
    speed: Score
    service: Score
    integrity: Score
    words: Annotated[str, Meta(max_length=500)] = ""


MEASURES = ("competence", "speed", "service", "integrity")
