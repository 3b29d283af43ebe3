"""Fan-out to slow and fast readers alike: bytes only, every queue bounded, nobody waits for the slowest.

A reader that falls behind on a stream loses its intermediate frames and gets one fresh frame when it catches up; one
that does not even read its answers is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from plumbing import metrics
from plumbing.sockets.frames import Frame

FRAMES_PENDING_MAX = 16
ANSWERS_PENDING_MAX = 512
SLICE = 64
"""Readers written to before the loop turns to whatever else is waiting, answers to bids above all."""

log = logging.getLogger("yangcai.hub")
Renew: TypeAlias = Callable[[Any], bytes]
"""Gives a reader that fell behind the one frame that brings it to where its stream stands."""


class Reader(Protocol):
    """Who may stand in an audience: a live socket, or an ``Outbox``."""

    def stream(self, key: Hashable, frame: Frame, renew: Renew) -> None:
        """A frame of the stream ``key``; a reader that cannot take it asks ``renew`` for one when it can again."""

    def forget(self, key: Hashable) -> None:
        """Nothing more of the stream ``key``."""


class Delivery:
    """One frame on its way to the readers of an audience."""

    __slots__ = ("_at", "_frame", "_k", "_key", "_readers", "_renew", "_shown")

    def __init__(self, key: Hashable, frame: Frame, k: int, shown: Mapping[Any, int], renew: Renew) -> None:
        """Frame ``k`` of the stream ``key`` for those in ``shown``, which says what whole view each was given last.

        Who leaves meanwhile, or is given a whole view of ``k`` or later, is passed over.
        """
        self._key, self._frame, self._k, self._shown, self._renew = key, frame, k, shown, renew
        self._readers: list[Reader] = list(shown)
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether everyone has it."""
        return self._at >= len(self._readers)

    def go_on(self, most: int) -> int:
        """Deliver to the next ``most`` readers; to how many there were."""
        key, frame, k, renew = self._key, self._frame, self._k, self._renew
        last_shown = self._shown.get
        readers = self._readers[self._at : self._at + most]
        self._at += len(readers)
        for reader in readers:
            if last_shown(reader, k) < k:
                try:
                    reader.stream(key, frame, renew)
                except Exception:
                    log.exception("a reader broke")
        return len(readers)


class Fan:
    """Deliveries to many, ``SLICE`` readers at a turn of the loop: the first slice at once, one after the other."""

    def __init__(self) -> None:
        self._waiting: deque[Delivery] = deque()
        self._turning = False

    def spread(self, deliveries: Iterable[Delivery]) -> None:
        """Deliver after what waits already."""
        self._waiting.extend(deliveries)
        if not self._turning:
            self._turn()

    def _turn(self) -> None:
        left = SLICE
        while self._waiting and left:
            left -= self._waiting[0].go_on(left)
            if self._waiting[0].done:
                self._waiting.popleft()
        metrics.FRAMES.count(times=SLICE - left)
        self._turning = bool(self._waiting)
        if self._turning:
            asyncio.get_running_loop().call_soon(self._turn)


class Outbox:
    """What waits to be written to an event stream. One writer takes, anyone puts; nothing here ever blocks."""

    __slots__ = ("_frames", "_ready", "_stale", "_streamed", "closed")

    def __init__(self) -> None:
        self._frames: deque[tuple[Hashable | None, bytes]] = deque()
        self._stale: dict[Hashable, Renew] = {}
        self._streamed = 0
        self._ready = asyncio.Event()
        self.closed = False

    def say(self, text: bytes) -> None:
        """A frame that must arrive: an answer to this client. Past the bound the connection is given up."""
        if len(self._frames) - self._streamed >= ANSWERS_PENDING_MAX:
            metrics.SLOW_READERS.inc()
            self.close()
            return
        self._frames.append((None, text))
        self._ready.set()

    def stream(self, key: Hashable, frame: Frame, renew: Renew) -> None:
        """A frame of the stream ``key``; when too many wait, ``renew`` is asked for one once the reader is back."""
        if key in self._stale:
            return
        if self._streamed >= FRAMES_PENDING_MAX:
            self._frames = deque(item for item in self._frames if item[0] != key)
            self._streamed = sum(1 for item in self._frames if item[0] is not None)
            self._stale[key] = renew
        else:
            self._frames.append((key, frame.text))
            self._streamed += 1
        self._ready.set()

    def forget(self, key: Hashable) -> None:
        """Nothing more of the stream ``key``."""
        self._stale.pop(key, None)
        self._frames = deque(item for item in self._frames if item[0] != key)
        self._streamed = sum(1 for item in self._frames if item[0] is not None)

    def close(self, code: int = 0, reason: str = "") -> None:
        """Give the connection up: ``take`` returns None. A stream of events has no word for why."""
        self.closed = True
        self._ready.set()

    async def take(self) -> bytes | None:
        """The next frame to write; None when the connection is to be closed."""
        while not self.closed:
            if self._frames:
                key, text = self._frames.popleft()
                if key is not None:
                    self._streamed -= 1
                return text
            if self._stale:
                key, renew = self._stale.popitem()
                return renew(self)
            self._ready.clear()
            await self._ready.wait()
        return None


class Bucket:
    """Token bucket: ``rate`` per second, bursts to ``burst``; times in ms are given by the caller."""

    __slots__ = ("_at", "_burst", "_per_ms", "_tokens")

    def __init__(self, rate: float, burst: float, now_ms: int) -> None:
        self._per_ms, self._burst, self._tokens, self._at = rate / 1000, burst, burst, now_ms

    def spend(self, now_ms: int) -> bool:
        """Take one token; False when none is left."""
        tokens = self._tokens + (now_ms - self._at) * self._per_ms
        self._at = now_ms
        if tokens > self._burst:
            tokens = self._burst
        enough = tokens >= 1
        self._tokens = tokens - 1 if enough else tokens
        return enough
