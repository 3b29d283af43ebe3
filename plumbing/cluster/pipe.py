"""Finds the master of a key: one pipelined connection for each, and a look at all nodes each second.

A node that fails is noticed by its silence, a new master by what the others say; nobody has to be told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from redis.crc import key_slot

from plumbing.clock import elapsed_s
from plumbing.cluster import view
from plumbing.cluster.keeper import Keeper
from plumbing.cluster.rounds import Rounds, refuse
from plumbing.cluster.view import QUESTIONS, SLOTS, Address, Shard, Told
from plumbing.pipe import Part, Pipe, Waiter
from plumbing.stopping import heed
from plumbing.valkey import RedisError, Valkey, ValkeyGone

LOOK_EVERY_S, TROUBLED_EVERY_S, LOOK_MAX_S, NODE_MAX_S, FOUND_MAX_S = 1.0, 0.1, 0.3, 0.5, 5.0
KEY_AT = {"FCALL": 3}  # elsewhere the key is the second word

log = logging.getLogger("yangcai.cluster")


def _key(parts: tuple[Part, ...]) -> str | bytes:
    key = parts[KEY_AT.get(str(parts[0]), 1)]
    return key if isinstance(key, bytes) else str(key)


class ClusterPipe(Pipe):
    """Like ``Pipe``, to the master that has the key. Every answer stands on every copy of its shard.

    ``connect`` makes the client of a node; ``copies_min`` how many copies, the master's included, an answer needs at
    least (0: none is waited for, which loses bids at every failover; 1: a master left alone goes on alone).
    """

    def __init__(self, seeds: Sequence[Address], connect: Callable[[Address], Valkey], copies_min: int) -> None:
        self._seeds, self._connect, self._copies_min = frozenset(seeds), connect, copies_min
        self.clients: dict[Address, Valkey] = {}
        self.told: list[Told] = []
        self.moved: list[Callable[[], None]] = []
        """Called when a master has changed."""
        self._plain: dict[Address, Pipe] = {}
        self._rounds: dict[Address, Rounds] = {}
        self._slots: list[Address | None] = [None] * SLOTS
        self._looking: asyncio.Task[None] | None = None
        self._trouble, self._found = asyncio.Event(), asyncio.Event()
        self._keeper = Keeper(self.ask_node, copies_min)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def master_of(self, key: str | bytes) -> Address | None:
        """The master that has the key, as far as is known."""
        return self._slots[key_slot(key.encode() if isinstance(key, str) else key)]

    @property
    def masters(self) -> list[Address]:
        """All masters."""
        return list(self._rounds)

    def ask_master(self, address: Address, *parts: Part) -> asyncio.Future[Any]:
        """Ask one master something that names no key."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._rounds[address].send(parts, future)
        return future

    def ask_node(self, address: Address, *parts: Part) -> asyncio.Future[Any]:
        """Ask one node, master or not, as it stands: for what is not of the lots."""
        return self._plain_of(address).ask(*parts)

    async def ready(self) -> None:
        """Wait until the masters are known. Raises ``ValkeyGone`` when no node says."""
        if self._found.is_set():
            return
        self.look_soon()
        try:
            async with asyncio.timeout(FOUND_MAX_S):
                await self._found.wait()
        except TimeoutError:
            raise ValkeyGone("no node of the cluster answers") from None

    def _send(self, parts: tuple[Part, ...], waiter: Waiter | None) -> None:
        address = self.master_of(_key(parts))
        if address is None:
            self.look_soon()
            refuse(waiter, ValkeyGone("no master is known for the key"))
        elif parts[0] == "PUBLISH":  # what is published stands already
            self._plain_of(address)._send(("SPUBLISH", *parts[1:]), waiter)
        else:
            self._rounds[address].send(parts, waiter)

    async def in_one_step(self, commands: Sequence[tuple[Part, ...]]) -> list[Any]:
        """Carry out commands whose keys lie in one slot as one step; their answers in order, errors among them."""
        address = self.master_of(_key(commands[0]))
        if address is None:
            raise ValkeyGone("no master is known for the key")
        step = [self.ask_master(address, *command) for command in (("MULTI",), *commands, ("EXEC",))]
        answers: list[Any] = (await asyncio.gather(*step))[-1]
        return answers

    def flush(self) -> None:
        """Nothing: a round leaves as soon as the one before it stands."""

    async def ask_all(self, commands: Iterable[tuple[Part, ...]]) -> list[Any]:
        """Send many commands, each to its master; their answers in order. Raises what the first failed one raised."""
        answers = await asyncio.gather(*(self.ask(*command) for command in commands), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    # ── knowing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def look_soon(self) -> None:
        """Something is not as it was: look at the nodes now."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_ever(), name="valkey-cluster")
        self._trouble.set()

    async def _look_ever(self) -> None:
        while True:
            heed()
            self._trouble.clear()
            with suppress(RedisError, OSError):
                await self._look()
            await asyncio.sleep(TROUBLED_EVERY_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S - TROUBLED_EVERY_S):
                    await self._trouble.wait()

    async def _look(self) -> None:
        """Ask all nodes known, learn from those that answer, let the keeper act."""
        known = {*self._seeds, *self._plain, *(address for one in self.told for address in one.nodes)}
        asked_at = elapsed_s()
        asked = [asyncio.ensure_future(self._ask_about(address)) for address in known]
        heard, slow = await asyncio.wait(asked, timeout=LOOK_MAX_S)
        for late in slow:
            late.cancel()
        told = [one for asking in heard if (one := asking.result()) is not None]
        if not told:
            return
        self.told = told
        self._learn(view.masters(told), asked_at)
        for address in known - self._seeds - {address for one in told for address in one.nodes}:
            await self._forget(address)
        await self._keeper.mind(told, {address: rounds.silent for address, rounds in self._rounds.items()})

    async def _ask_about(self, address: Address) -> Told | None:
        with suppress(RedisError, OSError):
            return view.read(address, await self._plain_of(address).ask_all(QUESTIONS))
        return None

    def _learn(self, masters: list[Told], asked_at: float) -> None:
        """Who has which slots; a master that was not heard of now keeps what it said last, until that is old."""
        slots = list(self._slots)
        for master in masters:
            for first, last in master.slots:
                slots[first : last + 1] = [master.address] * (last + 1 - first)
        owners = {address for address in slots if address is not None}
        for address in self._rounds.keys() - owners:
            self._rounds.pop(address).close()
        for master in (one for one in masters if one.address in owners):
            members = frozenset(member.address for member in master.members)
            self._rounds_of(master.address).shard = Shard(members, view.mark_of(master.slots), asked_at)
        if slots != self._slots:
            self._slots = slots
            log.info("masters of the live store: %s", ", ".join(sorted(f"{host}:{port}" for host, port in owners)))
            for moved in self.moved:
                moved()
        if None not in slots:
            self._found.set()

    def _rounds_of(self, address: Address) -> Rounds:
        rounds = self._rounds.get(address)
        if rounds is None:
            node = self._plain_of(address)
            rounds = Rounds(self.clients[address], node, self._copies_min, self.look_soon)
            self._rounds[address] = rounds
        return rounds

    def _client_of(self, address: Address) -> Valkey:
        client = self.clients.get(address)
        if client is None:
            client = self.clients[address] = self._connect(address)
        return client

    def _plain_of(self, address: Address) -> Pipe:
        pipe = self._plain.get(address)
        if pipe is None:
            pipe = self._plain[address] = Pipe(self._client_of(address), timeout_s=NODE_MAX_S)
        return pipe

    async def _forget(self, address: Address) -> None:
        """A node that no other speaks of any more, and that does not answer."""
        if pipe := self._plain.pop(address, None):
            await pipe.close()
        if client := self.clients.pop(address, None):
            await client.aclose()

    async def close(self) -> None:
        """Hang up everywhere."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for rounds in self._rounds.values():
            rounds.close()
        for address in list(self.clients):
            await self._forget(address)
