"""Fan-out to slow and fast readers alike: bytes only, every queue bounded, nobody waits for the slowest.

A reader that falls behind on a stream loses its intermediate frames and gets one fresh frame when it catches up; one
that does not even read its answers is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable

FRAMES_PENDING_MAX = 16
ANSWERS_PENDING_MAX = 512


class Outbox:
    """What waits to be written to one connection. One writer takes, anyone puts; nothing here ever blocks."""

    __slots__ = ("_frames", "_ready", "_stale", "_streamed", "closed")

    def __init__(self) -> None:
        self._frames: deque[tuple[Hashable | None, bytes]] = deque()
        self._stale: dict[Hashable, Callable[[], bytes]] = {}
        self._streamed = 0
        self._ready = asyncio.Event()
        self.closed = False

    def answer(self, frame: bytes) -> None:
        """A frame that must arrive: an answer to this client. Past the bound the connection is given up."""
        if len(self._frames) - self._streamed >= ANSWERS_PENDING_MAX:
            self.close()
            return
        self._frames.append((None, frame))
        self._ready.set()

    def stream(self, key: Hashable, frame: bytes, renew: Callable[[], bytes]) -> None:
        """A frame of the stream ``key``; when too many wait, ``renew`` is asked for one once the reader is back."""
        if key in self._stale:
            return
        if self._streamed >= FRAMES_PENDING_MAX:
            self._frames = deque(item for item in self._frames if item[0] != key)
            self._streamed = sum(1 for item in self._frames if item[0] is not None)
            self._stale[key] = renew
        else:
            self._frames.append((key, frame))
            self._streamed += 1
        self._ready.set()

    def forget(self, key: Hashable) -> None:
        """Nothing more of the stream ``key``."""
        self._stale.pop(key, None)
        self._frames = deque(item for item in self._frames if item[0] != key)
        self._streamed = sum(1 for item in self._frames if item[0] is not None)

    def close(self) -> None:
        """Give the connection up: ``take`` returns None."""
        self.closed = True
        self._ready.set()

    async def take(self) -> bytes | None:
        """The next frame to write; None when the connection is to be closed."""
        while not self.closed:
            if self._frames:
                key, frame = self._frames.popleft()
                if key is not None:
                    self._streamed -= 1
                return frame
            if self._stale:
                key, renew = self._stale.popitem()
                return renew()
            self._ready.clear()
            await self._ready.wait()
        return None


class Bucket:
    """Token bucket: ``rate`` per second, bursts to ``burst``; times in ms are given by the caller."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now_ms: int) -> None:
        self._rate, self._burst, self._tokens, self._at = rate, burst, burst, now_ms

    def spend(self, now_ms: int) -> bool:
        """Take one token; False when none is left."""
        self._tokens = min(self._burst, self._tokens + (now_ms - self._at) * self._rate / 1000)
        self._at = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
