"""One live socket, as uvicorn's ``ws=`` wants it: small, without a task, a queue or an event of its own.

Whole masked text frames, nearly all there is, are read here. Every other frame (fragments, pings, closes, faults)
and a handshake not quite by the book are the affair of websockets' ``ServerProtocol``, made when one comes and let go
when nothing is open.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Coroutine, Hashable
from enum import Enum
from typing import Any

from starlette.requests import HTTPConnection
from websockets.frames import Frame as OddFrame
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from plumbing import logs, metrics
from plumbing.hub import Renew
from plumbing.sockets import frames, handshake
from plumbing.sockets.doors import Dismissal, Door, Sockets, Visitor, address_of
from plumbing.sockets.frames import Frame
from plumbing.sockets.handshake import Knock

FRAME_BYTES_MAX = 64 * 1024
"""Anything larger ends the connection (1009). What a door takes is less, and told in words."""
WAITING_BYTES_MAX = 1024 * 1024
"""A client with so many bytes of answers unread is dropped (4408)."""
MESSAGES_PER_TURN = 32
"""So many messages of one socket are heard before the loop turns to the others."""
UNSENT_BYTES_MAX = 16 * 1024
"""So much may lie unsent in the kernel; beyond it the socket counts as slow and keeps only the newest."""

requests = logs.get("requests")
log = logging.getLogger("yangcai.sockets")
_quiet = logging.getLogger("yangcai.websockets")
_quiet.setLevel(logging.ERROR)
_quiet.addHandler(logging.NullHandler())


class Stage(Enum):
    """Where a socket stands."""

    KNOCKING, ENTERING, OPEN, CLOSING, GONE = range(5)


KNOCKING, ENTERING, OPEN, CLOSING, GONE = Stage


class Connection(asyncio.Protocol):
    """One socket."""

    __slots__ = (
        "_address", "_core", "_heard", "_held", "_others", "_parts", "_paused", "_place", "_rest", "_sockets", "_stage",
        "_stale", "_state", "_tasks", "_transport", "_visitor",
    )  # fmt: skip

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any]) -> None:
        self._state, self._others, self._tasks = app_state, server_state.connections, server_state.tasks
        self._sockets: Sockets = app_state["sockets"]
        self._stage = KNOCKING
        self._transport: asyncio.Transport
        self._visitor: Visitor | None = None
        self._core: ServerProtocol | None = None
        self._parts: list[bytes] | None = None  # of a message in fragments
        self._rest = b""  # read, not yet acted on
        self._stale: dict[Hashable, Renew] | None = None
        self._held = True  # something is under way that must be done before more is heard
        self._heard = True  # since the wheel last came by
        self._paused = False
        self._place = 0
        self._address = ""  # whose socket it counts as; empty: nobody's

    # ── what the transport and uvicorn call ────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A request for a socket; its head follows."""
        self._transport = transport  # type: ignore[assignment]
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
        self._others.add(self)
        self._place = self._sockets.seat(self)
        metrics.SOCKETS.inc()

    def data_received(self, data: bytes) -> None:
        """First the head of the request as uvicorn gives it, then frames as they come."""
        if self._stage is KNOCKING:
            self._knock(data)
            return
        if self._stage is OPEN and not self._held and not self._rest and self._core is None:
            text = frames.whole_text(data)  # nearly always
            if text is not None:
                self._heard = True
                self._hear(text, text=True)
                return
        if self._stage is not CLOSING:
            self._heard = True
        self._rest = self._rest + data if self._rest else data
        if not self._held:
            self._read()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is told."""
        self._paused = True

    def resume_writing(self) -> None:
        """It has read all there was: now the newest of what it missed."""
        self._paused = False
        while self._stale and not self._paused and self._stage is OPEN:
            _, renew = self._stale.popitem()
            self._transport.write(frames.wire(renew(self)))

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever wanted it."""
        self._stage, self._core, self._rest, self._stale = GONE, None, b"", None
        self._others.discard(self)
        self._sockets.unseat(self, self._place)
        metrics.SOCKETS.dec()
        if self._address:
            self._sockets.part(self._address)
        visitor, self._visitor = self._visitor, None
        if visitor is not None:
            visitor.left()

    def shutdown(self) -> None:
        """The server stops: 1012, come back."""
        self.close(1012, "restart")
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    # ── coming in ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _knock(self, head: bytes) -> None:
        """Read the request; what is no sound one is answered here, the others by their door."""
        self._stage = ENTERING
        knock = handshake.by_the_book(head) or self._spelt_out(head)
        if knock is not None:
            self.begin(knock)

    def begin(self, knock: Knock) -> None:
        """Take a sound request to its door."""
        self._stage = ENTERING
        self._transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._enter(knock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _spelt_out(self, head: bytes) -> Knock | None:
        """Read a request that is not quite by the book; None when it was answered, being none for a socket."""
        core = ServerProtocol(max_size=FRAME_BYTES_MAX, logger=_quiet)
        core.receive_data(head)
        request = next((event for event in core.events_received() if isinstance(event, Request)), None)
        if request is None:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()
            return None
        response = core.accept(request)
        if response.status_code != 101:
            core.send_response(response)
            self._pour(core)
            self._transport.close()
            return None
        headers = [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in request.headers.raw_items()]
        return handshake.knock(request.path, headers, request.headers["Sec-WebSocket-Key"].encode())

    async def _enter(self, knock: Knock) -> None:
        """Ask the door; then the answer to the handshake, and the first frames."""
        scope = {
            "type": "websocket", "path": knock.path, "query_string": knock.query, "headers": knock.headers,
            "client": self._transport.get_extra_info("peername"), "state": dict(self._state),
        }  # fmt: skip
        conn = HTTPConnection(scope)
        began_ms, this = self._sockets.now_ms(), logs.request_id_of(conn.headers.get(logs.REQUEST_ID_HEADER, ""))
        with logs.about(request=this):
            outcome = await self._ask(self._sockets.doors.get(knock.path), conn) if self._admitted(conn) else 429
            status, now_ms = outcome if isinstance(outcome, int) else 101, self._sockets.now_ms()
            if status != 101 or self._sockets.worth_a_line(now_ms):
                spent_ms = now_ms - began_ms
                requests.info("request", method="WS", path=knock.path, status=status, spent_ms=spent_ms)
        if self._stage is GONE or self._transport.is_closing():
            return
        header = (logs.REQUEST_ID_HEADER, this)
        if isinstance(outcome, int):
            self._transport.write(handshake.refusal(outcome, header))
            self._transport.close()
        else:
            self._transport.write(knock.welcome(header))
            self._open(outcome)

    def _admitted(self, conn: HTTPConnection) -> bool:
        """Whether its address may have one more socket."""
        address = address_of(self._transport.get_extra_info("peername"), conn.headers)
        if self._stage is GONE or not address:
            return True
        if not self._sockets.admit(address):
            return False
        self._address = address
        return True

    async def _ask(self, door: Door | None, conn: HTTPConnection) -> Visitor | Dismissal | int:
        """What the door says, or the status that refuses the handshake."""
        if door is None or not self._sockets.origins.may_connect(conn.headers):
            return 403
        try:
            return await door(conn)
        except Exception:
            log.exception("a socket's door broke")
            return 500

    def _open(self, outcome: Visitor | Dismissal) -> None:
        self._stage, self._held = OPEN, False
        self._transport.resume_reading()
        if isinstance(outcome, Dismissal):
            self.close(*outcome)
        else:
            self._visitor = outcome
            outcome.greet(self)
        self._transport.set_write_buffer_limits(high=0)  # from here on written at once, or ``pause_writing``
        self._read()

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> None:
        """Act on every whole frame there is."""
        data, at, heard = self._rest, 0, 0
        while not self._held and self._stage in (OPEN, CLOSING):
            measured = frames.measure(data, at)
            if measured is None:
                break
            head, size = measured
            if data[at + 1] < frames.MASKED or size > FRAME_BYTES_MAX:
                self._hear_odd(data[at:])  # not to be waited for: its header alone is a fault
                at = len(data)
                break
            if len(data) - at < head + size:
                break
            first, begin, at = data[at], at, at + head + size
            if (
                self._core is not None
                or first not in (frames.TEXT, frames.PONG)
                or (first == frames.PONG and size > 125)
            ):
                self._hear_odd(data[begin:at])
            elif first == frames.TEXT:
                self._hear(frames.unmasked(data, begin, head, size), text=True)
            heard += 1
            if heard == MESSAGES_PER_TURN and not self._held:
                self._hold()
                asyncio.get_running_loop().call_soon(self._go_on)
        self._rest = data[at:]

    def _hear(self, message: bytes, *, text: bool) -> None:
        """Hand a whole message to the visitor. Text that is not UTF-8 ends the connection (1007)."""
        if text and not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError:
                core = self._core_now()
                core.fail(1007)
                self._pour(core)
                self._part()
                return
        if self._visitor is None or self._stage is not OPEN:
            return
        try:
            work = self._visitor.hear(message)
        except Exception:
            log.exception("a message broke its door")
            self.close(1011, "internal")
            return
        if work is not None:
            self._hold()
            task = asyncio.get_running_loop().create_task(self._wait_for(work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what a message asked for, then hear on."""
        try:
            await work
        except Exception:
            log.exception("a message broke its door")
            self.close(1011, "internal")
        self._go_on()

    def _hold(self) -> None:
        """Hear nothing more for now."""
        self._held = True
        self._transport.pause_reading()

    def _go_on(self) -> None:
        """Hear what has come meanwhile."""
        self._held = False
        if self._stage in (OPEN, CLOSING) and not self._transport.is_closing():
            self._transport.resume_reading()
            self._read()

    def _core_now(self) -> ServerProtocol:
        if self._core is None:
            self._core = ServerProtocol(state=State.OPEN, max_size=FRAME_BYTES_MAX, logger=_quiet)
        return self._core

    def _hear_odd(self, data: bytes) -> None:
        """One whole frame that is no plain text, or the beginning of a faulty one."""
        core = self._core_now()
        core.receive_data(data)
        for event in core.events_received():
            if isinstance(event, OddFrame):
                self._take_odd(event)
        self._pour(core)
        if core.state is not State.OPEN:
            self._part()
        elif core.current_size is None and self._core is core:
            self._core = None

    def _take_odd(self, frame: OddFrame) -> None:
        """Put fragments together; pings, pongs and closes are answered by the core."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._parts = [b"t" if frame.opcode is Opcode.TEXT else b"b"]
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) and self._parts:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                (kind, *parts), self._parts = self._parts, None
                self._hear(b"".join(parts), text=kind == b"t")

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, text: bytes) -> None:
        """An answer to this client."""
        if self._stage is not OPEN:
            return
        self._transport.write(frames.wire(text))
        if self._paused and self._transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            metrics.SLOW_READERS.inc()
            self.close(4408, "slow")

    def stream(self, key: Hashable, frame: Frame, renew: Renew) -> None:
        """A frame of the stream ``key``; while the client is slow only the wish for a fresh one is kept."""
        if self._stage is not OPEN:
            return
        if self._paused:
            if self._stale is None:
                self._stale = {}
            self._stale[key] = renew
        else:
            self._transport.write(frame.wire)

    def forget(self, key: Hashable) -> None:
        """Nothing more of the stream ``key``."""
        if self._stale:
            self._stale.pop(key, None)

    def close(self, code: int, reason: str) -> None:
        """Send the close frame; the client's own, or the wheel, ends the connection."""
        if self._stage is not OPEN:
            return
        core = self._core_now()
        core.send_close(code, reason)
        self._pour(core)
        self._part()

    def _part(self) -> None:
        """The closing handshake is under way: nothing more is said or heard."""
        if self._stage is OPEN:
            self._stage, self._heard = CLOSING, True

    def _pour(self, core: ServerProtocol) -> None:
        """Send what the core has to say; its last word is an empty one, the end of the stream."""
        for chunk in core.data_to_send():
            if chunk:
                self._transport.write(chunk)
            else:
                self._transport.close()

    def turn(self) -> None:
        """The wheel came by: ping, or drop who said nothing since the last time."""
        if not self._heard:
            self._transport.abort()
        elif self._stage is OPEN and not self._paused:
            self._transport.write(b"\x89\x00")
        self._heard = False
