"""The JSON doors of a running server, for clients outside it: log in once, then post and get. Standard library only.

Blocking connections live in a few threads and are kept open; a broken one is made anew, since a server may restart in
mid-replay. Every request made here may be repeated without harm.
"""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

THREADS = 6
ANSWER_TIMEOUT_S = 120.0
TRIES, TRY_AGAIN_S = 40, 0.25


class DoorClosedError(Exception):
    """No server answers at the address; the message says where and why."""


class TurnedAwayError(Exception):
    """The server answered with a problem: its status and code, and the whole answer as text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text[:300]}")
        self.status, self.code, self.text = status, code, text


class Door:
    """One logged-in visitor at ``url`` (scheme, host and port)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DoorClosedError(f"{url}: not an address such as http://127.0.0.1:8080")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.socket_url = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws"
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._threads = ThreadPoolExecutor(THREADS, "door")
        self._local = threading.local()
        self._connections: list[HTTPConnection] = []
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        """Let the threads go and hang up."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._kind(self._host, self._port, timeout=ANSWER_TIMEOUT_S)
            self._local.connection = connection
            self._connections.append(connection)
        headers = {"Accept": "application/json", "Origin": self.origin}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            content: bytes = answer.read()
        except (OSError, HTTPException):
            connection.close()
            self._connections.remove(connection)
            self._local.connection = None
            raise
        for text in answer.headers.get_all("Set-Cookie") or []:
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(text).items()})
        return answer.status, content

    async def _call(self, method: str, path: str, body: Any, tries: int) -> Any:
        loop = asyncio.get_running_loop()
        for attempt in range(1, tries + 1):
            try:
                status, content = await loop.run_in_executor(self._threads, self._ask, method, path, body)
            except (OSError, HTTPException) as error:
                if attempt == tries:
                    raise DoorClosedError(f"no server answers at {self.origin}: {error}") from error
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            if status < 400:
                return json.loads(content) if content else None
            text = content.decode("utf-8", "replace")
            if status < 500 or attempt == tries:
                raise TurnedAwayError(status, _code(text), text)
            await asyncio.sleep(TRY_AGAIN_S)
        raise AssertionError("unreachable")

    async def get(self, path: str, tries: int = TRIES) -> Any:
        """The JSON answer; ``TurnedAwayError`` for a problem, ``DoorClosedError`` when nobody answers."""
        return await self._call("GET", path, None, tries)

    async def post(self, path: str, body: Any, tries: int = TRIES) -> Any:
        """The JSON answer; ``TurnedAwayError`` for a problem, ``DoorClosedError`` when nobody answers."""
        return await self._call("POST", path, body, tries)


def _code(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    return str(found.get("code", "")) if isinstance(found, dict) else ""
