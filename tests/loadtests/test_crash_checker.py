"""The crash suite's checker of histories: sound ones pass, and whatever is spoilt in one is found."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from loadtests.crash.checker import doubled, faults, lost, ranking
from loadtests.crash.history import Ask, History, Record
from loadtests.crash.rounds import Brought, Scenario, summed
from loadtests.crash.spoilt import KINDS, spoilt, unnoticed

OPENED = {"n": 1, "at": 100, "kind": "opened", "closes_at": 1_000}
PRICES = [("A1", "r1", 900), ("B2", "r2", 880), ("A1", "r3", 870), ("B2", "r4", 860)]


def a_record(by_host: bool = True) -> Record:
    """Four bids of two bidders in a lot that was closed at 500, its planned end being 1,000."""
    log: list[dict[str, object]] = [OPENED]
    for n, (who, rid, price) in enumerate(PRICES, 2):
        log.append({"n": n, "at": 100 + n, "kind": "bid", "who": who, "rid": rid, "price": price})
    log.append({"n": 6, "at": 500, "kind": "closed"})
    return Record(log, 1, 6, ranking(log), log, 6, by_host)


def answer(history: History, ask: Ask, at: int) -> None:
    history.answer(ask, {"t": "taken", "id": ask.rid, "at": at, "price": ask.price})


def a_history() -> History:
    """The same as the clients lived it: each bid after the answer to the last, one of them sent twice."""
    history = History()
    for n, (who, rid, price) in enumerate(PRICES, 2):
        ask = history.ask(who, rid, price)
        answer(history, ask, 100 + n)
    answer(history, history.ask(*PRICES[0]), 102)
    history.show({"n": 3, "lead": {"price": 880}})
    return history


def test_a_sound_history_has_no_faults() -> None:
    assert faults(a_history(), a_record()) == []
    assert (lost(a_history(), a_record()), doubled(a_record())) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_history_spoilt_in_one_place_is_found_out(kind: str) -> None:
    for seed in range(20):
        assert faults(a_history(), spoilt(a_history(), a_record(), random.Random(seed))[kind]) != []


def test_every_kind_of_spoiling_is_named_and_tried() -> None:
    assert unnoticed(a_history(), a_record(), random.Random(1)) == (len(KINDS), [])
    assert set(spoilt(a_history(), a_record(), random.Random(1))) == set(KINDS)


def a_late_repeat_refused(history: History) -> None:
    history.answer(history.ask(*PRICES[0]), {"t": "refused", "id": "r1", "code": "NOT_IMPROVING_OWN"})


def a_repeat_told_another_time(history: History) -> None:
    answer(history, history.ask(*PRICES[0]), 103)


def a_bid_acknowledged_that_is_nowhere(history: History) -> None:
    answer(history, history.ask("A1", "r9", 850), 110)


def a_view_past_the_end(history: History) -> None:
    history.show({"n": 7, "lead": {"price": 860}})


def a_view_with_another_leader(history: History) -> None:
    history.show({"n": 3, "lead": {"price": 870}})


def told_closed_before_a_bid(history: History) -> None:
    ask = history.ask("B2", "r8", 1)
    history.answer(ask, {"t": "refused", "id": "r8", "code": "LOT_CLOSED"})
    history.asks.insert(0, history.asks.pop())
    history.asks[0].sent, history.asks[0].answered = -2, -1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (a_late_repeat_refused, "taken, then refused"),
        (a_repeat_told_another_time, "two answers to one bid"),
        (a_bid_acknowledged_that_is_nowhere, "acknowledged and lost"),
        (a_view_past_the_end, "shown and lost"),
        (a_view_with_another_leader, "shown otherwise"),
        (told_closed_before_a_bid, "taken after the close was told"),
    ],
)
def test_what_clients_were_told_wrongly_is_found(spoil: Callable[[History], None], said: str) -> None:
    history = a_history()
    spoil(history)
    assert any(fault.startswith(said) for fault in faults(history, a_record()))


def test_a_refusal_of_the_moment_and_a_missing_answer_prove_nothing() -> None:
    history = a_history()
    history.answer(history.ask(*PRICES[0]), {"t": "refused", "id": "r1", "code": "OUTCOME_UNKNOWN"})
    history.ask("B2", "r7", 1)
    assert faults(history, a_record()) == []


def test_a_bid_whose_answer_never_came_may_be_in_the_log() -> None:
    history = a_history()
    history.asks[3].answered, history.asks[3].code = 0, ""
    assert faults(history, a_record()) == []


def test_a_lot_that_nobody_closed_by_hand_closes_at_its_end_and_not_before() -> None:
    assert faults(a_history(), a_record(by_host=False)) == ["closed early: 500 ms"]


def test_bids_sent_at_the_same_time_may_stand_in_any_order() -> None:
    history = History()
    first, second = history.ask("A1", "r1", 900), history.ask("B2", "r2", 880)
    log = [OPENED, {"n": 2, "at": 102, "kind": "bid", "who": "B2", "rid": "r2", "price": 880},
           {"n": 3, "at": 103, "kind": "bid", "who": "A1", "rid": "r1", "price": 900},
           {"n": 4, "at": 500, "kind": "closed"}]  # fmt: skip
    answer(history, first, 103)
    answer(history, second, 102)
    assert faults(history, Record(log, 1, 4, ranking(log), None, None, True)) == []


async def nothing(stand: object, dice: object) -> Brought:
    return Brought([])


def test_every_scenario_is_played_at_least_once_and_sums_add_up() -> None:
    scenario = Scenario("some", "something", nothing, share=0.3)
    assert [scenario.rounds(asked) for asked in (1, 10, 100)] == [1, 3, 30]
    total = summed(scenario, [Brought([], 5, again_s=1.0), Brought(["lost"], 7, 2, again_s=0.5, note="two")])
    assert (total.rounds, total.acked, total.lost, total.again_s) == (2, 12, 2, 1.0)
    assert (total.wrong, total.notes, total.well) == (["lost"], ["two"], False)
