"""The case 项目: what its operations share. Moving a lot along its life cycle, telling the trail, finding a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from auction.case import money
from auction.case.records import SQL, lot
from auction.lot import settlement
from auction.lot.model import Stage, Turn
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

COME_TO_NOTHING = (Stage.FAILED, Stage.CANCELLED)


async def lot_locked(conn: Connection, lot_id: UUID) -> Record:
    """The lot, locked until the transaction ends. Raises ``Problem`` 404."""
    row = await lot(conn, lot_id, lock=True)
    if row is None:
        raise Problem(404, "lot_unknown")
    return row


def stage_after(row: Record, *turns: Turn) -> Stage:
    """Where ``turns`` lead this lot. Raises ``Problem`` 409 when its stage does not allow them."""
    try:
        return settlement.after(Stage(row["stage"]), *turns)
    except KeyError:
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"]) from None


async def move(
    conn: Connection,
    row: Record,
    *turns: Turn,
    actor: Actor | None,
    due_at: datetime | None = None,
    why: str = "",
    detail: dict[str, Any] | None = None,
) -> Stage:
    """Move a lot by ``turns`` (usually one) and write the trail in the same transaction; the stage it reached.
    The money held for one that comes to nothing is given back.

    ``due_at`` is when it next needs attention by itself. Raises ``Problem`` 409 when the stage has passed.
    """
    new = stage_after(row, *turns)
    moved = await conn.fetchval(SQL["move_lot"], row["id"], row["stage"], new, due_at, why)
    if moved is None:
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"])
    if new in COME_TO_NOTHING and row["stage"] not in COME_TO_NOTHING:
        await money.give_back(conn, row["id"])
    event = "lot." + turns[-1].value
    await audit(
        conn, actor, event, f"lot:{row['id']}", detail={"from": row["stage"], "to": new.value, **(detail or {})}
    )
    return new
