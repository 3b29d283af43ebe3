"""The checker of histories: what clients were told, in their order, against the log and the settlement. O(n log n).

Pure. An answer that was read before another bid was sent precedes it, whoever the two bidders are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from loadtests.crash.history import TAKEN, Ask, History, Record

OF_THE_MOMENT = frozenset({"RATE", "OUTCOME_UNKNOWN", "CLOCK_SKEW"})  # they say nothing about the bid
Bid = tuple[str, str]


def faults(history: History, record: Record) -> list[str]:
    """Everything wrong with one lot, in words, one line a kind; empty when all is well."""
    log = list(record.log)
    said = [*_log(log, record.by_host), *_bids(history.asks, log), *_answers(history.asks), *_order(history.asks, log)]
    said += [*_shown(history, log), *_settled(record)]
    kinds = Counter(line.split(":", 1)[0] for line in said)
    first = {line.split(":", 1)[0]: line for line in reversed(said)}
    return [first[kind] + (f" (and {more - 1} more)" if more > 1 else "") for kind, more in kinds.items()]


def lost(history: History, record: Record) -> int:
    """How many acknowledged bids the log does not hold."""
    stored = {_bid(event) for event in record.log if event["kind"] == "bid"}
    return len({ask.bid for ask in history.taken()} - stored)


def doubled(record: Record) -> int:
    """How many entries of the log repeat a bid."""
    bids = [_bid(event) for event in record.log if event["kind"] == "bid"]
    return len(bids) - len(set(bids))


def _bid(event: dict[str, Any]) -> Bid:
    return event["who"], event["rid"]


def _log(log: list[dict[str, Any]], by_host: bool) -> Iterator[str]:
    """In itself: gap-free, time never backwards, opened first, one close at the end, no bid at or past the end."""
    if [event["n"] for event in log] != list(range(1, len(log) + 1)):
        yield "positions have gaps"
    if not log or log[0]["kind"] != "opened":
        yield "opened is not the first entry"
    if [event["kind"] for event in log].count("closed") != 1 or log[-1]["kind"] != "closed":
        yield "not exactly one closed, at the end"
    if any(later["at"] < earlier["at"] for earlier, later in pairwise(log)):
        yield "time runs backwards"
    end = 0
    for event in log:
        if event["kind"] == "bid" and event["at"] >= end:
            yield f"taken at or past the end: {event}"
        if event["kind"] == "closed" and event["at"] < end and not by_host:
            yield f"closed early: {end - event['at']} ms"
        end = event.get("closes_at", end)


def _bids(asks: list[Ask], log: list[dict[str, Any]]) -> Iterator[str]:
    """Every acknowledged bid is in the log once, with its price and time; nothing is there that nobody sent."""
    stored: dict[Bid, dict[str, Any]] = {}
    for event in log:
        if event["kind"] == "bid":
            if _bid(event) in stored:
                yield f"stored twice: {event}"
            stored[_bid(event)] = event
    sent = {(ask.bid, ask.price) for ask in asks}
    for bid, event in stored.items():
        if (bid, event["price"]) not in sent:
            yield f"stored and never sent: {event}"
    for ask in asks:
        if ask.code == TAKEN:
            kept = stored.get(ask.bid)
            if kept is None:
                yield f"acknowledged and lost: {ask}"
            elif (kept["price"], kept["at"]) != (ask.paid, ask.at):
                yield f"acknowledged and changed: {ask} is {kept}"


def _answers(asks: list[Ask]) -> Iterator[str]:
    """The same bid gets the same answer; what was once told taken is never refused to who asks after that."""
    told: dict[Bid, Ask] = {}
    for ask in sorted((ask for ask in asks if ask.code == TAKEN), key=lambda ask: ask.answered):
        first = told.setdefault(ask.bid, ask)
        if (first.at, first.paid) != (ask.at, ask.paid):
            yield f"two answers to one bid: {first} and {ask}"
    for ask in asks:
        first_told = told.get(ask.bid)
        refused = ask.code not in ("", TAKEN) and ask.code not in OF_THE_MOMENT
        if refused and first_told and ask.price == first_told.price and ask.sent > first_told.answered:
            yield f"taken, then refused: {ask}"


def _order(asks: list[Ask], log: list[dict[str, Any]]) -> Iterator[str]:
    """An answer read before another bid was first sent stands before it in the log; after "closed" comes no bid."""
    places = {_bid(event): event["n"] for event in log if event["kind"] == "bid"}
    moments: list[tuple[int, int, Bid]] = []  # stamp, position told (0: a sending, -1: told that it is closed)
    first: set[Bid] = set()
    for ask in asks:
        if ask.bid not in first:
            first.add(ask.bid)
            moments.append((ask.sent, 0, ask.bid))
        if ask.code == TAKEN and ask.bid in places:
            moments.append((ask.answered, places[ask.bid], ask.bid))
        elif ask.code == "LOT_CLOSED":
            moments.append((ask.answered, -1, ask.bid))
    told, closed = 0, False
    for _, n, bid in sorted(moments):
        closed = closed or n < 0
        told = max(told, n)
        if n == 0 and bid in places:
            if places[bid] < told:
                yield f"reordered: {bid} at {places[bid]} was sent after {told} was answered"
            if closed:
                yield f"taken after the close was told: {bid}"


def _shown(history: History, log: list[dict[str, Any]]) -> Iterator[str]:
    """Nobody was shown what is not in the log."""
    best, lead = [0], 0
    for event in log:
        if event["kind"] == "bid":
            lead = min(lead or event["price"], event["price"])
        best.append(lead)
    for seen in history.seen:
        if seen.n >= len(best):
            yield f"shown and lost: position {seen.n} of {len(log)}"
        elif seen.price != best[seen.n]:
            yield f"shown otherwise: {seen.price} led at {seen.n}, the log says {best[seen.n]}"


def ranking(log: Iterable[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Alias, price and position of each bidder's last bid, best first; of equal prices the earlier."""
    last = {event["who"]: (event["who"], event["price"], event["n"]) for event in log if event["kind"] == "bid"}
    return sorted(last.values(), key=lambda one: (one[1], one[2]))


def _settled(record: Record) -> Iterator[str]:
    """Exactly one result, which names the log's end and the ranking that follows from it; every copy is the same."""
    if record.results != 1:
        yield f"not exactly one settlement: {record.results}"
        return
    if record.final_n != len(record.log):
        yield f"the result names another end: {record.final_n} of {len(record.log)}"
    if list(record.standings) != ranking(record.log):
        yield f"the result is not the recount: {record.standings} is {ranking(record.log)}"
    if record.live is not None and list(record.live) != list(record.log):
        yield f"the settled log is not the live one: {len(record.log)} and {len(record.live)} entries"
    if record.signed is not None and record.signed != len(record.log):
        yield f"signed otherwise: {record.signed} of {len(record.log)}"
