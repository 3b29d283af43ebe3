"""What the nodes of a cluster say of it, and when what a master answered stands on every copy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from redis.crc import key_slot

Address: TypeAlias = tuple[str, int]
SLOTS = 16_384

QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("CLUSTER", "MYID"), ("CLUSTER", "SLOTS"), ("CLUSTER", "SHARDS"), ("ROLE",),
    ("CONFIG", "GET", "cluster-replica-no-failover"),
)  # fmt: skip


class Member(NamedTuple):
    """Another node of a shard. ``failed``: most masters have given it up."""

    id: str
    address: Address
    failed: bool


class Told(NamedTuple):
    """What one node says. ``members``: who else is of its shard; ``online``: a master's connected replicas,

    None for a replica. ``owners``: first slot, last slot, id of the master. ``barred``: it does not stand for election.
    """

    id: str
    address: Address
    owners: tuple[tuple[int, int, str], ...]
    members: tuple[Member, ...]
    nodes: frozenset[Address]
    online: frozenset[Address] | None
    barred: bool

    @property
    def slots(self) -> list[tuple[int, int]]:
        """The slots that it calls its own, first and last."""
        return [(first, last) for first, last, owner in self.owners if owner == self.id]


def read(address: Address, answers: Sequence[Any]) -> Told:
    """Read the answers of the node at ``address`` to ``QUESTIONS``."""
    my_id, slots, shards, role, barred = answers
    me = _text(my_id)
    owners = tuple((int(part[0]), int(part[1]), _text(part[2][2])) for part in slots)
    members: tuple[Member, ...] = ()
    nodes: set[Address] = set()
    for shard in map(_table, shards):
        listed = [_member(_table(node)) for node in shard["nodes"]]
        nodes.update(node.address for node in listed)
        if any(node.id == me for node in listed):
            members = tuple(node for node in listed if node.id != me)
    online = connected(role)
    return Told(me, address, owners, members, frozenset(nodes), online, "yes" in map(_text, _flat(barred)))


def _member(node: dict[str, Any]) -> Member:
    port = node.get("port") or node.get("tls-port")
    return Member(_text(node["id"]), (_text(node["ip"]), int(port or 0)), _text(node["health"]) == "fail")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _flat(table: Any) -> Iterable[Any]:
    return table.values() if isinstance(table, dict) else table


def _table(answer: Any) -> dict[str, Any]:
    """Names and values, which one version of the protocol sends as a table and the other in a row."""
    pairs = answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True)
    return {_text(name): value for name, value in pairs}


def connected(role: Any) -> frozenset[Address] | None:
    """The replicas that a master's answer to ROLE lists; None when it is no master."""
    offsets = replicated(role)
    return None if offsets is None else frozenset(offsets)


def replicated(role: Any) -> dict[Address, int] | None:
    """How far each connected replica has come, by a master's answer to ROLE; None when it is no master."""
    if isinstance(role, Exception) or _text(role[0]) != "master":
        return None
    return {(_text(host), int(port)): int(offset) for host, port, offset in role[2]}


def masters(told: Iterable[Told]) -> list[Told]:
    """The nodes that call slots their own, whom more nodes believe later: where two claim a slot, the last wins."""
    every = list(told)
    believed = Counter(owner for one in every for owner in {owner for _, _, owner in one.owners})
    return sorted((one for one in every if one.online is not None and one.slots), key=lambda one: believed[one.id])


def mark_of(slots: Sequence[tuple[int, int]]) -> str:
    """A key that lies in one of these slots."""
    number = 0
    while True:
        slot = key_slot(f"mark:{number}".encode())
        if any(first <= slot <= last for first, last in slots):
            return f"mark:{number}"
        number += 1


class Shard(NamedTuple):
    """Who must hold a copy of what a master answers; ``told_at``: when the master said so (a clock of durations, s)."""

    members: frozenset[Address]
    mark: str
    told_at: float


def stands(shard: Shard, waited: Any, role: Any, copies_min: int) -> bool:
    """Whether what was written before ``waited`` (the answer to WAITAOF) is on disk on every copy.

    WAITAOF counts, but does not say who: so every replica that is connected must have it, and every member must be
    connected. ``copies_min``: how many copies there must be at least, the master's included.
    """
    online = connected(role)
    if online is None or isinstance(waited, Exception):
        return False
    local, acknowledged = (int(count) for count in waited)
    whole = shard.members <= online and len(online) + 1 >= copies_min
    return bool(local) and whole and acknowledged >= len(online)
