"""Whether the numbers mean what they say: what was acknowledged is what the log holds, and what watchers saw last.

The log is read where it is durable, from Valkey itself, by a client of a few lines.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

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


def faults(log: list[dict[str, Any]], taken: int, lowest: int, unknown: int, view: dict[str, Any] | None) -> list[str]:
    """What is wrong with a lot, in words; empty when all is well.

    ``taken``: bids acknowledged, ``lowest``: the best of them, ``unknown``: bids without an answer, ``view``: what the
    host's watchers hold at the end.
    """
    wrong = []
    numbers = [event["n"] for event in log]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append("positions in the log are not 1, 2, 3, …")
    bids = [event["price"] for event in log if event["kind"] == "bid"]
    if not taken <= len(bids) <= taken + unknown:
        wrong.append(f"{taken} bids acknowledged and {unknown} without an answer, {len(bids)} in the log")
    if taken and not unknown and min(bids, default=0) != lowest:
        wrong.append(f"the best acknowledged is {lowest}, in the log {min(bids, default=0)}")
    if view is not None:
        last = (view.get("n"), (view.get("lead") or {}).get("price"))
        if last != (len(numbers), min(bids, default=None)):
            wrong.append(f"watchers ended at n and price {last}, the log at {(len(numbers), min(bids, default=None))}")
    return wrong
