"""Channels of the live store outlive the store: what is published after its return is heard again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from plumbing import valkey
from plumbing.engines import Places, ValkeyEngine
from plumbing.valkey import Channels
from tests.support import eventually


@pytest_asyncio.fixture
async def engine(short_tmp: Path) -> AsyncIterator[ValkeyEngine]:
    """A Valkey that nobody starts again by himself."""
    yield ValkeyEngine(Places(short_tmp / "channels"))


async def test_after_a_long_absence_of_the_store_old_and_new_channels_are_heard(engine: ValkeyEngine) -> None:
    child = await engine.start()
    await eventually(engine.ready)
    client, channels = valkey.connect(engine.url), Channels(engine.url)
    heard: dict[str, list[bytes]] = {"old": [], "new": []}

    async def hear(name: str, body: bytes) -> None:
        heard[name].append(body)

    async def comes(name: str, body: bytes) -> bool:
        await client.publish(name, body)
        return body in heard[name]

    await channels.listen("old", lambda body: hear("old", body))
    await eventually(lambda: comes("old", b"before"))
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    await channels.listen("new", lambda body: hear("new", body))
    await asyncio.sleep(0.5)  # the fault itself: longer than the first tries to subscribe again
    child = await engine.start()
    await eventually(engine.ready)
    await eventually(lambda: comes("old", b"after"))
    await eventually(lambda: comes("new", b"after"))
    await channels.close()
    await client.aclose()
    await child.stop()


async def test_a_listener_that_breaks_does_not_silence_the_others(
    valkey_url: str, valkey_client: valkey.Valkey
) -> None:
    channels, heard = Channels(valkey_url), []

    async def break_down(body: bytes) -> None:
        raise ValueError(body)

    async def hear(body: bytes) -> None:
        heard.append(body)

    await channels.listen("breaks", break_down)
    await channels.listen("hears", hear)
    await valkey_client.publish("breaks", b"x")
    await valkey_client.publish("hears", b"y")
    await eventually(lambda: heard == [b"y"])
    await channels.close()


async def test_when_the_last_channel_is_forgotten_a_new_one_is_heard(
    valkey_url: str, valkey_client: valkey.Valkey
) -> None:
    channels, heard = Channels(valkey_url), []

    async def hear(body: bytes) -> None:
        heard.append(body)

    async def comes() -> bool:
        await valkey_client.publish("second", b"z")
        return bool(heard)

    await channels.listen("first", hear)
    await channels.forget("first")
    await channels.listen("second", hear)
    await eventually(comes)
    await channels.close()
