"""审批要点 of a case: its ceilings, the money of its plan, and what was paid for the same item before."""

from __future__ import annotations

from uuid import UUID

from accounts.flows.desks import Line, Look, Paid
from accounts.records import millis
from auction.case.records import SQL
from intranet.plans import looking
from plumbing.postgres import Pool, Record

PAID_MAX = 3


async def look(pool: Pool, auction_id: UUID, now_ms: int) -> Look:
    """Of a case that waits for its approval."""
    row = await pool.fetchrow(SQL["to_look_at"], auction_id)
    if row is None:
        return Look()
    ceiling = [Line("approvals.line.ceiling", row["ceiling_fen"])] if row["ceiling_fen"] else []
    money = await looking.lines_for_case(pool, row["org_id"], row["plan_no"], now_ms)
    return Look((*ceiling, *money), (), await paid(pool, row["category"], row["org_id"], row["region"]))


async def paid(pool: Pool, category: str, org_id: UUID, region: str) -> tuple[Paid, ...]:
    """The last prices paid for an item in the province, the unit's own first."""
    rows = await pool.fetch(SQL["last_paid"], category, org_id, region[:2], PAID_MAX)
    return tuple(_paid(row) for row in rows)


def _paid(row: Record) -> Paid:
    deal, at_ms = row["body"], millis(row["made_at"])
    line = deal["lines"][0] if len(deal.get("lines", ())) == 1 else {}
    if line.get("unit_price_fen"):
        return Paid(line["name"], deal["buyer_name"], at_ms, line["unit_price_fen"], line["unit"])
    return Paid(deal["title"], deal["buyer_name"], at_ms, deal["contract_fen"])
