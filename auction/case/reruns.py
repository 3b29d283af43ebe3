"""重新竞价: a failed lot is run again, as a new draft that remembers what it repeats; at most twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from auction.case import cases, params, signing
from auction.case.records import SQL, moment
from auction.lot.model import Turn
from auction.sealed.records import SQL as SEALED
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

OFFICES_FAILED = "offices_failed"


async def rerun(conn: Connection, actor: Actor, lot_id: UUID, opens_at_ms: int, now_ms: int) -> UUID:
    """Draft a failed lot again, same terms, in a case of its own with the same pinned parameters; the new case's id.

    The terms may be edited before it is submitted. The failed lot keeps its record and its stage.
    """
    row = await signing.hosted(conn, actor, lot_id, now_ms)
    if opens_at_ms <= now_ms:
        raise Problem(422, "opening_passed", accept={"opens_at_min": now_ms + 1})
    reruns_max = params.number(row, "auction.reruns_max")
    blameless = row["why"] == OFFICES_FAILED  # the offices' failure does not count among the reruns
    if row["round_no"] > reruns_max and not blameless:
        raise Problem(409, "reruns_used_up", accept={"reruns_max": reruns_max})
    if await conn.fetchrow(SQL["rerun_known"], lot_id):
        raise Problem(409, "rerun_known")
    await cases.move(conn, row, Turn.RERUN, actor=actor, why=row["why"])
    auction_id = await _copy_case(conn, row, actor, moment(opens_at_ms))
    given = (auction_id, row["region"], row["org_id"], 1, row["title"], row["rules"], moment(opens_at_ms))
    new_lot: UUID = await conn.fetchval(SQL["add_lot"], *given, row["round_no"] + (not blameless), lot_id)
    await conn.execute(SQL["copy_lines"], lot_id, new_lot)
    await conn.execute(SEALED["copy_seats"], row["auction_id"], auction_id)
    await audit(conn, actor, "auction.rerun", f"auction:{auction_id}", detail={"of": str(lot_id)})
    return auction_id


async def _copy_case(conn: Connection, row: Record, actor: Actor, opens_at: datetime) -> UUID:
    number: str = await conn.fetchval(SQL["next_number"], row["region"], False)
    given = (row["auction_id"], number, f"ocds-yangcai-{number}", opens_at, actor.user_id)
    found: UUID = await conn.fetchval(SQL["copy_auction"], *given)
    await conn.execute(SQL["copy_invitations"], row["auction_id"], found)
    return found
