"""Two of three offices open a quote; one alone, another lot, another deadline or a changed byte do not."""

from __future__ import annotations

import itertools
import secrets

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from auction.sealed import crypt, model
from auction.sealed.model import Context, Office, SealedQuote, Seat
from tests.auction.sealed.rosters import Keys, a_context, a_roster

PRICE = 73_194_628
KEY = st.binary(min_size=32, max_size=32)


def shares_of(context: Context, roster: dict[Seat, Keys], quote: SealedQuote) -> list[bytes]:
    """What each seat's holder gets out of the envelope, in the order of the roster."""
    found = []
    for seat, envelope in zip(model.in_order(roster), quote.envelopes, strict=True):
        share = crypt.open_share(context, seat.office, envelope, roster[seat].private)
        assert share is not None
        found.append(share)
    return found


@given(KEY, KEY)
def test_any_two_shares_give_the_key_back(key: bytes, slope: bytes) -> None:
    shares = crypt.split(key, slope)
    assert {crypt.combine(one, two) for one, two in itertools.permutations(shares, 2)} == {key}


def test_a_share_alone_fits_every_key() -> None:
    key, share = secrets.token_bytes(32), crypt.split(bytes(32), secrets.token_bytes(32))[0]
    slope = bytes(a ^ b for a, b in zip(share[1:], key, strict=True))  # x = 1: the slope under which the key is `key`
    assert crypt.split(key, slope)[0] == share


def test_the_shares_are_those_of_the_specification() -> None:
    key, slope = bytes([0x53, 0x00, 0xFF] + [0] * 29), bytes([0xCA, 0x80, 0x01] + [0] * 29)
    one, two, three = crypt.split(key, slope)
    assert (one[:4].hex(), two[:4].hex(), three[:4].hex()) == ("019980fe", "02dc1bfd", "03169bfc")


@pytest.mark.parametrize("pair", list(itertools.combinations(range(3), 2)))
def test_two_offices_open_what_was_sealed(pair: tuple[int, int]) -> None:
    roster = a_roster()
    context = a_context(roster)
    quote = crypt.seal(context, roster, PRICE)
    shares = shares_of(context, roster, quote)
    opened = crypt.open_quote(context, quote, shares[pair[0]], shares[pair[1]])
    assert opened is not None
    assert (opened.price, model.commitment_of(context, opened)) == (PRICE, quote.commitment)


def test_a_deputy_holds_the_same_share_as_the_officer() -> None:
    roster = a_roster(Office.PURCHASER, Office.PURCHASER, Office.AGENCY, Office.GROUP)
    context = a_context(roster)
    first, second, *_ = shares_of(context, roster, crypt.seal(context, roster, PRICE))
    assert first == second


def test_a_quote_opens_for_no_other_lot_bidder_deadline_or_roster() -> None:
    roster = a_roster()
    context = a_context(roster)
    quote = crypt.seal(context, roster, PRICE)
    shares = shares_of(context, roster, quote)
    others = (
        structs.replace(context, alias="A8"),
        structs.replace(context, deadline_at=context.deadline_at + 1),
        structs.replace(context, roster_sha256="0" * 64),
    )
    for other in others:
        assert crypt.open_quote(other, quote, shares[0], shares[1]) is None
        seat = model.in_order(roster)[0]
        assert crypt.open_share(other, seat.office, quote.envelopes[0], roster[seat].private) is None


def test_a_changed_byte_anywhere_is_noticed() -> None:
    roster = a_roster()
    context = a_context(roster)
    quote = crypt.seal(context, roster, PRICE)
    shares = shares_of(context, roster, quote)
    for at in (0, 11, 12, 100, model.BODY_BYTES - 1):
        body = bytes(byte ^ (i == at) for i, byte in enumerate(quote.body))
        assert crypt.open_quote(context, structs.replace(quote, body=body), shares[0], shares[1]) is None
    wrong = structs.replace(quote, commitment="0" * 64)
    assert crypt.open_quote(context, wrong, shares[0], shares[1]) is None
    bent = bytes([shares[0][0], shares[0][1] ^ 1, *shares[0][2:]])
    assert crypt.open_quote(context, quote, bent, shares[1]) is None
    seat = model.in_order(roster)[0]
    torn = structs.replace(quote.envelopes[0], sealed=quote.envelopes[1].sealed)
    assert crypt.open_share(context, seat.office, torn, roster[seat].private) is None


@pytest.mark.parametrize("price", [1, 99, PRICE, 900_000_000_000])
def test_every_price_is_sealed_in_the_same_length(price: int) -> None:
    roster = a_roster()
    quote = crypt.seal(a_context(roster), roster, price)
    assert len(quote.body) == model.BODY_BYTES
    assert len(msgspec.json.encode(quote)) == len(msgspec.json.encode(crypt.seal(a_context(roster), roster, 5)))
    assert str(price).encode() not in msgspec.json.encode(structs.replace(quote, body=b"", envelopes=[])) or price < 100


def test_the_same_price_is_sealed_differently_each_time() -> None:
    roster = a_roster()
    one, two = (crypt.seal(a_context(roster), roster, PRICE) for _ in range(2))
    assert one.commitment != two.commitment
    assert one.body != two.body
    assert not set(one.shares) & set(two.shares)
