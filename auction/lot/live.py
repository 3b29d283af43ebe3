"""The live lots in Valkey and their only caller. One call is one atomic step, durable when it returns.

Functions return values of ``auction.lot.model``; what they raise is ``plumbing.valkey.ValkeyGone`` or another
RedisError: then the outcome is *unknown* and the same request id asked again gets the first answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.lot.formats import FORMATS
from auction.lot.model import Alias, Barred, Bid, Entrant, Event, LotRules, Outcome, Refusal, Refused, Stage, Taken
from auction.lot.state import BrokenLogError, LotState, apply
from ledger import log as ledger
from ledger.log import channel_of
from plumbing.clock import Clock
from plumbing.pipe import Part, Pipe
from plumbing.valkey import RedisError, Valkey, load_library

_PARTS = [
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("lot.lua", "live.lua", "steer.lua", "held.lua")
]
SOURCE = ledger.PRELUDE + "".join(_PARTS)
VERSION = sha256(SOURCE.encode()).hexdigest()[:8]
KNOW_PLAIN_BIDS = {VERSION}
"""The referees that take plain bids without what they lack. An older one does not know that form."""
FORM = 2
"""How a lot is kept: answers by position, price, time; a chain over entries; no board. Without it: ``restoring``."""
_events = msgspec.json.Decoder(list[Event])
_lines = msgspec.json.Decoder(list[tuple[int, int, int, int, int]]).decode
Now: TypeAlias = Callable[[], int]
NOW: Now = Clock().now_ms
TRIES, TRY_AGAIN_S = 16, 0.25
"""A command whose clock the store doubts is asked again: within some three seconds one takes the other's time."""


class ClockDoubtedError(RedisError):
    """The store and this process do not agree on the time, so nothing was done; it may be asked again."""


class Steered(Struct, frozen=True):
    """The answer to a steering command: ``refusal`` empty when done; ``due_at`` is the next deadline (epoch ms)."""

    refusal: str
    n: int
    events: list[Event]
    stage: str
    due_at: int


async def load(valkey: Valkey) -> str:
    """Load this release's functions beside older ones; returns the version."""
    return await load_library(valkey, "auction", SOURCE)


def decode(entry: bytes) -> list[Event]:
    """The events of one log entry. Raises ``BrokenLogError`` for what no referee has written: a damaged disk."""
    try:
        return _events.decode(entry)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenLogError(f"an entry of the log cannot be read: {error}") from None


def rules_text(rules: LotRules | Mapping[str, Any]) -> str:
    """The rules as the text whose fingerprint enters the log: its members in the order of the alphabet.

    Of rules as a row keeps them, the text depends on nothing but the row: a release that knows of more members, or of
    fewer, still finds the text that was signed.
    """
    return msgspec.json.encode(rules, order="sorted").decode()


def rules_sha256(rules: LotRules | Mapping[str, Any]) -> str:
    """The fingerprint of the rules, written into the log's first event."""
    return sha256(rules_text(rules).encode()).hexdigest()


async def _call(valkey: Valkey, function: str, lot_id: UUID, version: str, *args: str | int) -> list[Any]:
    keys = ledger.keys_of(lot_id)
    answer: list[Any] = await valkey.fcall(f"{function}_{version}", len(keys), *keys, *args)
    return answer


def _doubted(answer: list[Any]) -> bool:
    return bool(answer[0] == b"refused" and answer[1] == b"CLOCK_SKEW")


async def _publish(valkey: Valkey, lot_id: UUID, events: bytes) -> list[Event]:
    """Tell every process, after the step is durable; a follower that misses this fills the gap by position."""
    if not events:
        return []
    await valkey.publish(channel_of(lot_id), events)
    return decode(events)


def _rule_fields(lot_id: UUID, rules: LotRules, version: str) -> dict[str, str | int]:
    step, overtime, rounds = rules.decrement, rules.overtime, rules.rounds
    return {
        "lot": str(lot_id),
        "version": version,
        "form": FORM,
        "rules": msgspec.json.encode(rules).decode(),
        "format": rules.format.value,
        "ceiling": rules.ceiling or 0,
        "step_kind": step.kind.value,
        "step": step.amount,
        "step_bp": step.bp,
        "bands": ",".join(f"{band.at_or_above}:{band.amount}" for band in step.bands),
        "against": step.against.value,
        "drop_bp": rules.big_drop_bp,
        "ot_window": overtime.window_ms,
        "ot_extend": overtime.extend_ms,
        "ot_rank": overtime.rank_max,
        "ot_max": -1 if overtime.extensions_max is None else overtime.extensions_max,
        "hard_stop": -1 if overtime.hard_stop_ms is None else overtime.hard_stop_ms,
        "rounds": rounds.count,
        "first_pause": rounds.first_pause_ms,
        "turn_ms": rounds.turn_ms,
        "pause_ms": rounds.pause_ms,
        "outage_after": rules.outage_pause_after_ms,
        "left_min": rules.left_after_outage_min_ms,
        "practice": int(rules.practice),
    }


async def open_lot(
    valkey: Valkey,
    lot_id: UUID,
    rules: LotRules,
    entrants: tuple[Entrant, ...],
    opens_at: int,
    version: str = VERSION,
    now: Now = NOW,
    fingerprint: str = "",
) -> list[Event]:
    """Hand the lot over to Valkey 竞价开始. Idempotent; an empty list means it was open already.

    ``fingerprint`` is that of the rules as their row keeps them, where they were not made by this release.
    Raises ``ClockDoubtedError`` when lots run beside it and their time is not ours.
    """
    fields = _rule_fields(lot_id, rules, version)
    flat = [part for pair in fields.items() for part in pair]
    people = [p for e in entrants for p in (e.alias, e.deduction_bp, e.malus, e.opening_price or 0)]
    closes_at = FORMATS[rules.format].closes_at(rules, opens_at, len(entrants))
    encoded = msgspec.json.encode(entrants).decode()
    what = (opens_at, closes_at, fingerprint or rules_sha256(rules), encoded, len(flat), *flat, *people)
    for _ in range(TRIES):
        answer = await _call(valkey, "open_lot", lot_id, version, now(), *what)
        if not _doubted(answer):
            break
        await asyncio.sleep(TRY_AGAIN_S)
    else:
        raise ClockDoubtedError("a lot could not be opened: the store's time is not ours")
    return await _publish(valkey, lot_id, answer[2])


def _outcomes(lines: bytes) -> list[Outcome]:
    """The outcomes of a call, a line each. Where all are taken anew, nearly always, they are read in one go."""
    if lines.translate(None, b"|\n").isdigit():
        rows = _lines(b"[[%b]]" % lines.replace(b"|", b",").replace(b"\n", b"],["))
        return [Taken(n, at, price, rank, closes_at) for n, price, at, rank, closes_at in rows]
    return [_outcome(line) for line in lines.split(b"\n")]


def _outcome(answer: bytes) -> Outcome:
    parts = answer.split(b"|")
    if len(parts) == 3:
        return Refused(Refusal(parts[0].decode()), int(parts[1]), parts[2].decode())
    repeat = answer.startswith(b"=")
    n, price, at, rank, closes_at = map(int, (answer[1:].split(b"|") if repeat else parts))
    return Taken(n, at, price, rank, closes_at, repeat)


def _outcome_listed(answer: list[Any]) -> Outcome:
    """An outcome as referees of older releases say it."""
    if answer[0] == b"refused":
        return Refused(Refusal(answer[1].decode()), int(answer[2]), answer[3].decode())
    n, at, price, rank, closes_at = map(int, answer[1:6])
    return Taken(n, at, price, rank, closes_at, answer[0] == b"repeat")


class Judged(NamedTuple):
    """What came of a batch of bids: the outcomes in their order, and the new events as written into the log.

    ``events`` (empty when none) are to be published by the caller on ``channel_of`` the lot, now that they are durable.
    """

    outcomes: list[Outcome]
    events: bytes


def question(lot_id: UUID, bids: Sequence[Bid], now_ms: int, version: str = VERSION) -> tuple[Part, ...]:
    """The command that offers ``bids`` to one lot in one atomic step, each judged in turn; see ``judged``.

    Plain bids go without token and detail, each of which costs the store more than it says.
    """
    keys = ledger.keys_of(lot_id)
    if version in KNOW_PLAIN_BIDS and all(bid.detail == "null" and not bid.token for bid in bids):
        plain = [part for bid in bids for part in (bid.rid, bid.alias, bid.price)]
        return ("FCALL", f"place_plain_bids_{version}", len(keys), *keys, now_ms, *plain)
    args = [part for bid in bids for part in (bid.rid, bid.alias, bid.price, bid.token, bid.detail)]
    return ("FCALL", f"place_bids_{version}", len(keys), *keys, now_ms, *args)


def judged(answer: list[Any]) -> Judged:
    """What the store says to a ``question``; durable when it is said. Referees of older releases use lists."""
    if isinstance(answer[0], list):
        return Judged([_outcome_listed(one) for one in answer[1:]], answer[0][1])
    return Judged(_outcomes(answer[2]), answer[1])


async def place_bids(valkey: Valkey, lot_id: UUID, bids: Sequence[Bid], now_ms: int, version: str = VERSION) -> Judged:
    """Offer ``bids`` to one lot in one atomic step, each judged in turn. Durable when it returns."""
    answer: Any = await valkey.execute_command(*question(lot_id, bids, now_ms, version))  # type: ignore[no-untyped-call]
    return judged(answer)


async def place_bid(valkey: Valkey, lot_id: UUID, bid: Bid, now_ms: int, version: str = VERSION) -> Outcome:
    """Offer one bid by itself and publish what it brought; for callers that have no batches."""
    outcomes, events = await place_bids(valkey, lot_id, [bid], now_ms, version)
    if events:
        await valkey.publish(channel_of(lot_id), events)
    return outcomes[0]


async def _steered(valkey: Valkey, lot_id: UUID, answer: list[bytes]) -> Steered:
    events = await _publish(valkey, lot_id, answer[2])
    refusal = "" if answer[0] == b"ok" else (answer[1].decode() if answer[0] == b"refused" else "LOT_UNKNOWN")
    n = 0 if refusal else int(answer[1])
    return Steered(refusal, n, events, answer[3].decode(), int(answer[4]))


async def tick(valkey: Valkey, lot_id: UUID, version: str = VERSION, now: Now = NOW) -> Steered:
    """What time alone brings: turns of a round, outages healed, the close exactly once. Any process may call it.

    Refused, and nothing brought, while store and process do not agree on the time.
    """
    return await _steered(valkey, lot_id, await _call(valkey, "tick", lot_id, version, str(lot_id), now()))


async def steer(
    valkey: Valkey, lot_id: UUID, command: str, note: object, *args: str | int, version: str = VERSION, now: Now = NOW
) -> Steered:
    """A command of the host, authorised before: pause, resume, broadcast, void, bar, cancel, close (practice only)."""
    encoded = msgspec.json.encode(note).decode()
    for _ in range(TRIES):
        answer = await _call(valkey, "steer_lot", lot_id, version, command, encoded, *args, now())
        if not _doubted(answer):
            break
        await asyncio.sleep(TRY_AGAIN_S)
    return await _steered(valkey, lot_id, answer)


async def void(valkey: Valkey, lot_id: UUID, state: LotState, log: list[Event], target: int, note: object) -> Steered:
    """Strike the bid at position ``target`` 报价作废; the standing falls back to the bidder's last bid not struck.

    ``state`` and ``log`` are the lot as read just before; LOT_MOVED when the bidder has bid since: read again, repeat.
    """
    back_n, back_price, who = fall_back(log, target)
    bidder = state.bidders.get(Alias(who)) if who else None
    if bidder is None:
        return Steered("BID_UNKNOWN", 0, [], state.stage.value, 0)
    return await steer(valkey, lot_id, "void", note, target, who, bidder.n, back_n, back_price)


def fall_back(log: list[Event], target: int) -> tuple[int, int, str]:
    """Where a struck bid leaves its bidder: position and price of the last bid not struck (0, 0), and the bidder."""
    struck = {event.target for event in log if getattr(event, "target", None)} | {target}  # type: ignore[union-attr]
    offers = [event for event in log if type(event).__name__ in ("BidTaken", "Prebid")]
    who = next((event.who for event in offers if event.n == target), "")  # type: ignore[union-attr]
    left = [e for e in offers if e.who == who and e.n not in struck]  # type: ignore[union-attr]
    return (left[-1].n, left[-1].price, who) if left else (0, 0, who)  # type: ignore[union-attr]


async def bar(valkey: Valkey, lot_id: UUID, alias: Alias, why: Barred, note: object) -> Steered:
    """Bar an admitted bidder from bidding on (ban, or conflict of interest)."""
    return await steer(valkey, lot_id, "bar", note, alias, why.value)


async def hold(valkey: Valkey, lot_id: UUID, now: Now = NOW) -> bool:
    """Take nothing more into a lot whose record is in doubt 核对; False when the store does not know it."""
    return bool(await _call(valkey, "hold_lot", lot_id, VERSION, now()))


async def release(valkey: Valkey, lot_id: UUID, note: object, now: Now = NOW) -> Steered:
    """Let a held lot go on, all told the note; the time it was held is added to its end."""
    encoded = msgspec.json.encode(note).decode()
    return await _steered(valkey, lot_id, await _call(valkey, "release_lot", lot_id, VERSION, encoded, now()))


class Beat(NamedTuple):
    """A shard's answer: outages on record, its time (epoch ms), and how far (ms) that is from its store's clock."""

    outages: int
    now_ms: int
    shift_ms: int


async def heartbeats(pipe: Pipe, shards: Mapping[int, bool], version: str = VERSION, now: Now = NOW) -> list[Beat]:
    """Mark many shards as served in one round trip; the answer of each, in order.

    By shard whether the caller is sure that it disagrees with its time: the last answer, which came at once, said so.
    """
    function, now_ms = f"heartbeat_{version}", now()
    commands = [("FCALL", function, 1, ledger.beat_of(shard), now_ms, int(sure)) for shard, sure in shards.items()]
    return [Beat(*map(int, answer)) for answer in await pipe.ask_all(commands)]


async def heartbeat(valkey: Valkey, shard: int, version: str = VERSION, now: Now = NOW, sure: bool = False) -> Beat:
    """Mark one shard as served."""
    return Beat(*map(int, await valkey.fcall(f"heartbeat_{version}", 1, ledger.beat_of(shard), now(), int(sure))))


async def read_log(valkey: Valkey, lot_id: UUID, after_n: int = 0) -> list[Event]:
    """The events of the lot past ``after_n``, in order, gap-free."""
    entries = await ledger.read_entries(valkey, lot_id, after_n)
    return [event for entry in entries for event in decode(entry) if event.n > after_n]


async def read_rules(valkey: Valkey, lot_id: UUID) -> LotRules | None:
    """The rules a live lot was opened with; None when Valkey does not know the lot."""
    text: Any = await valkey.hget(ledger.keys_of(lot_id)[0], "rules")
    return msgspec.json.decode(text, type=LotRules) if text else None


async def read_state(valkey: Valkey, lot_id: UUID) -> LotState | None:
    """The lot's state, reduced from its log; None when Valkey does not know the lot."""
    rules = await read_rules(valkey, lot_id)
    if rules is None:
        return None
    state = LotState(rules)
    for event in await read_log(valkey, lot_id):
        apply(state, event)
    return state


async def read_tally(valkey: Valkey, lot_id: UUID) -> tuple[Stage, int, int] | None:
    """Stage, position and end as Valkey itself keeps them (not reduced); None when unknown."""
    found: Any = await valkey.hmget(ledger.keys_of(lot_id)[0], "stage", "n", "closes_at")
    return (Stage(found[0].decode()), int(found[1]), int(found[2])) if found[0] else None


async def version_of(valkey: Valkey, lot_id: UUID) -> str:
    """The function library the lot was opened with; empty when Valkey does not know the lot."""
    version: Any = await valkey.hget(ledger.keys_of(lot_id)[0], "version")
    return str(version, "ascii") if version else ""
