"""The live store on six real nodes: what is asked of it, what is heard from it, and a master that dies."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from auction.lot import live
from loadtests.cluster.nodes import Cluster
from plumbing.cluster.client import ClusterClient, channels_of, connect, every_server, pipe_to
from plumbing.engines import checks
from plumbing.valkey import RedisError, Valkey, ValkeyGone
from tests.support import eventually

KEYS = [f"{{s{shard}}}:c" for shard in range(32)]


@pytest_asyncio.fixture(scope="module")
async def cluster(short_tmp: Path) -> AsyncIterator[Cluster]:
    """Three masters with a replica each, on the loopback."""
    cluster = Cluster(short_tmp / "cluster", replicas=1)
    try:
        await cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest_asyncio.fixture
async def client(cluster: Cluster) -> AsyncIterator[Valkey]:
    """A client that wants two copies."""
    client = connect(cluster.url)
    yield client
    await client.aclose()


async def test_commands_find_their_masters_and_answer_as_one_server_does(client: Valkey) -> None:
    await checks.check_valkey(client)
    assert len(await every_server(client)) == 6
    assert await live.load(client) == await live.load(client) == live.VERSION
    assert await client.ping()
    await client.delete("ticket")
    assert await client.set("ticket", "x", ex=30)
    assert await client.getdel("ticket") == b"x"
    assert await client.getdel("ticket") is None
    async with client.pipeline(transaction=True) as together:
        together.incr("count").expire("count", 5, nx=True).ttl("count")
        assert await together.execute() == [1, True, 5]
    async with client.pipeline(transaction=True) as together:
        together.set("{s1}:a", 1).set("{s200}:b", 2)
        with pytest.raises(RedisError):  # they lie in two slots: neither is done
            await together.execute()
    assert await client.get("{s1}:a") is None
    pipe = pipe_to(client)
    assert await pipe.ask_all([("SET", key, place) for place, key in enumerate(KEYS)]) == [b"OK"] * len(KEYS)
    assert await pipe.ask_all([("GET", key) for key in KEYS]) == [b"%d" % place for place in range(len(KEYS))]
    assert {key.decode() async for key in client.scan_iter(match="{s*}:c")} == set(KEYS)
    assert await client.dbsize() >= len(KEYS)
    with pytest.raises(RedisError, match="WRONGTYPE"):
        await client.lpush(KEYS[0], "x")  # type: ignore[misc]


async def test_a_refused_configuration_of_any_node_is_found(client: Valkey, cluster: Cluster) -> None:
    for node in (cluster.nodes[0], cluster.nodes[-1]):
        await node.ask("CONFIG", "SET", "appendfsync", "everysec")
        with pytest.raises(checks.EngineUnfit, match="appendfsync"):
            await checks.check_valkey(client)
        await node.ask("CONFIG", "SET", "appendfsync", "always")


async def test_nothing_is_answered_while_the_replica_does_not_have_it(client: Valkey, cluster: Cluster) -> None:
    master = await cluster.master_of(KEYS[0])
    (replica,) = await cluster.replicas_of(master)
    await client.set(KEYS[0], "before")
    replica.signal(signal.SIGSTOP)
    try:
        written = asyncio.ensure_future(client.set(KEYS[0], "after"))
        read = asyncio.ensure_future(client.get(KEYS[0]))
        await eventually(lambda: _has(cluster, master, "after"), why="the master has it")
        assert not written.done()
        assert not read.done()
        with pytest.raises(ValkeyGone, match="not on every copy"):
            await written
        with pytest.raises(ValkeyGone):
            await read
    finally:
        replica.signal(signal.SIGCONT)
    assert await eventually(lambda: _asked(client), why="the replica is back") == b"after"


async def _has(cluster: Cluster, node: object, value: str) -> bool:
    found = [await one.ask("GET", KEYS[0]) for one in cluster.nodes if one is node]
    return found == [value.encode()]


async def _asked(client: Valkey) -> object:
    try:
        return await client.get(KEYS[0])
    except RedisError:
        return None


async def test_a_channel_moves_to_the_master_that_is_elected_and_one_copy_must_be_allowed(cluster: Cluster) -> None:
    alone, wary = connect(cluster.url, copies_min=1), connect(cluster.url, copies_min=2)
    assert isinstance(alone, ClusterClient)
    heard: list[bytes] = []

    async def listener(body: bytes) -> None:
        heard.append(body)

    channels, told = channels_of(alone, cluster.url), "{s1}:told:x"
    await alone.set("{s1}:c", "kept")
    await channels.listen(told, listener)

    async def tell(word: str) -> bool:
        try:
            await alone.publish(told, word)
        except RedisError:
            return False
        return word.encode() in heard

    assert await eventually(lambda: tell("one"))
    master = await cluster.master_of("{s1}:c")
    master.signal(signal.SIGKILL)

    async def kept() -> bool:
        try:
            return bool(await alone.get("{s1}:c") == b"kept")
        except RedisError:
            return False

    assert await eventually(kept, within_s=15)
    assert await eventually(lambda: tell("two"), within_s=15)
    with pytest.raises(RedisError):
        await wary.get("{s1}:c")
    await channels.close()
    await alone.aclose()
    await wary.aclose()


async def test_who_asks_a_master_in_the_moment_it_is_left_is_told_so(client: Valkey) -> None:
    await client.ping()
    assert isinstance(client, ClusterClient)
    asked = client.pipe.ask("GET", KEYS[0])
    await client.pipe.close()  # before the round has begun
    with pytest.raises(ValkeyGone):
        async with asyncio.timeout(2):
            await asked
