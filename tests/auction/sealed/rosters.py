"""Builders for sealed quotes: members with their key pairs, a roster, a context."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import structs

from auction.sealed import model
from auction.sealed.model import Context, Office, Seat

LOT = UUID("019aaaaa-0000-7000-8000-000000000001")


class Keys(NamedTuple):
    """A key pair, as a browser would keep it."""

    private: ec.EllipticCurvePrivateKey
    public: bytes

    @property
    def fingerprint(self) -> str:
        return model.fingerprint_of(self.public)


def some_keys() -> Keys:
    private = ec.generate_private_key(ec.SECP256R1())
    return Keys(private, private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def a_roster(*offices: Office) -> dict[Seat, Keys]:
    """One seat per office named, the three of them when none is."""
    found = {}
    for office in offices or tuple(Office):
        keys = some_keys()
        found[Seat(office, keys.fingerprint, keys.public)] = keys
    return found


def a_context(seats: Any, **changed: Any) -> Context:
    given = Context(LOT, "A7", 1_800_000_000_000, model.roster_sha256(seats))
    return structs.replace(given, **changed)
