"""限流: how often something may be tried. Fixed windows counted in Valkey, so that all processes count together.

Counted here and not by a library: this is two commands on the connection we have, whose retries are off; a second
client with redis-py's defaults would count one attempt twice after a stall.
"""

from __future__ import annotations

import hashlib

from plumbing.problems import Problem
from plumbing.valkey import Valkey


def _key(what: str, who: str) -> str:
    return f"throttle:{what}:{hashlib.sha256(who.lower().encode('utf-8', 'replace')).hexdigest()[:32]}"


async def count(valkey: Valkey, what: str, who: str, *, most: int, window_s: int) -> None:
    """Count one attempt of ``who`` at ``what``; raise ``Problem`` 429 beyond ``most`` in the window."""
    key = _key(what, who)
    async with valkey.pipeline(transaction=True) as pipe:
        pipe.incr(key)
        pipe.expire(key, window_s, nx=True)
        pipe.ttl(key)
        attempts, _, left_s = await pipe.execute()
    if attempts > most:
        seconds = max(1, int(left_s))
        raise Problem(429, "too_many", seconds=seconds, headers={"Retry-After": str(seconds)})


async def check(valkey: Valkey, what: str, who: str, *, most: int) -> None:
    """Raise ``Problem`` 429 when ``who`` has no attempt at ``what`` left in the window; nothing is counted."""
    key = _key(what, who)
    attempts = await valkey.get(key)
    if attempts is not None and int(attempts) >= most:
        seconds = max(1, int(await valkey.ttl(key)))
        raise Problem(429, "too_many", seconds=seconds, headers={"Retry-After": str(seconds)})


async def forget(valkey: Valkey, what: str, who: str) -> None:
    """Forget the attempts of ``who`` at ``what``: it went well."""
    await valkey.delete(_key(what, who))
