"""待续提交: a form that was sent when a proof was asked for, kept until the proof is given, and sent on then.

Sealed for its session, good for ten minutes and once; whoever gives up loses nothing but that.
"""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import Request

from accounts.factors import vault
from plumbing.problems import Problem
from plumbing.web import FORM_MEDIA, form_sent, local_path

KEPT_S = 10 * 60
BYTES_MAX, FIELDS_MAX = 64 * 1024, 5_000


class Kept(Struct, frozen=True):
    """Where a form was sent, its fields in their order, and the page it stood on."""

    path: str
    fields: tuple[tuple[str, str], ...]
    before: str


def _key(token: str) -> str:
    return "kept-form:" + hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def keep(request: Request, session: UUID, before: str) -> str:
    """Keep the form of this request for its session; its token, empty for what is no form or too much of one."""
    told = request.headers.get("content-length", "")
    if request.method != "POST" or not request.headers.get("content-type", "").startswith(FORM_MEDIA):
        return ""
    if not told.isdecimal() or int(told) > BYTES_MAX:
        return ""
    try:
        fields = await form_sent(request, FIELDS_MAX)
    except Problem:
        return ""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    kept, token = Kept(path, tuple(fields), before), secrets.token_urlsafe(24)
    sealed = vault.seal(request.state.settings, session, msgspec.json.encode(kept))
    await request.state.valkey.set(_key(token), sealed, ex=KEPT_S)
    return token


async def take(request: Request, session: UUID, token: str) -> Kept | None:
    """What was kept under this token for this session, once; None when it is another's, over, or was taken."""
    sealed = await request.state.valkey.getdel(_key(token)) if token else None
    opened = vault.unseal(request.state.settings, session, sealed) if sealed else None
    if opened is None:
        return None
    kept = msgspec.json.decode(opened, type=Kept)
    return kept if local_path(kept.path, "") else None
