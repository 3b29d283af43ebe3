"""价格预警: prices that lie too far, told as soon as they change, explained by their seller, dismissed by a person.

Nothing is taken down by itself. What was said of an alert holds for that price: with another price it begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.rules import may_act
from plumbing import sql
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.products.pricing import Watched, deviations

SQL = sql.load(Path(__file__).with_name("alerts.sql"))
STEP, LOOK_EVERY_S = 200, 5.0
OPEN, ENDED = ("open", "explained"), ("dismissed",)
Told = tuple[UUID, str, int, int, int]


async def look(conn: Connection, now_ms: int) -> int:
    """Look at the next prices, in the caller's transaction; how many had changed."""
    rows = await conn.fetch(SQL["unwatched"], STEP)
    if not rows:
        return 0
    told: list[Told] = []
    for row in rows:
        watched = Watched(row["price_fen"], row["reference_fen"], row["before_fen"], tuple(row["peers_fen"]))
        told += [
            (row["id"], str(each.against), row["price_fen"], each.base_fen, each.by_bp) for each in deviations(watched)
        ]
    columns: list[list[object]] = [[each[n] for each in told] for n in range(5)]
    await conn.execute(SQL["tell"], *columns, now_ms)
    await conn.execute(SQL["fall_silent"], [row["id"] for row in rows], *columns[:2])
    due = [row["id"] for row in rows if row["due"]]
    await conn.execute(SQL["watched"], due)
    return len(due)


async def run(pool: Pool, clock: Clock) -> None:
    """Look again and again, until cancelled; several processes share the work."""

    async def once() -> None:
        while True:
            async with pool.acquire() as conn, conn.transaction():
                if await look(conn, clock.now_ms()) < STEP:
                    return

    await ever("product prices", once, LOOK_EVERY_S)


async def of_places(pool: Pool, places: Sequence[str], stages: Sequence[str], most: int, offset: int) -> list[Record]:
    """The alerts of some places, the furthest off first."""
    return await pool.fetch(SQL["alerts"], list(places), None, list(stages), most, offset)


async def of_firm(pool: Pool, org_id: UUID, stages: Sequence[str], most: int, offset: int) -> list[Record]:
    """The alerts of a firm's goods."""
    return await pool.fetch(SQL["alerts"], None, org_id, list(stages), most, offset)


async def explain(conn: Connection, actor: Actor, alert: tuple[UUID, str], said: str, now_ms: int) -> None:
    """What the seller says of it 说明. ``Problem`` 404 for another's, 409 when it is over, 422 without a word."""
    row = await conn.fetchrow(SQL["alert"], *alert)
    if row is None or row["org_id"] != actor.org_id:
        raise Problem(404, "product_alert_unknown")
    _need(row, OPEN, said)
    await conn.execute(SQL["explain"], *alert, said[:500], now_ms)
    await audit(conn, actor, "product.alert_explained", f"product:{alert[0]}", detail={"against": alert[1]})


async def decide(
    conn: Connection, actor: Actor, alert: tuple[UUID, str], dismissed: bool, remark: str, now_ms: int
) -> None:
    """Dismiss it with a reason, or take that back. ``Problem`` 404 outside of the actor's places, 409, 422 as above."""
    row = await conn.fetchrow(SQL["alert"], *alert)
    if row is None or not may_act(actor, Act.PRODUCT_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "product_alert_unknown")
    if dismissed:
        _need(row, OPEN, remark)
        await conn.execute(SQL["dismiss"], *alert, remark[:500], actor.user_id, now_ms)
    else:
        _need(row, ENDED, "—")
        await conn.execute(SQL["reopen"], *alert)
    event = "product.alert_dismissed" if dismissed else "product.alert_reopened"
    await audit(conn, actor, event, f"product:{alert[0]}", detail={"against": alert[1], "remark": remark[:500]})


def _need(row: Record, stages: Sequence[str], words: str) -> None:
    if row["stage"] not in stages:
        raise Problem(409, "product_alert_over")
    if not words.strip():
        raise Problem(422, "product_alert_words")
