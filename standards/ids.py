"""编号: the ids of things as types of their own, and how one is made."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

AuctionId = NewType("AuctionId", UUID)
LotId = NewType("LotId", UUID)
OrgId = NewType("OrgId", UUID)
UserId = NewType("UserId", UUID)
DealId = NewType("DealId", UUID)

RANDOM_BYTES = 10
OCID_PREFIX = "ocds-000000"
"""Placeholder of the OCDS prefix: a publisher gets his own from the Open Contracting Partnership (OCDS 1.1)."""


def uuid7(now_ms: int, rand: bytes) -> UUID:
    """A version 7 UUID (RFC 9562 §5.7) of the moment ``now_ms`` (epoch ms) and ten random bytes.

    Later moments sort later. Raises ``ValueError`` for a moment out of 48 bits or another number of bytes.
    """
    if not 0 <= now_ms < 1 << 48:
        raise ValueError("now_ms does not fit 48 bits")
    if len(rand) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed")
    chance = int.from_bytes(rand, "big")
    head = now_ms << 80 | 0x7 << 76 | (chance >> 62 & 0xFFF) << 64
    return UUID(int=head | 0b10 << 62 | chance & (1 << 62) - 1)


def moment_ms(ident: UUID) -> int:
    """The moment (epoch ms) a version 7 UUID was made; ``ValueError`` for another version."""
    if ident.version != 7:
        raise ValueError("not a version 7 UUID")
    return ident.int >> 80


def ocid(ident: UUID, prefix: str = OCID_PREFIX) -> str:
    """The OCDS id 开放采购标识 of a procurement: prefix and the id without dashes."""
    return f"{prefix}-{ident.hex}"
