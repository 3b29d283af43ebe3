"""Money held for the trading rooms: every call may come twice, and no history takes an indicator below zero."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from intranet.budget import holds, records
from intranet.budget.model import Balances, Hold, HoldState, Refusal, Source
from plumbing.postgres import Connection, Pool, set_codecs
from tests.auction.people import an_organisation
from tests.auction.walk import within
from tests.intranet.money import NOW, an_indicator, granted, standing


async def test_a_hold_is_reserved_reduced_at_the_award_and_consumed_at_the_contract(pool: Pool) -> None:
    one, two, request = await an_indicator(pool, 600), await an_indicator(pool, 500), uuid4().hex
    asked = [Source(one, 600), Source(two, 400)]
    for _ in range(2):  # every step comes twice
        held = await within(pool, holds.reserve, request, asked, None, NOW())
        assert isinstance(held, Hold)
    assert (await standing(pool, one)).frozen == 600
    assert (await standing(pool, two)) == Balances(two, granted=500, available=100, frozen=400)
    for _ in range(2):
        left = await within(pool, holds.reduce, request, 850, NOW())
        assert isinstance(left, Hold)
        assert left.fen == 850
    assert (await standing(pool, two)) == Balances(two, granted=500, available=250, frozen=250)
    for _ in range(2):
        done = await within(pool, holds.confirm, request, 850, NOW())
        assert isinstance(done, Hold)
        assert done.state is HoldState.CONFIRMED
    assert (await standing(pool, one)).consumed == 600
    assert (await standing(pool, two)) == Balances(two, granted=500, available=250, consumed=250)
    assert await within(pool, holds.confirm, request, 849, NOW()) is Refusal.REQUEST_REUSED
    assert await within(pool, holds.release, request, NOW()) is Refusal.HOLD_OVER


async def test_the_same_request_with_another_amount_is_refused(pool: Pool) -> None:
    indicator, request = await an_indicator(pool, 1_000), uuid4().hex
    await within(pool, holds.reserve, request, [Source(indicator, 400)], None, NOW())
    assert await within(pool, holds.reserve, request, [Source(indicator, 401)], None, NOW()) is Refusal.REQUEST_REUSED
    await within(pool, holds.release, request, NOW())
    again = await within(pool, holds.reserve, request, [Source(indicator, 400)], None, NOW())
    assert again.state is HoldState.RELEASED  # it is told what became of it, and nothing is frozen anew
    assert (await standing(pool, indicator)).frozen == 0


async def test_all_of_what_is_asked_is_held_or_none_of_it(pool: Pool) -> None:
    rich, poor = await an_indicator(pool, 1_000), await an_indicator(pool, 10)
    for asked, why in (
        ([Source(rich, 500), Source(poor, 11)], Refusal.SHORT),
        ([Source(rich, 500), Source(rich, 500)], Refusal.SOURCE_TWICE),
        ([Source(rich, 500), Source(uuid4(), 1)], Refusal.INDICATOR_UNKNOWN),
        ([Source(rich, 0)], Refusal.NO_AMOUNT),
        ([], Refusal.NO_AMOUNT),
    ):
        assert await within(pool, holds.reserve, uuid4().hex, asked, None, NOW()) is why
    assert (await standing(pool, rich)).available == 1_000
    assert await within(pool, holds.release, "never heard of", NOW()) is Refusal.HOLD_UNKNOWN


async def test_a_hold_past_its_time_is_swept_and_one_without_is_not(fresh_pool: Pool) -> None:
    indicator, now = await an_indicator(fresh_pool, 1_000), NOW()
    for request, expires in (("soon", now + 1), ("later", now + 60_000), ("case", None)):
        await within(fresh_pool, holds.reserve, request, [Source(indicator, 100)], expires, now)
    assert await holds.sweep(fresh_pool, lambda: now) == 0
    assert await holds.sweep(fresh_pool, lambda: now + 1) == 1
    assert (await standing(fresh_pool, indicator)).frozen == 200
    assert await within(fresh_pool, holds.confirm, "soon", 100, now + 2) is Refusal.HOLD_OVER
    expired = await within(fresh_pool, holds.release, "soon", now + 2)
    assert expired.state is HoldState.EXPIRED


async def test_a_thousand_freezes_at_once_take_the_last_fen_and_never_one_more(pool: Pool) -> None:
    indicator = await an_indicator(pool, 70_000)

    async def one(n: int) -> bool:
        held = await within(pool, holds.reserve, f"{indicator}:{n}", [Source(indicator, 100)], None, NOW())
        assert isinstance(held, Hold) or held is Refusal.SHORT
        return isinstance(held, Hold)

    held = await asyncio.gather(*(one(n) for n in range(1_000)))
    assert sum(held) == 700
    assert await standing(pool, indicator) == Balances(indicator, granted=70_000, frozen=70_000)
    assert await records.faults(pool) == []


async def test_the_same_request_a_hundred_times_at_once_is_held_once(pool: Pool) -> None:
    indicator, request = await an_indicator(pool, 1_000), uuid4().hex
    asked = [Source(indicator, 600)]
    got = await asyncio.gather(
        *(within(pool, holds.reserve, request, asked, None, NOW()) for _ in range(100)),
        *(within(pool, holds.release, uuid4().hex, NOW()) for _ in range(20)),
    )
    assert {type(each) for each in got[:100]} == {Hold}
    assert (await standing(pool, indicator)).frozen == 600


async def test_holds_that_cross_each_other_never_wait_for_ever(pool: Pool) -> None:
    one, two = await an_indicator(pool, 10_000), await an_indicator(pool, 10_000)
    pairs = [[Source(one, 10), Source(two, 10)], [Source(two, 10), Source(one, 10)]]
    got = await asyncio.gather(
        *(within(pool, holds.reserve, uuid4().hex, pairs[n % 2], None, NOW()) for n in range(200))
    )
    assert all(isinstance(each, Hold) for each in got)
    assert (await standing(pool, one)).frozen == (await standing(pool, two)).frozen == 2_000


AMOUNTS = st.integers(1, 120)
STEPS = st.one_of(
    st.tuples(st.just("reserve"), st.integers(0, 5), st.tuples(st.integers(0, 60), st.integers(0, 60))),
    st.tuples(st.sampled_from(("reduce", "confirm")), st.integers(0, 5), AMOUNTS),
    st.tuples(st.just("release"), st.integers(0, 5), st.just(0)),
)


class Naive:
    """The same rules in the plainest way: dictionaries, one request at a time."""

    def __init__(self, one: UUID, two: UUID) -> None:
        self.free, self.used = {one: 100, two: 100}, {one: 0, two: 0}
        self.holds: dict[int, Any] = {}
        self.sources = (one, two)

    def reserve(self, n: int, fen: tuple[int, int]) -> bool:
        asked = [(key, each) for key, each in zip(self.sources, fen, strict=True) if each]
        if not asked:
            return False
        if n in self.holds:
            return bool(self.holds[n]["asked"] == asked)
        if any(self.free[key] < each for key, each in asked):
            return False
        for key, each in asked:
            self.free[key] -= each
        self.holds[n] = {"asked": asked, "now": dict(asked), "state": "held"}
        return True

    def reduce(self, n: int, to: int) -> bool:
        hold = self.holds.get(n)
        if hold is None or hold["state"] != "held" or to > sum(hold["now"].values()):
            return False
        over = sum(hold["now"].values()) - to
        for key, _ in reversed(hold["asked"]):
            back = min(over, hold["now"][key])
            hold["now"][key] -= back
            self.free[key] += back
            over -= back
        return True

    def confirm(self, n: int, fen: int) -> bool:
        hold = self.holds.get(n)
        if hold and hold["state"] == "confirmed":
            return bool(sum(hold["now"].values()) == fen)
        if not self.reduce(n, fen):
            return False
        for key, each in hold["now"].items():
            self.used[key] += each
        hold["state"] = "confirmed"
        return True

    def release(self, n: int, _: int) -> bool:
        hold = self.holds.get(n)
        if hold is None or hold["state"] == "confirmed":
            return False
        if hold["state"] == "held":
            for key, each in hold["now"].items():
                self.free[key] += each
            hold["state"] = "released"
        return True


async def play(conn: Connection, unit: UUID, steps: list[tuple[str, int, Any]]) -> None:
    one, two = await granted(conn, unit, 100), await granted(conn, unit, 100)
    naive, names = Naive(one, two), [uuid4().hex for _ in range(6)]
    for what, n, fen in steps:
        if what == "reserve":
            asked = [Source(key, each) for key, each in zip((one, two), fen, strict=True) if each]
            got = await holds.reserve(conn, names[n], asked, None, NOW())
        elif what == "release":
            got = await holds.release(conn, names[n], NOW())
        else:
            got = await (holds.reduce if what == "reduce" else holds.confirm)(conn, names[n], fen, NOW())
        assert isinstance(got, Hold) == getattr(naive, what)(n, fen), (what, n, fen, got)
        for key in (one, two):
            found = await standing(conn, key)
            assert (found.available, found.consumed) == (naive.free[key], naive.used[key])
            assert found.frozen == 100 - found.available - found.consumed
    assert await records.faults(conn) == []


async def test_any_history_of_requests_ends_as_the_plainest_book_says(postgres_url: str, pool: Pool) -> None:
    unit = await an_organisation(pool)

    def histories() -> None:
        with asyncio.Runner() as runner:
            conn = runner.run(asyncpg.connect(postgres_url))
            runner.run(set_codecs(conn))

            @settings(max_examples=60, deadline=None)
            @given(st.lists(STEPS, max_size=25))
            def any_history(steps: list[tuple[str, int, Any]]) -> None:
                async def and_back() -> None:
                    undo = conn.transaction()
                    await undo.start()
                    try:
                        await play(conn, unit, steps)
                    finally:
                        await undo.rollback()

                runner.run(and_back())

            any_history()
            runner.run(conn.close())

    await asyncio.to_thread(histories)
