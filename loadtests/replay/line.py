"""One supplier's line to the server: a WebSocket that comes back by itself and sends what is unanswered again.

A lost connection leaves the outcome of a bid unknown; the same request id sent again gets the first answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from loadtests.replay.tally import Tally

UNDER_WAY_MAX = 32
ANSWER_WAIT_S = 20.0
TRIES = 60
TRY_AGAIN_S = 0.25
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class LineLostError(Exception):
    """The server could not be reached again, or left a bid without an answer."""


class Line:
    """One authenticated socket. ``fetch_ticket`` gives a one-time ticket for each connection."""

    def __init__(self, url: str, origin: str, fetch_ticket: Callable[[], Awaitable[str]], tally: Tally) -> None:
        self._url, self._origin, self._fetch, self._tally = url, origin, fetch_ticket, tally
        self._pending: dict[str, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._room = asyncio.Semaphore(UNDER_WAY_MAX)
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def _connect(self) -> ClientConnection:
        for _ in range(TRIES):
            with suppress(OSError, InvalidHandshake, InvalidMessage, TimeoutError):
                address = f"{self._url}?ticket={await self._fetch()}"
                # Answers are small: no compression. A system proxy has no business on this path.
                return await connect(address, origin=self._origin, proxy=None, compression=None, max_queue=64)  # type: ignore[arg-type]
            await asyncio.sleep(TRY_AGAIN_S)
        raise LineLostError(f"{self._url}: no connection after {TRIES} tries")

    async def open(self) -> None:
        """Connect; from now on the line stays up by itself."""
        self._socket = await self._connect()
        self._tally.sockets += 1
        self._reader = asyncio.create_task(self._keep_up(self._socket))

    async def close(self) -> None:
        """Hang up."""
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
        if self._socket is not None:
            with suppress(ConnectionClosed, TimeoutError):
                await self._socket.close()

    async def _keep_up(self, socket: ClientConnection) -> None:
        try:
            while True:
                try:
                    async for message in socket:
                        self._heard(message)
                except ConnectionClosed:
                    pass
                self._socket = None
                self._tally.reconnects += 1
                socket = self._socket = await self._connect()
                for text, _ in list(self._pending.values()):
                    self._tally.resent += 1
                    with suppress(ConnectionClosed):
                        await socket.send(text)
        except Exception as error:
            for _, answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(LineLostError(str(error)))
            raise

    def _heard(self, message: str | bytes) -> None:
        said = _decode(message)
        if said.get("t") not in ("taken", "refused"):
            return
        waiting = self._pending.get(said["id"])
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(said)

    async def bid(self, lot: str, request_id: str, price: int) -> dict[str, Any]:
        """Send one bid and wait for its answer; the id is sent again when the line broke or nothing came.

        The time from sending to the answer goes into the tally.
        """
        text = _encode({"t": "bid", "lot": lot, "id": request_id, "price": price}).decode()
        async with self._room:
            answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._pending[request_id] = text, answer
            began = asyncio.get_running_loop().time()
            try:
                said = await self._send_until_answered(text, answer)
                self._tally.answer_ms.append((asyncio.get_running_loop().time() - began) * 1000)
                return said
            finally:
                del self._pending[request_id]

    async def _send_until_answered(self, text: str, answer: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
        for attempt in range(TRIES):
            if self._reader is None or self._reader.done():
                raise LineLostError("the line is down")
            self._tally.resent += attempt > 0
            if self._socket is not None:
                with suppress(ConnectionClosed):
                    await self._socket.send(text)
            done, _ = await asyncio.wait({answer}, timeout=ANSWER_WAIT_S)
            if done:
                return answer.result()
        raise LineLostError("a bid was left without an answer")
