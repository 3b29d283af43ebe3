"""What the law says of a bid, clause by clause (domain A2)."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.lot import rules, steering
from auction.lot.formats import round_reverse
from auction.lot.model import (
    LIFE_CYCLE,
    Alias,
    Barred,
    Bid,
    Decrement,
    Entrant,
    Extended,
    FormatName,
    LotRules,
    Overtime,
    Refusal,
    Refused,
    Rounds,
    Stage,
    StepAgainst,
    StepKind,
    Turn,
    Visibility,
)
from auction.lot.state import BrokenLogError, LotState, apply, reduce
from standards.money import PRICE_MAX
from tests.support import SHARED

A, B, C = Alias("A1"), Alias("B2"), Alias("C3")
T0 = 1_800_000_000_000
LOT = "lot"


def a_lot(entrants: tuple[Entrant, ...] = (Entrant(A), Entrant(B), Entrant(C)), **changes: object) -> LotState:
    """A running lot: ceiling ¥4,800.00, steps of ¥24.00 against one's own last, 30 minutes, no overtime."""
    base: dict[str, object] = {
        "ceiling": 480_000,
        "decrement": Decrement(amount=2_400),
        "overtime": Overtime(extensions_max=0),
        "big_drop_bp": 0,
    }
    state = LotState(LotRules(**(base | changes)))  # type: ignore[arg-type]
    assert isinstance(rules.open_lot(state, entrants, "", T0, T0), list)
    return state


def offer(state: LotState, who: Alias, price: int, at: int = T0 + 1_000, token: str = "") -> Refusal | None:
    """Bid, and give the refusal or None."""
    verdict = rules.place_bid(LOT, state, Bid(f"{who}-{price}-{at}", who, price, token), None, at)
    return verdict.code if isinstance(verdict, Refused) else None


def test_a_bid_at_the_closing_instant_is_late_and_one_millisecond_before_is_not() -> None:
    lot = a_lot()
    assert offer(lot, A, 470_000, lot.closes_at - 1) is None
    assert offer(lot, B, 460_000, lot.closes_at) is Refusal.LOT_CLOSED


def test_the_ceiling_itself_is_allowed_and_one_fen_more_is_not() -> None:
    assert offer(a_lot(), A, 480_000) is None
    assert offer(a_lot(), A, 480_001) is Refusal.OVER_CEILING


def test_the_step_against_ones_own_last_is_exact_to_the_fen() -> None:
    lot = a_lot()
    assert offer(lot, A, 431_000) is None
    assert offer(lot, A, 431_000) is Refusal.NOT_IMPROVING_OWN
    assert offer(lot, A, 428_601) is Refusal.STEP
    assert offer(lot, A, 428_600) is None


def test_a_refusal_names_the_highest_price_that_would_be_taken() -> None:
    lot = a_lot()
    offer(lot, A, 431_000)
    refused = rules.judge_bid(LOT, lot, Bid("x", A, 430_000), T0 + 2_000)
    assert refused == Refused(Refusal.STEP, 428_600)
    assert rules.judge_bid(LOT, lot, Bid("x", A, 428_600), T0 + 2_000) is None


def test_against_the_lead_an_equal_price_is_refused() -> None:
    lot = a_lot(decrement=Decrement(amount=0, against=StepAgainst.LEAD), visibility=Visibility.LEAD_PRICE)
    assert offer(lot, A, 400_000) is None
    assert offer(lot, B, 400_001) is Refusal.STEP
    assert offer(lot, B, 400_000) is Refusal.EQUAL_LEAD
    assert offer(lot, B, 399_999) is None


def test_of_equal_prices_the_earlier_leads() -> None:
    lot = a_lot()
    offer(lot, B, 400_000)
    offer(lot, A, 400_000)
    assert [lot.rank(B), lot.rank(A)] == [1, 2]


def test_ranking_is_by_effective_price_and_the_quoted_price_stays() -> None:
    lot = a_lot((Entrant(A, deduction_bp=1_000), Entrant(B)))
    offer(lot, A, 431_000)
    offer(lot, B, 390_000)
    assert lot.lead is not None
    assert (lot.lead.alias, lot.lead.price, lot.lead.score) == (A, 431_000, 387_900 * 10_000)


def test_a_deep_drop_is_asked_to_be_confirmed_and_never_refused() -> None:
    lot = a_lot(big_drop_bp=2_000)
    offer(lot, A, 400_000)
    assert offer(lot, A, 320_000) is None, "exactly 20 % is no big drop"
    refused = rules.judge_bid(LOT, lot, Bid("x", A, 1), T0 + 2_000)
    assert refused is not None
    assert refused.code is Refusal.NEEDS_CONFIRM
    assert offer(lot, A, 2, token=refused.token) is Refusal.NEEDS_CONFIRM, "the token is bound to its price"
    assert offer(lot, A, 1, token=refused.token) is None


def test_there_is_no_floor_one_fen_can_win() -> None:
    lot = a_lot()
    assert offer(lot, A, 1) is None
    assert offer(lot, A, 1) is Refusal.NOT_IMPROVING_OWN
    assert rules.price_max(lot, lot.bidders[A]) == 0


@pytest.mark.parametrize(
    ("decrement", "reference", "step"),
    [
        (Decrement(StepKind.PERCENTAGE, bp=50), 480_000, 2_400),
        (Decrement(StepKind.PERCENTAGE, bp=50), 480_001, 2_401),
        (Decrement(StepKind.PERCENTAGE, bp=1), 1, 1),
        (Decrement(StepKind.ABSOLUTE, amount=7), 1, 7),
    ],
)
def test_a_percentage_step_rounds_up(decrement: Decrement, reference: int, step: int) -> None:
    assert rules.step_at(decrement, reference) == step


def test_multiples_are_counted_from_ones_own_last_and_first_from_the_ceiling() -> None:
    lot = a_lot(decrement=Decrement(StepKind.MULTIPLE, amount=1_000))
    assert offer(lot, A, 479_500) is Refusal.STEP
    assert offer(lot, A, 479_000) is None
    assert offer(lot, A, 478_500) is Refusal.STEP
    assert offer(lot, A, 470_000) is None


def test_a_late_bid_that_changes_rank_moves_the_end_up_to_the_most_extensions() -> None:
    lot = a_lot(overtime=Overtime(window_ms=180_000, extend_ms=180_000, rank_max=1, extensions_max=1))
    end = lot.closes_at
    assert offer(lot, A, 470_000, end - 180_001) is None
    assert lot.closes_at == end, "before the window nothing moves"
    assert offer(lot, A, 460_000, end - 1_000) is None
    assert lot.closes_at == end, "the leader improving himself changes no rank"
    assert offer(lot, B, 450_000, end - 1_000) is None
    assert (lot.closes_at, lot.extensions) == (end + 179_000, 1)
    assert offer(lot, A, 440_000, lot.closes_at - 1) is None
    assert lot.extensions == 1, "no more than announced"


def test_the_window_begins_at_its_very_millisecond() -> None:
    for late, extended in ((-1, False), (0, True)):
        lot = a_lot(overtime=Overtime(window_ms=60_000, extend_ms=90_000))
        end = lot.closes_at
        offer(lot, A, 470_000, end - 60_000 + late)
        assert (lot.closes_at > end) is extended


def test_no_extension_goes_past_the_hard_stop() -> None:
    lot = a_lot(overtime=Overtime(window_ms=60_000, extend_ms=60_000, hard_stop_ms=1_810_000))
    offer(lot, A, 470_000, lot.closes_at - 1)
    assert lot.closes_at == T0 + 1_810_000


def test_a_bidder_barred_loses_his_standing_and_bids_no_more() -> None:
    lot = a_lot()
    offer(lot, A, 470_000)
    steering.bar(lot, A, Barred.CONFLICT, None, T0 + 2_000)
    assert lot.board == []
    assert offer(lot, A, 460_000, T0 + 3_000) is Refusal.CONFLICT


def test_strangers_and_strange_stages_are_refused() -> None:
    lot = a_lot()
    assert offer(lot, Alias("Z9"), 470_000) is Refusal.NOT_REGISTERED
    steering.pause(lot, None, T0 + 2_000)
    assert offer(lot, A, 470_000, T0 + 3_000) is Refusal.LOT_PAUSED
    assert offer(LotState(LotRules(ceiling=1)), A, 1) is Refusal.LOT_NOT_RUNNING


def test_pausing_keeps_the_remaining_time() -> None:
    lot = a_lot()
    end = lot.closes_at
    steering.pause(lot, None, end - 5_000)
    assert rules.tick(lot, end + 60_000) == []
    steering.resume(lot, None, end + 60_000)
    assert lot.closes_at == end + 65_000
    assert offer(lot, A, 470_000, end + 64_999) is None


def test_an_outage_over_the_parameter_gives_its_time_back_with_a_minimum_left() -> None:
    lot = a_lot(left_after_outage_min_ms=120_000)
    end = lot.closes_at
    assert rules.heal(lot, end - 50_000, end - 47_000, end - 47_000) == []
    assert len(rules.heal(lot, end - 40_000, end - 35_000, end - 35_000)) == 1
    assert lot.closes_at == end - 35_000 + 120_000
    lot = a_lot(left_after_outage_min_ms=120_000)
    end = lot.closes_at
    rules.heal(lot, end - 300_000, end - 200_000, end - 200_000)
    assert lot.closes_at == end + 100_000


def test_an_outage_that_began_before_the_opening_counts_from_the_opening() -> None:
    lot = a_lot(left_after_outage_min_ms=0)
    opened, end = lot.opens_at, lot.closes_at
    assert rules.heal(lot, opened - 60_000, opened - 1, opened) == []
    assert rules.heal(lot, opened - 60_000, opened + 3_000, opened + 3_000) == []
    (outage,) = rules.heal(lot, opened - 60_000, opened + 3_001, opened + 3_001)
    assert (outage.from_ms, lot.closes_at) == (opened, end + 3_001)


def test_it_closes_once() -> None:
    lot = a_lot()
    assert len(rules.tick(lot, lot.closes_at)) == 1
    assert rules.tick(lot, lot.closes_at + 1) == []
    assert lot.stage is Stage.CLOSING


def rounds_lot(prices: dict[Alias, int | None]) -> LotState:
    entrants = tuple(Entrant(alias, opening_price=price) for alias, price in prices.items())
    return a_lot(entrants, format=FormatName.ROUND_REVERSE, rounds=Rounds(3, 300_000, 120_000, 120_000))


def test_rounds_go_worst_first_best_last_with_the_announced_pauses() -> None:
    lot = rounds_lot({A: 400_000, B: 470_000, C: None})
    assert offer(lot, B, 460_000) is Refusal.NOT_YOUR_TURN
    rules.tick(lot, T0 + 300_000)
    assert (lot.order, lot.turn_who) == ((C, B, A), C)
    assert offer(lot, C, 390_000, T0 + 310_000) is None
    assert offer(lot, A, 380_000, T0 + 310_000) is Refusal.NOT_YOUR_TURN
    rules.tick(lot, T0 + 300_000 + 3 * 120_000)
    assert (lot.turn, lot.turn_ends_at) == (0, T0 + 300_000 + 4 * 120_000)
    rules.tick(lot, T0 + 300_000 + 4 * 120_000)
    assert lot.order == (B, A, C), "the order of a round is the standing at its beginning"
    assert lot.closes_at == T0 + 300_000 + (9 + 2) * 120_000
    assert [type(event).__name__ for event in rules.tick(lot, lot.closes_at)][-1] == "Closed"
    assert lot.round == 3


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, C]), st.integers(1, 500_000), st.integers(0, 90_000)), min_size=1, max_size=40
    ),
    st.sampled_from([StepAgainst.OWN, StepAgainst.LEAD]),
    st.sampled_from([0, 2_000]),
)
def test_the_log_alone_gives_the_state_and_prices_only_fall(
    bids: list[tuple[Alias, int, int]], against: StepAgainst, drop_bp: int
) -> None:
    lot = a_lot(
        duration_ms=600_000,
        decrement=Decrement(amount=50, against=against),
        overtime=Overtime(window_ms=60_000, extend_ms=60_000),
        big_drop_bp=drop_bp,
    )
    shadow = LotState(lot.rules)
    log = rules.open_lot(shadow, (Entrant(A), Entrant(B), Entrant(C)), "", T0, T0)
    assert isinstance(log, list)
    now, last = T0, {}
    for who, price, wait in bids:
        now += wait
        top = rules.price_max(lot, lot.bidders[who])
        verdict = rules.place_bid(LOT, lot, Bid("r", who, price), None, now)
        if isinstance(verdict, Refused):
            if verdict.code in (Refusal.STEP, Refusal.NOT_IMPROVING_OWN, Refusal.OVER_CEILING, Refusal.EQUAL_LEAD):
                assert price > top
            continue
        assert price <= top
        assert price < last.get(who, PRICE_MAX)
        last[who] = price
        log += verdict
    again = reduce(lot.rules, log)
    assert again == lot
    assert {alias: lot.bidders[alias].price for alias in last} == last
    assert lot.board == sorted(lot.board)
    assert lot.extensions == sum(isinstance(event, Extended) for event in log)


def test_a_gap_in_the_log_is_found() -> None:
    lot = a_lot()
    events = rules.place_bid(LOT, lot, Bid("r", A, 400_000), None, T0 + 1)
    assert isinstance(events, list)
    with pytest.raises(BrokenLogError):
        apply(a_lot((Entrant(A), Entrant(B, opening_price=1))), events[0])


def test_every_stage_can_be_reached_and_every_unfinished_stage_left() -> None:
    reached = {Stage.DRAFT} | set(LIFE_CYCLE.values())
    assert reached == set(Stage)
    final = {Stage.CONTRACTED, Stage.CANCELLED, Stage.REHEARSED}
    assert {stage for stage, _ in LIFE_CYCLE} == set(Stage) - final
    assert (Stage.RUNNING, Turn.AMEND) not in LIFE_CYCLE, "rules never change while a lot runs"


@pytest.mark.skipif(not (SHARED / "golden").exists(), reason="the golden cases are not beside this checkout")
def test_the_golden_minimum_steps_and_turn_orders_hold() -> None:
    cases = json.loads((SHARED / "golden" / "min_step_and_meat.json").read_text())["vectors"]
    own, step, bid = (int(Fraction(cases[0][key]) * 100) for key in ("own", "step", "bid"))
    lot = a_lot(decrement=Decrement(amount=step))
    offer(lot, A, own)
    assert (offer(lot, A, bid) is None) is cases[0]["ok"]
    life = cases[1]
    cost = int(Fraction(life["non_price_cost"]) * 100)
    lot = a_lot((Entrant(A, malus=cost), Entrant(B)), decrement=Decrement(amount=int(Fraction(life["step"]) * 100)))
    offer(lot, A, int(Fraction(life["weighted"]) * 100) - cost)
    assert (offer(lot, A, int(Fraction(life["bid"]) * 100)) is None) is life["ok"]
    for vector in json.loads((SHARED / "golden" / "tie_break.json").read_text())["vectors"]:
        bids = sorted(vector["bids"], key=lambda row: row[2])
        lot = a_lot(tuple(Entrant(Alias(name), opening_price=int(price)) for name, price, _ in bids))
        assert list(round_reverse.worst_first(lot)) == vector["order"]
