"""审批: which room answers for each kind of business on the approval screen."""

from __future__ import annotations

from uuid import UUID

import msgspec

from accounts.flows.desks import Desk, Desks, Look
from accounts.flows.model import Kind
from auction.case import approving, looking
from intranet.payments import looking as payments
from intranet.payments import operations as paying
from intranet.plans import looking as plans
from intranet.plans import operations
from intranet.plans.operations import SQL
from plumbing.postgres import Pool


async def look_at_plan(pool: Pool, plan_id: UUID, now_ms: int) -> Look:
    """A plan, with what the auctions paid for its item."""
    row = await pool.fetchrow(SQL["plan"], plan_id)
    paid = await looking.paid(pool, row["category"], row["org_id"], row["region"]) if row is not None else ()
    return msgspec.structs.replace(await plans.look(pool, plan_id, now_ms), paid=paid)


DESKS: Desks = {
    Kind.PLAN: Desk(look_at_plan, operations.decide),
    Kind.CASE: Desk(looking.look, approving.decide),
    Kind.PAYMENT: Desk(payments.look, paying.decide),
}
