"""What the rest of the product sees of the live store, one server or a cluster: a client, a pipe, channels.

The address says which: ``valkey-cluster://[user:password@]host:port,host:port`` (``valkey-clusters://`` with TLS) is a
cluster, anything else is one server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Self

from redis.asyncio import Redis

from plumbing.cluster.pipe import ClusterPipe
from plumbing.cluster.view import Address
from plumbing.pipe import Part, Pipe
from plumbing.valkey import Channels, Listener, RedisError, Valkey, ValkeyGone
from plumbing.valkey import connect as connect_one

SCHEMES = {"valkey-cluster://": "redis://", "valkey-clusters://": "rediss://"}
NODE_CONNECTIONS_MAX, NODE_MAX_S = 8, 2.0
EVERYWHERE = ("FUNCTION",)
ANYWHERE = ("PING", "INFO", "CONFIG", "TIME", "ECHO")


def is_cluster(url: str) -> bool:
    """Whether the address is that of a cluster."""
    return url.startswith(tuple(SCHEMES))


def seeds_of(url: str) -> tuple[str, list[Address]]:
    """Scheme and credentials for a node's own address, and the nodes named. Raises ``ValueError``."""
    found = re.fullmatch(r"(valkey-clusters?://)([^@/]*@)?([^@/]+)/?", url)
    if found is None:
        raise ValueError("like valkey-cluster://host:port,host:port is wanted")
    places = [place.rpartition(":") for place in found[3].split(",")]
    if not all(host and port.isdigit() for host, _, port in places):
        raise ValueError("each node is named as host:port")
    return SCHEMES[found[1]] + (found[2] or ""), [(host.strip("[]"), int(port)) for host, _, port in places]


def connect(url: str, copies_min: int = 2, *, timeout_s: float = 5.0) -> Valkey:
    """A client for ``url``; nothing is sent yet.

    ``copies_min``: see ``ClusterPipe``; one server has one copy. ``timeout_s``: of one server; a cluster has its own.
    """
    return ClusterClient(url, copies_min) if is_cluster(url) else connect_one(url, timeout_s=timeout_s)


def pipe_to(valkey: Valkey) -> Pipe:
    """The pipelined way to where ``valkey`` goes."""
    return valkey.pipe if isinstance(valkey, ClusterClient) else Pipe(valkey)


def channels_of(valkey: Valkey, url: str) -> Channels:
    """Subscriptions to what is published there."""
    return ClusterChannels(valkey) if isinstance(valkey, ClusterClient) else Channels(url)


async def every_server(valkey: Valkey) -> list[Valkey]:
    """A client for each server behind ``valkey`` that answers now; itself when it is one server."""
    if not isinstance(valkey, ClusterClient):
        return [valkey]
    await valkey.pipe.ready()
    return [valkey.pipe.clients[told.address] for told in valkey.pipe.told]


class ClusterClient(Redis):
    """The client library's commands, over the pipe."""

    def __init__(self, url: str, copies_min: int) -> None:
        super().__init__(legacy_responses=False)  # it knows how to read answers; its own connection is never made
        start, seeds = seeds_of(url)

        def connect_node(address: Address, timeout_s: float | None = NODE_MAX_S) -> Valkey:
            host = f"[{address[0]}]" if ":" in address[0] else address[0]
            where = f"{start}{host}:{address[1]}"
            return connect_one(where, timeout_s=timeout_s, connections_max=NODE_CONNECTIONS_MAX)

        self.url, self.connect_node = url, connect_node
        self.pipe = ClusterPipe(seeds, connect_node, copies_min)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer to one command, from the master that has its key."""
        await self.pipe.ready()
        words: tuple[Part, ...] = (*str(args[0]).split(), *args[1:])
        if words[0] in EVERYWHERE:
            answers = await asyncio.gather(
                *(self.pipe.ask_master(master, *words) for master in self.pipe.masters), return_exceptions=True
            )
            answer = next((one for one in answers if isinstance(one, BaseException)), answers[0])
        elif words[0] == "DBSIZE":
            masters = [self.pipe.ask_node(master, *words) for master in self.pipe.masters]
            answer = sum(await asyncio.gather(*masters))
        elif words[0] in ANYWHERE:
            answer = await self._from_anyone(words)
        else:
            answer = await self.pipe.ask(*words)
        return self.read(args[0], answer, options)

    async def _from_anyone(self, words: tuple[Part, ...]) -> Any:
        """What the first master that answers says."""
        for master in self.pipe.masters:
            with suppress(RedisError, OSError):
                return await self.pipe.ask_node(master, *words)
        raise ValkeyGone("no master answers")

    def read(self, name: Any, answer: Any, options: dict[str, Any]) -> Any:
        """An answer as the client library gives it; raises what it raises."""
        if isinstance(answer, BaseException):
            raise answer
        options.pop("keys", None)
        callback = self.response_callbacks.get(name)
        return callback(answer, **options) if callback else answer

    async def scan_iter(self, *args: Any, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        """The keys of all masters, one master after the other."""
        await self.pipe.ready()
        for master in self.pipe.masters:
            async for key in self.pipe.clients[master].scan_iter(*args, **options):
                yield key

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        """Commands that are sent together; as one step with ``transaction``, when their keys lie in one slot."""
        return _Together(self, transaction)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Hang up everywhere."""
        await self.pipe.close()


class _Together(Redis):
    """Commands said one by one and sent together."""

    def __init__(self, client: ClusterClient, transaction: bool) -> None:
        super().__init__(legacy_responses=False)
        self._client, self._transaction = client, transaction
        self._said: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._said.clear()

    def execute_command(self, *args: Any, **options: Any) -> Self:  # type: ignore[override]
        """Say one."""
        self._said.append((args, options))
        return self

    async def execute(self) -> list[Any]:
        """Send them; their answers in order. Raises what the first that failed raised."""
        said, self._said = self._said, []
        await self._client.pipe.ready()
        if not (self._transaction and said):
            return list(await asyncio.gather(*(self._client.execute_command(*args, **more) for args, more in said)))
        commands = [tuple(args) for args, _ in said]
        answers = await self._client.pipe.in_one_step(commands)
        return [self._client.read(args[0], answer, more) for answer, (args, more) in zip(answers, said, strict=True)]


class ClusterChannels(Channels):
    """Sharded subscriptions: a channel lies where the lot lies, and moves with it."""

    def __init__(self, client: ClusterClient) -> None:
        self._cluster = client
        self._on: dict[Address, Channels] = {}
        self._listeners: dict[str, Listener] = {}
        self._where: dict[str, Address] = {}
        self._moving: asyncio.Task[None] | None = None
        client.pipe.moved.append(self._moved)

    async def listen(self, channel: str, listener: Listener) -> None:
        """Call ``listener`` with every payload on ``channel``. What was missed while away is not replayed."""
        self._listeners[channel] = listener
        address = self._cluster.pipe.master_of(channel)
        if address is None:
            return  # once a master is found, ``_move`` comes by
        self._where[channel] = address
        if address not in self._on:
            self._on[address] = Channels(self._cluster.connect_node(address, None), sharded=True)
        await self._on[address].listen(channel, listener)

    async def forget(self, channel: str) -> None:
        """Stop listening to ``channel``."""
        self._listeners.pop(channel, None)
        address = self._where.pop(channel, None)
        if address in self._on:
            await self._on[address].forget(channel)

    def _moved(self) -> None:
        if self._moving is None or self._moving.done():
            self._moving = asyncio.create_task(self._move(), name="valkey-channels-move")

    async def _move(self) -> None:
        """Listen where each channel lies now; leave masters that are none any more."""
        for address in self._on.keys() - set(self._cluster.pipe.masters):
            await self._on.pop(address).close()
        for channel, listener in list(self._listeners.items()):
            before, now = self._where.get(channel), self._cluster.pipe.master_of(channel)
            if before != now:
                if before in self._on:
                    await self._on[before].forget(channel)
                await self.listen(channel, listener)

    async def close(self) -> None:
        """End all."""
        if self._moving is not None:
            self._moving.cancel()
        for channels in self._on.values():
            await channels.close()
