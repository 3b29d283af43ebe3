"""The demonstration's budget: indicators of the purchaser, money held and spent, a plan decided and one to decide."""

from __future__ import annotations

from uuid import UUID

from accounts.model import Actor
from intranet.budget import holds, indicators
from intranet.budget.model import Fund, Source
from intranet.plans import operations
from intranet.plans.model import Method, PlanDraft
from plumbing.postgres import Connection
from plumbing.texts import local

WAN = 1_000_000
INDICATORS = (
    ("办公设备更新", Fund.GENERAL, 480 * WAN, 96 * WAN, 61 * WAN),
    ("会议系统改造", Fund.GENERAL, 120 * WAN, 48 * WAN, 0),
    ("档案数字化", Fund.SPECIAL, 86 * WAN, 0, 86 * WAN),
)
"""Project, fund, granted, held, consumed; in fen."""


async def seed(conn: Connection, buyer: Actor, head: Actor, finance: Actor, now_ms: int) -> None:
    """Write it once; again it changes nothing."""
    if await conn.fetchval("SELECT true FROM indicator WHERE org_id = $1 LIMIT 1", buyer.org_id):
        return
    year, made = local(now_ms).year, []
    for n, (project, fund, fen, held, spent) in enumerate(INDICATORS, 1):
        one = await indicators.grant(
            conn, region=buyer.region, org_id=buyer.org_id, year=year, fund=fund, project=project, fen=fen,
            about=f"杭财预〔{year}〕{n}号（演示）", actor=finance, now_ms=now_ms,
        )  # fmt: skip
        assert isinstance(one, UUID)
        made.append(one)
        for name, part in (("held", held), ("spent", spent)):
            if part:
                await holds.reserve(conn, f"demo:{one}:{name}", [Source(one, part)], None, now_ms)
        if spent:
            await holds.confirm(conn, f"demo:{one}:spent", spent, now_ms)
    approved = await operations.file(conn, buyer, _plan("会议室音视频设备", 48 * WAN, made[0]), now_ms)
    await operations.decide(conn, head, approved, True, "", now_ms)
    waiting = _plan("视频会议终端", 60 * WAN, made[1], small_share_bp=3_000, small_reason="主要部件仅有大型企业供应")
    await operations.file(conn, buyer, waiting, now_ms)


def _plan(title: str, fen: int, source: UUID, small_share_bp: int = 10_000, small_reason: str = "") -> PlanDraft:
    return PlanDraft(
        title, "A02091001", Method.MALL, fen, (Source(source, fen),), "设备更新", small_share_bp, small_reason
    )
