"""迟到重发: a bid sent to a lot whose keys the live store has let go is answered from the settled log in Postgres."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from auction.case.records import Db, decode_rules
from auction.lot import live
from auction.lot.model import Bid, Extended, Outcome, Refusal, Refused, Taken
from auction.lot.state import LotState, apply
from plumbing import sql

SQL = sql.load(Path(__file__).with_name("late.sql"))
AT_ONCE = 100
"""Events applied before others on the event loop have their turn."""


async def answer(conn: Db, lot_id: UUID, bid: Bid) -> Outcome:
    """What the live store would say if it still had the lot.

    A request id taken at this price: its first answer. Taken at another: ID_REUSED. Not taken: LOT_CLOSED. A lot that
    is not settled, or does not exist: LOT_UNKNOWN.
    """
    row = await conn.fetchrow(SQL["late_bid"], lot_id, bid.alias, bid.rid)
    if row is None:
        return Refused(Refusal.LOT_UNKNOWN)
    if row["n"] is None:
        return Refused(Refusal.LOT_CLOSED)
    if row["price"] != bid.price:
        return Refused(Refusal.ID_REUSED)
    state, n = LotState(decode_rules(row["rules"])), row["n"]
    lines = [event["body"] for event in await conn.fetch(SQL["events_until"], lot_id, n + 1)]
    for start in range(0, len(lines), AT_ONCE):
        for event in live.decode(f"[{','.join(lines[start : start + AT_ONCE])}]".encode()):
            if event.n <= n or (isinstance(event, Extended) and event.cause == n):
                apply(state, event)
        await asyncio.sleep(0)
    bidder = state.bidders[bid.alias]
    return Taken(n, bidder.at, bid.price, state.rank(bid.alias), state.closes_at, repeat=True)
