"""The pipelined connection to Valkey, for what is asked often: answers matched first in, first out.

A pool costs a system call and a turn of the server's loop per question; here all questions of one turn of our loop
leave in one write. Nothing is ever asked twice: when the connection is lost, what was not answered is *unknown* and
raises ``ValkeyGone``; the next question connects anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

import hiredis
from redis.asyncio.connection import DefaultParser
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as ValkeySilent

from plumbing.clock import elapsed_s
from plumbing.valkey import Valkey, ValkeyGone

PENDING_MAX = 20_000
log = logging.getLogger("yangcai.valkey")
Part: TypeAlias = str | bytes | int


class Pipe:
    """One connection with the address, credentials and encryption of ``valkey``; made when first asked.

    ``timeout_s``: how long the oldest question may wait before the server counts as gone.
    """

    def __init__(self, valkey: Valkey, *, timeout_s: float = 5.0) -> None:
        self._pool, self._timeout_s = valkey.connection_pool, timeout_s
        self._line: Line | None = None

    def ask(self, *parts: Part) -> asyncio.Future[Any]:
        """Send one command; its answer to come.

        The future raises what the client library raises: ``ResponseError`` for an error the server answered,
        ``ValkeyGone`` or ``ValkeySilent`` when the answer is lost with the connection (the outcome is then unknown).
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._send(parts, future)
        return future

    def tell(self, *parts: Part) -> None:
        """Send one command, in order with the others, whose answer nobody needs."""
        self._send(parts, None)

    def call(self, waiter: Waiter, *parts: Part) -> None:
        """Send one command; ``waiter`` is told the answer as soon as it is read, in the same turn of the loop."""
        self._send(parts, waiter)

    def flush(self) -> None:
        """Write what was said so far, rather than at the end of this turn of the loop."""
        if self._line is not None:
            self._line.flush()

    async def ask_all(self, commands: Iterable[tuple[Part, ...]]) -> list[Any]:
        """Send many commands together; their answers in order. Raises what the first one that failed raised."""
        every = _Every(tuple(commands))
        for command in every.commands:
            self._send(command, every)
        return await every.answered if every.commands else []

    def _send(self, parts: tuple[Part, ...], waiter: Waiter | None) -> None:
        if self._line is None or self._line.lost:
            self._line = Line(self._pool, self._timeout_s)
        self._line.send(hiredis.pack_command(parts), waiter)  # type: ignore[arg-type]

    async def close(self) -> None:
        """Hang up; what is not answered yet raises ``ValkeyGone``."""
        if self._line is not None:
            await self._line.close()


class Waiter(Protocol):
    """Who is told an answer; a future is one."""

    def done(self) -> bool:
        """Whether no answer is waited for any more."""

    def set_result(self, answer: Any, /) -> None:
        """The answer."""

    def set_exception(self, error: Exception, /) -> None:
        """An error the server answered, or what became of the connection."""


class _Every:
    """Waits for the answers to many commands as one: a future for each would cost more than its command."""

    def __init__(self, commands: tuple[tuple[Part, ...], ...]) -> None:
        self.commands = commands
        self.answered: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._answers: list[Any] = []
        self._error: Exception | None = None

    def done(self) -> bool:
        """Whether no answer is waited for any more."""
        return self.answered.done()

    def set_result(self, answer: Any) -> None:
        """The next answer."""
        self._answers.append(answer)
        if len(self._answers) == len(self.commands):
            if self._error is None:
                self.answered.set_result(self._answers)
            else:
                self.answered.set_exception(self._error)

    def set_exception(self, error: Exception) -> None:
        """The next answer is an error; the first one is told when all have come."""
        self._error = self._error or error
        self.set_result(None)


class Line(asyncio.Protocol):
    """The life of one connection, from its making to its loss; it never comes back."""

    def __init__(self, pool: Any, timeout_s: float) -> None:
        self.lost = False
        self._loop, self._timeout_s = asyncio.get_running_loop(), timeout_s
        self._pending: deque[tuple[Waiter | None, float]] = deque()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reader = hiredis.Reader(protocolError=ValkeyGone, replyError=DefaultParser.parse_error)
        # The client library knows how to reach a server, encrypt and log in; dropped, its connection would hang up.
        self._connection = pool.make_connection()
        self._connecting = self._loop.create_task(self._connect(), name="valkey-pipe")

    async def _connect(self) -> None:
        try:
            await self._connection.connect()
            if self.lost:  # given up meanwhile
                self._connection._close()
                return
            self._transport = self._connection._writer.transport
            self._transport.set_protocol(self)
            self.flush()
        except (RedisError, OSError) as error:
            self.drop(error)
        except asyncio.CancelledError:
            self.drop(ValkeyGone("the pipe was closed"))
            raise

    def send(self, packed: bytes, waiter: Waiter | None) -> None:
        """Put a command in line; ``waiter`` gets its answer."""
        if len(self._pending) >= PENDING_MAX:
            if waiter is not None:
                waiter.set_exception(ValkeyGone(f"{PENDING_MAX} commands wait for Valkey already"))
            return
        self._pending.append((waiter, elapsed_s()))
        if not self._out and self._transport is not None:
            self._loop.call_soon(self.flush)
        self._out.append(packed)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._check)

    def flush(self) -> None:
        """Everything that was said since the last time, in one write."""
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def data_received(self, data: bytes) -> None:
        """Hand out the answers, in the order of the questions."""
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                self._hand_out(answer)
        except (ValkeyGone, IndexError) as error:
            self.drop(ValkeyGone(f"Valkey does not keep to its protocol: {error}"))

    def _hand_out(self, answer: Any) -> None:
        if isinstance(answer, hiredis.PushNotification):
            return
        waiter, _ = self._pending.popleft()
        if waiter is None or waiter.done():
            return
        try:
            if isinstance(answer, Exception):
                waiter.set_exception(answer)
            else:
                waiter.set_result(answer)
        except Exception:
            log.exception("an answer of Valkey broke who waited for it")

    def _check(self) -> None:
        """Give the server up when its oldest question has waited too long."""
        self._timer = None
        if not self._pending:
            return
        left_s = self._pending[0][1] + self._timeout_s - elapsed_s()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check)
        else:
            self.drop(ValkeySilent(f"Valkey did not answer within {self._timeout_s} s"))

    def eof_received(self) -> None:
        """The server hung up; the transport then closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.drop(ValkeyGone(f"Valkey hung up: {exc or 'end of stream'}"))

    def drop(self, error: Exception) -> None:
        """Hang up; what is not answered gets ``error``."""
        self.lost = True
        pending, self._pending = self._pending, deque()
        for waiter, _ in pending:
            if waiter is not None and not waiter.done():
                waiter.set_exception(error)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()
        self._connection._close()

    async def close(self) -> None:
        """Hang up and wait until it is done."""
        self._connecting.cancel()
        await asyncio.gather(self._connecting, return_exceptions=True)
        self.drop(ValkeyGone("the pipe was closed"))
