"""A case that carries out a plan: frozen at its approval, the saving back at the award, consumed by contract."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from auction.case import approving, award, cases, drafting
from auction.lot import live
from auction.lot.model import Turn
from intranet.budget import records
from intranet.budget.model import Balances, Source
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from server.handlers import on_deal
from tests.auction.walk import (
    MINUTE,
    Cast,
    a_cast,
    a_draft,
    bids,
    closed,
    no_notice,
    opened_of,
    published,
    signed_up,
    stage,
    within,
)
from tests.intranet.money import NOW, a_plan, an_approved_plan, an_indicator, standing

BUDGET = 10_000_000


async def a_planned_case(pool: Pool, valkey: Valkey, cast: Cast, fen: int = BUDGET) -> tuple[UUID, UUID, UUID]:
    """An indicator with ``fen`` and a case of its plan, published: indicator, case, lot."""
    indicator = await an_indicator(pool, fen, org_id=cast.buyer.org_id)
    _, number = await an_approved_plan(pool, cast.buyer, cast.head, a_plan(Source(indicator, BUDGET)))
    return indicator, *await published(pool, valkey, cast, a_draft(NOW() + MINUTE, plan_no=number))


async def test_an_auction_of_a_plan_freezes_saves_and_consumes(pool: Pool, valkey_client: Valkey) -> None:
    await live.load(valkey_client)
    cast = await a_cast(pool)
    indicator, auction_id, lot_id = await a_planned_case(pool, valkey_client, cast, BUDGET + 5)
    assert await standing(pool, indicator) == Balances(indicator, granted=BUDGET + 5, available=5, frozen=BUDGET)

    aliases = await signed_up(pool, cast, auction_id, lot_id)
    await opened_of(pool, valkey_client, lot_id, for_ms=1_000)
    prices = (9_000_000, 8_000_000, 7_000_000)
    await bids(valkey_client, lot_id, dict(zip(aliases.values(), prices, strict=True)))
    await closed(pool, valkey_client, lot_id)
    winner = next(each for each in cast.suppliers if aliases[each.org_id] == list(aliases.values())[2])
    await within(pool, award.answer, winner, lot_id, True, "", NOW())

    async def confirmed(conn: Any) -> None:
        row = await cases.lot_locked(conn, lot_id)
        await award.buyer_confirm(conn, row, cast.buyer, NOW(), on_deal)

    await within(pool, confirmed)
    assert await standing(pool, indicator) == Balances(
        indicator, granted=BUDGET + 5, available=3_000_005, frozen=7_000_000
    )

    async def signed(conn: Any) -> None:
        await award.contract(conn, cast.buyer, await cases.lot_locked(conn, lot_id), "HT-1", NOW())

    await within(pool, signed)
    assert await standing(pool, indicator) == Balances(
        indicator, granted=BUDGET + 5, available=3_000_005, consumed=7_000_000
    )
    assert await records.faults(pool) == []


async def test_a_lot_that_comes_to_nothing_gives_its_money_back_once(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator, _, lot_id = await a_planned_case(pool, valkey_client, cast)

    async def cancelled(conn: Any) -> None:
        await cases.move(conn, await cases.lot_locked(conn, lot_id), Turn.CANCEL, actor=cast.head)

    await within(pool, cancelled)
    assert await stage(pool, lot_id) == "cancelled"
    assert await standing(pool, indicator) == Balances(indicator, granted=BUDGET, available=BUDGET)


async def test_where_a_plan_is_needed_no_case_goes_without_one_that_fits(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 3 * BUDGET, org_id=cast.buyer.org_id)
    _, number = await an_approved_plan(pool, cast.buyer, cast.head, a_plan(Source(indicator, BUDGET)))
    _, other = await an_approved_plan(
        pool, cast.buyer, cast.head, a_plan(Source(indicator, BUDGET), category="A02010105")
    )
    _, small = await an_approved_plan(pool, cast.buyer, cast.head, a_plan(Source(indicator, BUDGET - 1)))
    for plan_no, why in (("", "plan_needed"), (other, "plan_other_item"), (small, "plan_exceeded"), (number, "")):
        auction_id = await within(pool, drafting.create, cast.buyer, a_draft(NOW() + MINUTE, plan_no=plan_no), NOW())
        await no_notice(pool, auction_id)
        needed = "UPDATE auction SET rule_set = rule_set || '{\"plan.needed\": true}' WHERE id = $1"
        await pool.execute(needed, auction_id)
        if why:
            with pytest.raises(Problem) as told:
                await within(pool, approving.submit, cast.buyer, auction_id, NOW())
            assert told.value.code == why
        else:
            await within(pool, approving.submit, cast.buyer, auction_id, NOW())
    first = auction_id
    # A second case of the same plan hears no at its last approval, and nothing of it is frozen.
    second = await within(pool, drafting.create, cast.buyer, a_draft(NOW() + MINUTE, plan_no=number), NOW())
    await no_notice(pool, second)
    await within(pool, approving.submit, cast.buyer, second, NOW())
    await within(pool, approving.decide, cast.head, first, True, "", NOW())
    with pytest.raises(Problem) as told:
        await within(pool, approving.decide, cast.head, second, True, "", NOW())
    assert told.value.code == "plan_exceeded"
    assert (await standing(pool, indicator)).frozen == BUDGET


async def test_a_case_without_a_plan_of_ours_goes_its_way_without_money(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_cast(pool, suppliers=0)
    _, lot_id = await published(pool, valkey_client, cast, a_draft(NOW() + MINUTE, plan_no="旧系统 2019-7"))
    assert await stage(pool, lot_id) == "signup"
