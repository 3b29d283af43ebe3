"""Nothing leaks: what a bidder is shown follows from the declared visibility level and from nothing else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.lot import rules, views
from auction.lot.model import Alias, Bid, Decrement, Entrant, LotRules, Overtime, StepAgainst, Visibility
from auction.lot.state import LotState

A, B, C = Alias("A1"), Alias("B2"), Alias("C3")
T0 = 1_800_000_000_000
OTHERS = {"B2", "C3"}


def a_lot(visibility: Visibility, **changes: object) -> LotState:
    lot_rules = LotRules(
        ceiling=480_000,
        visibility=visibility,
        decrement=Decrement(amount=100),
        overtime=Overtime(extensions_max=0),
        big_drop_bp=0,
        **changes,  # type: ignore[arg-type]
    )
    state = LotState(lot_rules)
    rules.open_lot(state, (Entrant(A), Entrant(B, deduction_bp=1_000), Entrant(C)), "", T0, T0)
    return state


def bid(state: LotState, who: Alias, price: int) -> None:
    assert isinstance(rules.place_bid("lot", state, Bid("r", who, price), None, T0 + 1), list)


def seen_by_a(state: LotState) -> bytes:
    own = {"1": {"price": state.bidders[A].price, "at": T0}} if state.bidders[A].n else {}
    return msgspec.json.encode(views.bidder_view(state, A, own, {}))


@pytest.mark.parametrize("visibility", [Visibility.RANK_ONLY, Visibility.COLOUR])
@given(b=st.integers(1, 399_999), c=st.integers(1, 399_999))
def test_rank_only_and_colour_do_not_depend_on_others_prices(visibility: Visibility, b: int, c: int) -> None:
    seen = set()
    for price_b, price_c in ((b, c), (399_000, 398_000)):
        state = a_lot(visibility)
        bid(state, A, 400_000)
        bid(state, B, price_b)
        bid(state, C, price_c)
        seen.add(seen_by_a(state))
    assert len(seen) == 1


def test_colour_hides_how_many_are_ahead() -> None:
    one, two = a_lot(Visibility.COLOUR), a_lot(Visibility.COLOUR)
    for state in (one, two):
        bid(state, A, 400_000)
        bid(state, B, 390_000)
    bid(two, C, 380_000)
    assert seen_by_a(one) == seen_by_a(two)
    assert b'"rank"' not in seen_by_a(two)


def test_the_lead_price_level_shows_the_effective_lead_and_no_rank() -> None:
    state = a_lot(Visibility.LEAD_PRICE)
    bid(state, A, 400_000)
    bid(state, B, 420_000)
    view = views.bidder_view(state, A, {}, {})
    assert view["lead"] == 378_000
    assert "rank" not in view
    assert "leading" not in view


def test_behind_the_starting_gate_the_market_is_dark_until_the_first_own_offer() -> None:
    lead = Decrement(amount=100, against=StepAgainst.LEAD)
    state = a_lot(Visibility.LEAD_AND_RANK, starting_gate=True)
    state.rules = msgspec.structs.replace(state.rules, decrement=lead)
    bid(state, B, 400_000)
    dark = views.bidder_view(state, A, {}, {})
    assert {"lead", "price_max", "rank"}.isdisjoint(dark)
    bid(state, A, 350_000)
    assert views.bidder_view(state, A, {}, {})["lead"] == 350_000


@pytest.mark.parametrize("visibility", list(Visibility))
def test_no_bidder_ever_reads_another_alias_a_count_or_a_log_position(visibility: Visibility) -> None:
    state = a_lot(visibility)
    for price, who in ((400_000, B), (390_000, C), (380_000, A)):
        bid(state, who, price)
    text = seen_by_a(state).decode()
    assert not any(alias in text for alias in OTHERS)
    assert {"n", "rows", "enough", "online", "lines"}.isdisjoint(msgspec.json.decode(text))


def test_the_public_sees_no_price_but_the_ceiling() -> None:
    state = a_lot(Visibility.LEAD_AND_RANK)
    bid(state, B, 400_000)
    assert set(views.public_view(state)) == {"stage", "opens_at", "closes_at", "extensions", "ceiling"}


_json = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=2), _json), st.dictionaries(st.text(max_size=2), _json))
def test_a_patch_leads_from_one_view_to_the_next(old: views.View, new: views.View) -> None:
    patch = views.patch_between(old, new)
    assert views.merge(old, patch) == new
    assert (patch == {}) == (old == new)
