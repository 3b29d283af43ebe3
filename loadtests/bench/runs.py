"""Runs of bids and of raw messages, and what is told of them.

Closed loop: every client waits for its answer before it sends again; this finds the most a server does. Open loop:
a bid leaves when the schedule says so, and its delay counts from then, whether or not it could leave in time.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from typing import Any, Protocol

from loadtests.bench.clients import Bidder, Raw

DRAIN_S = 30.0
BACKLOG_MAX_S = 0.5
"""An open run ends early when so many seconds of bids wait for their answers: the server does not keep up."""
CONTEST_DROP_MAX = 1_000
now_s = time.perf_counter


class Crowd(Protocol):
    """The loop that reads for all clients."""

    poller: Any

    def pump(self, timeout_s: float) -> bool:
        """Read what is there."""

    def hear(self, fd: int) -> None:
        """Read one connection."""


def percentile(ordered: list[float], share: float) -> float:
    """The value below which ``share`` of the sorted values lie; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class BidRun:
    """What closed and open runs have in common: which bids are under way, and what became of the others."""

    def __init__(self, crowd: Crowd, members: list[Bidder], seconds: float) -> None:
        self.crowd, self.members, self.seconds = crowd, members, seconds
        self.under_way: dict[int, tuple[str, float, int]] = {}
        self.delays: list[float] = []
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.lowest: dict[str, int] = {}
        self.contest = False
        self.serial = self.price = 0
        self.took_s = 0.0
        self.overloaded = False

    def go(self, serial: int, price: int) -> int:
        """Run to the end; the number of the last bid. Prices fall from ``price`` by one a bid, over all clients."""
        self.serial, self.price = serial, price
        for client in self.members:
            client.run = self
        began = now_s()
        self.loop(began)
        while self.under_way and now_s() < began + self.seconds + DRAIN_S:
            self.crowd.pump(0.2)
        self.took_s = now_s() - began
        for client in self.members:
            client.run = None
        return self.serial

    def loop(self, began: float) -> None:
        """Send until the time is over."""
        raise NotImplementedError

    def send(self, client: Bidder, due: float) -> None:
        """The client's next bid."""
        form = client.forms[client.turn % len(client.forms)]
        client.turn += 1
        self.serial += 1
        if self.contest:
            price = self.price - random.randint(1, CONTEST_DROP_MAX)
        else:
            price = self.price = self.price - 1
        self.under_way[self.serial] = (form.lot, due, price)
        os.write(client.fd, form.of(self.serial, price))

    def answered(self, client: Bidder, data: bytes, at: int, end: int) -> None:
        """Note an answer; the client is free again."""
        now = now_s()
        taken = data[at + 6] == 116
        start = at + (20 if taken else 22)  # {"t":"taken","id":"x…  {"t":"refused","id":"x…
        known = self.under_way.pop(int(data[start : start + 15]), None)
        if known is None:
            return  # of an earlier run that no longer waited for it; there it counts as without an answer
        lot, due, price = known
        if taken:
            self.taken[lot] += 1
            self.delays.append(now - due)
            if price < self.lowest.get(lot, price + 1):
                self.lowest[lot] = price
                if self.contest:
                    self.price = min(self.price, price)
        else:
            code = data[at:end].partition(b'"code":"')[2].partition(b'"')[0].decode()
            self.refused[code] += 1
            if self.contest:
                highest = data[at:end].partition(b'"price_max":')[2].partition(b",")[0]
                self.price = min(self.price, int(highest or 0) or self.price)
        self.free(client, now)

    def free(self, client: Bidder, now: float) -> None:
        """The client may send again."""

    def report(self) -> dict[str, Any]:
        """What is told to the one who ordered the run; delays in ms."""
        ordered = sorted(self.delays)
        answers = sum(self.taken.values()) + sum(self.refused.values())
        return {
            "taken": sum(self.taken.values()), "answers": answers, "refused": dict(self.refused),
            "by_lot": dict(self.taken), "lowest": self.lowest, "unanswered": len(self.under_way),
            "s": self.took_s, "overloaded": self.overloaded,
            **{name: 1000 * percentile(ordered, share) for name, share in (("p50", 0.5), ("p99", 0.99))},
        }  # fmt: skip


class ClosedRun(BidRun):
    """Each client has one bid under way."""

    def loop(self, began: float) -> None:
        """First bids; the answers cause the rest."""
        self._end = began + self.seconds
        for client in self.members:
            self.send(client, now_s())
        while (left := self._end - now_s()) > 0:
            self.crowd.pump(left)

    def free(self, client: Bidder, now: float) -> None:
        """Send again, until the end."""
        if now < self._end:
            self.send(client, now)


class OpenRun(BidRun):
    """``rate`` bids a second by the schedule, the clients in turn."""

    def __init__(self, crowd: Crowd, members: list[Bidder], seconds: float, rate: float) -> None:
        super().__init__(crowd, members, seconds)
        self._rate = rate

    def loop(self, began: float) -> None:
        """Send what is due, read in between."""
        total, sent = int(self.seconds * self._rate), 0
        waiting_max = max(BACKLOG_MAX_S * self._rate, len(self.members))
        while sent < total:
            if len(self.under_way) > waiting_max:
                self.overloaded = True
                return
            now = now_s()
            while sent < total and began + sent / self._rate <= now:
                self.send(self.members[sent % len(self.members)], began + sent / self._rate)
                sent += 1
            self.crowd.pump(max(0.0, min(0.001, began + sent / self._rate - now_s())))


class RawRun:
    """A closed loop over plain connections; the same reads and writes as a run of bids, without their meaning."""

    def __init__(self, crowd: Crowd, members: list[Raw], seconds: float) -> None:
        self.crowd, self.members, self.seconds = crowd, members, seconds

    def go(self, form: bytes, reply_bytes: int) -> dict[str, Any]:
        """Send ``form`` filled with a running number, wait for a reply of ``reply_bytes``, again."""
        poller, read, write = self.crowd.poller, os.read, os.write
        missing = {client.fd: reply_bytes for client in self.members}
        count, done = 0, 0
        began = now_s()
        end = began + self.seconds
        for fd in missing:
            write(fd, form % count)
        under_way = len(missing)
        while under_way and now_s() < end + DRAIN_S:
            for fd, _ in poller.poll(0.2):
                if fd not in missing:
                    self.crowd.hear(fd)
                    continue
                missing[fd] -= len(read(fd, 1 << 16))
                if missing[fd] > 0:
                    continue
                missing[fd] = reply_bytes
                done += 1
                if now_s() < end:
                    count += 1
                    write(fd, form % (count % 100_000))
                else:
                    under_way -= 1
        return {"answers": done, "s": now_s() - began}
