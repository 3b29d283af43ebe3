"""The verdicts on sealed quotes: pure, raise nothing. A refusal is a code in order of precedence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from hmac import compare_digest

from msgspec import Struct

from auction.sealed import model
from auction.sealed.model import OFFICES, Context, Office, SealedQuote, Seat


class SealedRefusal(StrEnum):
    """Why a quote or a share is not taken. Sentence: ``problem.sealed_<value>``."""

    NOT_OPEN = "not_open"  # quotes are not being taken: before publication, after the deadline
    NOT_YET = "not_yet"  # shares before the deadline
    OVER = "over"  # shares after the opening
    NOT_SEATED = "not_seated"  # holds no seat of this roster
    OFFER_MISSING = "offer_missing"
    DEADLINE_CHANGED = "deadline_changed"
    ROSTER_CHANGED = "roster_changed"
    ENVELOPES_WRONG = "envelopes_wrong"
    SHARE_WRONG = "share_wrong"


class Booth(Struct, frozen=True):
    """What decides on a deposit: whether the lot takes quotes, until when (epoch ms), for which roster, and whether
    the supplier has brought his offer.
    """

    open: bool
    deadline_at: int
    seats: Sequence[Seat]
    has_offer: bool


def judge_deposit(booth: Booth, quote: SealedQuote, now_ms: int) -> SealedRefusal | None:
    """Why a sealed quote is not taken, or None. At the very deadline it is late."""
    if not booth.open or now_ms >= booth.deadline_at:
        return SealedRefusal.NOT_OPEN
    if not booth.has_offer:
        return SealedRefusal.OFFER_MISSING
    if quote.deadline_at != booth.deadline_at:
        return SealedRefusal.DEADLINE_CHANGED
    if quote.roster_sha256 != model.roster_sha256(booth.seats):
        return SealedRefusal.ROSTER_CHANGED
    if [each.key for each in quote.envelopes] != [seat.fingerprint for seat in model.in_order(booth.seats)]:
        return SealedRefusal.ENVELOPES_WRONG
    return None


def judge_share(context: Context, quote: SealedQuote, office: Office, share: bytes) -> SealedRefusal | None:
    """Why an opened share is not taken, or None: it must be the one that the supplier's browser made."""
    number = model.number_of(office)
    right = len(share) == model.SHARE_BYTES and share[0] == number
    if not right or not compare_digest(model.share_sha256(context, share), quote.shares[number - 1]):
        return SealedRefusal.SHARE_WRONG
    return None


def offices_lacking(filled: Collection[Office]) -> list[Office]:
    """The offices of which nobody has a key; none may lack when a case is submitted."""
    return [office for office in OFFICES if office not in filled]
