"""The live count 待办数: every open page of a person hears how much waits for him, within a second of its change.

One question to Postgres for everyone in this process, after a notice of channel ``todo``; and every 20 s for what time
alone brings (a step overdue, a substitute's turn).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection

from accounts import sessions
from accounts.model import Actor
from accounts.todo import waiting
from plumbing import logs
from plumbing.clock import Clock
from plumbing.faults import BROKEN_PIPES
from plumbing.postgres import Pool
from plumbing.sockets.doors import Dismissal, Line

AT_MOST_EVERY_S = 0.4
AT_LEAST_EVERY_S = 20.0

log = logs.get(__name__)
_encode = msgspec.json.Encoder().encode


class Count(msgspec.Struct, tag_field="t", tag="todo", frozen=True):
    """How much waits, and how much of it is overdue."""

    count: int
    late: int


class Counting:
    """Everyone in this process whose page shows the count. ``run`` until cancelled."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._listeners: dict[UUID, set[Listener]] = {}
        self._told: dict[UUID, tuple[int, int]] = {}
        self._woken = asyncio.Event()

    def enter(self, listener: Listener) -> None:
        """A page is open; it hears the count as soon as it is known."""
        self._listeners.setdefault(listener.actor.user_id, set()).add(listener)
        self._told.pop(listener.actor.user_id, None)
        self._woken.set()

    def leave(self, listener: Listener) -> None:
        """It is closed."""
        person = listener.actor.user_id
        others = self._listeners.get(person, set())
        others.discard(listener)
        if not others:
            self._listeners.pop(person, None)
            self._told.pop(person, None)

    def heard(self, _text: str) -> None:
        """A notice of Postgres: any count may be another."""
        self._woken.set()

    async def run(self) -> None:
        """Tell everyone whose count has changed, again and again."""
        while True:
            try:
                async with asyncio.timeout(AT_LEAST_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self.tell()
            except BROKEN_PIPES as error:
                log.warning("todo.waits", error=type(error).__name__)
                self._woken.set()
            await asyncio.sleep(AT_MOST_EVERY_S)

    async def tell(self) -> None:
        """Ask once for all, and tell those whose count is another than they were told."""
        if not self._listeners:
            return
        for person, count in (await waiting.counts_of(self._pool, list(self._listeners), self._clock.now_ms())).items():
            if self._told.get(person) != count:
                self._told[person] = count
                for listener in self._listeners.get(person, ()):
                    listener.line.say(_encode(Count(*count)))


class Listener:
    """One open page. It hears; what it says is ignored."""

    bidding = False
    """It keeps no session alive."""

    def __init__(self, state: Any, actor: Actor) -> None:
        self.state, self.actor = state, actor
        self.line: Line

    def greet(self, line: Line) -> None:
        """The socket is open."""
        self.line = line
        self.state.presence.enter(self)
        self.state.counting.enter(self)

    def hear(self, message: bytes) -> Coroutine[Any, Any, None] | None:
        """Nothing is asked of this door."""
        return None

    async def sit_anew(self, actor: Actor) -> None:
        """His rights are others: so may be what waits."""
        self.state.counting.leave(self)
        self.actor = actor
        self.state.counting.enter(self)

    def dismiss(self) -> None:
        """The session is over."""
        self.line.close(4401, "session")

    def left(self) -> None:
        """The socket is gone."""
        self.state.counting.leave(self)
        self.state.presence.leave(self)


async def enter(conn: HTTPConnection) -> Listener | Dismissal:
    """``/ws/todo``: by cookie. 4401: nobody is signed in; 1013: Postgres is away, come back."""
    try:
        actor = await sessions.actor(conn)
    except BROKEN_PIPES:
        return Dismissal(1013, "unavailable")
    if actor is None:
        return Dismissal(4401, "session")
    lobby: Any = conn.state.lobby
    return Listener(lobby, actor)


DOORS = {"/ws/todo": enter}
