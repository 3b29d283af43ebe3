"""Whether the numbers mean what they say: what was acknowledged is what the log holds, and what watchers saw last.

The log is read where it is durable, from Valkey itself, by a client of a few lines.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

READ_ENTRIES = 1_000


class Wire:
    """Enough of Valkey's protocol to ask and to read."""

    def __init__(self, path: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(60)
        self._sock.connect(path)
        self._file = self._sock.makefile("rb")

    def ask(self, *words: str) -> Any:
        """One command, one answer: text, number, list or None."""
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self._sock.sendall(b"".join(parts))
        return self._answer()

    def _answer(self) -> Any:
        line = self._file.readline().rstrip()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        return rest.decode()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._sock.close()


def events(valkey: Wire, lot: str) -> Iterator[dict[str, Any]]:
    """The events of a lot's log in order."""
    found = valkey.ask("SCAN", "0", "MATCH", f"*lot:{lot}:log", "COUNT", "10000000")[1]
    start = "-"
    while found:
        entries = valkey.ask("XRANGE", found[0], start, "+", "COUNT", str(READ_ENTRIES))
        for number, fields in entries:
            start = f"({number}"
            yield from json.loads(fields[fields.index("e") + 1])
        if len(entries) < READ_ENTRIES:
            return


class Log(NamedTuple):
    """What a log comes to: its length, whether its positions are 1, 2, 3, …, its bids and the best of them."""

    length: int
    gapless: bool
    bids: int
    lowest: int | None


def summed(log: Iterable[dict[str, Any]]) -> Log:
    """Go through a log once; millions of events need no memory."""
    length, gapless, bids, lowest = 0, True, 0, None
    for event in log:
        length += 1
        gapless = gapless and event["n"] == length
        if event["kind"] == "bid":
            bids += 1
            lowest = event["price"] if lowest is None else min(lowest, event["price"])
    return Log(length, gapless, bids, lowest)


def faults(log: Log, taken: int, lowest: int, unknown: int, view: dict[str, Any] | None) -> list[str]:
    """What is wrong with a lot, in words; empty when all is well.

    ``taken``: bids acknowledged, ``lowest``: the best of them, ``unknown``: bids without an answer, ``view``: what the
    host's watchers hold at the end.
    """
    wrong = []
    if not log.gapless:
        wrong.append("positions in the log are not 1, 2, 3, …")
    if not taken <= log.bids <= taken + unknown:
        wrong.append(f"{taken} bids acknowledged and {unknown} without an answer, {log.bids} in the log")
    if taken and not unknown and log.lowest != lowest:
        wrong.append(f"the best acknowledged is {lowest}, in the log {log.lowest}")
    if view is not None:
        last = (view.get("n"), (view.get("lead") or {}).get("price"))
        if last != (log.length, log.lowest):
            wrong.append(f"watchers ended at n and price {last}, the log at {(log.length, log.lowest)}")
    return wrong
