"""Bounds of a request before any door sees it: how long its address and head may be, how long it may take to come.

What goes beyond is answered with the problem for it (414, 431, 408) and the connection ends. Without this, uvicorn
takes a head of any size and waits for its end for ever.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from plumbing import problems
from plumbing.problems import Problem

URL_BYTES_MAX = 8 * 1024
HEAD_BYTES_MAX = 32 * 1024
HEAD_WITHIN_S, BODY_WITHIN_S = 10.0, 60.0
LINGER_S = 1.0
"""So long what a refused client still sends is thrown away: hung up on at once, it would not see the answer."""


class Part(Enum):
    """Which part of a request is still to come."""

    HEAD, BODY, NONE, REFUSED = range(4)


class Bounded(HttpToolsProtocol):
    """uvicorn's HTTP within bounds of size and time."""

    _part = Part.HEAD
    _untold, _told = 0, 0  # bytes of the head: come, and told by the parser
    _beyond: Problem | None = None
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; its request must follow."""
        super().connection_made(transport)
        self._wait(HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        before = self._part
        if before is Part.REFUSED:
            return
        super().data_received(data)
        if self.transport.is_closing() or self._part is Part.NONE:
            self._wait(None)
        elif self._part is Part.HEAD:
            self._untold += len(data)
            if self._untold > HEAD_BYTES_MAX:
                self._refuse(Problem(431, "head_too_large"))
            elif self._patience is None:
                self._wait(HEAD_WITHIN_S)
        elif self._part is Part.BODY and before is not Part.BODY:
            self._wait(BODY_WITHIN_S)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._part, self._untold, self._told = Part.HEAD, 0, 0

    def on_url(self, url: bytes) -> None:
        """A piece of its address."""
        super().on_url(url)
        self._check(len(self.url) <= URL_BYTES_MAX, 414, "address_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of its head."""
        self._told += len(name) + len(value)
        self._check(self._told <= HEAD_BYTES_MAX, 431, "head_too_large")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._part = Part.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._part = Part.NONE
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a socket, which has bounds of its own."""
        self._wait(None)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """The request was found malformed, or beyond a bound."""
        self._refuse(self._beyond or Problem(400, "bad_request"))

    def _check(self, within: bool, status: int, code: str) -> None:
        if not within:
            self._beyond = Problem(status, code)
            raise ValueError(code)  # ends the parsing; ``send_400_response`` follows

    def _wait(self, seconds: float | None) -> None:
        """The part under way must be there in ``seconds``; None: nothing is waited for."""
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._patience = None
        answered = self.cycle is not None and self._part is Part.BODY and self.cycle.response_started
        silent = self._part is Part.HEAD and not self._untold
        if self._part is Part.REFUSED or answered or silent or self.transport.is_closing():
            self.transport.close()
        else:
            self._refuse(Problem(408, "timeout"))

    def _refuse(self, problem: Problem) -> None:
        """Answer and hang up. Who is being answered already, or half, is only hung up on."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started:
                self.transport.close()
                return
            self.cycle.disconnected = True  # nothing more is to be written by its door
            self.cycle.message_event.set()
        self.pipeline.clear()
        texts: Any = self.app_state["texts"]
        content = msgspec.json.encode(problems.body_of(problem, texts, "zh"))
        phrase = HTTPStatus(problem.status).phrase
        head = f"HTTP/1.1 {problem.status} {phrase}\r\nContent-Type: {problems.MEDIA_TYPE}\r\nConnection: close\r\n"
        self.transport.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        self.transport.write_eof()
        self._part = Part.REFUSED
        self._wait(LINGER_S)
