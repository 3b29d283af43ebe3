"""公告: publication of a case that was approved, and its amendment while sign-up is open."""

from __future__ import annotations

from uuid import UUID

from accounts.model import Actor
from auction.case import access, award, cases, lawful
from auction.case.records import SQL, millis, millis_or_0, moment
from auction.lot.model import FormatName, Stage, Turn
from auction.sealed import records as sealed
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem


async def lots_locked(conn: Connection, auction_id: UUID) -> list[Record]:
    """All lots of a case, locked in their order. Raises ``Problem`` 404."""
    rows: list[Record] = await conn.fetch(SQL["lots_for_update"], auction_id)
    if not rows:
        raise Problem(404, "auction_unknown")
    return rows


async def publish_case(conn: Connection, auction_id: UUID, actor: Actor | None, now_ms: int) -> None:
    """Publish every scheduled lot of the case: sign-up opens, and each lot is due at its opening."""
    for row in await lots_locked(conn, auction_id):
        if row["stage"] != Stage.SCHEDULED:
            continue
        if millis_or_0(row["opens_at"]) <= now_ms:
            await cases.move(conn, row, Turn.CANCEL, actor=actor, why="opening_passed")
            continue
        await cases.move(conn, row, Turn.PUBLISH, actor=actor, due_at=row["opens_at"])
        roster = sealed.told(await sealed.seats(conn, auction_id)) if is_sealed(row) else {}
        await award.publish(conn, row, "notice", notice_body(row) | roster, now_ms)
    await conn.execute(SQL["published"], auction_id, moment(now_ms))


def is_sealed(row: Record) -> bool:
    """Whether the lot takes sealed quotes 密封报价."""
    return bool(row["rules"].get("format") == FormatName.SEALED_ONE_SHOT)


def notice_body(row: Record) -> dict[str, object]:
    """What a notice 竞价公告 says of a lot: need, ceiling and rules, times. Never who or how many signed up."""
    return {
        "category": row["category"],
        "legal_basis": row["legal_basis"],
        "notice": row["notice"],
        "rules": row["rules"],
        "opens_at": millis(row["opens_at"]),
        "ceiling": row["rules"].get("ceiling"),
    }


async def amend(conn: Connection, actor: Actor, auction_id: UUID, opens_at_ms: int, text: str, now_ms: int) -> None:
    """Amend the notice 更正 before the opening; the notice period begins again, for every lot.

    Raises ``Problem`` 404 for others' cases, 409 when sign-up is not open, 422 when the new opening is too near.
    """
    rows = await lots_locked(conn, auction_id)
    if not access.hosts(actor, rows[0], now_ms):
        raise Problem(404, "auction_unknown")
    await lawful.check_opening(conn, rows[0], now_ms, opens_at_ms, now_ms)
    opens_at = moment(opens_at_ms)
    for row in rows:
        if now_ms >= millis(row["opens_at"]):
            raise Problem(409, "signup_over")
        await cases.move(conn, row, Turn.AMEND, actor=actor, due_at=opens_at, detail={"opens_at": opens_at_ms})
        await award.publish(conn, row, "amendment", {"text": text, "opens_at": opens_at_ms}, now_ms)
    await conn.execute(SQL["reschedule"], auction_id, opens_at)
