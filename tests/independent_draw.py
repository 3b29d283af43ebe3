"""A second reading of the record of a draw, written from docs/expert-draw.md alone. It imports nothing of the product.

    python independent_draw.py record.json

Exit code 0 and a line of JSON when the draw is as it must be, 1 and the reason when not.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Generator
from typing import Any


class Bad(Exception):
    """Not as it must be, and why."""


def need(true: object, why: str) -> None:
    if not true:
        raise Bad(why)


def h(*parts: object) -> str:
    text = "\n".join(["yangcai expert draw v1", *[str(part) for part in parts]])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def numbers(seed: str, tier: int) -> Generator[int, int, None]:
    """Send a bound, get the next number below it."""
    b, counter = (yield 0), 0
    while True:
        v = int(h("stream", seed, tier, counter)[:16], 16)
        counter += 1
        if v < 2**64 - 2**64 % b:
            b = yield v % b


def shuffled(seed: str, tier: int, tickets: list[str]) -> list[str]:
    tickets, below = sorted(tickets), numbers(seed, tier)
    next(below)
    for i in range(len(tickets) - 1):
        r = below.send(len(tickets) - i)
        tickets[i], tickets[i + r] = tickets[i + r], tickets[i]
    return tickets


def weighed(seed: str, tier: int, tickets: list[tuple[int, str]]) -> list[str]:
    left, below, found = sorted(tickets), numbers(seed, tier), []
    next(below)
    while left:
        r, i = below.send(sum(weight for weight, _ in left)), 0
        while r >= left[i][0]:
            r -= left[i][0]
            i += 1
        found.append(left.pop(i)[1])
    return found


class Reading:
    """The state while the log is read, one method an event."""

    def __init__(self, draw: str) -> None:
        self.draw, self.wanted = draw, 0
        self.list: list[list[Any]] = []
        self.list_hash = self.seed = ""
        self.committed: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.order: list[str] = []
        self.units: dict[str, str] = {}
        self.state: dict[str, str] = {}
        self.names: list[str] = []

    def listed(self, d: dict[str, Any]) -> None:
        need(not self.list_hash, "two lists")
        self.wanted, self.list = d["need"], sorted(d["tickets"])
        self.list_hash = h("list", self.draw, *[" ".join(str(part) for part in line) for line in self.list])
        need(self.list_hash == d["list_hash"], "the hash of the list is another")
        self.units = {line[1]: line[2] for line in self.list}
        need(len(self.units) == len(self.list), "a ticket stands twice")
        self.committed["server"] = d["commitment"]

    def committed_(self, d: dict[str, Any]) -> None:
        need(self.list_hash and not self.secrets, "committed too early or too late")
        need(d["hand"] in ("first", "second") and d["hand"] not in self.committed, "a hand commits twice")
        self.committed[d["hand"]] = d["commitment"]

    def revealed(self, d: dict[str, Any]) -> None:
        need(len(self.committed) == 3, "revealed before all had committed")
        need(d["hand"] in ("first", "second") and d["hand"] not in self.secrets, "a hand reveals twice")
        self.open(d["hand"], d["secret"])

    def open(self, hand: str, secret: str) -> None:
        need(h("commitment", self.draw, hand, secret) == self.committed[hand], f"the secret of {hand} is another")
        self.secrets[hand] = secret

    def drawn(self, d: dict[str, Any]) -> None:
        need(len(self.secrets) == 2, "drawn before both officers had revealed")
        self.open("server", d["secret"])
        self.seed = h("seed", self.draw, self.list_hash, *[self.secrets[one] for one in ("server", "first", "second")])
        need(self.seed == d["seed"], "the seed is another")
        for tier in sorted({line[0] for line in self.list}):
            here = [line for line in self.list if line[0] == tier]
            if len(here[0]) == 4:
                self.order += weighed(self.seed, tier, [(line[3], line[1]) for line in here])
            else:
                self.order += shuffled(self.seed, tier, [line[1] for line in here])
        need(self.order == d["order"], "the order is another")

    def called(self, d: dict[str, Any]) -> None:
        held = {self.units[one] for one, state in self.state.items() if state in ("called", "accepted")}
        missing = self.wanted - sum(state in ("called", "accepted") for state in self.state.values())
        now: list[str] = []
        for one in self.order:
            if len(now) < missing and one not in self.state and self.units[one] not in held:
                now.append(one)
                held.add(self.units[one])
        need(now and now == d["tickets"], "somebody else was to be called")
        self.state |= dict.fromkeys(now, "called")

    def answered(self, d: dict[str, Any]) -> None:
        waits, back = self.state.get(d["ticket"]) == "called", d["answer"] in ("declined", "avoids")
        need(waits or (self.state.get(d["ticket"]) == "accepted" and back), "an answer of somebody not called")
        need(d["answer"] in ("accepted", "declined", "avoids", "no_answer"), "no such answer")
        self.state[d["ticket"]] = d["answer"]

    def filled(self, d: dict[str, Any]) -> None:
        need(list(self.state.values()).count("accepted") == self.wanted, "not filled")

    def published(self, d: dict[str, Any]) -> None:
        for one in d["experts"]:
            ticket = h("ticket", self.draw, one["expert"], one["name"], one["salt"])
            need(ticket == one["ticket"], "a name is not that of the ticket")
        told = {one["ticket"] for one in d["experts"]}
        need(told == {one for one, state in self.state.items() if state == "accepted"}, "others were named")
        self.names = [one["name"] for one in d["experts"]]

    def told(self, d: dict[str, Any]) -> None:
        """Events that change nothing here."""


def check(record: dict[str, Any]) -> dict[str, Any]:
    """Read a record from its first entry to its last; what came of it. Raises ``Bad``."""
    reading, before, at = Reading(record["draw"]), "0" * 64, 0
    for n, entry in enumerate(record["entries"], 1):
        said = json.dumps(entry["detail"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        need(entry["n"] == n and entry["before"] == before and entry["at_ms"] >= at, f"entry {n} does not follow")
        need(entry["hash"] == h("entry", before, n, entry["at_ms"], entry["event"], said), f"entry {n} was changed")
        event = {
            "committed": "committed_",
            "exhausted": "told",
            "widened": "told",
            "keyed": "told",
            "opened": "told",
            "voided": "told",
        }.get(entry["event"])
        getattr(reading, event or entry["event"])(entry["detail"])
        before, at = entry["hash"], entry["at_ms"]
    accepted = [one for one in reading.order if reading.state.get(one) == "accepted"]
    return {"draw": reading.draw, "listed": len(reading.list), "seed": reading.seed, "called": len(reading.state),
            "accepted": accepted, "names": reading.names, "last": before}  # fmt: skip


def main(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    try:
        print(json.dumps(check(record), ensure_ascii=False))
    except (Bad, KeyError, TypeError, AttributeError, ValueError) as error:
        print(f"not as it must be: {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
