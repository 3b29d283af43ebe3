"""RFC 6455 by the letter: a real server, plain bytes and the client of another hand."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from plumbing.clock import Clock
from plumbing.sockets import connection, frames
from plumbing.sockets.doors import PING_EVERY_S, Dismissal, Line, Sockets, Visitor, address_of
from server import worker
from tests.support import eventually, free_port

TEXT, BINARY, CONT, CLOSE, PING, PONG = (
    Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.CLOSE, Opcode.PING, Opcode.PONG,
)  # fmt: skip


class Echo:
    """Says what it hears; ``slowly`` takes a while; ``much N`` streams N large frames."""

    def __init__(self, seen: list[str]) -> None:
        self.seen = seen
        self.line: Line

    def greet(self, line: Line) -> None:
        self.line = line
        line.say(b"hello")

    def hear(self, message: bytes) -> Coroutine[Any, Any, None] | None:
        if message.startswith(b"slowly"):
            return self._slowly(message)
        if message == b"break later":
            return self._break()
        if message == b"break":
            raise ValueError("broken")
        word, _, number = message.partition(b" ")
        if word == b"much":
            for i in range(int(number)):
                self.line.stream("lot", frames.framed(b"%06d" % i + b"x" * 60_000), lambda _: b"newest")
        elif word == b"answers":
            for _ in range(int(number)):
                self.line.say(b"y" * 60_000)
        else:
            self.line.say(message)
        return None

    async def _slowly(self, message: bytes) -> None:
        await asyncio.sleep(0)
        self.line.say(message)

    async def _break(self) -> None:
        raise ValueError("broken")

    def left(self) -> None:
        self.seen.append("left")


class Place:
    """A running server of echoes, what its doors saw, and its uvicorn."""

    def __init__(self, port: int) -> None:
        self.port, self.seen = port, list[str]()
        self.url = f"ws://127.0.0.1:{port}"
        self.sockets = Sockets(
            {"/echo": self.enter, "/late": self.late, "/no": self.no, "/bug": self.bug}, "", Clock().now_ms
        )
        self.may_go = asyncio.Event()
        self.server: uvicorn.Server
        self.loop: asyncio.AbstractEventLoop

    async def turn_the_wheel(self) -> None:
        """As if all sockets' turn had come."""

        async def turn() -> None:
            for spoke in self.sockets._wheel:
                for each in list(spoke):
                    each.turn()

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(turn(), self.loop))

    async def enter(self, conn: HTTPConnection) -> Visitor:
        self.seen.append(conn.url.path)
        return Echo(self.seen)

    async def late(self, conn: HTTPConnection) -> Visitor:
        await self.may_go.wait()
        return Echo(self.seen)

    async def no(self, conn: HTTPConnection) -> Dismissal:
        return Dismissal(4401, "ticket")

    async def bug(self, conn: HTTPConnection) -> Visitor:
        raise ValueError("bug")


@asynccontextmanager
async def a_place() -> AsyncIterator[Place]:
    place = Place(free_port())

    @asynccontextmanager
    async def lifespan(app: ASGIApp) -> AsyncIterator[dict[str, Any]]:
        place.sockets.start()
        yield {"sockets": place.sockets}
        await place.sockets.close()

    config = worker.configuration(Starlette(lifespan=lifespan), 1)
    config.host, config.port = "127.0.0.1", place.port
    place.server = uvicorn.Server(config)

    async def serve() -> None:
        place.loop = asyncio.get_running_loop()
        await place.server._serve()

    def run() -> None:  # on the loop of the product, which is not that of the tests
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(serve())

    thread = Thread(target=run)
    thread.start()
    await eventually(lambda: place.server.started)
    try:
        yield place
    finally:
        place.server.should_exit = True
        await asyncio.to_thread(thread.join)


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    async with a_place() as place:
        yield place


def head_of(place: Place, path: str = "/echo", **changes: str | None) -> bytes:
    """A handshake, with headers changed or left out."""
    headers: dict[str, str | None] = {
        "Host": f"127.0.0.1:{place.port}", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
    }  # fmt: skip
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """A client's frame."""
    return Frame(opcode, data, fin).serialize(mask=True)


class Raw:
    """A client of plain bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: its first byte and its payload."""
        async with asyncio.timeout(5):
            first, second = await self.reader.readexactly(2)
            assert second < 128, "a server masks nothing"
            size = second
            if second == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif second == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return first, await self.reader.readexactly(size)

    async def text(self) -> bytes:
        first, data = await self.frame()
        assert first == frames.TEXT
        return data

    async def closed(self) -> int:
        """The code of the close frame that comes next, and nothing after it."""
        first, data = await self.frame()
        assert first == 0x88
        async with asyncio.timeout(5):
            assert await self.reader.read() == b""
        return int(struct.unpack("!H", data[:2])[0]) if data else 1005


@asynccontextmanager
async def raw(place: Place, head: bytes = b"", *, greeted: bool = True) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    client = Raw(reader, writer)
    try:
        await client.send(head or head_of(place))
        if greeted:
            async with asyncio.timeout(5):
                answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
            assert await client.text() == b"hello"
        yield client
    finally:
        writer.close()


async def status_of(place: Place, head: bytes) -> int:
    async with raw(place, head, greeted=False) as client, asyncio.timeout(5):
        return int((await client.reader.read()).split()[1])


async def still_alive(client: Raw) -> None:
    await client.send(masked(TEXT, b"still"))
    assert await client.text() == b"still"


async def test_the_client_of_another_hand_is_served(place: Place) -> None:
    async with connect(place.url + "/echo", proxy=None) as socket:
        assert await socket.recv() == "hello"
        for text in ("a", "", "报价", "x" * 125, "x" * 126, "x" * 60_000):
            await socket.send(text)
            assert await socket.recv() == text
        await socket.send(["part ", "by ", "part"])
        assert await socket.recv() == "part by part"
        await (await socket.ping())
        await socket.send(b"bytes are heard like text")
        assert await socket.recv() == "bytes are heard like text"
    assert (socket.close_code, socket.close_reason) == (1000, "")
    await eventually(lambda: place.seen == ["/echo", "left"])
    assert not place.server.server_state.connections


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Sec_WebSocket_Key": None}, 400), ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Version": "8"}, 400),
        ({"Sec_WebSocket_Version": None}, 400), ({"Origin": "http://evil.example"}, 403), ({"path": "/nowhere"}, 403),
        ({"path": "/bug"}, 500), ({"Upgrade": "h2c"}, 404),
    ],
)  # fmt: skip
async def test_what_is_no_sound_handshake_is_refused_before_it_is_one(
    place: Place, changes: dict[str, Any], status: int
) -> None:
    assert await status_of(place, head_of(place, **({"Connection": "Upgrade, close"} | changes))) == status
    assert "left" not in place.seen


async def test_our_own_page_and_a_client_without_a_page_come_in(place: Place) -> None:
    async with raw(place, head_of(place, Origin=f"http://127.0.0.1:{place.port}")), raw(place):
        assert place.seen == ["/echo", "/echo"]


async def test_a_door_may_open_only_to_say_why_it_closes(place: Place) -> None:
    async with connect(place.url + "/no", proxy=None) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert (socket.close_code, socket.close_reason) == (4401, "ticket")
    with pytest.raises(InvalidStatus):
        await connect(place.url + "/bug", proxy=None)


async def test_frames_that_came_with_the_handshake_are_heard(place: Place) -> None:
    async with raw(place, head_of(place) + masked(TEXT, b"one") + masked(TEXT, b"two")[:3]) as client:
        assert await client.text() == b"one"
    async with raw(place, head_of(place, "/late"), greeted=False) as client:
        await client.send(masked(TEXT, b"early"))
        place.loop.call_soon_threadsafe(place.may_go.set)
        await client.reader.readuntil(b"\r\n\r\n")
        assert [await client.text(), await client.text()] == [b"hello", b"early"]


async def test_who_leaves_while_his_door_is_asked_was_never_there(place: Place) -> None:
    async with raw(place, head_of(place, "/late"), greeted=False) as client:
        await eventually(lambda: len(place.server.server_state.connections) == 1)
        client.writer.transport.abort()
    place.loop.call_soon_threadsafe(place.may_go.set)
    await eventually(lambda: not place.server.server_state.connections)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
async def test_one_byte_at_a_time_or_all_at_once_makes_no_difference(place: Place, size: int) -> None:
    message = masked(TEXT, b"z" * size)
    step = 1 if size < 200 else 8_191
    async with raw(place) as client:
        for i in range(0, len(message), step):
            await client.send(message[i : i + step])
            await asyncio.sleep(0)
        assert await client.text() == b"z" * size
        await client.send(message * 3)
        assert [await client.text() for _ in range(3)] == [b"z" * size] * 3


async def test_fragments_make_one_message_with_control_frames_between(place: Place) -> None:
    async with raw(place) as client:
        await client.send(masked(TEXT, "报".encode()[:1], fin=False))
        await client.send(masked(PING, b"in between"))
        assert await client.frame() == (0x8A, b"in between")
        await client.send(masked(CONT, "报".encode()[1:], fin=False) + masked(PONG, b"unasked") + masked(CONT, b"!"))
        assert await client.text() == "报!".encode()
        await client.send(masked(BINARY, b"by", fin=False) + masked(CONT, b"tes"))
        assert await client.text() == b"bytes"
        await still_alive(client)


async def test_pings_are_answered_and_pongs_are_not(place: Place) -> None:
    async with raw(place) as client:
        await client.send(masked(PING, b"") + masked(PONG, b"x") + masked(PING, b"p" * 125))
        assert [await client.frame(), await client.frame()] == [(0x8A, b""), (0x8A, b"p" * 125)]
        await still_alive(client)


LONG_PING = b"\x89\xfe\x00\x7e" + b"\0" * 4 + b"p" * 126
LONG_PONG = b"\x8a\xfe\x00\x7e" + b"\0" * 4 + b"p" * 126


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02hi", 1002),
        (b"\xc1\x81\0\0\0\0x", 1002),
        (b"\x91\x81\0\0\0\0x", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x8b\x80\0\0\0\0", 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (LONG_PING, 1002),
        (LONG_PONG, 1002),
        (masked(CONT, b"x"), 1002),
        (masked(TEXT, b"x", fin=False) + masked(TEXT, b"y"), 1002),
        (masked(TEXT, b"\xff\xfe"), 1007),
        (masked(TEXT, b"\xed\xa0\x80"), 1007),
        (masked(TEXT, b"ok", fin=False) + masked(CONT, b"\xc3"), 1007),
        (b"\x81\xff" + (1 << 40).to_bytes(8, "big"), 1009),
        (b"\x81\xff" + (connection.FRAME_BYTES_MAX + 1).to_bytes(8, "big"), 1009),
        (masked(TEXT, b"x" * 40_000, fin=False) + masked(CONT, b"x" * 40_000), 1009),
        (b"\x88\x81\0\0\0\0x", 1002),
        (masked(CLOSE, struct.pack("!H", 1005)), 1002),
        (masked(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
        (masked(CLOSE, struct.pack("!H", 1000)), 1000),
        (masked(CLOSE, struct.pack("!H", 4999) + b"mine"), 4999),
        (masked(CLOSE, b""), 1005),
    ],
)  # fmt: skip
async def test_a_fault_ends_the_connection_with_its_code(place: Place, data: bytes, code: int) -> None:
    async with raw(place) as client:
        await client.send(data)
        assert await client.closed() == code
    await eventually(lambda: place.seen == ["/echo", "left"])


async def test_after_a_close_nothing_is_heard(place: Place) -> None:
    async with raw(place) as client:
        await client.send(masked(CLOSE, struct.pack("!H", 1000)) + masked(TEXT, b"too late"))
        assert await client.closed() == 1000


async def test_half_closed_and_vanished_peers_are_let_go(place: Place) -> None:
    async with raw(place) as client:
        await client.send(masked(TEXT, b"half")[:4])
        client.writer.write_eof()
        async with asyncio.timeout(5):
            assert await client.reader.read() == b""
    async with raw(place) as client:
        client.writer.transport.abort()
    await eventually(lambda: place.seen == ["/echo", "left"] * 2)
    assert not place.server.server_state.connections


async def test_messages_are_heard_in_order_also_when_one_takes_longer(place: Place) -> None:
    async with raw(place) as client:
        words = [b"slowly 1", b"2", b"slowly 3", b"slowly 4", b"5"]
        await client.send(b"".join(masked(TEXT, word) for word in words))
        assert [await client.text() for _ in words] == words


@pytest.mark.parametrize("word", [b"break", b"break later"])
async def test_a_message_that_breaks_its_door_ends_only_its_own_socket(place: Place, word: bytes) -> None:
    async with raw(place) as client, raw(place) as other:
        await client.send(masked(TEXT, word))
        first, data = await client.frame()
        assert (first, data[:2]) == (0x88, struct.pack("!H", 1011))
        await still_alive(other)


async def test_a_slow_reader_gets_the_newest_once_it_reads_again(place: Place) -> None:
    async with raw(place) as client:
        await client.send(masked(TEXT, b"much 600"))
        seen = []
        while not seen or seen[-1] != b"newest":
            seen.append((await client.text())[:6])
        assert seen[:-1] == [b"%06d" % i for i in range(len(seen) - 1)], "what he was given has no gap"
        assert len(seen) < 600, "the kernel took everything: this tests nothing"
        await still_alive(client)


async def test_one_who_does_not_read_his_answers_is_dropped(place: Place) -> None:
    async with raw(place) as client:
        await client.send(masked(TEXT, b"answers 600"))
        while (frame := await client.frame())[0] != 0x88:
            assert frame[1] == b"y" * 60_000
        assert frame[1] == struct.pack("!H", 4408) + b"slow"


async def test_the_silent_are_dropped_and_the_others_pinged(place: Place) -> None:
    async with connect(place.url + "/echo", proxy=None) as socket, raw(place) as silent:
        for _ in range(2):
            await place.turn_the_wheel()
            await (await socket.ping())
        assert await silent.frame() == (0x89, b"")
        async with asyncio.timeout(5):
            assert await silent.reader.read() in (b"",)
        await socket.send("here")
        assert await socket.recv() == "hello"
        assert await socket.recv() == "here"
    assert sum(len(spoke) for spoke in place.sockets._wheel) == 0
    assert len(place.sockets._wheel) == PING_EVERY_S


async def test_a_server_that_stops_says_come_back() -> None:
    async with a_place() as place, connect(place.url + "/echo", proxy=None) as socket:
        assert await socket.recv() == "hello"
        place.server.should_exit = True
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1012


async def test_a_flood_of_messages_lets_others_be_heard_and_loses_none(place: Place) -> None:
    words = [b"%d" % i for i in range(5_000)]
    async with raw(place) as flood, raw(place) as other:
        sending = asyncio.create_task(flood.send(b"".join(masked(TEXT, word) for word in words)))
        assert await flood.text() == words[0]
        await still_alive(other)
        assert [await flood.text() for _ in words[1:]] == words[1:]
        await sending


async def test_noise_of_any_kind_breaks_nothing(place: Place) -> None:
    for seed in range(60):
        noise = os.urandom(300) if seed % 2 else masked(TEXT, b"ok") * 3 + os.urandom(40)
        async with raw(place) as client:
            await client.send(noise)
            client.writer.write_eof()
            async with asyncio.timeout(5):
                await client.reader.read()
    await eventually(lambda: place.seen.count("left") == 60)
    assert not place.server.server_state.connections


async def test_an_address_has_so_many_sockets_and_one_that_leaves_makes_room() -> None:
    async with a_place() as place:
        place.sockets._per_address_max = 2
        flood, others = {"X-Forwarded-For": "9.9.9.9, 1.2.3.4"}, {"X-Forwarded-For": "1.2.3.5"}
        url = place.url + "/echo"
        async with connect(url, proxy=None, additional_headers=flood) as first:
            async with connect(url, proxy=None, additional_headers=flood):
                for _ in range(5):
                    with pytest.raises(InvalidStatus, match="429"):
                        await connect(url, proxy=None, additional_headers=flood)
                assert place.sockets._by_address == {"1.2.3.4": 2}
                async with connect(url, proxy=None, additional_headers=others) as other:
                    assert await other.recv() == "hello"
            await eventually(lambda: place.sockets._by_address == {"1.2.3.4": 1})
            async with connect(url, proxy=None, additional_headers=flood):
                assert await first.recv() == "hello"
        await eventually(lambda: not place.sockets._by_address)


def test_an_address_is_the_other_end_or_the_last_a_proxy_on_this_machine_names() -> None:
    named = {"x-forwarded-for": "6.6.6.6, 1.2.3.4"}
    assert address_of(("5.6.7.8", 1), named) == "5.6.7.8", "whoever comes from afar names nobody else"
    assert address_of(("127.0.0.1", 1), named) == "1.2.3.4"
    assert address_of(("127.0.0.1", 1), {}) == address_of("", {}) == ""
