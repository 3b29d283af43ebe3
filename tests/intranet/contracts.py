"""Builders for tests of payments: a unit's contract whose money stands consumed."""

from __future__ import annotations

from uuid import UUID, uuid4

from accounts.records import moment
from intranet.budget import holds
from intranet.budget.model import Source
from intranet.plans import carrying
from intranet.plans.operations import SQL as PLANS
from plumbing.postgres import Connection, Pool
from tests.auction.walk import Cast, within
from tests.intranet.money import NOW, a_plan, an_approved_plan


async def a_contract(pool: Pool, cast: Cast, *sources: Source, payee: str = "杭州某某科技有限公司") -> str:
    """A contract of the cast's unit over all of ``sources``: the name of its money."""
    plan_id, _ = await an_approved_plan(pool, cast.buyer, cast.head, a_plan(*sources))
    lot_id = uuid4()

    async def sign(conn: Connection) -> None:
        await holds.reserve(conn, carrying.request_of(lot_id), sources, None, NOW())
        await conn.execute(PLANS["add_use"], carrying.request_of(lot_id), plan_id, uuid4(), moment(NOW()))
        await carrying.consume(conn, lot_id, "HT-1", payee, NOW())

    await within(pool, sign)
    return carrying.request_of(lot_id)


async def number_of(pool: Pool, payment_id: UUID) -> str:
    """How the treasury names an application."""
    found: str = await pool.fetchval("SELECT number FROM payment WHERE id = $1", payment_id)
    return found
