"""The other end of ``helpers.Helper``: a process that does what the bench orders."""

from __future__ import annotations

import json
import socket
from typing import Any, Protocol


class Pumped(Protocol):
    """One who looks after his sockets while no order is there."""

    def pump(self, timeout_s: float) -> bool:
        """Look after the sockets for at most ``timeout_s``; whether an order waits."""


def obey(pipe: socket.socket, worker: Pumped) -> int:
    """Do what each JSON line of ``pipe`` orders and answer in one; until it ends. Returns the exit code."""
    stream = pipe.makefile("rwb")
    while True:
        while not worker.pump(1.0):
            pass
        line = stream.readline()
        if not line:
            return 0
        order = json.loads(line)
        try:
            told: dict[str, Any] = getattr(worker, order.pop("do"))(**order)
        except Exception as error:  # told to the one who ordered, who stops the bench
            told = {"error": f"{type(error).__name__}: {error}"}
        stream.write(json.dumps(told).encode() + b"\n")
        stream.flush()
