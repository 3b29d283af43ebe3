"""The nouns of sealed quotes 密封报价: offices and their members, the sealed quote as it travels, what it binds.

Pure. Every text that is hashed or authenticated is built here, byte for byte as ``docs/sealed-quotes.md`` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from auction.lot.model import Price

PLAIN_BYTES = 256
"""Every quote is padded to this many bytes: the length of a ciphertext says nothing of the price."""
BODY_BYTES = 12 + PLAIN_BYTES + 16
SHARE_BYTES = 33
ENVELOPE_BYTES = 65 + SHARE_BYTES + 16
PUBLIC_KEY_BYTES = 65
MEMBERS_MAX = 30

_QUOTE, _SHARE, _COMMITMENT = "yangcai-sealed-quote-v1", "yangcai-sealed-share-v1", "yangcai-sealed-commitment-v1"

Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 digest, or 32 bytes, as 64 hexadecimal digits."""


class Office(StrEnum):
    """An office 开启方 that holds one share of every quote; two of the three open together.

    The supervisor is never one of them (政府采购法 §60).
    """

    PURCHASER = "purchaser"  # 采购人
    AGENCY = "agency"  # 代理机构
    GROUP = "group"  # 询价小组


OFFICES = tuple(Office)
OFFICES_TO_OPEN = 2


def number_of(office: Office) -> int:
    """The office's share number, 1 to 3: the point at which its share of a key is taken."""
    return OFFICES.index(office) + 1


class Seat(Struct, frozen=True):
    """One who may open for an office: by the fingerprint 指纹 and the public key he made in his own browser."""

    office: Office
    fingerprint: str
    public_key: bytes


class Context(Struct, frozen=True):
    """What a quote is bound to: it opens for this lot, bidder, deadline (epoch ms) and roster, and for no other."""

    lot_id: UUID
    alias: str
    deadline_at: int
    roster_sha256: str

    def text(self) -> bytes:
        """The bytes that are authenticated with the sealed price."""
        lines = (_QUOTE, str(self.lot_id), self.alias, str(self.deadline_at), self.roster_sha256)
        return "\n".join(lines).encode()


class Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    """A share sealed to one member: HPKE's encapsulated key, then the ciphertext."""

    key: Hex
    sealed: Annotated[bytes, Meta(min_length=ENVELOPE_BYTES, max_length=ENVELOPE_BYTES)]


class SealedQuote(Struct, frozen=True, forbid_unknown_fields=True):
    """A sealed quote 密封报价 as the supplier's browser sends it. Nothing in it can be read by the server alone.

    ``body``: nonce and sealed price; ``shares``: a digest of each office's share; ``envelopes``: one per seat.
    """

    deadline_at: Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
    roster_sha256: Hex
    commitment: Hex
    body: Annotated[bytes, Meta(min_length=BODY_BYTES, max_length=BODY_BYTES)]
    shares: Annotated[list[Hex], Meta(min_length=3, max_length=3)]
    envelopes: Annotated[list[Envelope], Meta(min_length=3, max_length=MEMBERS_MAX)]


class Quote(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sealed: the price in fen and the salt of its commitment."""

    price: Price
    salt: Hex


def fingerprint_of(public_key: bytes) -> str:
    """The fingerprint 指纹 of a public key (its 65 bytes, uncompressed)."""
    return sha256(public_key).hexdigest()


def in_order(seats: Iterable[Seat]) -> list[Seat]:
    """The roster's order: by office, then by fingerprint."""
    return sorted(seats, key=lambda seat: (number_of(seat.office), seat.fingerprint))


def roster_sha256(seats: Iterable[Seat]) -> str:
    """The digest of a roster 开启人名册: one line per seat, ``office:fingerprint``."""
    lines = "".join(f"{seat.office.value}:{seat.fingerprint}\n" for seat in in_order(seats))
    return sha256(lines.encode()).hexdigest()


def digest_of(quote: SealedQuote) -> str:
    """The digest of a sealed quote, told in its receipt 回执: SHA-256 of its JSON with sorted names."""
    return sha256(msgspec.json.encode(quote, order="sorted")).hexdigest()


def share_info(context: Context, office: Office, fingerprint: str) -> bytes:
    """HPKE's ``info`` for one envelope."""
    return b"\n".join((_SHARE.encode(), context.text(), office.value.encode(), fingerprint.encode()))


def share_sha256(context: Context, share: bytes) -> str:
    """The digest by which an office's opened share is known to be the supplier's."""
    return sha256(b"\n".join((_SHARE.encode(), context.text(), share))).hexdigest()


def commitment_of(context: Context, quote: Quote) -> str:
    """The salted commitment 承诺 to a price."""
    parts = (_COMMITMENT.encode(), context.text(), quote.salt.encode(), str(quote.price).encode())
    return sha256(b"\n".join(parts)).hexdigest()


def padded(quote: Quote) -> bytes:
    """The quote as JSON, padded with spaces."""
    return msgspec.json.encode(quote).ljust(PLAIN_BYTES)
