"""The differential test: the same histories through rules.py and live.lua must give the same answers and the same log.

The referee's clock is replaced in its text by a key, so that histories can stand at the very millisecond of a deadline.
Prices are drawn near the dividing line: uniform prices let a ``>`` mutated to ``>=`` survive.
"""

from __future__ import annotations

import random
from uuid import UUID, uuid4

import pytest
from redis.exceptions import ResponseError

from auction.lot import live, rules
from auction.lot.formats import FORMATS
from auction.lot.model import (
    Alias,
    Band,
    Barred,
    Bid,
    BidTaken,
    Decrement,
    Entrant,
    LotRules,
    Outcome,
    Overtime,
    Rounds,
    Stage,
    StepAgainst,
    StepKind,
    Taken,
)
from ledger import log as ledger
from plumbing.valkey import Valkey, load_library
from standards.money import PRICE_MAX
from tests.auction.law import LawLot, Shard

CLOCK_IN_TEXT = "local t = redis.call('TIME')\n  return t[1] * 1000 + math.floor(t[2] / 1000)"
HOUR = 3_600_000
pytestmark = pytest.mark.usefixtures("invented_time")
T0 = 1_800_000_000_000
HISTORIES = 120
ALIASES = [Alias(name) for name in ("K7", "B2", "Q9", "M4")]


class Referee:
    """Lua with a held clock; two libraries of one text, so that one of them remembers what the other has overtaken."""

    def __init__(self, valkey: Valkey, lot_id: UUID, versions: list[str], clock_key: str) -> None:
        self.valkey, self.lot_id, self.versions, self.clock_key = valkey, lot_id, versions, clock_key
        self.version = versions[0]

    async def at(self, now: int) -> None:
        await self.valkey.set(self.clock_key, now)


def held(now: int) -> live.Now:
    """A process's clock that stands."""
    return lambda: now


async def a_referee(valkey: Valkey, lot_id: UUID) -> Referee:
    key = f"test:clock:{lot_id}"
    assert CLOCK_IN_TEXT in live.SOURCE
    held = live.SOURCE.replace(CLOCK_IN_TEXT, f"return tonumber(redis.call('GET', '{key}'))")
    versions = [await load_library(valkey, "auction", text) for text in (held, held + "-- the other one\n")]
    live.KNOW_PLAIN_BIDS.add(versions[0])  # of the other every bid has all that it may have
    return Referee(valkey, lot_id, versions, key)


def some_rules(dice: random.Random) -> LotRules:
    kind = dice.choice(list(StepKind))
    against = StepAgainst.OWN if kind is StepKind.MULTIPLE else dice.choice(list(StepAgainst))
    decrement = Decrement(
        kind,
        amount=dice.choice([0, 1, 100, 2_400]) if kind is not StepKind.MULTIPLE else dice.choice([1, 7, 100]),
        bp=dice.choice([1, 50, 333]),
        bands=(Band(0, 10), Band(400_000, 700), Band(450_000, 1_900)),
        against=against,
    )
    overtime = Overtime(
        window_ms=dice.choice([0, 20_000, 40_000]),
        extend_ms=dice.choice([5_000, 20_000, 26_000]),
        rank_max=dice.choice([1, 2, 3]),
        extensions_max=dice.choice([None, 0, 1, 2]),
        hard_stop_ms=dice.choice([None, 70_000]),
    )
    return LotRules(
        format=dice.choice(list(FORMATS)),
        ceiling=dice.choice([480_000, None]),
        decrement=decrement,
        duration_ms=60_000,
        overtime=overtime,
        rounds=Rounds(count=dice.choice([1, 3]), first_pause_ms=5_000, turn_ms=4_000, pause_ms=dice.choice([0, 3_000])),
        big_drop_bp=dice.choice([0, 2_000]),
        left_after_outage_min_ms=dice.choice([0, 30_000]),
        practice=True,
    )


def a_price_near_the_line(dice: random.Random, law: LawLot, alias: Alias) -> int:
    bidder = law.state.bidders.get(alias)
    lines = [480_000]
    if bidder:
        top = rules.price_max(law.state, bidder)
        lines += [top, top, top, bidder.price, bidder.price * 8_000 // 10_000, bidder.price - 100]
    if law.state.lead:
        lines += [law.state.lead.price, law.state.lead.score // 10_000]
    return min(PRICE_MAX, max(1, dice.choice(lines) + dice.choice([-7, -1, 0, 0, 0, 1, 7])))


def a_bid(dice: random.Random, law: LawLot, rid: str, asked: list[Bid]) -> Bid:
    """A bid of somebody at a price near the line, or one asked before, perhaps at another price."""
    alias = dice.choice([*ALIASES, Alias("Z1")])
    if law.state.turn_who and dice.random() < 0.7:
        alias = law.state.turn_who
    if asked and dice.random() < 0.12:
        old = dice.choice(asked)
        return Bid(old.rid, old.alias, max(1, old.price - dice.choice([0, 0, 1])), old.token)
    asked.append(Bid(rid, alias, a_price_near_the_line(dice, law, alias)))
    return asked[-1]


async def confirm(
    dice: random.Random, law: LawLot, lua: Referee, now: int, said: tuple[Bid, Outcome], asked: list[Bid]
) -> None:
    """Ask again with the token that the answer named, or with a wrong one."""
    bid, outcome = said
    token = getattr(outcome, "token", "")
    if token:
        again = Bid(f"{bid.rid}c", bid.alias, bid.price, dice.choice([token, "0" * 12]))
        assert await live.place_bid(lua.valkey, lua.lot_id, again, now, lua.version) == law.bid(again, now)
        asked.append(again)


async def step(dice: random.Random, law: LawLot, lua: Referee, now: int, i: int, asked: list[Bid]) -> None:
    lua.version = dice.choice(lua.versions)
    lot_id, valkey, version = lua.lot_id, lua.valkey, lua.version
    act = dice.random()
    if act < 0.80:
        size = dice.choice([1, 1, 1, 2, 5, 9])
        batch = [(bid := a_bid(dice, law, f"request-{i}-{k}", asked), law.bid(bid, now)) for k in range(size)]
        answers = await live.place_bids(valkey, lot_id, [bid for bid, _ in batch], now, version)
        assert answers.outcomes == [expected for _, expected in batch], f"{batch} at {now}"
        await confirm(dice, law, lua, now, batch[-1], asked)
    elif act < 0.86:
        law.tick(now)
        await live.tick(valkey, lot_id, version, held(now))
    elif act < 0.94:
        command = dice.choice(["pause", "resume", "broadcast", "resume"])
        refused = law.steer(command, now)
        answer = await live.steer(valkey, lot_id, command, None, version=version, now=held(now))
        assert answer.refusal == refused
    elif act < 0.97 and law.state.board:
        offers = [event for event in law.log if isinstance(event, BidTaken)]
        if not offers:
            return
        target = dice.choice(offers)
        seen_n = law.state.bidders[target.who].n - dice.choice([0, 0, 0, 1])
        back_n, back_price, who = live.fall_back(law.log, target.n)
        refused = law.steer("void", now, target.n, Alias(who), seen_n, (back_n, back_price))
        answer = await live.steer(
            valkey, lot_id, "void", None, target.n, who, seen_n, back_n, back_price, version=version, now=held(now)
        )
        assert answer.refusal == refused
    elif act < 0.98:
        refused = law.steer("bar", now, ALIASES[0], Barred.CONFLICT)
        answer = await live.steer(valkey, lot_id, "bar", None, ALIASES[0], "conflict", version=version, now=held(now))
        assert answer.refusal == refused


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_the_same_history_gives_the_same_answers_and_the_same_log(
    valkey_client: Valkey, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TRIES", 1)
    dice = random.Random(seed)
    lot_id = uuid4()
    lua = await a_referee(valkey_client, lot_id)
    beat_key = ledger.keys_of(lot_id)[7]
    await valkey_client.delete(beat_key, ledger.keys_of(lot_id)[5])
    lot_rules, shard = some_rules(dice), Shard()
    law = LawLot(lot_id, lot_rules, shard)
    entrants = tuple(
        Entrant(alias, dice.choice([0, 1_000, 1_500]), dice.choice([0, 0, 990]), dice.choice([None, 470_000]))
        for alias in ALIASES
    )
    now = T0
    await lua.at(now)
    law.open(entrants, now, live.rules_sha256(lot_rules), now)
    await live.open_lot(valkey_client, lot_id, lot_rules, entrants, now, lua.version, held(now))
    asked: list[Bid] = []
    agreed = True
    for i in range(45):
        if law.state.stage is Stage.CLOSING and dice.random() < 0.5:
            break
        window_at = law.state.closes_at - lot_rules.overtime.window_ms
        due = dice.choice([law.state.closes_at, law.state.turn_ends_at, window_at, window_at])
        jump = dice.random()
        if jump < 0.05:
            later = now + dice.choice([3_001, 3_000, 2_001, 40_000])  # a silence: nobody beats meanwhile
        elif jump < 0.25 and now < due < now + 60_000:
            later = max(now, due + dice.choice([-1, 0, 1]))
        else:
            later = now + dice.choice([0, 1, 700, 1_900])
        now = later
        if dice.random() < 0.04:  # the store's wall clock is stepped, there or back
            shard.stepped_ms = dice.choice([0, 0, 0, HOUR, -HOUR, 1_500, -1_500, 900, -900])
        await lua.at(now + shard.stepped_ms)
        if jump >= 0.05 or dice.random() < 0.3:
            if jump >= 0.05 and shard.last and now - shard.last > 2_000:
                shard.last = now
                await valkey_client.hset(beat_key, "last", str(now))  # type: ignore[misc]
            sure = not agreed
            agreed = shard.heartbeat(now, sure)
            beat = await live.heartbeat(valkey_client, ledger.shard_of(lot_id), lua.version, held(now), sure)
            assert (beat.outages, beat.shift_ms) == (len(shard.gaps), shard.shift)
            assert (abs(beat.now_ms - now) <= 1_000) == agreed
        await step(dice, law, lua, now, i, asked)
    stored = await live.read_log(valkey_client, lot_id)
    assert stored == law.log
    tally = await live.read_tally(valkey_client, lot_id)
    assert tally == (law.state.stage, law.state.n, law.state.closes_at)
    state = await live.read_state(valkey_client, lot_id)
    assert state is not None
    assert state.board == law.state.board
    assert [event.n for event in stored] == list(range(1, len(stored) + 1))
    await forget(lua)


async def forget(lua: Referee) -> None:
    """Nothing is left of the held time for the lots of other tests."""
    await lua.valkey.delete(*ledger.keys_of(lua.lot_id)[5:])
    for version in lua.versions:
        live.KNOW_PLAIN_BIDS.discard(version)
        await lua.valkey.function_delete(f"auction_{version}")


@pytest.mark.parametrize("people", [1, 32, 33, 150])
async def test_ranks_in_a_crowded_lot_are_those_of_the_law(valkey_client: Valkey, people: int) -> None:
    """Prices are few, so that many scores are equal; everybody is now at the end of the board, now at its head."""
    dice = random.Random(people)
    lot_id = uuid4()
    lua = await a_referee(valkey_client, lot_id)
    lot_rules = LotRules(ceiling=480_000, decrement=Decrement(amount=1, against=StepAgainst.OWN), big_drop_bp=0)
    law = LawLot(lot_id, lot_rules, Shard())
    entrants = tuple(Entrant(Alias(f"A{number}"), dice.choice([0, 0, 1_000])) for number in range(people))
    await valkey_client.delete(*ledger.keys_of(lot_id)[5:])
    await lua.at(T0)
    law.open(entrants, T0, live.rules_sha256(lot_rules), T0)
    await live.open_lot(valkey_client, lot_id, lot_rules, entrants, T0, lua.version, held(T0))
    for i in range(12):
        batch = [
            Bid(f"request-{i}-{k}", dice.choice(entrants).alias, 1_000 - 40 * i + dice.randrange(60)) for k in range(80)
        ]
        expected = [law.bid(bid, T0) for bid in batch]
        answers = await live.place_bids(valkey_client, lot_id, batch, T0, dice.choice(lua.versions))
        assert answers.outcomes == expected
    assert await live.read_log(valkey_client, lot_id) == law.log
    await forget(lua)


async def test_a_call_that_breaks_off_leaves_nothing_half_done(valkey_client: Valkey) -> None:
    """A question cut short, a log that cannot be written: no bid is in the log, the standings or among the answers."""
    lot_id, alias, keys = uuid4(), ALIASES[0], ledger.keys_of
    lua = await a_referee(valkey_client, lot_id)
    lua.version = lua.versions[1]  # which is told a bid's detail: the last thing that is cut off
    await valkey_client.delete(*keys(lot_id)[5:])
    await lua.at(T0)
    rules_of_it = LotRules(ceiling=480_000, big_drop_bp=0)
    await live.open_lot(valkey_client, lot_id, rules_of_it, (Entrant(alias),), T0, lua.version, held(T0))
    two = [Bid("request-1", alias, 400_000), Bid("request-2", alias, 390_000)]
    with pytest.raises(ResponseError):
        await valkey_client.execute_command(*live.question(lot_id, two, T0, lua.version)[:-1])  # type: ignore[no-untyped-call]
    again = await live.place_bid(valkey_client, lot_id, Bid("request-1", alias, 450_000), T0, lua.version)
    assert again == Taken(2, T0, 450_000, 1, T0 + rules_of_it.duration_ms)
    log = keys(lot_id)[4]
    await valkey_client.rename(log, f"{log}:away")
    await valkey_client.set(log, "no stream")
    with pytest.raises(ResponseError):
        await live.place_bid(valkey_client, lot_id, Bid("request-2", alias, 400_000), T0, lua.version)
    await valkey_client.rename(f"{log}:away", log)
    again = await live.place_bid(valkey_client, lot_id, Bid("request-2", alias, 440_000), T0, lua.version)
    assert again == Taken(3, T0, 440_000, 1, T0 + rules_of_it.duration_ms)
    assert [event.n for event in await live.read_log(valkey_client, lot_id)] == [1, 2, 3]
    await forget(lua)


async def test_a_lot_put_back_to_an_earlier_copy_of_its_keys_goes_on_from_there(valkey_client: Valkey) -> None:
    lot_id, alias, keys = uuid4(), ALIASES[0], ledger.keys_of
    lua = await a_referee(valkey_client, lot_id)
    await valkey_client.delete(*keys(lot_id)[5:])
    await lua.at(T0)
    rules_of_it = LotRules(ceiling=480_000, big_drop_bp=0)
    await live.open_lot(valkey_client, lot_id, rules_of_it, (Entrant(alias),), T0, lua.version, held(T0))
    copies = {key: await valkey_client.dump(key) for key in keys(lot_id)[:5] if await valkey_client.exists(key)}
    bid = Bid("request-1", alias, 400_000)
    first = await live.place_bid(valkey_client, lot_id, bid, T0, lua.version)
    await valkey_client.delete(*keys(lot_id)[:5])
    for key, copy in copies.items():
        await valkey_client.restore(key, 0, copy)
    assert await live.place_bid(valkey_client, lot_id, bid, T0, lua.version) == first
    await forget(lua)
