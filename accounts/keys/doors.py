"""``Authorization: Bearer yck_…`` on the JSON API: the key's person stands behind the request, not a cookie's."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts.keys import keeping
from accounts.keys.rules import MARK
from plumbing import logs, problems
from plumbing.faults import BROKEN_PIPES
from plumbing.problems import Problem

_BEARER = "bearer " + MARK


class Keys:
    """Lets programs in by their keys, to ``/api/`` alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        said = Headers(scope=scope).get("authorization", "") if scope["type"] == "http" else ""
        if not said.lower().startswith(_BEARER):
            await self.app(scope, receive, send)
            return
        conn = HTTPConnection(scope)
        try:
            if not scope["path"].startswith("/api/"):
                raise Problem(403, "key_elsewhere")
            address = conn.client.host if conn.client else ""
            conn.state.who = await keeping.actor_of(conn.state, said[len("bearer ") :].strip(), address)
            logs.bind(user=conn.state.who.login)
        except Problem as problem:
            await problems.respond(conn, problem)(scope, receive, send)
            return
        except BROKEN_PIPES:
            away = Problem(503, "unavailable", headers={"Retry-After": "5"})
            await problems.respond(conn, away)(scope, receive, send)
            return
        await self.app(scope, receive, send)
