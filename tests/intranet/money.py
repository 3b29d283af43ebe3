"""Builders for the tests of money: an indicator of a unit of its own, and what stands in it."""

from __future__ import annotations

from uuid import UUID

from accounts.model import Actor
from intranet.budget import indicators, records
from intranet.budget.model import Balances, Fund
from plumbing.clock import Clock
from plumbing.postgres import Connection, Pool
from tests.auction.people import an_organisation

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
