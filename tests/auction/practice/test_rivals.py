"""The rivals of a practice: they answer a lead by the law, never each other, never outside practice, and stop."""

from __future__ import annotations

import random
from uuid import uuid4

import pytest

from auction.lot import live
from auction.lot.model import Alias, Bid, Decrement, Entrant, LotRules, Overtime, Taken
from auction.lot.state import LotState
from auction.practice.rivals import Rivals, answer_of
from plumbing.clock import Clock
from plumbing.valkey import Valkey
from tests.auction.law import LawLot, Shard
from tests.support import eventually

ME, ONE, TWO = Alias("A1"), Alias("B2"), Alias("C3")
ENTRANTS = (Entrant(ME), Entrant(ONE, opening_price=9_700_000), Entrant(TWO, opening_price=9_400_000))
FLOORS = {ONE: 8_000_000, TWO: 7_000_000}


def lot_rules(**changed: object) -> LotRules:
    given: dict[str, object] = {
        "ceiling": 10_000_000, "decrement": Decrement(amount=50_000), "duration_ms": 60_000, "practice": True,
        "overtime": Overtime(extensions_max=0), "big_drop_bp": 0,
    }  # fmt: skip
    return LotRules(**(given | changed))  # type: ignore[arg-type]


def after(price: int | None, **changed: object) -> LotState:
    """A lot in which I have offered ``price``, by the law."""
    lot = LawLot(uuid4(), lot_rules(**changed), Shard())
    lot.open(ENTRANTS, 1_000, "0" * 64, 1_000)
    if price is not None:
        assert isinstance(lot.bid(Bid("bid-of-mine", ME, price), 2_000), Taken)
    return lot.state


def test_who_leads_is_answered_with_one_or_two_steps_less() -> None:
    for seed in range(20):
        move = answer_of(after(9_000_000), FLOORS, random.Random(seed))
        assert move is not None
        alias, price = move
        assert alias in FLOORS
        assert price in (8_950_000, 8_900_000)


@pytest.mark.parametrize(
    ("price", "changed"),
    [
        (None, {}),
        (9_400_000, {}),
        (9_000_000, {"practice": False}),
        (7_050_000, {"decrement": Decrement(amount=60_000)}),
    ],
    ids=["a rival leads from the opening", "a rival was earlier", "outside practice", "below where they rest"],
)
def test_nobody_answers_where_it_is_not_his_turn(price: int | None, changed: dict[str, object]) -> None:
    assert answer_of(after(price, **changed), FLOORS, random.Random(1)) is None


def test_below_where_one_rests_another_answers() -> None:
    for seed in range(20):
        move = answer_of(after(8_000_000), FLOORS, random.Random(seed))
        assert move is not None
        assert move[0] == TWO


async def test_they_overtake_in_the_live_lot_and_go_home_when_it_ends(valkey_client: Valkey, clock: Clock) -> None:
    await live.load(valkey_client)
    lot_id, rivals = uuid4(), Rivals(valkey_client, clock, pace_s=(0.01, 0.02))
    await live.open_lot(valkey_client, lot_id, lot_rules(), ENTRANTS, clock.now_ms())
    rivals.play(lot_id, FLOORS)

    async def lead() -> Alias:
        state = await live.read_state(valkey_client, lot_id)
        assert state is not None
        assert state.lead is not None
        return state.lead.alias

    await live.place_bid(valkey_client, lot_id, Bid("bid-of-mine", ME, 9_000_000), clock.now_ms())
    await eventually(lambda: is_rival(lead()))
    await live.place_bid(valkey_client, lot_id, Bid("bid-so-low", ME, 6_900_000), clock.now_ms())
    assert await lead() == ME, "all of them rest"
    await live.steer(valkey_client, lot_id, "close", {"by": "host"})
    await eventually(lambda: rivals.playing == 0)


async def is_rival(lead: object) -> bool:
    return await lead in FLOORS  # type: ignore[misc]


async def test_a_process_that_stops_sends_them_home(valkey_client: Valkey, clock: Clock) -> None:
    await live.load(valkey_client)
    lot_id, rivals = uuid4(), Rivals(valkey_client, clock)
    await live.open_lot(valkey_client, lot_id, lot_rules(), ENTRANTS, clock.now_ms())
    rivals.play(lot_id, FLOORS)
    await rivals.close()
    await eventually(lambda: rivals.playing == 0)
