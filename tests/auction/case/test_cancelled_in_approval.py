"""A case that is cancelled, whole or in part, while it waits for approvals."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from accounts.flows import engine
from accounts.flows.model import Kind
from accounts.todo.waiting import steps_of
from auction.case import approving, drafting, motions
from auction.case.drafting import Draft
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from tests.auction.walk import MINUTE, Cast, a_cast, a_draft, within

NOW = Clock().now_ms
DAY = 24 * 60 * MINUTE


async def submitted(pool: Pool, cast: Cast, draft: Draft) -> UUID:
    auction_id: UUID = await within(pool, drafting.create, cast.buyer, draft, NOW())
    await within(pool, approving.submit, cast.buyer, auction_id, NOW())
    return auction_id


async def lots_of(pool: Pool, auction_id: UUID) -> list[tuple[UUID, str]]:
    rows = await pool.fetch("SELECT id, stage FROM lot WHERE auction_id = $1 ORDER BY no", auction_id)
    return [(row["id"], row["stage"]) for row in rows]


async def cancelled(pool: Pool, valkey: Valkey, cast: Cast, lot_id: UUID) -> None:
    motion = await within(pool, motions.propose, cast.buyer, lot_id, "cancel", "需求取消", {}, NOW())
    assert await motions.second(pool, valkey, cast.head, motion, True, NOW()) == "done"


async def waiting(pool: Pool, cast: Cast) -> list[str]:
    """The approvals in the head's list."""
    steps = await steps_of(pool, cast.head.user_id, NOW())
    return [step.kind for step in steps if step.mine and step.kind == "approve"]


async def state(pool: Pool, auction_id: UUID) -> str:
    found = await engine.progress(pool, Kind.CASE, auction_id)
    assert found is not None
    return found.state


async def test_a_case_cancelled_whole_leaves_nothing_in_anybodys_list(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_cast(pool, suppliers=0)
    auction_id = await submitted(pool, cast, a_draft(NOW() + 30 * DAY))
    ((lot_id, _),) = await lots_of(pool, auction_id)
    await cancelled(pool, valkey_client, cast, lot_id)
    assert (await waiting(pool, cast), await state(pool, auction_id)) == ([], "withdrawn")
    with pytest.raises(Problem) as caught:
        await within(pool, approving.submit, cast.buyer, auction_id, NOW())
    assert caught.value.code == "stage_passed"


async def test_one_cancelled_lot_does_not_hold_up_the_others(pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_cast(pool, suppliers=0)
    draft = a_draft(NOW() + 30 * DAY, budget_fen=20_000_000)
    auction_id = await submitted(pool, cast, msgspec.structs.replace(draft, lots=[draft.lots[0]] * 2))
    (first, _), _ = await lots_of(pool, auction_id)
    await cancelled(pool, valkey_client, cast, first)
    assert await within(pool, approving.decide, cast.head, auction_id, False, "请补充", NOW()) == "draft"
    await within(pool, approving.submit, cast.buyer, auction_id, NOW())
    assert await within(pool, approving.decide, cast.head, auction_id, True, "", NOW()) == "scheduled"
    assert [stage for _, stage in await lots_of(pool, auction_id)] == ["cancelled", "scheduled"]
