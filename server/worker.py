"""One server process: the application on uvicorn, on the listening socket that the supervisor opened."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys

import uvicorn

from plumbing import logs
from plumbing.engines.launch import die_with_parent, name_this
from plumbing.sockets.connection import Connection
from plumbing.sockets.upgrade import Http
from server import app
from server.settings import LISTEN_BACKLOG, load

GC_AFTER = 20_000
"""New objects until the young ones are looked through; Python's own 700 cost a fifth of the CPU under many bids."""


class Server(uvicorn.Server):
    """Says through a pipe when it takes requests."""

    ready_fd = -1

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report."""
        await super().startup(sockets=sockets)
        gc.freeze()
        gc.set_threshold(GC_AFTER, 20, 100)
        if self.started and self.ready_fd >= 0:
            os.write(self.ready_fd, b"1")
            os.close(self.ready_fd)


def configuration(application: object, grace_s: int) -> uvicorn.Config:
    """How uvicorn runs: many small live messages, on sockets of our own making."""
    return uvicorn.Config(
        application,  # type: ignore[arg-type]
        loop="uvloop",
        http=Http,
        ws=Connection,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=LISTEN_BACKLOG,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace_s,
    )


def main(args: list[str]) -> int:
    """``worker LISTEN_FD READY_FD GO_FD PARENT_PID``: settings from the environment. Exit code 0 after an orderly stop.

    All that needs no engine is done at once; serving begins when a byte comes through ``GO_FD``: the supervisor starts
    the engines at the same time, or keeps this process as a spare.
    """
    listen_fd, ready_fd, go_fd, parent_pid = (int(arg) for arg in args)
    die_with_parent(signal.SIGTERM, parent_pid)
    settings = load()
    logs.configure(str(settings.log_level))
    config = configuration(app.create(settings), settings.shutdown_grace_s)
    config.load()
    gc.collect()
    gc.freeze()  # code and tables stay for good: no later collection walks through them
    if not os.read(go_fd, 1):
        return 0  # the supervisor gave up, or ended
    os.close(go_fd)
    name_this("yangcai worker")  # a spare is no longer one
    server = Server(config)
    server.ready_fd = ready_fd
    sock = socket.socket(fileno=listen_fd)
    sock.setblocking(False)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[sock]))
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
