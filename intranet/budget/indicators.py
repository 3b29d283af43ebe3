"""指标: granted and adjusted by finance, closed at their year's end. Operations for a transaction of the caller."""

from __future__ import annotations

from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from intranet.budget import records, rules
from intranet.budget.model import Fund, Kind, Posting, Refusal
from intranet.budget.records import SQL
from plumbing.postgres import Connection


async def grant(
    conn: Connection,
    *,
    region: str,
    org_id: UUID,
    year: int,
    fund: Fund,
    project: str,
    fen: int,
    about: str,
    actor: Actor | None,
    now_ms: int,
) -> UUID | Refusal:
    """Make an indicator 指标下达 of ``fen`` for a unit; its id. ``about`` names the document behind it."""
    if fen <= 0:
        return Refusal.NO_AMOUNT
    indicator_id = await _add(conn, region, org_id, year, fund, project, None)
    refusal = await _post(conn, Posting(indicator_id, Kind.GRANT, fen), about, actor, now_ms)
    await audit(conn, actor, "indicator.granted", f"indicator:{indicator_id}", detail={"fen": fen, "about": about})
    return refusal or indicator_id


async def adjust(
    conn: Connection, indicator_id: UUID, fen: int, about: str, actor: Actor | None, now_ms: int
) -> Refusal | None:
    """Add ``fen`` to an indicator 追加, or take from what is still free of it 调减 (a negative ``fen``)."""
    kind = Kind.GRANT if fen > 0 else Kind.CUT
    refusal = await _post(conn, Posting(indicator_id, kind, abs(fen)), about, actor, now_ms)
    if refusal is None:
        detail = {"fen": fen, "about": about}
        await audit(conn, actor, "indicator.adjusted", f"indicator:{indicator_id}", detail=detail)
    return refusal


async def close(
    conn: Connection, indicator_id: UUID, *, carry: bool, actor: Actor | None, now_ms: int
) -> UUID | Refusal:
    """Close an indicator at the end of its year 年终结转: the id of next year's that takes it over.

    What is frozen or promised by contract goes on there, holds with it; what is free too, if ``carry``, else back.
    Refused while a payment is under way. Closed already: the heir as it is.
    """
    await conn.execute(SQL["books_alone"])
    row = await conn.fetchrow(SQL["indicator"], indicator_id)
    if row is None:
        return Refusal.INDICATOR_UNKNOWN
    book = records.balances_of(row)
    if book.closed:
        known: UUID = await conn.fetchval(SQL["heir_of"], indicator_id)
        return known
    if book.paying:
        return Refusal.PAYMENT_UNDER_WAY
    heir = await _add(
        conn, row["region"], row["org_id"], row["year"] + 1, Fund(row["fund_source"]), row["project"], indicator_id
    )
    who, about = actor.user_id if actor else None, f"close:{row['number']}"
    postings = rules.closing(book, heir, carry=carry)
    refusal = await records.enter(conn, postings, about=about, person_id=who, now_ms=now_ms)
    if refusal is not None:
        raise RuntimeError(f"{row['number']} cannot be closed: {refusal}")
    await conn.execute(SQL["hand_holds_on"], indicator_id, heir)
    await conn.execute(SQL["close_indicator"], indicator_id, moment(now_ms))
    await audit(conn, actor, "indicator.closed", f"indicator:{indicator_id}", detail={"heir": str(heir)})
    return heir


async def _add(
    conn: Connection, region: str, org_id: UUID, year: int, fund: Fund, project: str, carried_from: UUID | None
) -> UUID:
    number = f"ZB{year}{region[:4]}{await conn.fetchval(SQL['next_number']):06d}"
    made: UUID = await conn.fetchval(SQL["add_indicator"], number, region, org_id, year, fund, project, carried_from)
    return made


async def _post(conn: Connection, posting: Posting, about: str, actor: Actor | None, now_ms: int) -> Refusal | None:
    who = actor.user_id if actor else None
    return await records.post(conn, [posting], about=about, person_id=who, now_ms=now_ms)
