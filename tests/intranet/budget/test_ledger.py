"""The ledger of the budget: postings, adjustments, the close of a year, and what the database refuses by itself."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from intranet.budget import holds, indicators, records
from intranet.budget.model import SIDES, Account, Balances, Hold, Kind, Posting, Refusal, Source
from intranet.budget.rules import judge, reduced, shared
from plumbing.postgres import Pool
from tests.auction.walk import within
from tests.intranet.money import NOW, an_indicator, standing


def test_every_kind_of_posting_has_two_different_sides() -> None:
    assert set(SIDES) == set(Kind)
    assert all(taken is not given for taken, given in SIDES.values())
    assert [kind for kind, (taken, _) in SIDES.items() if taken is Account.PAID] == [
        Kind.REFUND
    ]  # sent back by the bank
    assert Account.CARRIED not in {taken for taken, _ in SIDES.values()}


def test_the_last_fen_may_be_frozen_and_not_one_more() -> None:
    book = Balances(uuid4(), granted=100, available=100)
    books = {book.indicator_id: book}
    assert judge(books, [Posting(book.indicator_id, Kind.FREEZE, 100)]) is None
    assert judge(books, [Posting(book.indicator_id, Kind.FREEZE, 101)]) is Refusal.SHORT
    assert judge(books, [Posting(book.indicator_id, Kind.FREEZE, 60)] * 2) is Refusal.SHORT
    assert judge(books, [Posting(book.indicator_id, Kind.FREEZE, 0)]) is Refusal.NO_AMOUNT
    assert judge({}, [Posting(book.indicator_id, Kind.GRANT, 1)]) is Refusal.INDICATOR_UNKNOWN


def test_a_saving_goes_back_to_the_last_source_first_and_parts_are_paid_in_order() -> None:
    one, two = uuid4(), uuid4()
    asked = [Source(one, 60), Source(two, 40)]
    assert reduced(asked, 100) == tuple(asked)
    assert reduced(asked, 70) == (Source(one, 60), Source(two, 10))
    assert reduced(asked, 50) == (Source(one, 50), Source(two, 0))
    assert shared(asked, [70, 30]) == [(Source(one, 60), Source(two, 10)), (Source(two, 30),)]


async def test_an_indicator_is_granted_added_to_and_cut_by_what_is_free(pool: Pool) -> None:
    indicator = await an_indicator(pool, 1_000)
    await within(pool, holds.reserve, uuid4().hex, [Source(indicator, 700)], None, NOW())
    assert await within(pool, indicators.adjust, indicator, 500, "追加", None, NOW()) is None
    assert await within(pool, indicators.adjust, indicator, -801, "调减", None, NOW()) is Refusal.SHORT
    assert await within(pool, indicators.adjust, indicator, -800, "调减", None, NOW()) is None
    assert await standing(pool, indicator) == Balances(indicator, granted=700, frozen=700)


async def test_at_the_end_of_the_year_promises_go_on_and_the_rest_goes_back_or_on(pool: Pool) -> None:
    for carry, free in ((True, 300), (False, 0)):
        indicator, held, bought = await an_indicator(pool, 1_000), uuid4().hex, uuid4().hex
        await within(pool, holds.reserve, held, [Source(indicator, 400)], None, NOW())
        await within(pool, holds.reserve, bought, [Source(indicator, 300)], None, NOW())
        await within(pool, holds.confirm, bought, 300, NOW())
        heir = await within(pool, indicators.close, indicator, carry=carry, actor=None, now_ms=NOW())
        assert await within(pool, indicators.close, indicator, carry=carry, actor=None, now_ms=NOW()) == heir
        old = await standing(pool, indicator)
        assert (old.closed, old.available, old.frozen, old.consumed) == (True, 0, 0, 0)
        assert old.carried == old.granted == 700 + free
        new = Balances(heir, granted=700 + free, available=free, frozen=400, consumed=300)
        assert await standing(pool, heir) == new
        again = await within(pool, holds.reserve, uuid4().hex, [Source(indicator, 1)], None, NOW())
        assert again is Refusal.CLOSED
        done = await within(pool, holds.confirm, held, 250, NOW())
        assert isinstance(done, Hold)
        assert (await standing(pool, heir)).consumed == 550
    assert await records.faults(pool) == []


async def test_the_database_itself_keeps_postings_balances_and_the_bottom(pool: Pool) -> None:
    indicator = await an_indicator(pool, 100)
    lawless = (
        ("UPDATE indicator SET available_fen = available_fen + 1, granted_fen = granted_fen - 1", "only by postings"),
        ("UPDATE budget_posting SET amount_fen = 1", "append only"),
        ("DELETE FROM budget_posting", "append only"),
        ("TRUNCATE budget_posting", "append only"),
        (
            "INSERT INTO budget_posting (entry_id, indicator_id, kind, debit, credit, amount_fen, at) SELECT "
            "uuidv7(), id, 'freeze', 'available', 'frozen', 101, now() FROM indicator WHERE available_fen = 100",
            "indicator_available_fen_check",
        ),
    )
    for statement, why in lawless:
        with pytest.raises(asyncpg.PostgresError, match=why):
            await pool.execute(statement)
    assert await standing(pool, indicator) == Balances(indicator, granted=100, available=100)
