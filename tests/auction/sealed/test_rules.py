"""What is refused of a sealed quote and of a share, in order of precedence."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from auction.sealed import crypt, model, rules
from auction.sealed.model import Office
from auction.sealed.rules import Booth, SealedRefusal
from tests.auction.sealed.rosters import a_context, a_roster

ROSTER = a_roster(Office.PURCHASER, Office.PURCHASER, Office.AGENCY, Office.GROUP)
CONTEXT = a_context(ROSTER)
QUOTE = crypt.seal(CONTEXT, ROSTER, 4_286_000)
DEADLINE = CONTEXT.deadline_at


def a_booth(**changed: Any) -> Booth:
    return structs.replace(Booth(True, DEADLINE, list(ROSTER), True), **changed)


@pytest.mark.parametrize(
    ("booth", "now", "said"),
    [
        (a_booth(), DEADLINE - 1, None),
        (a_booth(), DEADLINE, SealedRefusal.NOT_OPEN),
        (a_booth(open=False), DEADLINE - 1, SealedRefusal.NOT_OPEN),
        (a_booth(has_offer=False), DEADLINE - 1, SealedRefusal.OFFER_MISSING),
        (a_booth(deadline_at=DEADLINE + 5), DEADLINE - 1, SealedRefusal.DEADLINE_CHANGED),
        (a_booth(seats=list(a_roster())), DEADLINE - 1, SealedRefusal.ROSTER_CHANGED),
        (a_booth(has_offer=False, deadline_at=DEADLINE - 1), DEADLINE - 1, SealedRefusal.NOT_OPEN),
    ],
)
def test_a_quote_is_taken_until_the_deadline_for_its_roster(booth: Booth, now: int, said: SealedRefusal | None) -> None:
    assert rules.judge_deposit(booth, QUOTE, now) == said


def test_every_seat_must_have_its_envelope_in_the_rosters_order() -> None:
    for envelopes in (QUOTE.envelopes[1:], QUOTE.envelopes[::-1], [*QUOTE.envelopes, QUOTE.envelopes[0]]):
        wrong = structs.replace(QUOTE, envelopes=envelopes)
        assert rules.judge_deposit(a_booth(), wrong, DEADLINE - 1) == SealedRefusal.ENVELOPES_WRONG


def test_a_share_is_taken_only_as_the_suppliers_browser_made_it() -> None:
    seat = next(seat for seat in model.in_order(ROSTER) if seat.office is Office.AGENCY)
    envelope = next(one for one in QUOTE.envelopes if one.key == seat.fingerprint)
    share = crypt.open_share(CONTEXT, Office.AGENCY, envelope, ROSTER[seat].private)
    assert share is not None
    assert rules.judge_share(CONTEXT, QUOTE, Office.AGENCY, share) is None
    bent = share[:-1] + bytes([share[-1] ^ 1])
    for office, wrong in (
        (Office.AGENCY, bent),
        (Office.GROUP, share),
        (Office.AGENCY, share[:-1]),
        (Office.GROUP, b""),
    ):
        assert rules.judge_share(CONTEXT, QUOTE, office, wrong) == SealedRefusal.SHARE_WRONG


def test_an_office_without_a_key_is_lacking() -> None:
    assert rules.offices_lacking({Office.PURCHASER, Office.GROUP}) == [Office.AGENCY]
    assert rules.offices_lacking(set(Office)) == []


def test_the_roster_has_one_order_and_one_digest() -> None:
    backwards = list(reversed(model.in_order(ROSTER)))
    assert model.roster_sha256(backwards) == CONTEXT.roster_sha256
    assert [seat.office for seat in model.in_order(backwards)] == ["purchaser", "purchaser", "agency", "group"]
