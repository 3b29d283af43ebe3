"""Questions that come together are asked together: one query for a crowd, none remembered beyond its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
AT_ONCE_MAX = 256


class Gather(Generic[K, V]):
    """``await gather(key)``: what ``ask`` finds for the key, None for one it does not name.

    Keys of one turn of the loop, and those that come while a question is under way, share the next one, of at most
    ``AT_ONCE_MAX``. Nobody is given an answer to a question asked before his own. What ``ask`` raises, every
    one of its askers hears.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._ask = ask
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, key: K) -> V | None:
        """The answer for one key."""
        answer = self._waiting.get(key)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._waiting[key] = loop.create_future()
            if len(self._waiting) == 1:
                loop.call_soon(self._go)
        return await asyncio.shield(answer)  # one of many who wait may leave

    def _go(self) -> None:
        """Ask what waits, unless a question is under way."""
        if self._waiting and self._asking is None:
            some = {key: self._waiting.pop(key) for key in list(islice(self._waiting, AT_ONCE_MAX))}
            # in a context of its own: what it logs is of no single asker
            self._asking = asyncio.get_running_loop().create_task(self._answer(some), context=Context())
            self._asking.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        self._go()

    async def _answer(self, some: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._ask(list(some))
        except Exception as error:
            for answer in some.values():
                answer.set_exception(error)
                answer.exception()  # read here: nobody may wait for it any more
        except asyncio.CancelledError:
            for answer in some.values():
                answer.cancel()
            raise
        else:
            for key, answer in some.items():
                answer.set_result(found.get(key))
