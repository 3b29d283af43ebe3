"""A process full of clients: bidders, watchers and raw connections on one epoll loop, told what to do line by line.

Between two orders the loop goes on reading, so that pings are answered and frames counted.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections import Counter
from typing import Any

from loadtests.bench import wire
from loadtests.bench.clients import Audience, Bidder, Client, ClientLostError, Raw, Watcher
from loadtests.bench.orders import obey
from loadtests.bench.runs import ClosedRun, OpenRun, RawRun

HANDSHAKES_MAX = 64
READ_BYTES = 1 << 16
"""At 128 KiB and more the allocator maps memory anew for every read: 14 µs in place of 2.5, taken from the server."""
CONNECT_MAX_S = 60.0
now_s = time.perf_counter


class Crowd:
    """All clients of this process, by group."""

    def __init__(self, orders: int, letter: str) -> None:
        self.poller = select.epoll()
        self.poller.register(orders, select.EPOLLIN)
        self.orders, self.letter = orders, letter
        self.clients: dict[int, Client] = {}
        self.groups: dict[str, list[Any]] = {}
        self.audiences: dict[str, Audience] = {}
        self.serial = self.reads = 0
        self.lost: Counter[str] = Counter()

    def pump(self, timeout_s: float) -> bool:
        """Read what is there; True when an order waits."""
        told = False
        for fd, _ in self.poller.poll(timeout_s):
            if fd == self.orders:
                told = True
            else:
                self.hear(fd)
        return told

    def hear(self, fd: int) -> None:
        """Read one connection; a broken one is forgotten and counted."""
        client = self.clients.get(fd)
        if client is None:
            return
        self.reads += 1
        try:
            client.hear(os.read(fd, READ_BYTES))
        except BlockingIOError:
            return
        except (ClientLostError, OSError):
            self.forget(client)

    def forget(self, client: Client) -> None:
        """The connection is gone."""
        if self.clients.pop(client.fd, None):
            self.poller.unregister(client.fd)
            client.sock.close()
            self.lost[client.group] += 1

    def add(self, client: Client) -> None:
        """Listen to a connection."""
        self.clients[client.fd] = client
        self.groups.setdefault(client.group, []).append(client)
        self.poller.register(client.fd, select.EPOLLIN)

    def connect(
        self, group: str, kind: str, host: str, port: int, heads: list[str], socketio: bool = False
    ) -> dict[str, Any]:
        """Open one live socket per head (the upgrade request); back when all are welcomed."""
        began = now_s()
        waiting: list[Client] = []
        make = Watcher if kind == "watcher" else Bidder
        for head in heads:
            sock = socket.create_connection((host, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            client = make(sock, group, socketio=socketio)
            self.add(client)
            client.send(head.encode())
            waiting.append(client)
            self._until(lambda: self._shaking(waiting) < HANDSHAKES_MAX, began)
        self._until(lambda: self._shaking(waiting) == 0, began)
        members = self.groups.get(group, [])
        return {"open": sum(client.open and client.fd in self.clients for client in members), "s": now_s() - began}

    def _shaking(self, waiting: list[Client]) -> int:
        waiting[:] = [client for client in waiting if not client.open and client.fd in self.clients]
        return len(waiting)

    def _until(self, done: Any, began: float) -> None:
        while not done():
            self.pump(0.2)
            if now_s() - began > CONNECT_MAX_S:
                raise ClientLostError("sockets did not open in time")

    def raw(self, group: str, address: str, port: int, count: int) -> dict[str, Any]:
        """Open plain connections, to a unix socket when ``port`` is 0."""
        for _ in range(count):
            if port:
                sock = socket.create_connection((address, port))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            else:
                sock = socket.socket(socket.AF_UNIX)
                sock.connect(address)
            sock.setblocking(False)
            self.add(Raw(sock, group))
        return {"open": count}

    def watch(self, group: str, lot: str, wait_s: float = 30.0) -> dict[str, Any]:
        """Have everyone of the group follow ``lot``; back when each holds a snapshot."""
        began = now_s()
        audience = self.audiences.setdefault(lot, Audience(lot))
        members: list[Watcher] = self.groups[group]
        for start in range(0, len(members), HANDSHAKES_MAX):
            part = members[start : start + HANDSHAKES_MAX]
            for client in part:
                client.audience, client.k = audience, -1
                client.say({"t": "watch", "lot": lot})
            while any(client.k < 0 and client.fd in self.clients for client in part) and now_s() - began < wait_s:
                self.pump(0.2)
        return {"watching": sum(client.k >= 0 for client in members), "s": now_s() - began}

    def seen(self, group: str) -> dict[str, Any]:
        """What the group received since it was last asked, and how many are behind the last frame."""
        members: list[Watcher] = self.groups[group]
        told = {name: sum(getattr(client, name) for client in members) for name in ("frames", "bytes", "gaps")}
        for client in members:
            client.frames = client.bytes = client.gaps = 0
        told["lost"] = self.lost.pop(group, 0)
        audience = getattr(members[0], "audience", None)
        if audience is not None:
            live = [client for client in members if client.fd in self.clients]
            told |= {"view": audience.view, "behind": sum(client.k != audience.k for client in live)}
        return told

    def bid(self, group: str, lots: list[str], seconds: float, **how: Any) -> dict[str, Any]:
        """A run of bids: closed loop (each client waits for its answer), or open at ``rate`` a second."""
        members: list[Bidder] = [client for client in self.groups[group] if client.fd in self.clients]
        wrapped = bool(members) and members[0].socketio
        forms = [wire.Bids(lot, self.letter, socketio=wrapped) for lot in lots]
        for number, client in enumerate(members):
            client.forms = forms if how.get("rotate") else [forms[number % len(forms)]]
        rate = float(how.get("rate", 0))
        run = OpenRun(self, members, seconds, rate) if rate else ClosedRun(self, members, seconds)
        run.contest = bool(how.get("contest"))
        self.serial = run.go(self.serial, int(how["price"]))
        return {**run.report(), "lost": self.lost.pop(group, 0)}

    def volley(self, group: str, seconds: float, message: str, reply_bytes: int, members: int = 0) -> dict[str, Any]:
        """A closed loop over plain connections: ``message`` (a form of one number), a reply of a known length."""
        run = RawRun(self, self.groups[group][: members or None], seconds)
        return run.go(message.encode("latin-1"), reply_bytes)

    def drop(self, group: str) -> dict[str, Any]:
        """Hang up."""
        for client in self.groups.pop(group, []):
            self.forget(client)
        self.lost.pop(group, None)
        return {}

    def calm(self, quiet_s: float, most_s: float) -> dict[str, Any]:
        """Read until nothing has come for ``quiet_s``, at most ``most_s``."""
        end = now_s() + most_s
        while now_s() < end:
            before = self.reads
            self.settle(quiet_s)
            if self.reads == before:
                break
        return {}

    def settle(self, seconds: float) -> dict[str, Any]:
        """Only read, for a while."""
        end = now_s() + seconds
        while (left := end - now_s()) > 0:
            self.pump(left)
        return {}


def main(arguments: list[str]) -> int:
    """``crowd ORDERS_FD LETTER``: see ``orders.obey``."""
    pipe = socket.socket(fileno=int(arguments[0]))
    return obey(pipe, Crowd(pipe.fileno(), arguments[1]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
