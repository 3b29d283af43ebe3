"""日志: one JSON object a line, carrying the request, the lot and the user it belongs to.

::

    log = logs.get(__name__)
    with logs.about(lot=str(lot_id)):
        log.info("bid.taken", price_fen=42_860_000)
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plumbing import metrics

_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
REQUEST_ID_HEADER = "X-Request-Id"


def context() -> dict[str, Any]:
    """What every line written now carries."""
    return dict(_about.get() or {})


def request_id() -> str:
    """The id of the request being served, or an empty string outside one."""
    return str((_about.get() or {}).get("request", ""))


def request_id_of(given: str) -> str:
    """The id under which a request is served: ``given`` by a proxy if it is sound, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def bind(**what: Any) -> None:
    """Add to what every further line of this task carries, for example ``user=`` or ``lot=``."""
    _about.set({**(_about.get() or {}), **what})


@contextmanager
def about(**what: Any) -> Iterator[None]:
    """Like ``bind``, until the block ends."""
    token = _about.set({**(_about.get() or {}), **what})
    try:
        yield
    finally:
        _about.reset(token)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: at, level, logger, event, the context, the fields, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without the line end."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **context(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class Log:
    """A logger whose lines have fields. Never give it a password, a token or a sealed price."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        """For whoever is looking for a fault."""
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: Any) -> None:
        """Something happened, as it should."""
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: Any) -> None:
        """Something was out of the ordinary and was dealt with."""
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, *, exc_info: bool = False, **fields: Any) -> None:
        """Somebody has to look at this."""
        self._logger.error(event, exc_info=exc_info, extra={"fields": fields})


def get(name: str) -> Log:
    """The log of one module; pass ``__name__``."""
    return Log(name)


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log of the process to ``stream`` (standard error) as JSON lines from ``level`` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # RequestLog writes that line


class RequestLog:
    """Gives each request an id (kept if the proxy sent a sound one), answers it back, writes one line at the end."""

    def __init__(self, app: ASGIApp, *, now_ms: Callable[[], int]) -> None:
        self.app = app
        self.now_ms = now_ms
        self.log = get("requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        this = request_id_of(given)
        began_ms, status = self.now_ms(), 0

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = this
            await send(message)

        with about(request=this):
            try:
                await self.app(scope, receive, sender)
            finally:
                spent_ms = self.now_ms() - began_ms
                metrics.request_answered(scope["method"], status, spent_ms)
                if not scope["path"].startswith(("/static/", "/healthz", "/metrics", "/api/operations")):
                    method = scope["method"]
                    self.log.info("request", method=method, path=scope["path"], status=status, spent_ms=spent_ms)
