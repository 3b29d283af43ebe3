"""The law and the referee of views: frames made step by step are what the pure functions of the whole give."""

from __future__ import annotations

import random
from copy import deepcopy
from uuid import UUID, uuid4

import msgspec
import pytest

from auction.lot import live, rules, showing, views
from auction.lot.follower import Follower, Shelf
from auction.lot.model import (
    Alias,
    Barred,
    Bid,
    BidTaken,
    Decrement,
    Entrant,
    FormatName,
    HostView,
    LotRules,
    Overtime,
    Rounds,
    StepAgainst,
    Visibility,
)
from plumbing.hub import Fan, Outbox
from tests.auction.law import LawLot, Shard

T0 = 1_800_000_000_000
ALIASES = [Alias(name) for name in ("K7", "B2", "Q9", "M4", "X5")]
KEYS = ["host", "public", *(f"b:{alias}" for alias in ALIASES), "b:Z1"]


def some_rules(dice: random.Random) -> LotRules:
    return LotRules(
        format=dice.choice([FormatName.LIVE_REVERSE, FormatName.LIVE_REVERSE, FormatName.ROUND_REVERSE]),
        ceiling=dice.choice([480_000, None]),
        decrement=Decrement(amount=100, against=dice.choice(list(StepAgainst))),
        duration_ms=60_000,
        overtime=Overtime(30_000, 20_000, rank_max=dice.choice([1, 3]), hard_stop_ms=dice.choice([None, 90_000])),
        rounds=Rounds(count=2, first_pause_ms=2_000, turn_ms=4_000, pause_ms=dice.choice([0, 3_000])),
        visibility=dice.choice(list(Visibility)),
        starting_gate=dice.choice([True, False]),
        host_view=dice.choice(list(HostView)),
        big_drop_bp=0,
        practice=True,
    )


def happen(dice: random.Random, law: LawLot, now: int, i: int) -> None:
    """One thing out of a lot's life."""
    act = dice.random()
    if act < 0.7:
        who = law.state.turn_who or dice.choice(ALIASES)
        price = rules.price_max(law.state, law.state.bidders[who]) - dice.choice([0, 0, 1, 900])
        law.bid(Bid(f"request-{i}", who, max(1, min(price, 500_000))), now)
    elif act < 0.85:
        law.steer(dice.choice(["pause", "resume", "broadcast", "resume"]), now)
    elif act < 0.95:
        offers = [event for event in law.log if isinstance(event, BidTaken)]
        if offers:
            target = dice.choice(offers)
            back_n, back_price, who = live.fall_back(law.log, target.n)
            law.steer("void", now, target.n, Alias(who), law.state.bidders[Alias(who)].n, (back_n, back_price))
    elif act < 0.97:
        law.steer("bar", now, dice.choice(ALIASES), dice.choice([Barred.BANNED, Barred.CONFLICT]))
    else:
        law.tick(now)


class Witness:
    """An audience's reader, and the view that the law gave it last."""

    def __init__(self, follower: Follower, key: str) -> None:
        self.follower, self.key, self.outbox = follower, key, Outbox()
        self.audience = follower.audience(key)
        self.audience.readers[self.outbox] = self.audience.k
        self.law, self.k = deepcopy(self.audience.sight.view), self.audience.k

    def check(self) -> None:
        """After a flush: one frame with exactly the patch between the two views of the law, or none without one."""
        now = self.follower.scene.view_of(self.key)
        patch = views.patch_between(self.law, now)
        frames = [msgspec.json.decode(frame) for _, frame in self.outbox._frames]
        self.outbox._frames.clear()
        self.outbox._streamed = 0
        assert [frame["patch"] for frame in frames] == (
            [msgspec.json.decode(msgspec.json.encode(patch))] if patch else []
        )
        assert self.audience.k == self.k + len(frames)
        assert self.audience.sight.view == now
        self.law, self.k = now, self.audience.k


@pytest.mark.parametrize("seed", range(60))
def test_frames_made_step_by_step_are_those_of_the_law(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "LINES_SHOWN", 9)
    dice = random.Random(seed)
    fan = Fan()
    lot_rules, lot_id, now = some_rules(dice), uuid4(), T0
    law = LawLot(lot_id, lot_rules, Shard())
    follower = Follower(lot_id, Shelf(LotRules(), "signup", T0, 0, []))
    follower.scene.online = {"K7", "B2", "Z1"}
    witnesses = [Witness(follower, key) for key in KEYS if dice.random() < 0.5]
    law.open(tuple(Entrant(alias, dice.choice([0, 1_000])) for alias in ALIASES), T0, "", T0)
    follower.begin_anew(lot_rules)
    for i in range(150):
        now += dice.choice([0, 1, 300, 900, 1_900])
        happen(dice, law, now, i)
        follower.take(law.log[follower.state.n :])
        if dice.random() < 0.1:
            follower.scene.online = {str(alias) for alias in ALIASES if dice.random() < 0.6}
        if dice.random() < 0.05:
            witnesses.append(Witness(follower, dice.choice(KEYS)))
        if dice.random() < 0.3:
            follower.flush(fan)
            for witness in witnesses:
                witness.check()
    follower.scene.stage = "award_pending"
    follower.flush(fan)
    for witness in witnesses:
        witness.check()


def test_a_view_shares_no_table_with_another() -> None:
    follower = Follower(uuid4(), Shelf(LotRules(), "signup", T0, 0, []))
    one, other = (follower.audience(key).sight.view for key in ("b:K7", "b:B2"))
    views.absorb(one, {"marks": {"1": {"kind": "opened"}}})
    assert other["marks"] == {}


@pytest.mark.parametrize("visibility", [Visibility.RANK_ONLY, Visibility.COLOUR])
def test_every_byte_a_bidder_is_sent_is_the_same_whatever_the_others_bid_behind_his_rank(
    visibility: Visibility,
) -> None:
    lot_id, sent = uuid4(), list[list[bytes]]()
    for shift in (0, 1_234):
        lot_rules = LotRules(ceiling=480_000, visibility=visibility, big_drop_bp=0, overtime=Overtime(extensions_max=0))
        law, follower, fan, mine = LawLot(lot_id, lot_rules, Shard()), a_follower(lot_id, lot_rules), Fan(), Outbox()
        law.open(tuple(Entrant(alias) for alias in ALIASES), T0, "", T0)
        follower.audience("b:K7").epoch = "the same"
        follower.audience("b:K7").join(mine, "")
        for i, (who, price) in enumerate([("K7", 400_000), ("B2", 450_000), ("Q9", 390_000), ("B2", 380_000)]):
            law.bid(Bid(f"request-{i}", Alias(who), price - (shift if who != "K7" else 0)), T0 + 100 * i)
            follower.take(law.log[follower.state.n :])
            follower.flush(fan)
        assert len(law.log) == 5
        sent.append([text for _, text in mine._frames])
    assert sent[0] == sent[1]
    assert len(sent[0]) == (4 if visibility is Visibility.RANK_ONLY else 3)


def a_follower(lot_id: UUID, lot_rules: LotRules) -> Follower:
    return Follower(lot_id, Shelf(lot_rules, "signup", T0, 0, []))


def test_of_the_bids_of_one_moment_the_host_is_listed_eight_and_told_how_many_there_were() -> None:
    lot_rules = LotRules(
        ceiling=480_000,
        decrement=Decrement(amount=100),
        overtime=Overtime(extensions_max=0),
        big_drop_bp=0,
        practice=True,
    )
    law = LawLot(uuid4(), lot_rules, Shard())
    law.open(tuple(Entrant(alias) for alias in ALIASES), T0, "", T0)
    for i in range(30):
        law.bid(Bid(f"request-{i}", ALIASES[i % 5], 480_000 - i * 100), T0 + 1_000 + (i >= 20) * 50)
    follower = Follower(uuid4(), Shelf(LotRules(), "signup", T0, 0, []))
    follower.begin_anew(lot_rules)
    follower.take(law.log)
    view = follower.scene.view_of("host")
    assert view["offers"] == 30
    assert [line["kind"] for line in view["lines"].values()] == ["opened"] + ["bid"] * 16
    assert view["rows"]["X5"]["price"] == 480_000 - 29 * 100
