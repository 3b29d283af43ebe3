"""竞价开始: a lot goes from Postgres to the live store. Safe to repeat at any point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec

from auction.case import award, cases, lawful
from auction.case.records import SQL, Db, decode_rules, encode, millis, moment
from auction.lot import live
from auction.lot.model import Conformity, Entrant, LotRules, Opened, Stage, Turn
from plumbing.postgres import Connection, Record
from plumbing.valkey import Valkey

LATE_MS = 3_000
"""An opening that comes later than this after its time (the platform was away) opens at the later time, in full."""
HAND_OVER_AGAIN_MS = 2_000
Watch = Callable[[UUID, int], None]


def fit(row: Record, rules: LotRules) -> bool:
    """Whether a sign-up takes part: its offer has passed conformity, or will be reviewed after the close."""
    return row["conformity"] == "pass" or (
        rules.conformity is Conformity.AFTER_CLOSE and row["conformity"] == "pending"
    )


def not_late(planned: int, now_ms: int) -> int:
    """When a lot planned for ``planned`` opens now (epoch ms): the bidders keep its whole length."""
    return planned if now_ms - planned <= LATE_MS else now_ms


async def start(conn: Connection, row: Record, now_ms: int) -> bool:
    """Begin a lot whose time has come: RUNNING with its entrants pinned, or FAILED when too few are registered.

    True when the lot must now be handed over; the caller does so after the commit.
    """
    rules = decode_rules(row["rules"])
    people = await conn.fetch(SQL["people_to_start"], row["auction_id"], row["id"])
    taking_part = [person for person in people if fit(person, rules)]
    deductions = await lawful.deductions_bp(conn, row, taking_part)
    entrants = tuple(
        Entrant(person["alias"], deduction, 0, person["opening_price"])
        for person, deduction in zip(taking_part, deductions, strict=True)
    )
    if len(entrants) < rules.suppliers_min:
        await cases.move(conn, row, Turn.START_SHORT, actor=None, why="too_few_registered")
        await award.publish_failure(conn, row, "too_few_registered", now_ms)
        return False
    opens_at = not_late(millis(row["opens_at"]), now_ms)
    due_at: datetime = moment(now_ms + HAND_OVER_AGAIN_MS)
    await cases.move(conn, row, Turn.START, actor=None, due_at=due_at, detail={"entrants": len(entrants)})
    await conn.execute(
        SQL["running_to_hand_over"], row["id"], Stage.RUNNING.value, encode(entrants), moment(opens_at), due_at
    )
    return True


async def hand_over(conn: Db, valkey: Valkey, lot_id: UUID, now_ms: int, watch: Watch | None = None) -> None:
    """Give a RUNNING lot to the live store, and note that it has it. A second call changes nothing.

    Where the live store was away past ``LATE_MS`` the lot opens now, in full.
    """
    row = await conn.fetchrow(SQL["lot_with_case"], lot_id)
    if row is None or row["stage"] != Stage.RUNNING or row["handed_over_at"] is not None:
        return
    rules = decode_rules(row["rules"])
    entrants = msgspec.convert(row["entrants"], tuple[Entrant, ...])
    opens_at, fingerprint = not_late(millis(row["opens_at"]), now_ms), live.rules_sha256(row["rules"])
    await live.open_lot(valkey, lot_id, rules, entrants, opens_at, fingerprint=fingerprint)
    opened = (await live.read_log(valkey, lot_id))[0]
    assert isinstance(opened, Opened)
    closes_at = opened.closes_at
    await conn.execute(SQL["handed_over"], lot_id, moment(now_ms), moment(closes_at), moment(opened.opens_at))
    if watch:
        steered = await live.tick(valkey, lot_id, await live.version_of(valkey, lot_id) or live.VERSION)
        watch(lot_id, steered.due_at or closes_at)
