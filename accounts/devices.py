"""认识的设备: a browser on which somebody has signed in before keeps his way in, whatever strangers try on his login.

It bears a token of its own, good for one login; Valkey knows its SHA-256. Failures are counted apart for it, and its
passwords are checked in a queue of their own: no flood of attempts by others locks a bidder out.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from accounts.sessions import is_https
from plumbing.valkey import Valkey

KNOWN_S = 90 * 24 * 3_600
TOKEN_CHARS_MAX = 100


def cookie_name(settings: Any) -> str:
    """Beside the session's cookie, and like it."""
    return "__Host-yangcai-device" if is_https(settings) else "yangcai-device"


def _key(login: str, token: str) -> str:
    return "device:" + hashlib.sha256(f"{login.lower()}\n{token}".encode("utf-8", "replace")).hexdigest()


async def known(conn: HTTPConnection, login: str) -> str:
    """The token of a device on which ``login`` has signed in before; empty for every other."""
    token = conn.cookies.get(cookie_name(conn.state.settings), "")
    if not token or len(token) > TOKEN_CHARS_MAX or not await conn.state.valkey.exists(_key(login, token)):
        return ""
    return token


async def remember(valkey: Valkey, login: str, token: str) -> str:
    """``login`` has signed in on the device of ``token`` (none: a new one); the token it keeps for 90 days."""
    token = token or secrets.token_urlsafe(24)
    await valkey.set(_key(login, token), b"1", ex=KNOWN_S)
    return token


def give_cookie(response: Response, settings: Any, token: str) -> None:
    """Hand the token to the browser."""
    response.set_cookie(
        cookie_name(settings), token, max_age=KNOWN_S, path="/", secure=is_https(settings), httponly=True,
        samesite="lax",
    )  # fmt: skip
