"""The floors: what the machine gives without a product. One process with two plain listening sockets.

An echo: epoll, one read and one write per message, nothing else; in Python, since no compiler is asked for. Its system
calls weigh far more than its few lines (measured beside a C server's echo on the same machine: no dearer).
A bare loop of ``os.write`` over N connections: what any fan-out has to do at least.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from typing import Any

from loadtests.bench.orders import obey

now_s = time.perf_counter


class Floor:
    """Echo connections are answered; the others are only written to."""

    def __init__(self, orders: int) -> None:
        self.orders = orders
        self.echo_door = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.write_door = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.poller = select.epoll()
        self.conns: dict[int, socket.socket] = {}
        self.readers: list[int] = []
        for fd in (orders, self.echo_door.fileno(), self.write_door.fileno()):
            self.poller.register(fd, select.EPOLLIN)

    def pump(self, timeout_s: float) -> bool:
        """Accept and echo; True when an order waits."""
        told = False
        read, write, conns = os.read, os.write, self.conns
        for fd, _ in self.poller.poll(timeout_s):
            if fd in conns:
                try:
                    data = read(fd, 1 << 16)
                    write(fd, data)
                except OSError:
                    data = b""
                if not data:
                    self._forget(fd)
            elif fd == self.orders:
                told = True
            else:
                self._accept(fd)
        return told

    def _accept(self, door: int) -> None:
        server = self.echo_door if door == self.echo_door.fileno() else self.write_door
        sock, _ = server.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self.conns[sock.fileno()] = sock
        self.poller.register(sock.fileno(), select.EPOLLIN)
        if server is self.write_door:
            self.readers.append(sock.fileno())

    def _forget(self, fd: int) -> None:
        self.poller.unregister(fd)
        self.conns.pop(fd).close()
        if fd in self.readers:
            self.readers.remove(fd)

    def ports(self) -> dict[str, Any]:
        """Where the two doors are."""
        return {"echo": self.echo_door.getsockname()[1], "write": self.write_door.getsockname()[1]}

    def fan_out(self, seconds: float, per_s: float, size: int) -> dict[str, Any]:
        """Write a frame of ``size`` bytes to every reader, ``per_s`` times a second."""
        frame, writes, full, write = b"x" * size, 0, 0, os.write
        began = now_s()
        for turn in range(int(seconds * per_s)):
            wait = began + turn / per_s - now_s()
            if wait > 0:
                time.sleep(wait)
            for fd in self.readers:
                try:
                    write(fd, frame)
                    writes += 1
                except BlockingIOError:
                    full += 1
        return {"writes": writes, "full": full, "readers": len(self.readers), "s": now_s() - began}


def main(arguments: list[str]) -> int:
    """``floor ORDERS_FD``: see ``orders.obey``."""
    pipe = socket.socket(fileno=int(arguments[0]))
    return obey(pipe, Floor(pipe.fileno()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
