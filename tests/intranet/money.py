"""Builders for the tests of money: an indicator of a unit of its own, and what stands in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from accounts.model import Actor
from intranet.budget import indicators, records
from intranet.budget.model import Balances, Fund, Source
from intranet.plans import operations
from intranet.plans.model import Method, PlanDraft
from plumbing.clock import Clock
from plumbing.postgres import Connection, Pool
from tests.auction.people import an_organisation
from tests.auction.walk import within

NOW = Clock().now_ms


async def an_indicator(
    pool: Pool, fen: int, *, org_id: UUID | None = None, project: str = "设备更新", actor: Actor | None = None
) -> UUID:
    """An indicator of 2026 with ``fen`` granted."""
    unit = org_id or await an_organisation(pool)
    async with pool.acquire() as conn, conn.transaction():
        return await granted(conn, unit, fen, project=project, actor=actor)


async def granted(
    conn: Connection, org_id: UUID, fen: int, *, project: str = "设备更新", actor: Actor | None = None
) -> UUID:
    made = await indicators.grant(
        conn, region="330106", org_id=org_id, year=2026, fund=Fund.GENERAL, project=project, fen=fen,
        about="杭财〔2026〕1号", actor=actor, now_ms=NOW(),
    )  # fmt: skip
    assert isinstance(made, UUID)
    return made


async def standing(conn: Connection | Pool, indicator_id: UUID) -> Balances:
    found = await records.balances(conn, indicator_id)
    assert found is not None
    return found


def a_plan(*sources: Source, **changed: Any) -> PlanDraft:
    """A plan of office goods in the electronic mall, all of it reserved for small firms."""
    amount = sum(source.fen for source in sources)
    return msgspec.structs.replace(PlanDraft("办公设备", "A02091001", Method.MALL, amount, sources), **changed)


async def an_approved_plan(pool: Pool, buyer: Actor, head: Actor, draft: PlanDraft) -> tuple[UUID, str]:
    """A plan filed and approved: its id and number."""
    plan_id = await within(pool, operations.file, buyer, draft, NOW())
    await within(pool, operations.decide, head, plan_id, True, "", NOW())
    return plan_id, await pool.fetchval("SELECT number FROM plan WHERE id = $1", plan_id)
