"""The product on a cluster: server processes and Postgres as its users start them, the live store on nodes of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from ledger.log import beat_of, read_entries, shard_of
from loadtests.bench import gauges
from loadtests.cluster.nodes import Cluster, Node
from loadtests.cluster.wires import Namespaces, able
from loadtests.crash.stand import Stand
from plumbing.cluster.client import connect

SOCKETS = "unix_socket_directories="


class ClusterStand(Stand):
    """One product and its cluster; ``copies_min`` as in the setting."""

    def __init__(self, folder: Path, workers: int = 2, copies_min: int = 2, replicas: int = 2) -> None:
        super().__init__(folder, workers)
        self.cluster = Cluster(self.product.folder / "nodes", replicas, Namespaces() if able() else None)
        self.product.environ |= {
            "YANGCAI_VALKEY_URL": self.cluster.url, "YANGCAI_VALKEY_COPIES_MIN": str(copies_min)
        }  # fmt: skip

    async def start(self) -> float:
        """Start the nodes, then the product; the seconds until that was well."""
        await self.cluster.start()
        return await asyncio.to_thread(self.product.start)

    def end(self) -> None:
        """Stop all and remove its data."""
        try:
            self.product.stop()
        finally:
            self.cluster.close()
            self.product.remove()

    async def master_of(self, lot_id: UUID) -> Node:
        """The node on which a lot runs."""
        return await self.cluster.master_of(beat_of(shard_of(lot_id)))

    @asynccontextmanager
    async def postgres(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of an operator."""
        command = gauges.command_line(self.pids("postgres")[0])
        folder = command.partition(SOCKETS)[2].split()[0]
        conn = await asyncpg.connect(host=folder, user="yangcai", database="yangcai")
        try:
            yield conn
        finally:
            await conn.close()

    async def live_log(self, lot_id: UUID) -> list[dict[str, Any]]:
        """The lot's log as the cluster has it."""
        client = connect(self.cluster.url, 1)
        try:
            return [event for entry in await read_entries(client, lot_id) for event in json.loads(entry)]
        finally:
            await client.aclose()
