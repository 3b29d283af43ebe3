"""Putting a lot's record back 恢复记录: the live store's keys made anew from the whole log, as the referee would have.

For lots that were found to contradict what was signed of them; they are held meanwhile (``live.hold``).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import Any
from uuid import UUID

import msgspec

from auction.lot.model import BidTaken, Event, Extended, LotRules, Stage
from auction.lot.state import Bidder, BrokenLogError, LotState, apply
from ledger import log as ledger
from plumbing.valkey import Valkey

ENTRY_LINES = 100
_events = msgspec.json.Decoder(list[Event])
_lines = msgspec.json.Decoder(list[msgspec.Raw])


def _answers(rules: LotRules, events: Sequence[Event], older: bool) -> tuple[LotState, dict[str, str]]:
    """The state after the whole log, and the first answer to every request id, as ``place_bids`` keeps them.

    ``older``: as referees of the releases before ``live.FORM`` keep them; they also chain lines and keep a board.
    """
    state, first = LotState(rules), {}
    for event, after in zip(events, [*events[1:], None], strict=True):
        apply(state, event)
        if isinstance(event, BidTaken):
            extended = isinstance(after, Extended) and after.cause == event.n
            closes_at = after.closes_at if extended else state.closes_at  # type: ignore[union-attr]
            said = (event.n, event.at, event.price) if older else (event.n, event.price, event.at)
            first[f"{event.who}:{event.rid}"] = "|".join(map(str, (*said, state.rank(event.who), closes_at)))
    return state, first


def _standing(bidder: Bidder) -> str:
    return f"{bidder.deduction_bp}|{bidder.malus}|{bidder.barred.value}|{bidder.n}|{bidder.price}"


def _fields(state: LotState, links: Sequence[bytes]) -> dict[str, str | int]:
    """The lot's own hash, its chain over ``links`` included; the rules in it stay as they are."""
    chain = ""
    for link in links:
        chain = sha1(chain.encode() + link, usedforsecurity=False).hexdigest()
    return {
        "stage": state.stage.value, "n": state.n, "at": state.at, "chain": chain, "opens_at": state.opens_at,
        "closes_at": state.closes_at, "hard_stop_at": state.hard_stop_at, "left_ms": state.left_ms,
        "ext": state.extensions, "round": state.round, "turn": state.turn, "turn_who": state.turn_who,
        "turn_ends_at": state.turn_ends_at, "order": ",".join(state.order),
    }  # fmt: skip


def _due(state: LotState) -> int:
    turns = state.rules.format.value == "round_reverse"
    return min(state.turn_ends_at, state.closes_at) if turns else state.closes_at


async def differs(valkey: Valkey, lot_id: UUID) -> str:
    """What the live store keeps of a lot besides its log, and what does not follow from the log; nothing when all does.

    Read in one step, so that bids that are taken meanwhile make no difference.
    """
    lot, who, ids, board, log, *_ = ledger.keys_of(lot_id)
    async with valkey.pipeline(transaction=True) as pipe:
        step: Any = pipe
        step.hgetall(lot).hgetall(who).hgetall(ids).zrange(board, 0, -1, withscores=True).xrange(log)
        kept, standings, answers, ranked, entries = await step.execute()
    try:
        rules = msgspec.json.decode(kept[b"rules"], type=LotRules)
        older, links = b"form" not in kept, [fields[b"e"] for _, fields in entries]
        events = [event for entry in links for event in _events.decode(entry)]
        if older:
            links = [bytes(line) for entry in links for line in _lines.decode(entry)]
        state, first = _answers(rules, events, older)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, BrokenLogError) as error:
        return f"the log cannot be counted anew: {type(error).__name__}: {error}"
    wanted = {name: str(value) for name, value in _fields(state, links).items() if name != "at"}
    own = {name: kept.get(name.encode(), b"").decode(errors="replace") for name in wanted}
    told = {_text(name): _text(value) for name, value in answers.items()}
    stood = {_text(name): _text(value) for name, value in standings.items()}
    order = [(float(score), f"{n:015d}:{alias}") for score, n, alias in state.board if older]
    found = {
        "state": own == wanted,
        "answers": told == first,
        "standings": stood == {alias: _standing(bidder) for alias, bidder in state.bidders.items()},
        "board": [(float(pair[1]), _text(pair[0])) for pair in ranked] == order,
    }
    return ", ".join(f"its {name} do not follow from its log" for name, same in found.items() if not same)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


async def put_back(
    valkey: Valkey, lot_id: UUID, rules: LotRules, events: Sequence[Event], lines: Sequence[bytes]
) -> None:
    """Make log, state, standings and answers anew, in one step. ``BrokenLogError``: it cannot be."""
    lot, who, ids, board, log, due, settle, _ = ledger.keys_of(lot_id)
    older = not await valkey.hexists(lot, "form")
    state, first = _answers(rules, events, older)
    entries = {
        events[min(start + ENTRY_LINES, len(lines)) - 1].n: b"[" + b",".join(lines[start : start + ENTRY_LINES]) + b"]"
        for start in range(0, len(lines), ENTRY_LINES)
    }
    async with valkey.pipeline(transaction=True) as pipe:
        step: Any = pipe
        step.delete(who, ids, board, log)
        step.hset(lot, mapping=_fields(state, lines if older else list(entries.values())))
        step.hset(who, mapping={alias: _standing(bidder) for alias, bidder in state.bidders.items()})
        if first:
            step.hset(ids, mapping=first)
        for score, n, alias in state.board if older else ():
            step.zadd(board, {f"{n:015d}:{alias}": score})
        for n, entry in entries.items():
            step.xadd(log, {"e": entry}, id=f"{n}-0")
        if state.stage is Stage.RUNNING:
            step.zadd(due, {str(lot_id): _due(state)})
        else:
            step.zrem(due, str(lot_id))
        if state.stage in (Stage.CLOSING, Stage.CANCELLED):
            step.zadd(settle, {str(lot_id): state.at})
        await step.execute()
