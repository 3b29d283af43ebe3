"""互不可见: two worlds that differ only in what an observer may not know send him the same bytes.

Both worlds have the same rules, observer and hours. At each step others do something in the first world, and in the
second something else (or nothing) after which the level declares the same; how many take part and what they are called
differs too. ``declared`` is a second statement of what a level declares, on purpose not made of ``views``.
"""

from __future__ import annotations

import random
from copy import copy
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction.lot import rules, views
from auction.lot.follower import FRAME_EVERY_S, Audience, Follower, Shelf, next_tick
from auction.lot.model import (
    Alias,
    Bid,
    BidTaken,
    Decrement,
    Entrant,
    FormatName,
    HostView,
    LotRules,
    Overtime,
    PriceBasis,
    Refused,
    Rounds,
    StepAgainst,
    Visibility,
    Voided,
)
from plumbing.hub import Fan, Outbox
from tests.auction.law import LawLot, Shard

T0 = 1_800_000_000_000
LOT = UUID("01a2058c-062c-7e02-862c-7968f01f7f3c")
ME = Alias("K7")
OTHERS = (("B2", "Q9", "M4"), ("X5", "J3", "W8", "C6", "Z9"))
STEPS, TRIES = 40, 12


def some_rules(dice: random.Random, visibility: Visibility, format_: FormatName) -> LotRules:
    shows_lead = visibility in (Visibility.LEAD_PRICE, Visibility.LEAD_AND_RANK)
    gate = dice.random() < 0.3
    against = StepAgainst.LEAD if shows_lead and not gate and dice.random() < 0.4 else StepAgainst.OWN
    found = LotRules(
        format=format_,
        ceiling=480_000,
        decrement=Decrement(amount=100, against=against),
        duration_ms=60_000,
        overtime=Overtime(8_000, 8_000, rank_max=dice.choice([1, 2]), extensions_max=dice.choice([0, 2, None])),
        rounds=Rounds(count=2, first_pause_ms=1_000, turn_ms=4_000, pause_ms=1_000),
        visibility=visibility,
        starting_gate=gate,
        host_view=dice.choice(list(HostView)),
        big_drop_bp=dice.choice([0, 300]),
    )
    assert rules.lot_problem(found) is None
    return found


class World:
    """One lot, what happens in it, and every byte that one observer is sent."""

    def __init__(self, lot_rules: LotRules, others: tuple[str, ...], observer: str) -> None:
        self.law, self.others, self.observer = LawLot(LOT, lot_rules, Shard()), others, observer
        self.follower = Follower(LOT, Shelf(lot_rules, "signup", T0, 0, []))
        self.fan, self.outbox = Fan(), Outbox()
        entrants = tuple(Entrant(Alias(alias), 1_000 if alias == ME else 0) for alias in (ME, *others))
        self.law.open(entrants, T0, "", T0)
        audience: Audience = self.follower.audience(observer)
        audience.epoch = "the same"
        audience.join(self.outbox, "")

    def sent(self) -> list[bytes]:
        """All that the observer was sent since the last time, after the lot was shown."""
        self.follower.take(self.law.log[self.follower.state.n :])
        self.follower.flush(self.fan)
        frames = [text for _, text in self.outbox._frames]
        self.outbox._frames.clear()
        self.outbox._streamed = 0
        return frames


def told_to_all(world: World) -> list[Any]:
    """What an announcement says, the position of a bid left away."""
    hidden = {"n", "caused_by", "target", "who", "back_n", "back_price", "entrants", "order"}
    return [
        (type(event).__name__, [getattr(event, name) for name in event.__struct_fields__ if name not in hidden])
        for event in world.law.log
        if type(event).__name__ not in ("BidTaken", "Prebid", "BarredFrom")
    ]


def declared(world: World) -> Any:
    """What the level lets the observer know, from the state and the log alone."""
    state = world.law.state
    common = (state.stage, state.closes_at, state.left_ms, state.extensions, state.hard_stop_at)
    if world.observer == "public":
        return common
    level, me, rank = state.rules.visibility, state.bidders[ME], state.rank(ME)
    mine: list[Any] = [event.price for event in world.law.log if isinstance(event, BidTaken) and event.who == ME]
    mine += [event.at for event in world.law.log if isinstance(event, Voided) and event.who == ME]
    mine += [me.price, me.barred]
    if level is not Visibility.LEAD_PRICE:
        mine.append(rank == 1)
    if level in (Visibility.RANK_ONLY, Visibility.LEAD_AND_RANK):
        mine.append(rank)
    if level in (Visibility.LEAD_PRICE, Visibility.LEAD_AND_RANK) and (me.n or not state.rules.starting_gate):
        mine.append(state.lead.score if state.lead else None)
    turn = (state.round, state.turn, state.turn_who == ME, state.turn_ends_at)
    return common, mine, told_to_all(world), turn


def a_copy(law: LawLot) -> LawLot:
    """The same lot, to try something in."""
    found = copy(law)
    found.shard, found.log, found.answers = copy(law.shard), list(law.log), dict(law.answers)
    bidders = {alias: copy(bidder) for alias, bidder in law.state.bidders.items()}
    found.state = replace(law.state, bidders=bidders, board=list(law.state.board))
    return found


def somebody_bids(dice: random.Random, world: World, now: int, i: int) -> None:
    """One of the others bids, near the line where ranks change."""
    state = world.law.state
    who = Alias(dice.choice(world.others))
    if state.turn_who and state.turn_who != ME:
        who = state.turn_who
    near = [bidder.price for bidder in state.bidders.values() if bidder.price] or [480_000]
    price = min(rules.price_max(state, state.bidders[who]), dice.choice(near) + dice.choice([200, 50, 1, 0, -1, -900]))
    token = rules.token_for(str(LOT), state.bidders[who], max(1, price))
    world.law.bid(Bid(f"request-{i}", who, max(1, price), token), now)


def happen_hidden(dice: random.Random, one: World, two: World, now: int, i: int) -> bool:
    """Others act: in the first world somehow, in the second so that as much is declared; whether that was found."""
    for _ in range(dice.choice([1, 1, 2])):
        somebody_bids(dice, one, now, i)
    wanted, before = declared(one), two.law
    for attempt in range(TRIES):
        two.law = a_copy(before)
        if attempt:
            somebody_bids(dice, two, now, i)
            if attempt % 2:
                somebody_bids(dice, two, now, 1_000 + i)
        if declared(two) == wanted:
            return True
    return False


def happen_openly(dice: random.Random, one: World, two: World, now: int, i: int) -> bool:
    """The observer bids, or the host acts: the same in both. False when it brought what the level declares apart."""
    for world in (one, two):
        world.law.tick(now)
    if declared(one) != declared(two):
        return False
    if dice.random() < 0.6 and one.observer != "public":
        me = one.law.state.bidders[ME]
        price = dice.choice([(me.price or 480_000) - dice.choice([0, 99, 100, 101, 5_000, 40_000]), 380_000, 481_000])
        answers = [world.law.bid(Bid(f"mine-{i}", ME, max(1, price)), now) for world in (one, two)]
        if isinstance(answers[0], Refused):
            assert answers[0] == answers[1], "a refusal told what is hidden"
    else:
        command = dice.choice(["pause", "resume", "broadcast", "resume"])
        for world in (one, two):
            world.law.steer(command, now)
    return bool(declared(one) == declared(two))


def play(
    dice: random.Random, visibility: Visibility, observer: str, format_: FormatName = FormatName.LIVE_REVERSE
) -> int:
    """Play two worlds side by side; how many steps were compared in which the worlds differed."""
    lot_rules = some_rules(dice, visibility, format_)
    in_rounds = format_ is FormatName.ROUND_REVERSE
    one = World(lot_rules, OTHERS[0], observer)
    two = World(lot_rules, tuple(dice.sample(OTHERS[1], 3 if in_rounds else dice.randint(1, 5))), observer)
    now, differed = T0, 0
    assert one.sent() == two.sent()
    for i in range(STEPS):
        now += dice.choice([0, 1, 300, 900, 1_900])
        if dice.random() < 0.7:
            if not happen_hidden(dice, one, two, now, i):
                return differed
        elif not happen_openly(dice, one, two, now, i):
            return differed
        if dice.random() < 0.8:
            assert one.sent() == two.sent()
            differed += one.law.log != two.law.log
    return differed


def play_many(visibility: Visibility, observer: str, format_: FormatName = FormatName.LIVE_REVERSE) -> int:
    compared = 0

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def histories(dice: random.Random) -> None:
        nonlocal compared
        compared += play(dice, visibility, observer, format_)

    histories()
    return compared


@pytest.mark.parametrize("visibility", list(Visibility))
def test_a_bidder_is_sent_the_same_bytes_whatever_is_hidden_from_him(visibility: Visibility) -> None:
    assert play_many(visibility, f"b:{ME}") > 150


@pytest.mark.parametrize("visibility", [level for level in Visibility if level is not Visibility.COLOUR])
def test_in_rounds_he_is_too(visibility: Visibility) -> None:
    assert play_many(visibility, f"b:{ME}", FormatName.ROUND_REVERSE) > 40


def test_the_public_is_sent_the_same_bytes_whatever_is_bid() -> None:
    assert play_many(Visibility.LEAD_AND_RANK, "public") > 150


def test_a_view_that_tells_too_much_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = views.standing_view
    for leak in ("n", "offers", "bidders"):
        told = {"n": lambda state: state.n, "offers": lambda state: state.offers, "bidders": lambda s: len(s.bidders)}
        monkeypatch.setattr(
            views, "standing_view", lambda state, alias, t=told[leak]: {**honest(state, alias), "x": t(state)}
        )
        with pytest.raises(AssertionError):
            play_many(Visibility.RANK_ONLY, f"b:{ME}")


def test_frames_go_out_at_the_ticks_of_the_lot_whatever_happens_in_between() -> None:
    tick = next_tick(LOT, 100.0)
    assert 100.0 < tick <= 100.0 + FRAME_EVERY_S
    assert {next_tick(LOT, 100.0 + part * (tick - 100.0) / 10) for part in range(10)} == {tick}
    assert abs(next_tick(LOT, tick) - tick - FRAME_EVERY_S) < 1e-6
    assert next_tick(UUID(int=LOT.int + 1), 100.0) != tick


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"visibility": Visibility.RANK_ONLY, "decrement": Decrement(against=StepAgainst.LEAD)}, "lead_hidden"),
        ({"visibility": Visibility.COLOUR, "decrement": Decrement(against=StepAgainst.LEAD)}, "lead_hidden"),
        (
            {
                "visibility": Visibility.LEAD_PRICE,
                "decrement": Decrement(against=StepAgainst.LEAD),
                "starting_gate": True,
            },
            "lead_hidden",
        ),
        ({"visibility": Visibility.COLOUR, "format": FormatName.ROUND_REVERSE}, "rounds_tell_number"),
        ({"visibility": Visibility.LEAD_PRICE, "decrement": Decrement(against=StepAgainst.LEAD)}, None),
    ],
)
def test_rules_that_would_tell_more_than_the_level_declares_cannot_be_announced(
    changes: dict[str, Any], problem: str | None
) -> None:
    assert rules.lot_problem(LotRules(ceiling=480_000, basis=PriceBasis.TOTAL, **changes)) == problem
