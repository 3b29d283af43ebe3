"""审批要点 of a payment: what of its contract is not paid, and how much of that is applied for."""

from __future__ import annotations

from uuid import UUID

from accounts.flows.desks import Line, Look
from intranet.payments.operations import SQL
from plumbing.postgres import Pool


async def look(pool: Pool, payment_id: UUID, now_ms: int) -> Look:
    """Of a payment that waits for its approval."""
    row = await pool.fetchrow(SQL["payment"], payment_id)
    if row is None:
        return Look()
    contract = await pool.fetchrow(SQL["contract"], row["request_id"])
    if contract is None:
        return Look()
    unpaid, under_way = contract["fen"] - contract["paid_fen"], contract["asked_fen"] - contract["paid_fen"]
    fund = [
        Line("approvals.line.source", each["fen"], {"project": each["project"]}, f"budget.fund.{each['fund_source']}")
        for each in await pool.fetch(SQL["sources_left"], row["request_id"])
    ]
    lines = (
        Line("approvals.line.unpaid", unpaid),
        Line("approvals.line.under_way", under_way, over=under_way > unpaid),
    )
    return Look((*lines, *fund))
