"""口令: argon2id, at most three at a time per process, never on the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE_MAX = 2
WAITING_MAX = 100

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_threads = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="argon2")
_known_thread = ThreadPoolExecutor(1, thread_name_prefix="argon2-known")
_waiting = 0


class TooBusy(Exception):
    """More than ``WAITING_MAX`` passwords wait to be checked: the caller answers 503."""


@cache
def _nobody() -> str:
    return _hasher.hash("the password of nobody")


def _verify(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def hash_password(password: str) -> str:
    """The text to be stored for ``password``; about 25 ms."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def verify_password(stored: str | None, password: str, *, known: bool = False) -> bool:
    """Whether ``password`` is the one stored. Without a stored one it takes as long, and is no. Raises ``TooBusy``.

    ``known``: it comes from a device that has proved itself before, and does not wait behind strangers.
    """
    global _waiting
    if known:
        return await asyncio.get_running_loop().run_in_executor(_known_thread, _verify, stored, password)
    if _waiting >= WAITING_MAX:
        raise TooBusy
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, _verify, stored, password)
    finally:
        _waiting -= 1
