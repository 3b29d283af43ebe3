"""审批要点 of a plan: what its indicators have free, the year's sum of the item against the limits, what is watched."""

from __future__ import annotations

from uuid import UUID

import msgspec

from accounts.flows.desks import Line, Look
from intranet.plans.model import Finding
from intranet.plans.operations import SQL, year_of
from plumbing.postgres import Pool, Record
from registries.parameters import records as parameters
from standards.categories import kind_of


async def look(pool: Pool, plan_id: UUID, now_ms: int) -> Look:
    """Of a plan that waits for its approval."""
    row = await pool.fetchrow(SQL["plan"], plan_id)
    if row is None:
        return Look()
    watches = msgspec.convert(row["watches"], list[Finding])
    lines = [*await _free(pool, row), *await _year(pool, row, now_ms)]
    return Look(tuple(lines), tuple((f"plan.finding.{each.code}", each.fen) for each in watches))


async def lines_for_case(pool: Pool, org_id: UUID, number: str, now_ms: int) -> list[Line]:
    """Of the unit's plan that a case carries out: what is left of it, source by source; the year's sum."""
    row = await pool.fetchrow(SQL["plan_named"], number, org_id) if number else None
    if row is None:
        return []
    left = [
        Line("approvals.line.left", max(0, each["amount_fen"] - each["used_fen"]), {"project": each["project"]},
             f"budget.fund.{each['fund_source']}")
        for each in await pool.fetch(SQL["sources_of"], row["id"])
    ]  # fmt: skip
    return [*left, *await _year(pool, row, now_ms)]


async def _free(pool: Pool, row: Record) -> list[Line]:
    sources = await pool.fetch(SQL["sources_of"], row["id"])
    ids = [each["indicator_id"] for each in sources]
    free = {each["id"]: each["free_fen"] for each in await pool.fetch(SQL["free_of"], ids, row["id"], row["org_id"])}
    return [
        Line("approvals.line.free", free.get(each["indicator_id"], 0), {"project": each["project"]},
             f"budget.fund.{each['fund_source']}", each["amount_fen"] > free.get(each["indicator_id"], 0))
        for each in sources
    ]  # fmt: skip


async def _year(pool: Pool, row: Record, now_ms: int) -> list[Line]:
    begins, ends = year_of(now_ms)
    given = (row["org_id"], row["category"], row["project"], begins, ends, row["id"])
    total = await pool.fetchval(SQL["year_sum"], *given) + row["amount_fen"]
    rules, kind = await parameters.rule_set(pool, row["region"], now_ms), kind_of(row["category"])
    limit, tender = rules.number(f"gate.limit_{kind}_fen"), rules.number(f"gate.tender_{kind}_fen")
    year = {"year": begins.year}
    return [
        Line("approvals.line.year", total, year, over=total >= tender),
        Line("approvals.line.limit", limit),
        Line("approvals.line.tender", tender),
    ]
