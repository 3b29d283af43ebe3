"""What travels over the live socket, by direction. ``docs/live-protocol.md`` shows an example of every one.

Every message is a JSON object with the tag ``t``. Times are epoch ms of the server; prices are integers of the lot's
unit (fen, or basis points for discount-rate lots). A view is a JSON object; a ``delta`` is an RFC 7396 merge patch on
the view of the same lot, ``k`` its gap-free counter within the ``epoch``.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

from msgspec import Meta, Struct

from standards.money import PRICE_MAX

RequestId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{8,40}$")]
"""Made by the client, once per deliberate bid; the same id again gets the first answer."""
Price = Annotated[int, Meta(ge=1, le=PRICE_MAX)]


Token = Annotated[str, Meta(max_length=12)]


# ── from the client ────────────────────────────────────────────────────────────────────────────────────────────────


class Watch(Struct, frozen=True, tag_field="t", tag="watch", forbid_unknown_fields=True):
    """Begin to follow a lot. ``since`` is ``epoch:k`` of the last frame seen: then only what is newer comes."""

    lot: UUID
    since: str = ""


class Unwatch(Struct, frozen=True, tag_field="t", tag="unwatch", forbid_unknown_fields=True):
    """Stop following a lot."""

    lot: UUID


class UnitPrice(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a breakdown: the line's number and its unit price in fen."""

    line: Annotated[int, Meta(ge=1, le=1_000)]
    price: Price


UnitPrices = Annotated[tuple[UnitPrice, ...], Meta(max_length=200)]


class PlaceBid(Struct, frozen=True, gc=False, tag_field="t", tag="bid", forbid_unknown_fields=True):
    """Offer ``price``. ``token`` confirms a big drop; ``unit_prices`` are required where the lot asks for them."""

    lot: UUID
    id: RequestId
    price: Price
    token: Token = ""
    unit_prices: UnitPrices = ()


class AskTime(Struct, frozen=True, tag_field="t", tag="time", forbid_unknown_fields=True):
    """First of four timestamps: the client's own clock (ms, any origin)."""

    t0: float


FromClient: TypeAlias = Watch | Unwatch | PlaceBid | AskTime


# ── from the server ────────────────────────────────────────────────────────────────────────────────────────────────


class Welcome(Struct, frozen=True, tag_field="t", tag="welcome"):
    """First frame: the server's time and whom it takes you for (``supplier``, ``host``, ``supervisor``, ``public``)."""

    at: int
    who: str


class Snapshot(Struct, frozen=True, tag_field="t", tag="snapshot"):
    """The whole view of a lot at position ``k``."""

    lot: UUID
    epoch: str
    k: int
    view: dict[str, Any]


class Delta(Struct, frozen=True, tag_field="t", tag="delta"):
    """What changed: a merge patch that leads from ``k - 1`` to ``k``. A gap means: watch again with ``since``."""

    lot: UUID
    k: int
    patch: dict[str, Any]


class Current(Struct, frozen=True, tag_field="t", tag="current"):
    """Nothing is newer than the ``since`` you named."""

    lot: UUID
    k: int


class BidAccepted(Struct, frozen=True, gc=False, tag_field="t", tag="taken"):
    """已受理并可靠保存: the bid is durable. ``rank`` is present only where the visibility level shows it.

    ``leaf`` is the salted hash 叶子哈希 (base64) under which the bid enters the transcript; a signed receipt follows.
    """

    id: str
    lot: UUID
    at: int
    price: int
    closes_at: int
    rank: int | None = None
    repeat: bool = False
    leaf: str = ""


class BidRefused(Struct, frozen=True, gc=False, tag_field="t", tag="refused"):
    """未受理: why, in words, and the highest price that would be taken (0: none can be)."""

    id: str
    lot: UUID
    code: str
    zh: str
    en: str
    price_max: int = 0
    token: str = ""


class TimeAnswer(Struct, frozen=True, tag_field="t", tag="time"):
    """The client's ``t0``, and when the server received (``t1``) and answered (``t2``), epoch ms."""

    t0: float
    t1: float
    t2: float


class Fault(Struct, frozen=True, tag_field="t", tag="error"):
    """A message that could not be acted on: code and words; the socket stays open."""

    code: str
    zh: str
    en: str


class Changed(Struct, frozen=True, tag_field="t", tag="changed", omit_defaults=True):
    """To hosts and supervisors only: motions, questions or holds of ``lot`` changed; without it, the list of lots."""

    lot: UUID | None = None


FromServer: TypeAlias = Welcome | Snapshot | Delta | Current | BidAccepted | BidRefused | TimeAnswer | Fault | Changed
