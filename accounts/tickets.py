"""入场票: a way into one socket, good for 30 seconds and once, for clients that hold no cookie."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from plumbing.valkey import Valkey

TICKET_S = 30
PAYLOAD_BYTES_MAX = 2048


def _key(ticket: str) -> str:
    return "ticket:" + hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()


async def issue(valkey: Valkey, payload: Mapping[str, Any], *, seconds: int = TICKET_S) -> str:
    """Make a ticket that carries ``payload`` (JSON, at most 2 KiB; ``ValueError`` beyond)."""
    data = orjson.dumps(dict(payload))
    if len(data) > PAYLOAD_BYTES_MAX:
        raise ValueError("a ticket carries at most 2 KiB")
    ticket = secrets.token_urlsafe(24)
    await valkey.set(_key(ticket), data, ex=seconds)
    return ticket


async def redeem(valkey: Valkey, ticket: str) -> dict[str, Any] | None:
    """Take a ticket: its payload the first time, None afterwards, after its time, or for one never issued."""
    if not ticket or len(ticket) > 100:
        return None
    data = await valkey.getdel(_key(ticket))
    return None if data is None else dict(orjson.loads(data))
