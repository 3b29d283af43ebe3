"""Being told to stop: loops that never end by themselves hear it even when a library swallowed the cancellation."""

from __future__ import annotations

import asyncio


def heed() -> None:
    """Raise ``CancelledError`` when the running task was cancelled before. Call it once in every round.

    redis-py sends through ``asyncio.wait_for``, which on Python 3.11 returns its result when a cancellation comes in
    the same turn of the loop, and the cancellation is lost.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
