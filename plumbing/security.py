"""What stands before every door: requests from foreign pages are refused, answers carry strict headers.

The origin rules are those of Go 1.25 ``CrossOriginProtection``: a browser says where a request comes from
(``Sec-Fetch-Site``, or ``Origin``), a program that is not a browser says nothing and carries no ambient cookie.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plumbing import problems
from plumbing.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"


class Origins(msgspec.Struct, frozen=True):
    """Which pages may send requests here. With an https ``public`` only that exact origin; else the same host."""

    public: str = ""

    def ours(self, origin: str, host: str) -> bool:
        """Whether a page at ``origin`` is one of our own."""
        if self.public and origin == self.public:
            return True
        try:
            there = urlsplit(origin).netloc
        except ValueError:  # no address at all
            return False
        return not self.public.startswith("https://") and bool(host) and there == host

    def may_pass(self, method: str, headers: Headers) -> bool:
        """Whether a plain request may pass: reading always; writing from our own pages or from no browser."""
        if method in SAFE_METHODS:
            return True
        site, origin, host = headers.get("sec-fetch-site"), headers.get("origin"), headers.get("host", "")
        if site in ("same-origin", "none"):
            return True
        if site is None and origin is None:
            return True
        return origin is not None and (site is None or origin == self.public) and self.ours(origin, host)

    def may_connect(self, headers: Headers) -> bool:
        """Whether a socket may open: the exact origin of our pages, or a program that names none and has no cookie."""
        origin = headers.get("origin")
        if origin is None:
            return "cookie" not in headers
        return self.ours(origin, headers.get("host", ""))


class CrossOriginProtection:
    """Refuses writing requests that another site's page has sent (CSRF): 403. Sockets are asked at their own door."""

    def __init__(self, app: ASGIApp, *, public_origin: str = "") -> None:
        self.app = app
        self.origins = Origins(public_origin.rstrip("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and not self.origins.may_pass(scope["method"], Headers(scope=scope)):
            response = problems.respond(HTTPConnection(scope), Problem(403, "foreign_origin"))
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)


_ALLOWED = "yangcai.body"


def allow(scope: Scope, bytes_max: int) -> None:
    """Let this request's body be as large as ``bytes_max``: its door takes files, and reads no more than that."""
    allowed = scope.get(_ALLOWED)
    if allowed is not None:
        allowed["bytes_max"] = max(allowed["bytes_max"], bytes_max)


class BodyLimit:
    """Stops a body of more than ``bytes_max`` wherever a door reads it: the door raises ``Problem`` 413.

    A door that takes files says so by ``allow`` before it reads. Starlette's own limit answers plain text, and we owe
    a problem.
    """

    def __init__(self, app: ASGIApp, *, bytes_max: int) -> None:
        self.app = app
        self.bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        size = 0
        allowed = scope[_ALLOWED] = {"bytes_max": self.bytes_max}

        async def receiver() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > allowed["bytes_max"]:
                raise Problem(413, "body_too_large")
            return message

        await self.app(scope, receiver if scope["type"] == "http" else receive, send)


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header; a cookie travels by https alone."""
    if name.lower() == b"set-cookie" and b"; secure" not in value.lower():
        value += b"; Secure"
    return name, value


class SecurityHeaders:
    """Puts the strict headers on every answer; one a door has set itself stays (the API viewer loosens its CSP).

    Under https every cookie is ``Secure``, whoever set it.
    """

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self.app = app
        self.https = https
        self.headers = {**HEADERS, "Strict-Transport-Security": STRICT_TRANSPORT} if https else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if self.https:
                    message["headers"] = [_secured(*header) for header in message["headers"]]
            await send(message)

        await self.app(scope, receive, sender)
