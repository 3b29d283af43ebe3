"""Putting a lot's record back 恢复记录: the live store's keys made anew from the whole log, as the referee would have.

For lots that were found to contradict what was signed of them; they are held meanwhile (``live.hold``).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import Any
from uuid import UUID

from auction.lot.model import BidTaken, Event, Extended, LotRules, Stage
from auction.lot.state import Bidder, LotState, apply
from ledger import log as ledger
from plumbing.valkey import Valkey

ENTRY_LINES = 100


def _answers(rules: LotRules, events: Sequence[Event]) -> tuple[LotState, dict[str, str]]:
    """The state after the whole log, and the first answer to every request id, as ``place_bids`` keeps them."""
    state, first = LotState(rules), {}
    for event, after in zip(events, [*events[1:], None], strict=True):
        apply(state, event)
        if isinstance(event, BidTaken):
            extended = isinstance(after, Extended) and after.cause == event.n
            closes_at = after.closes_at if extended else state.closes_at  # type: ignore[union-attr]
            parts = (event.n, event.at, event.price, state.rank(event.who), closes_at)
            first[f"{event.who}:{event.rid}"] = "|".join(map(str, parts))
    return state, first


def _standing(bidder: Bidder) -> str:
    return f"{bidder.deduction_bp}|{bidder.malus}|{bidder.barred.value}|{bidder.n}|{bidder.price}"


def _fields(state: LotState, lines: Sequence[bytes]) -> dict[str, str | int]:
    """The lot's own hash, its chain included; the rules in it stay as they are."""
    chain = ""
    for line in lines:
        chain = sha1(chain.encode() + line, usedforsecurity=False).hexdigest()
    return {
        "stage": state.stage.value, "n": state.n, "at": state.at, "chain": chain, "opens_at": state.opens_at,
        "closes_at": state.closes_at, "hard_stop_at": state.hard_stop_at, "left_ms": state.left_ms,
        "ext": state.extensions, "round": state.round, "turn": state.turn, "turn_who": state.turn_who,
        "turn_ends_at": state.turn_ends_at, "order": ",".join(state.order),
    }  # fmt: skip


def _due(state: LotState) -> int:
    turns = state.rules.format.value == "round_reverse"
    return min(state.turn_ends_at, state.closes_at) if turns else state.closes_at


async def put_back(
    valkey: Valkey, lot_id: UUID, rules: LotRules, events: Sequence[Event], lines: Sequence[bytes]
) -> None:
    """Make log, state, standings, board and answers anew, in one step. ``BrokenLogError``: it cannot be."""
    state, first = _answers(rules, events)
    lot, who, ids, board, log, due, settle, _ = ledger.keys_of(lot_id)
    async with valkey.pipeline(transaction=True) as pipe:
        step: Any = pipe
        step.delete(who, ids, board, log)
        step.hset(lot, mapping=_fields(state, lines))
        step.hset(who, mapping={alias: _standing(bidder) for alias, bidder in state.bidders.items()})
        if first:
            step.hset(ids, mapping=first)
        for score, n, alias in state.board:
            step.zadd(board, {f"{n:015d}:{alias}": score})
        for start in range(0, len(lines), ENTRY_LINES):
            part = lines[start : start + ENTRY_LINES]
            step.xadd(log, {"e": b"[" + b",".join(part) + b"]"}, id=f"{events[start + len(part) - 1].n}-0")
        if state.stage is Stage.RUNNING:
            step.zadd(due, {str(lot_id): _due(state)})
        else:
            step.zrem(due, str(lot_id))
        if state.stage in (Stage.CLOSING, Stage.CANCELLED):
            step.zadd(settle, {str(lot_id): state.at})
        await step.execute()
