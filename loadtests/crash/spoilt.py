"""The checker's own negative control: a sound history and record, spoilt in one place, must be found out every time."""

from __future__ import annotations

import random
from typing import Any

from loadtests.crash.checker import faults, ranking
from loadtests.crash.history import History, Record

Log = list[dict[str, Any]]
KINDS = (
    "one bid removed", "one bid removed and its position left free", "one bid doubled", "a bid moved to the end",
    "a price changed by one fen", "a time changed by one millisecond", "a bid given to another", "a second close",
    "no close", "a bid past the close", "no settlement", "two settlements", "a ranking without its leader",
)  # fmt: skip


def _places(log: Log) -> list[int]:
    return [place for place, event in enumerate(log) if event["kind"] == "bid"]


def _numbered(log: Log) -> Log:
    return [{**event, "n": n} for n, event in enumerate(log, 1)]


def _told(log: Log, history: History, dice: random.Random) -> int:
    """The place of a bid that a bidder was told is taken."""
    told = {ask.bid for ask in history.taken()}
    return dice.choice([place for place in _places(log) if (log[place]["who"], log[place]["rid"]) in told])


def _with(log: Log, place: int, **changes: Any) -> Log:
    return [*log[:place], {**log[place], **changes}, *log[place + 1 :]]


def spoilt(history: History, record: Record, dice: random.Random) -> dict[str, Record]:
    """Records with one thing wrong, by what was done to them. The copies agree: only the clients can tell."""
    log: Log = [dict(event) for event in record.log]
    place, bids = _told(log, history, dice), _places(log)
    first, last = bids[0], bids[-1]
    moved = [*log[:first], *log[first + 1 : last + 1], log[first], *log[last + 1 :]]
    times = [event["at"] for event in log]
    moved = [{**event, "at": at} for event, at in zip(moved, times, strict=True)]
    logs = {
        "one bid removed": _numbered([*log[:place], *log[place + 1 :]]),
        "one bid removed and its position left free": [*log[:place], *log[place + 1 :]],
        "one bid doubled": _numbered([*log[:place], log[place], *log[place:]]),
        "a bid moved to the end": _numbered(moved),
        "a price changed by one fen": _with(log, place, price=log[place]["price"] - 1),
        "a time changed by one millisecond": _with(log, place, at=log[place]["at"] + 1),
        "a bid given to another": _with(log, place, who="Z9"),
        "a second close": _numbered([*log, log[-1]]),
        "no close": log[:-1],
        "a bid past the close": _numbered([*log, log[last]]),
    }
    made = {name: _agreeing(record, spoiled) for name, spoiled in logs.items()}
    made["no settlement"] = record._replace(results=0)
    made["two settlements"] = record._replace(results=2)
    made["a ranking without its leader"] = record._replace(standings=list(record.standings)[1:])
    return made


def _agreeing(record: Record, log: Log) -> Record:
    """The record that a product would show whose every copy holds ``log``."""
    return record._replace(
        log=log, final_n=len(log), standings=ranking(log), live=log if record.live is not None else None,
        signed=None if record.signed is None else len(log),
    )  # fmt: skip


def unnoticed(history: History, record: Record, dice: random.Random) -> tuple[int, list[str]]:
    """How many spoilt records were tried, and those that the checker took for sound."""
    tried = spoilt(history, record, dice)
    return len(tried), [name for name, wrong in tried.items() if not faults(history, wrong)]
