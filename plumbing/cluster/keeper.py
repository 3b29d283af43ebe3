"""Who keeps a copy of a shard: a replica that falls silent is barred before it is done without, and let in again later.

The members of a shard are whom its master knows; all of them must have what is answered. A silent one is barred by its
voters: told to forget it, they elect it no more, even if it cannot be reached. It comes back in three steps: it follows
its master again, unknown to the voters; barred by its own setting it is made known, so that every process waits for it;
then it may be elected. Any number of processes may keep the same cluster: each step may be done twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from redis.exceptions import ResponseError

from plumbing.clock import elapsed_s
from plumbing.cluster.view import Address, Member, Told, masters

SILENT_S, CUT_OFF_S = 1.0, 6.0
"""How long a member may hold rounds up: one that does not answer us either, and one that does.

The latter may be well and its master cut off; until then the cluster has elected another.
"""
OUTSIDE_S = 65.0
"""A node forgotten is not taken in by the others for a minute (their CLUSTER_BLACKLIST_TTL)."""
JOINED_S = 6.0
"""Twice the time in which every process has learnt of a new member (``rounds.LEASE_S``)."""
NO_ELECTION = "cluster-replica-no-failover"

log = logging.getLogger("yangcai.cluster")
Ask = Callable[..., asyncio.Future[Any]]


class Keeper:
    """One process's care for the shards. ``ask`` puts a command to a node."""

    def __init__(self, ask: Ask, copies_min: int) -> None:
        self._ask, self._copies_min = ask, copies_min
        self._outside: dict[Address, float] = {}
        self._joined: dict[Address, float] = {}

    async def mind(self, told: list[Told], silent: Mapping[Address, Mapping[Address, tuple[float, int]]]) -> None:
        """Act on what the nodes said; ``silent``: by each master believed, who holds its rounds up, and since when."""
        if not self._copies_min:
            return
        now_s, here = elapsed_s(), {one.address for one in told}
        for master in (one for one in masters(told) if one.address in silent):
            since = {address: since_s for address, (since_s, _) in silent.get(master.address, {}).items()}
            gone = [
                one
                for one in master.members
                if one.failed
                or now_s - since.get(one.address, now_s) > (CUT_OFF_S if one.address in here else SILENT_S)
            ]
            well = (master.online or frozenset()) - {one.address for one in gone}
            for member in gone if len(well) + 1 >= self._copies_min else ():
                await self._bar(member, master, told)
            if not gone:
                await self._let_in(master, told, now_s)
            await self._remind(master, told)

    async def _bar(self, member: Member, master: Told, told: list[Told]) -> None:
        """Have the voters forget a member, if so many of them can be reached that it cannot win without their votes."""
        voters = {owner for _, _, owner in master.owners}
        others = [one for one in told if one.id != member.id]
        reached = voters & {one.id for one in others}
        if len(voters - reached) > len(voters) // 2:
            log.warning("a replica is silent and cannot be barred: %s:%d", *member.address)
            return
        log.error("a replica is silent, lots go on without it: %s:%d", *member.address)
        others.sort(key=lambda one: one.id == master.id)  # the master last: with its word the process does without
        for one in others:
            await self._tell(one.address, "CLUSTER", "FORGET", member.id)

    async def _remind(self, master: Told, told: Iterable[Told]) -> None:
        """A replica that still speaks of a failed node whom its master forgot is told to forget it, too."""
        shard = {master.id, *(member.id for member in master.members)}
        for one in told:
            if one.id in shard:
                for member in one.members:
                    if member.failed and member.id not in shard:
                        await self._tell(one.address, "CLUSTER", "FORGET", member.id)

    async def _let_in(self, master: Told, told: Iterable[Told], now_s: float) -> None:
        """Bring back who follows the master unknown, then let who is known stand for election again."""
        members, online = {member.address for member in master.members}, master.online or frozenset()
        by_address = {one.address: one for one in told}
        for address in online:
            known, node = address in members, by_address.get(address)
            since, other = (self._joined, self._outside) if known else (self._outside, self._joined)
            other.pop(address, None)
            waited_s = now_s - since.setdefault(address, now_s)
            if known and node and node.barred and waited_s > JOINED_S:
                log.warning("a replica is a full member again: %s:%d", *address)
                await self._tell(address, "CONFIG", "SET", NO_ELECTION, "no")
            elif not known and waited_s > OUTSIDE_S and await self._tell(address, "CONFIG", "SET", NO_ELECTION, "yes"):
                log.warning("a replica is back: %s:%d", *address)
                await self._tell(master.address, "CLUSTER", "MEET", *address)
        for since in (self._joined, self._outside):
            for address in [one for one in since if one in members and one not in online]:
                del since[address]

    async def _tell(self, address: Address, *words: str | int) -> bool:
        """Whether the node did as told, or had done it before."""
        try:
            await self._ask(address, *words)
        except ResponseError as error:
            return "Unknown node" in str(error)
        except Exception as error:
            log.warning("%s:%d did not hear %s: %s", *address, words[1], error)
            return False
        return True
