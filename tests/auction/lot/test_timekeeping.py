"""A stepped wall clock moves no end by more than the bidding stood still, and everyone is of one mind again soon."""

from __future__ import annotations

from uuid import uuid4

import pytest

from auction.lot import live
from auction.lot.live import Beat
from auction.lot.model import Alias, Bid, Decrement, Entrant, LotRules, Overtime, Refusal, Refused, Stage, Taken
from auction.lot.timekeeping import Timekeeper
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.valkey import Valkey
from tests.auction.lot.test_referee_follows_the_law import T0, Referee, a_referee, held

pytestmark = pytest.mark.usefixtures("invented_time")
HOUR = 3_600_000
RULES = LotRules(
    ceiling=1_000_000,
    decrement=Decrement(amount=100),
    duration_ms=60_000,
    overtime=Overtime(extensions_max=0),
    practice=True,
)
A = Alias("K7")


async def an_open_lot(valkey: Valkey) -> Referee:
    lua = await a_referee(valkey, uuid4())
    await valkey.delete(ledger.keys_of(lua.lot_id)[7], ledger.keys_of(lua.lot_id)[5])
    await lua.at(T0)
    await live.open_lot(valkey, lua.lot_id, RULES, (Entrant(A),), T0, lua.version, held(T0))
    return lua


async def beats(lua: Referee, from_ms: int, to_ms: int, stepped_ms: int) -> list[Beat]:
    """A process's heartbeats every 200 ms on a store whose wall clock is ``stepped_ms`` off."""
    answers: list[Beat] = []
    for now in range(from_ms, to_ms, 200):
        await lua.at(now + stepped_ms)
        sure = bool(answers) and abs(answers[-1].now_ms - (now - 200)) > 1_000
        shard = ledger.shard_of(lua.lot_id)
        answers.append(await live.heartbeat(lua.valkey, shard, lua.version, held(now), sure))
    return answers


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_a_wall_clock_stepped_for_good_neither_ends_a_lot_nor_stops_it(valkey_client: Valkey, step: int) -> None:
    lua = await an_open_lot(valkey_client)
    await beats(lua, T0, T0 + 5_000, 0)
    await beats(lua, T0 + 5_000, T0 + 7_000, step)
    bid = Bid("request-1", A, 900_000)
    outcome = await live.place_bid(lua.valkey, lua.lot_id, bid, T0 + 7_000, lua.version)
    assert isinstance(outcome, Taken)
    assert abs(outcome.at - (T0 + 7_000)) <= 1_000
    assert outcome.closes_at == T0 + 60_000
    await beats(lua, T0 + 7_000, T0 + 61_000, step)
    steered = await live.tick(lua.valkey, lua.lot_id, lua.version, held(T0 + 61_000))
    assert steered.stage == Stage.CLOSING


async def test_while_the_clocks_disagree_nothing_is_taken_and_no_time_passes(valkey_client: Valkey) -> None:
    lua = await an_open_lot(valkey_client)
    await beats(lua, T0, T0 + 5_000, 0)
    await lua.at(T0 + 5_000 + HOUR)
    refused = await live.place_bid(lua.valkey, lua.lot_id, Bid("request-1", A, 900_000), T0 + 5_000, lua.version)
    assert refused == Refused(Refusal.CLOCK_SKEW)
    steered = await live.tick(lua.valkey, lua.lot_id, lua.version, held(T0 + 5_000))
    assert (steered.refusal, steered.stage, steered.due_at) == ("CLOCK_SKEW", Stage.RUNNING, T0 + 60_000)
    assert len(await live.read_log(lua.valkey, lua.lot_id)) == 1
    await lua.at(T0 + 5_200)
    taken = await live.place_bid(lua.valkey, lua.lot_id, Bid("request-1", A, 900_000), T0 + 5_200, lua.version)
    assert isinstance(taken, Taken)
    assert taken.closes_at == T0 + 60_000


async def test_a_process_that_stands_alone_does_not_move_the_time_of_the_others(valkey_client: Valkey) -> None:
    lua = await an_open_lot(valkey_client)
    shard = ledger.shard_of(lua.lot_id)
    for now in range(T0, T0 + 6_000, 200):
        await lua.at(now)
        wrong = await live.heartbeat(lua.valkey, shard, lua.version, held(now - HOUR), sure=True)
        right = await live.heartbeat(lua.valkey, shard, lua.version, held(now))
        assert wrong.shift_ms == right.shift_ms == 0


async def test_where_no_lot_runs_the_time_is_the_callers(valkey_client: Valkey) -> None:
    lua = await an_open_lot(valkey_client)
    await live.steer(lua.valkey, lua.lot_id, "pause", None, version=lua.version, now=held(T0))
    await lua.at(T0 + HOUR)
    resumed = await live.steer(lua.valkey, lua.lot_id, "resume", None, version=lua.version, now=held(T0 + 9_000))
    assert (resumed.refusal, resumed.due_at) == ("", T0 + 69_000)


class HeldClock(Clock):
    """A clock and a wall clock that the test moves."""

    def __init__(self) -> None:
        self.now, self.wall = T0, T0

    def now_ms(self) -> int:
        return self.now

    def drift_ms(self) -> int:
        return self.wall - self.now

    def move(self, by_ms: int) -> None:
        self.now += by_ms

    def anchor(self) -> None:
        self.now = self.wall

    def later(self, ms: int) -> None:
        self.now, self.wall = self.now + ms, self.wall + ms


def ask(keeper: Timekeeper, clock: HeldClock, off_ms: int, for_ms: int, shift_ms: int = 0) -> None:
    """Heartbeats every 100 ms on a shard whose time is the wall clock and ``off_ms``."""
    for _ in range(for_ms // 100):
        clock.later(100)
        keeper.heard(clock.now, {3: Beat(0, clock.wall + off_ms, shift_ms)})


def test_a_process_that_stays_alone_takes_the_time_of_the_running_lots() -> None:
    clock = HeldClock()
    keeper = Timekeeper(clock)
    ask(keeper, clock, 0, 500)
    ask(keeper, clock, HOUR, 3_000)
    assert keeper.sure == {3}
    assert clock.drift_ms() == 0
    ask(keeper, clock, HOUR, 200)
    assert clock.drift_ms() == -HOUR
    assert not keeper.sure


def test_a_new_process_has_no_say_unless_its_wall_clock_was_stepped_by_what_it_is_off() -> None:
    clock = HeldClock()
    keeper = Timekeeper(clock)
    ask(keeper, clock, HOUR, 500, HOUR)
    assert not keeper.sure
    clock.wall += HOUR
    ask(keeper, clock, 0, 500)
    assert keeper.sure == {3}


def test_an_answer_that_was_long_on_its_way_says_nothing_about_the_time() -> None:
    clock = HeldClock()
    keeper = Timekeeper(clock)
    keeper.heard(T0 - 2_000, {3: Beat(0, T0 - 2_000, 0)})
    assert not keeper.sure
    assert clock.now == T0


def test_the_wall_clock_is_taken_anew_only_while_no_lot_runs() -> None:
    clock = HeldClock()
    keeper = Timekeeper(clock)
    clock.wall += HOUR
    for _ in range(100):
        clock.later(100)
        keeper.heard(clock.now, {3: Beat(0, clock.now, 0)})
    assert clock.drift_ms() == HOUR
    for _ in range(60):
        clock.later(100)
        keeper.heard(clock.now, {})
    assert clock.drift_ms() == 0
