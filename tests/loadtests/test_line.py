"""A supplier's line against a server that breaks it: nothing is lost, nothing is sent under a new id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from loadtests.replay.line import Line
from loadtests.replay.tally import Tally

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def a_line(handler: Handler) -> AsyncIterator[tuple[Line, Tally, list[str]]]:
    """A line to a server that behaves as ``handler`` says; the tickets it fetched."""
    tally = Tally([], {})
    tickets: list[str] = []

    async def fetch() -> str:
        tickets.append(f"t{len(tickets)}")
        return tickets[-1]

    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        line = Line(f"ws://127.0.0.1:{port}/ws", f"http://127.0.0.1:{port}", fetch, tally)
        await line.open()
        try:
            yield line, tally, tickets
        finally:
            await line.close()


def taken(message: dict[str, object]) -> str:
    return json.dumps({"t": "taken", "id": message["id"], "lot": message["lot"], "at": 1, "price": message["price"]})


async def test_answers_are_matched_by_id_whatever_their_order() -> None:
    async def handler(socket: ServerConnection) -> None:
        heard = [json.loads(await socket.recv()) for _ in range(2)]
        await socket.send('{"t":"welcome","at":1,"who":"supplier"}')
        for message in reversed(heard):
            await socket.send(taken(message))

    async with a_line(handler) as (line, _, _):
        first, second = await asyncio.gather(line.bid("L", "id-one-1", 10), line.bid("L", "id-two-2", 20))
        assert (first["price"], second["price"]) == (10, 20)


async def test_a_broken_line_comes_back_with_a_new_ticket_and_sends_the_same_id_again() -> None:
    heard: list[dict[str, object]] = []
    paths: list[str] = []

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        paths.append(socket.request.path)
        async for text in socket:
            heard.append(json.loads(text))
            if len(heard) == 1:
                socket.transport.abort()
            else:
                await socket.send(taken(heard[-1]))

    async with a_line(handler) as (line, tally, tickets):
        answer = await line.bid("L", "id-one-1", 10)
        assert answer["t"] == "taken"
        assert [message["id"] for message in heard] == ["id-one-1", "id-one-1"]
        assert paths == ["/ws?ticket=t0", "/ws?ticket=t1"]
        assert (tally.reconnects, tally.resent, tickets) == (1, 1, ["t0", "t1"])


async def test_a_bid_left_without_an_answer_is_sent_again_on_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.replay.line.ANSWER_WAIT_S", 0.05)
    heard: list[str] = []

    async def handler(socket: ServerConnection) -> None:
        async for text in socket:
            heard.append(json.loads(text)["id"])
            if len(heard) == 2:
                await socket.send(taken(json.loads(text)))

    async with a_line(handler) as (line, tally, _):
        await line.bid("L", "id-one-1", 10)
        assert heard == ["id-one-1", "id-one-1"]
        assert (tally.resent, tally.reconnects) == (1, 0)
