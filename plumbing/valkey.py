"""The pipe to Valkey: a client that never repeats a write by itself, a function library loader, and channels.

redis-py 8.1 repeats timed-out writes by default (one INCR was executed twice in measurement), hence ``NoBackoff, 0``.
Blocking readers and subscribers need a client without ``socket_timeout``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ValkeyGone
from redis.exceptions import RedisError, ResponseError

from plumbing.stopping import heed

Valkey: TypeAlias = Redis
__all__ = ["Channels", "RedisError", "Valkey", "ValkeyGone", "connect", "load_library"]

log = logging.getLogger("yangcai.valkey")
AGAIN_S = 0.1
PAYLOADS = ("message", "smessage")


def connect(url: str, *, timeout_s: float | None = 5.0, connections_max: int = 300) -> Valkey:
    """A client for ``url`` (``unix://`` or ``redis://``); nothing is sent yet. ``timeout_s`` None: blocking reads."""
    pool = BlockingConnectionPool.from_url(
        url,
        decode_responses=False,
        socket_timeout=timeout_s,
        socket_connect_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        max_connections=connections_max,
        timeout=timeout_s,
        legacy_responses=False,
    )
    client: Valkey = Redis.from_pool(pool)
    return client


async def load_library(valkey: Valkey, name: str, source: str) -> str:
    """Load a function library once and return its version, 8 hex digits of its text.

    ``@VERSION@`` in the source becomes the version, so that two releases run side by side; a library in use is never
    replaced. Raises RedisError when the text does not compile.
    """
    version = sha256(source.encode()).hexdigest()[:8]
    code = f"#!lua name={name}_{version}\n" + source.replace("@VERSION@", version)
    try:
        await valkey.function_load(code)
    except ResponseError as error:
        if "already exists" not in str(error):
            raise
    return version


Listener: TypeAlias = Callable[[bytes], Awaitable[None]]


class Channels:
    """Subscriptions of one process: one connection, one task, re-subscribed after every loss of the server."""

    def __init__(self, server: str | Valkey, *, sharded: bool = False) -> None:
        """``server``: its address, or a client without ``socket_timeout``; ``sharded``: as in a cluster."""
        self._client = connect(server, timeout_s=None) if isinstance(server, str) else server
        self._begin, self._end = ("ssubscribe", "sunsubscribe") if sharded else ("subscribe", "unsubscribe")
        self._pubsub: Any = self._client.pubsub()
        self._listeners: dict[str, Listener] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def listen(self, channel: str, listener: Listener) -> None:
        """Call ``listener`` with every payload on ``channel``. What was missed while away is not replayed."""
        self._listeners[channel] = listener
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="valkey-channels")
        with suppress(RedisError, OSError):
            await getattr(self._pubsub, self._begin)(channel)
        self._wake.set()

    async def forget(self, channel: str) -> None:
        """Stop listening to ``channel``."""
        self._listeners.pop(channel, None)
        with suppress(RedisError, OSError):
            await getattr(self._pubsub, self._end)(channel)

    async def _run(self) -> None:
        while True:
            heed()
            await self._wake.wait()
            self._wake.clear()
            try:
                if not self._listeners.keys() <= {name.decode() for name in self._subscribed()}:
                    await self._again()
                async for message in self._pubsub.listen():
                    await self._hand_out(message)
            except (RedisError, OSError) as error:
                log.warning("valkey channels lost: %s", error)
                await self._again()
                self._wake.set()

    def _subscribed(self) -> set[bytes]:
        return {*self._pubsub.channels, *self._pubsub.shard_channels}

    async def _hand_out(self, message: Any) -> None:
        listener = self._listeners.get(message["channel"].decode())
        if message["type"] not in PAYLOADS or listener is None:
            return
        try:
            await listener(message["data"])
        except (RedisError, OSError) as error:
            log.warning("what came on %s could not be served: %s", message["channel"].decode(), error)
        except Exception:
            log.exception("what came on %s broke its listener", message["channel"].decode())

    async def _again(self) -> None:
        """Subscribe anew to everything, as soon as the server is there."""
        while True:
            with suppress(RedisError, OSError):
                await self._pubsub.aclose()
            self._pubsub = self._client.pubsub()
            try:
                if self._listeners:
                    await getattr(self._pubsub, self._begin)(*self._listeners)
                return
            except (RedisError, OSError):
                await asyncio.sleep(AGAIN_S)
            heed()

    async def close(self) -> None:
        """End the task and the connection."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(RedisError, OSError):
            await self._pubsub.aclose()
            await self._client.aclose()
