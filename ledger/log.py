"""The log of a lot 过程日志: where it lies in Valkey and how it is read back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from plumbing.pipe import Pipe
from plumbing.valkey import Valkey

SHARDS = 256
PRELUDE = Path(__file__).with_name("prelude.lua").read_text(encoding="utf-8")
READ_ENTRIES = 500


def shard_of(lot_id: UUID) -> int:
    """One of 256 fixed shards, so that all keys of a lot lie in one slot of a cluster."""
    return lot_id.int % SHARDS


def _tag(shard: int) -> str:
    return f"{{s{shard}}}"


def beat_of(shard: int) -> str:
    """The heartbeat key of a shard."""
    return f"{_tag(shard)}:beat"


@lru_cache(maxsize=4_096)
def keys_of(lot_id: UUID) -> tuple[str, ...]:
    """The keys of a lot in the order every function takes them: lot, who, ids, board, log, due, settle, beat."""
    tag = _tag(shard_of(lot_id))
    lot = f"{tag}:lot:{lot_id}"
    return lot, f"{lot}:who", f"{lot}:ids", f"{lot}:board", f"{lot}:log", f"{tag}:due", f"{tag}:settle", f"{tag}:beat"


def channel_of(lot_id: UUID) -> str:
    """The channel on which new entries of the lot are published after they are durable."""
    return f"{_tag(shard_of(lot_id))}:told:{lot_id}"


async def read_entries(valkey: Valkey, lot_id: UUID, after_n: int = 0, at_most: int | None = None) -> list[bytes]:
    """The log's entries that hold an event past position ``after_n``, each a JSON array of events, in order.

    An entry may begin at or before ``after_n``; the caller skips what it has. Reading ends once ``at_most`` are there.
    """
    key, entries, start = keys_of(lot_id)[4], [], f"{after_n + 1}-0"
    count = READ_ENTRIES if at_most is None else min(at_most, READ_ENTRIES)
    while True:
        found: Any = await valkey.xrange(key, min=start, count=count)
        entries += [fields[b"e"] for _, fields in found]
        if len(found) < count or (at_most is not None and len(entries) >= at_most):
            return entries
        start = f"({found[-1][0].decode()}"


async def due_lots(valkey: Valkey, shard: int, until_ms: int) -> list[UUID]:
    """Lots of a shard whose deadline is at or before ``until_ms``."""
    found: list[Any] = await valkey.zrangebyscore(f"{_tag(shard)}:due", "-inf", until_ms)
    return [UUID(lot.decode()) for lot in found]


async def running_lots(pipe: Pipe) -> list[tuple[UUID, int]]:
    """Every running lot of every shard with its next deadline (ms); one round trip."""
    answers = await pipe.ask_all(_ALL_DUE)
    return [(_lot_named(lot), int(due)) for answer in answers for lot, due in _pairs(answer)]


_ALL_DUE: list[tuple[str | int, ...]] = [
    ("ZRANGE", f"{_tag(shard)}:due", 0, -1, "WITHSCORES") for shard in range(SHARDS)
]
_ALL_CLOSED: list[tuple[str | int, ...]] = [("ZRANGE", f"{_tag(shard)}:settle", 0, -1) for shard in range(SHARDS)]


def _pairs(answer: list[Any]) -> Iterable[Any]:
    """Members and scores, which one version of the protocol sends in pairs and the other in a row."""
    return answer if not answer or isinstance(answer[0], list) else zip(answer[::2], answer[1::2], strict=True)


@lru_cache(maxsize=4_096)
def _lot_named(name: bytes) -> UUID:
    return UUID(name.decode())


async def positions(pipe: Pipe, lots: Sequence[UUID]) -> list[int]:
    """How many events the log of each lot holds; 0 for a lot that the store does not know. One round trip."""
    return [int(n or 0) for n in await pipe.ask_all(("HGET", keys_of(lot_id)[0], "n") for lot_id in lots)]


async def outbox(pipe: Pipe) -> list[UUID]:
    """Every lot closed or cancelled and not yet settled, oldest first per shard; one round trip."""
    return [_lot_named(lot) for answer in await pipe.ask_all(_ALL_CLOSED) for lot in answer]


async def settled(valkey: Valkey, lot_id: UUID) -> None:
    """Take the lot from the outbox, once its result stands in Postgres."""
    await valkey.zrem(keys_of(lot_id)[6], str(lot_id))


async def known(valkey: Valkey, lot_id: UUID) -> bool:
    """Whether the live store holds anything of the lot."""
    return bool(await valkey.exists(*keys_of(lot_id)[:5]))


async def waits(valkey: Valkey, lot_id: UUID) -> bool:
    """Whether the lot still runs, or is closed and not yet out of the outbox."""
    _, _, _, _, _, due, settle, _ = keys_of(lot_id)
    scores: list[Any] = [await valkey.zscore(key, str(lot_id)) for key in (due, settle)]
    return scores != [None, None]


async def forget(valkey: Valkey, lot_id: UUID) -> bool:
    """Remove every key of a settled lot in one step; False when there was none."""
    return bool(await valkey.unlink(*keys_of(lot_id)[:5]))


async def chain_of(valkey: Valkey, lot_id: UUID) -> str:
    """The head of the lot's sha1 chain as the live store keeps it; empty when it does not know the lot."""
    chain: Any = await valkey.hget(keys_of(lot_id)[0], "chain")
    return str(chain, "ascii") if chain else ""


async def all_lots(valkey: Valkey) -> AsyncIterator[UUID]:
    """Every lot the live store holds anything of: running, paused, closed, or settled and not yet forgotten."""
    async for key in valkey.scan_iter(match="{s*}:lot:*", count=1_000, _type="stream"):
        yield UUID(key.decode().split(":")[2])


class Dumped(NamedTuple):
    """A lot's keys as the store serialises them, the length of its log, and its next deadline (ms; 0: none)."""

    n: int
    due_at: int
    keys: dict[str, bytes]


async def dump(valkey: Valkey, lot_id: UUID) -> Dumped:
    """All keys of a lot at one moment."""
    keys = keys_of(lot_id)
    async with valkey.pipeline(transaction=True) as pipe:
        pipe.hget(keys[0], "n")
        pipe.zscore(keys[5], str(lot_id))
        for key in keys[:5]:
            pipe.dump(key)
        n, due_at, *dumps = await pipe.execute()
    found = {key: data for key, data in zip(keys, dumps, strict=False) if data is not None}
    return Dumped(int(n or 0), int(due_at or 0), found)


async def put_back(valkey: Valkey, dumps: Mapping[str, bytes]) -> None:
    """Restore serialised keys where there are none."""
    for key, data in dumps.items():
        await valkey.restore(key, 0, data)


async def enlist(valkey: Valkey, lot_id: UUID, *, due_at: int = 0, closed_at: int = 0) -> None:
    """Put a restored lot among those that run (``due_at``) or wait for their settler (``closed_at``)."""
    _, _, _, _, _, due, settle, _ = keys_of(lot_id)
    if due_at:
        await valkey.zadd(due, {str(lot_id): due_at})
    if closed_at:
        await valkey.zadd(settle, {str(lot_id): closed_at})
