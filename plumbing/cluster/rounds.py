"""One master of the cluster: what is asked of it goes in rounds, and a round's answers are given out when they stand.

Each round ends with a small write and WAITAOF on the same connection: then everything the round's answers follow from,
whoever wrote it, is on disk on every copy. A repeat, a refusal, a read is held back like a bid.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hiredis
from redis.exceptions import AskError, ClusterDownError, ReadOnlyError, RedisError, ResponseError, TryAgainError

from plumbing.clock import elapsed_s
from plumbing.cluster.view import Address, Shard, replicated, stands
from plumbing.pipe import PENDING_MAX, Line, Part, Pipe, Waiter
from plumbing.valkey import Valkey, ValkeyGone

LINE_MAX_S, WAIT_MS, PROD_S, TROUBLED_S, GIVE_UP_S, LOOK_AGAIN_S = 2.0, 100, 0.004, 0.2, 2.5, 0.02
LEASE_S = 3.0
"""How old a master's word on who is of its shard may be."""
ELSEWHERE = (AskError, ClusterDownError, ReadOnlyError, TryAgainError)
"""A node that does not have the key, or not now: nothing was done."""


log = logging.getLogger("yangcai.cluster")


class Rounds:
    """What this process asks of one master; ``node``: a second way to it. ``troubled`` is called when a round waits."""

    def __init__(self, valkey: Valkey, node: Pipe, copies_min: int, troubled: Callable[[], None]) -> None:
        self.shard = Shard(frozenset(), "", 0.0)
        self.silent: dict[Address, tuple[float, int]] = {}
        """Members that hold rounds up: since when (s), and how far the master was then."""
        self._pool, self._node, self._copies_min, self._troubled = valkey.connection_pool, node, copies_min, troubled
        self._line: Line | None = None
        self._number = 0
        self._waiting: list[tuple[tuple[Part, ...], Waiter | None]] = []
        self._task: asyncio.Task[None] | None = None
        self._expected, self._closed = 0, False

    def send(self, parts: tuple[Part, ...], waiter: Waiter | None) -> None:
        """Put a command into the next round; ``waiter`` gets its answer."""
        if self._closed or len(self._waiting) >= PENDING_MAX:
            refuse(waiter, ValkeyGone("the master has changed" if self._closed else "too many commands wait"))
            return
        self._waiting.append((parts, waiter))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._carry(), name="valkey-rounds")

    async def _carry(self) -> None:
        """One round after the other, each with all that was asked meanwhile."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._round(batch)
        finally:
            self._task = None
            self._give_up(self._waiting, ValkeyGone("the connection was closed"))
            self._waiting = []

    async def _round(self, batch: list[tuple[tuple[Part, ...], Waiter | None]]) -> None:
        try:
            line = await self._line_now()
            *answers, mark = await _say(line, [*(parts for parts, _ in batch), ("SET", self.shard.mark, "1")])
            if isinstance(mark, Exception):
                raise ValkeyGone(f"nothing can be written: {mark}")
            await self._committed(line)
        except Exception as error:  # whatever it was, nobody is left waiting
            if not isinstance(error, RedisError | OSError):
                log.exception("a round broke")
            self._troubled()
            self._give_up(batch, error)
        except asyncio.CancelledError:
            self._give_up(batch, ValkeyGone("the master has changed"))
            raise
        else:
            self._hand_out(batch, answers)

    async def _committed(self, line: Line) -> None:
        """Wait until what this connection wrote is on every copy; raises ``ValkeyGone`` when that takes too long.

        WAITAOF counts only what its own connection wrote: the same line as before, or none.

        Asked only now, since a replica asked together with the write answers before it has synced, and after that only
        once a second by itself. The same happens to one that was busy: so the master is prodded to ask it again.
        """
        began_s = elapsed_s()
        while self._copies_min:
            wanted = max(len(self.shard.members), self._expected)
            prod = asyncio.get_running_loop().call_later(PROD_S, self._prod, line)
            waited, role = await _say(line, [("WAITAOF", 1, wanted, WAIT_MS), ("ROLE",)])
            prod.cancel()
            if self._stands(waited, role):
                return
            if elapsed_s() - began_s > TROUBLED_S:
                self._troubled()
            if elapsed_s() - began_s > GIVE_UP_S:
                raise ValkeyGone("not on every copy")
            if not isinstance(waited, Exception) and waited[1] >= wanted:
                await asyncio.sleep(LOOK_AGAIN_S)  # it did not wait: another is missing

    def _hand_out(self, batch: Sequence[tuple[Any, Waiter | None]], answers: Sequence[Any]) -> None:
        for (_, waiter), answer in zip(batch, answers, strict=True):
            if isinstance(answer, ELSEWHERE):
                self._troubled()
                refuse(waiter, ValkeyGone(f"asked elsewhere: {answer}"))
            elif isinstance(answer, Exception):
                refuse(waiter, answer)
            elif waiter is not None and not waiter.done():
                with _heard():
                    waiter.set_result(answer)

    def _give_up(self, batch: Sequence[tuple[Any, Waiter | None]], error: Exception) -> None:
        for _, waiter in batch:
            refuse(waiter, error)

    async def _line_now(self) -> Line:
        if self._line is None or self._line.lost:
            line = self._line = Line(self._pool, LINE_MAX_S)
            (self._number,) = await _say(line, [("CLIENT", "ID")])
        return self._line

    def _prod(self, line: Line) -> None:
        """End a wait: the next one has the master ask its replicas again."""
        if not line.lost:
            self._node.tell("CLIENT", "UNBLOCK", self._number)

    def _stands(self, waited: Any, role: Any) -> bool:
        found = replicated(role)
        self._expected = len(found or ())
        fresh = elapsed_s() - self.shard.told_at < LEASE_S
        if fresh and stands(self.shard, waited, role, self._copies_min):
            self.silent.clear()
            return True
        if found is not None:
            self._listen(found, int(role[1]))
        return False

    def _listen(self, offsets: dict[Address, int], reached: int) -> None:
        """Note which members hold rounds up: those that since the first such round have not come to where it ended."""
        now_s, before = elapsed_s(), self.silent
        behind = {one for one in self.shard.members if offsets.get(one, -1) < before.get(one, (0.0, reached))[1]}
        self.silent = {one: before.get(one, (now_s, reached)) for one in behind}

    def close(self) -> None:
        """Hang up; what is not answered is unknown."""
        self._closed = True
        waiting, self._waiting = self._waiting, []
        self._give_up(waiting, ValkeyGone("the master has changed"))  # a task cancelled before it began tells nobody
        if self._task is not None:
            self._task.cancel()
        if self._line is not None:
            self._line.drop(ValkeyGone("the connection was closed"))


def refuse(waiter: Waiter | None, error: Exception) -> None:
    """Tell who waits that there is no answer."""
    if waiter is not None and not waiter.done():
        with _heard():
            waiter.set_exception(error)


@contextmanager
def _heard() -> Iterator[None]:
    """One who breaks on his answer keeps nobody else from his."""
    try:
        yield
    except Exception:
        log.exception("an answer of Valkey broke who waited for it")


async def _say(line: Line, commands: Sequence[tuple[Part, ...]]) -> list[Any]:
    """Send commands; all answers, errors among them. Raises ``ValkeyGone`` when the connection is lost."""
    if line.lost:
        raise ValkeyGone("the connection was lost")
    answers = _Answers(len(commands))
    for command in commands:
        line.send(hiredis.pack_command(command), answers)  # type: ignore[arg-type]
    return await answers.all


class _Answers:
    """The answers to the commands of a round, errors among them; a lost connection ends it."""

    def __init__(self, count: int) -> None:
        self.all: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._count, self._answers = count, list[Any]()

    def done(self) -> bool:
        """Whether nothing is waited for any more."""
        return self.all.done()

    def set_result(self, answer: Any) -> None:
        """The next answer."""
        self._answers.append(answer)
        if len(self._answers) == self._count:
            self.all.set_result(self._answers)

    def set_exception(self, error: Exception) -> None:
        """The next answer is an error; one of the connection itself is the last."""
        if isinstance(error, ResponseError):
            self.set_result(error)
        else:
            self.all.set_exception(error)
