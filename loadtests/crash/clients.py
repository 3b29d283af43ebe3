"""Real clients: suppliers who bid without pause, repeat what got no answer, send things twice; a host who watches."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from loadtests.bench.clients import merged
from loadtests.bench.product import ProductError
from loadtests.crash.checker import OF_THE_MOMENT
from loadtests.crash.history import TAKEN, Ask, History

BROKEN = (OSError, WebSocketException, TimeoutError, ProductError)
ANSWER_WITHIN_S, AGAIN_S, PAUSE_S = 8.0, 0.05, 0.002
TWICE, ELSEWHERE_TOO, OLD_AGAIN = 0.08, 0.04, 0.08  # shares of bids sent so
STEP = 100

Enter = Callable[[], Awaitable[ClientConnection]]


class Line:
    """One socket and the bids on it that wait for their answers."""

    def __init__(self, socket: ClientConnection, history: History) -> None:
        self._socket, self._history = socket, history
        self._waiting: dict[str, deque[tuple[Ask, asyncio.Future[Ask]]]] = defaultdict(deque)
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(*BROKEN):
            async for text in self._socket:
                frame = json.loads(text)
                if frame["t"] in ("taken", "refused") and self._waiting[frame["id"]]:
                    ask, future = self._waiting[frame["id"]].popleft()
                    self._history.answer(ask, frame)
                    if not future.done():
                        future.set_result(ask)
        for _, future in (pair for queue in self._waiting.values() for pair in queue):
            if not future.done():
                future.set_exception(ConnectionError("the socket ended"))
                future.exception()  # read here: nobody may wait for it any more

    def send(self, lot_id: UUID, who: str, rid: str, price: int) -> asyncio.Future[Ask]:
        """Send a bid; what comes of it. The future fails when the socket ends."""
        future: asyncio.Future[Ask] = asyncio.get_running_loop().create_future()
        if self._task.done():
            raise ConnectionError("the socket ended")
        ask = self._history.ask(who, rid, price)
        self._waiting[rid].append((ask, future))
        message = json.dumps({"t": "bid", "lot": str(lot_id), "id": rid, "price": price}).encode()
        asyncio.get_running_loop().create_task(self._write(message, future))
        return future

    async def _write(self, message: bytes, future: asyncio.Future[Ask]) -> None:
        try:
            await self._socket.send(message.decode())
        except BROKEN as error:
            if not future.done():
                future.set_exception(error)
                future.exception()

    async def close(self) -> None:
        """Hang up, without waiting for a server that may be gone."""
        self._task.cancel()
        self._socket.transport.abort()
        await asyncio.gather(self._task, return_exceptions=True)


class Bidder:
    """One supplier in one lot."""

    def __init__(
        self, lot_id: UUID, alias: str, price: int, enter: Enter, history: History, dice: random.Random
    ) -> None:
        self.lot_id, self.alias, self.price = lot_id, alias, price
        self._enter, self._history, self._dice = enter, history, dice
        self._lines: list[Line | None] = [None, None]
        self._old: list[tuple[str, int]] = []
        self._serial = 0
        self.taken: list[tuple[float, float]] = []  # first sending and answer of each bid taken, the loop's seconds
        self.refused: set[str] = set()
        self.going = True

    async def run(self) -> None:
        """Bid until told to stop or the lot is closed; every bid begun is brought to its answer."""
        try:
            with suppress(*BROKEN):
                await self._line(1)  # while tickets are to be had
            while self.going:
                await self._one()
                await asyncio.sleep(PAUSE_S)
        finally:
            for place in range(len(self._lines)):
                await self._drop(place)

    async def _one(self) -> None:
        self.price -= STEP
        self._serial += 1
        rid, sent_s, fate = f"{self.alias}-{self._serial:08d}", asyncio.get_running_loop().time(), self._dice.random()
        ask = await self._until_answered(rid, fate)
        if ask.code == TAKEN:
            self.taken.append((sent_s, asyncio.get_running_loop().time()))
            self._old.append((rid, self.price))
        else:
            self.refused.add(ask.code)
            self.going = self.going and ask.code != "LOT_CLOSED"

    async def _until_answered(self, rid: str, fate: float) -> Ask:
        """The answer, however long it takes; sent once, or twice, or over both sockets, or after an older bid again."""
        while True:
            try:
                line = await self._line(0)
                if fate < TWICE:
                    line.send(self.lot_id, self.alias, rid, self.price)
                elif fate < TWICE + ELSEWHERE_TOO:
                    await self._elsewhere(rid)
                elif fate < TWICE + ELSEWHERE_TOO + OLD_AGAIN and self._old:
                    line.send(self.lot_id, self.alias, *self._dice.choice(self._old))
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    ask = await line.send(self.lot_id, self.alias, rid, self.price)
            except BROKEN:
                await self._drop(0)
                await self._drop(1)
            else:
                if ask.code not in OF_THE_MOMENT:
                    return ask
                self.refused.add(ask.code)
            await asyncio.sleep(AGAIN_S)

    async def _elsewhere(self, rid: str) -> None:
        """Send the bid over the other socket too, where there is one to be had."""
        try:
            (await self._line(1)).send(self.lot_id, self.alias, rid, self.price)
        except BROKEN:
            await self._drop(1)

    async def _line(self, place: int) -> Line:
        line = self._lines[place]
        if line is None:
            line = self._lines[place] = Line(await self._enter(), self._history)
        return line

    async def _drop(self, place: int) -> None:
        line, self._lines[place] = self._lines[place], None
        if line is not None:
            await line.close()

    async def ask_old_again(self, at_most: int) -> bool:
        """Send some bids again that were taken, after everything is over; their answers go into the history.

        False when no answer came: the parts may still be on their way back.
        """
        try:
            line = Line(await self._enter(), self._history)
        except BROKEN:
            return False
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                for rid, price in self._dice.sample(self._old, min(at_most, len(self._old))):
                    await line.send(self.lot_id, self.alias, rid, price)
        except BROKEN:
            return False
        finally:
            await line.close()
        return True


async def watch(lot_id: UUID, enter: Enter, history: History) -> None:
    """Follow the lot as its host, for ever; every view shown goes into the history."""
    while True:
        with suppress(*BROKEN):
            socket = await enter()
            view: dict[str, Any] = {}
            try:
                await socket.send(json.dumps({"t": "watch", "lot": str(lot_id)}))
                async for text in socket:
                    frame: dict[str, Any] = json.loads(text)
                    if frame["t"] in ("snapshot", "delta"):
                        view = frame["view"] if frame["t"] == "snapshot" else merged(view, frame["patch"])
                        history.show(view)
            finally:
                socket.transport.abort()
        await asyncio.sleep(AGAIN_S)
