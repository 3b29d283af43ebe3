"""A Valkey Cluster of real servers, from the program of the wheel: three masters and their replicas.

On the loopback, or (``wires``) each in a network namespace of its own, so that one can be cut off from the others.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from redis.crc import key_slot

from loadtests.cluster.wires import Loopback, Wires
from plumbing.cluster.view import mark_of
from plumbing.engines import Places
from plumbing.engines.checks import VALKEY_REQUIRED
from plumbing.engines.valkey import find
from plumbing.valkey import RedisError, Valkey, connect

MASTERS, NODE_TIMEOUT_MS, SLOTS = 3, 2_000, 16_384
READY_MAX_S, LOOK_S = 20.0, 0.02
EMPTY = '""'
CLUSTER = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": str(NODE_TIMEOUT_MS),
    "cluster-require-full-coverage": "no",
    "cluster-allow-replica-migration": "no",
    "repl-ping-replica-period": "1",
    "repl-timeout": "4",
    "repl-diskless-sync-delay": "0",
    "repl-backlog-size": "64mb",
    "maxmemory": "512mb",
    "protected-mode": "no",
}


class Place(NamedTuple):
    """Where a node listens."""

    host: str
    port: int


class Node:
    """One server of the cluster; killed, stopped and started again by its number."""

    def __init__(self, program: Path, folder: Path, place: Place, wires: Wires) -> None:
        self.place, self._program, self._folder, self._wires = place, program, folder, wires
        self._process: subprocess.Popen[bytes] | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Valkey]:
        """A client of this node alone."""
        client = connect(f"redis://{self.place.host}:{self.place.port}", timeout_s=2.0, connections_max=1)
        try:
            yield client
        finally:
            await client.aclose()

    def start(self) -> None:
        """Start it, on the data it has."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{name} {value or EMPTY}" for name, value in (VALKEY_REQUIRED | CLUSTER).items()]
        lines += [f"port {self.place.port}", f"bind {self.place.host}", f"dir {self._folder}", "daemonize no"]
        conf = self._folder / "valkey.conf"
        conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with (self._folder / "valkey.log").open("ab") as out:
            command = [*self._wires.prefix(self.place.host), str(self._program), str(conf)]
            self._process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """``kill -9``, stand still, go on."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        if number is signal.SIGKILL and self._process is not None:
            self._process.wait()

    def log(self) -> str:
        """What it said."""
        return (self._folder / "valkey.log").read_text(errors="replace")

    async def ask(self, *words: Any) -> Any:
        """One command of an operator; None when it does not answer."""
        with suppress(RedisError, OSError):
            async with self.client() as client:
                return await client.execute_command(*words)

    async def role(self) -> str:
        """``master`` or ``slave``; empty when it does not answer."""
        found = await self.ask("ROLE")
        return found[0].decode() if found else ""


class Cluster:
    """All nodes; the first three begin as masters."""

    def __init__(self, folder: Path, replicas: int = 2, wires: Wires | None = None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.wires: Wires = wires or Loopback()
        self.replicas = replicas
        program = find(Places(folder / "places"))
        places = [Place(*self.wires.place(number)) for number in range(MASTERS * (1 + replicas))]
        self.nodes = [Node(program, folder / str(n), place, self.wires) for n, place in enumerate(places)]

    @property
    def url(self) -> str:
        """The address for the product."""
        return "valkey-cluster://" + ",".join(f"{node.place.host}:{node.place.port}" for node in self.nodes)

    async def start(self) -> None:
        """Start all, make them one cluster, and wait until it is whole."""
        for node in self.nodes:
            node.start()
        for number, node in enumerate(self.nodes):
            await _until(lambda node=node: node.role(), f"node {number} answers")
            await node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        first, share = self.nodes[0], SLOTS // MASTERS + 1
        for number, node in enumerate(self.nodes[:MASTERS]):
            last = min(SLOTS, (number + 1) * share) - 1
            await node.ask("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        for node in self.nodes[1:]:
            await node.ask("CLUSTER", "MEET", *first.place)
        for number, node in enumerate(self.nodes[MASTERS:]):
            master = (await self.nodes[number % MASTERS].ask("CLUSTER", "MYID")).decode()
            await _until(lambda node=node, master=master: _replicates(node, master), "a replica finds its master")
        await _until(self.whole, "the cluster is whole")
        await _until(self.copies, "every node has its files")

    async def whole(self) -> bool:
        """Whether every master has its replicas and the cluster calls itself well, as each node sees it."""
        for node in self.nodes:
            told = await node.ask("CLUSTER", "INFO")
            known = f"cluster_known_nodes:{len(self.nodes)}"
            if not told or b"cluster_state:ok" not in told or known.encode() not in told:
                return False
        masters = [found for node in self.nodes if (found := await node.ask("ROLE"))[0] == b"master"]
        return len(masters) == MASTERS and all(len(found[2]) == self.replicas for found in masters)

    async def copies(self) -> bool:
        """Whether what is written now is on disk everywhere; a new replica takes a second for its first file."""
        for node in await self.masters():
            slots = next(
                one[:2] for one in await node.ask("CLUSTER", "SLOTS") if (one[2][0].decode(), one[2][1]) == node.place
            )
            async with node.client() as one:
                await one.execute_command("SET", mark_of([tuple(slots)]), "1")
                if (await one.execute_command("WAITAOF", 1, self.replicas, 1_000))[1] < self.replicas:
                    return False
        return True

    async def masters(self) -> list[Node]:
        """The nodes that call themselves masters now and answer."""
        return [node for node in self.nodes if await node.role() == "master"]

    async def master_of(self, key: str) -> Node:
        """The node that most of those that answer name as the master of a key."""
        slot, named = key_slot(key.encode()), Counter[Place]()
        for node in self.nodes:
            for first, last, (host, port, *_), *_ in await node.ask("CLUSTER", "SLOTS") or ():
                if first <= slot <= last:
                    named[Place(host.decode(), port)] += 1
        place = named.most_common(1)[0][0]
        return next(node for node in self.nodes if node.place == place)

    async def replicas_of(self, master: Node) -> list[Node]:
        """The replicas connected to a master."""
        places = {(host.decode(), int(port)) for host, port, _ in (await master.ask("ROLE"))[2]}
        return [node for node in self.nodes if node.place in places]

    def close(self) -> None:
        """End all of them and take the wires away."""
        for node in self.nodes:
            with suppress(AssertionError):
                node.signal(signal.SIGCONT)
                node.signal(signal.SIGKILL)
        self.wires.close()


async def _replicates(node: Node, master: str) -> bool:
    return bool(await node.ask("CLUSTER", "REPLICATE", master))


async def _until(what: Any, why: str, within_s: float = READY_MAX_S) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not await what():
        if loop.time() > end:
            raise TimeoutError(f"not within {within_s} s: {why}")
        await asyncio.sleep(LOOK_S)
