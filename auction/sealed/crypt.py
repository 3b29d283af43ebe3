"""Sealing and opening 密封与开启: a fresh key per quote, split two of three, each share sealed to its office's members.

The server itself only ever combines two opened shares after the deadline; ``seal`` and ``open_share`` are for
programs that quote or open without a browser. HPKE (RFC 9180) is DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from auction.sealed import model
from auction.sealed.model import Context, Envelope, Office, Quote, SealedQuote, Seat

SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_quote = msgspec.json.Decoder(Quote)


def _times(a: int, b: int) -> int:
    """The product in GF(2^8) with the polynomial of AES."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _inverse(a: int) -> int:
    found = a
    for _ in range(6):
        found = _times(_times(found, found), a)
    return _times(found, found)  # a^254


def split(key: bytes, slope: bytes) -> tuple[bytes, bytes, bytes]:
    """Three shares of ``key`` (32 bytes), any two of which give it back; ``slope`` is 32 random bytes.

    A share is its number, 1 to 3, and the point of the line ``key + slope·number`` in GF(2^8), byte by byte.
    """
    one, two, three = (
        bytes((x, *(k ^ _times(s, x) for k, s in zip(key, slope, strict=True)))) for x in (1, 2, 3)
    )  # fmt: skip
    return one, two, three


def combine(first: bytes, second: bytes) -> bytes:
    """The key from two shares of different numbers. Shares that are not of one key give another key."""
    x, y = first[0], second[0]
    scale = _inverse(x ^ y)
    by_first, by_second = _times(y, scale), _times(x, scale)
    pairs = zip(first[1:], second[1:], strict=True)
    return bytes(_times(a, by_first) ^ _times(b, by_second) for a, b in pairs)


def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """A public key from its 65 bytes. Raises ``ValueError`` when they are no point of P-256."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def seal(context: Context, seats: Iterable[Seat], price: int) -> SealedQuote:
    """Seal a price (fen) for the seats of a roster; what ``seal.js`` does in the supplier's browser."""
    key, quote = secrets.token_bytes(32), Quote(price, secrets.token_hex(32))
    shares = split(key, secrets.token_bytes(32))
    nonce = secrets.token_bytes(12)
    return SealedQuote(
        deadline_at=context.deadline_at,
        roster_sha256=context.roster_sha256,
        commitment=model.commitment_of(context, quote),
        body=nonce + AESGCM(key).encrypt(nonce, model.padded(quote), context.text()),
        shares=[model.share_sha256(context, share) for share in shares],
        envelopes=[_envelope(context, seat, shares) for seat in model.in_order(seats)],
    )


def _envelope(context: Context, seat: Seat, shares: Sequence[bytes]) -> Envelope:
    info = model.share_info(context, seat.office, seat.fingerprint)
    share = shares[model.number_of(seat.office) - 1]
    return Envelope(seat.fingerprint, SUITE.encrypt(share, public_key(seat.public_key), info=info))


def open_share(
    context: Context, office: Office, envelope: Envelope, private_key: ec.EllipticCurvePrivateKey
) -> bytes | None:
    """The office's share out of a member's envelope; None when it does not open with this key and context."""
    try:
        return SUITE.decrypt(envelope.sealed, private_key, info=model.share_info(context, office, envelope.key))
    except InvalidTag:
        return None


def open_quote(context: Context, sealed: SealedQuote, first: bytes, second: bytes) -> Quote | None:
    """The quote, from two offices' shares whose digests were compared before.

    None when it does not open, is not a quote, or is not what was committed to: then its maker has spoilt it.
    """
    try:
        plain = AESGCM(combine(first, second)).decrypt(sealed.body[:12], sealed.body[12:], context.text())
        quote = _quote.decode(plain)
    except (InvalidTag, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return quote if model.commitment_of(context, quote) == sealed.commitment else None
