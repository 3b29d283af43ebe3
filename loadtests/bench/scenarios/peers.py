"""The same auction on the peers: bids of 200 bidders with nobody watching, then with the watchers of the main scenario.

Their server uses the Valkey of the product, which is idle meanwhile; the bidders do not watch, as in ours.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

from loadtests.bench import wire
from loadtests.bench.helpers import environment
from loadtests.bench.product import ProductError, free_port
from loadtests.bench.stage import PRICE_FIRST, Stage

MODULES = {"channels": "loadtests.bench.peers.with_channels", "socketio": "loadtests.bench.peers.with_socketio"}
PATHS = {"channels": "/ws", "socketio": "/socket.io/?EIO=4&transport=websocket"}
START_MAX_S = 30.0


def _answers(port: int) -> bool:
    http = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        http.request("GET", "/")
        return http.getresponse().status > 0
    except (OSError, HTTPException):
        return False
    finally:
        http.close()


def _bids(stage: Stage, name: str, pid: int, lot: str, seconds: float) -> dict[str, Any]:
    order = {"group": f"{name}-bidders", "lots": [lot], "seconds": seconds, "price": PRICE_FIRST}
    told, cpu_s = stage.cpu_of([pid], lambda: stage.bidders.ask("bid", **order))
    return {**told, "us": cpu_s / max(1, told["answers"]) * 1e6, "cpu_s": cpu_s}


def _play(stage: Stage, name: str, port: int, pid: int, lots: list[str]) -> dict[str, float]:
    scale, (lot, watched_lot) = stage.scale, lots
    where = {"host": "127.0.0.1", "port": port, "socketio": name == "socketio"}
    head = wire.upgrade(f"127.0.0.1:{port}", PATHS[name]).decode()
    for crowd, group, kind, count in (
        (stage.bidders, "bidders", "bidder", scale.bidders), (stage.watchers, "watchers", "watcher", scale.watchers),
    ):  # fmt: skip
        opened = crowd.ask("connect", group=f"{name}-{group}", kind=kind, heads=[head] * count, **where)["open"]
        if opened < count:
            raise ProductError(f"{name}: {count - opened} of {count} {group} were not let in")
    stage.watchers.ask("watch", group=f"{name}-watchers", lot=watched_lot)
    quiet = _bids(stage, name, pid, lot, scale.second)
    watched = _bids(stage, name, pid, watched_lot, scale.second)
    told, late_s = stage.cpu_of([pid], lambda: stage.seen(f"{name}-watchers"))
    return {
        f"{name}_per_s": quiet["taken"] / quiet["s"], f"{name}_us": quiet["us"], f"{name}_p99_ms": quiet["p99"],
        f"{name}_main_per_s": watched["taken"] / watched["s"], f"{name}_main_us": watched["us"],
        f"{name}_frame_us": (watched["cpu_s"] + late_s) / max(1, told["frames"]) * 1e6,
    }  # fmt: skip


def peer(name: str) -> Callable[[Stage], dict[str, float]]:
    """The scenario of one peer: start it, play, stop it."""

    def play(stage: Stage) -> dict[str, float]:
        """Start the peer, bid, with and without watchers, stop it."""
        port, lots = free_port(), [str(uuid4()), str(uuid4())]
        command = [sys.executable, "-m", MODULES[name], str(port), stage.product.valkey_socket(), *lots]
        log = stage.product.folder / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(command, env=environment(), stdout=out, stderr=out)
        try:
            end = time.monotonic() + START_MAX_S
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > end:
                    tail = log.read_text(errors="replace")[-1_000:]
                    raise ProductError(f"the peer {name} did not start (./dev bench --peers installs it):\n{tail}")
                time.sleep(0.05)
            return _play(stage, name, port, process.pid, lots)
        finally:
            for crowd, group in ((stage.bidders, "bidders"), (stage.watchers, "watchers")):
                crowd.ask("drop", group=f"{name}-{group}")
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    return play


def settings() -> dict[str, Any]:
    """How the peers are run, for the report."""
    from importlib.metadata import version

    packages = ("channels", "channels-redis", "django", "python-socketio", "redis", "uvicorn", "uvloop")
    return {
        "server": "uvicorn, one process, uvloop, httptools", "store": "the product's Valkey, appendfsync always",
        "rules": "one Lua script call per bid, pool of 50 connections (redis-py)", "sign_in": "none",
        "channel_layer": "channels_redis.pubsub.RedisPubSubChannelLayer on the same Valkey",
        "rooms": "Socket.IO's own, in memory",
        "frames": "one per taken bid to every watcher", **{name: version(name) for name in packages},
    }  # fmt: skip
