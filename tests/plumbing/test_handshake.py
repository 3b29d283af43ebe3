"""The handshake read in one step says yes only where websockets' own reading does, and answers the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from plumbing.sockets import handshake

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
LINES = (
    b"GET /ws?ticket=%C3%A9&a=1 HTTP/1.1", b"Host: yangcai.test", b"Upgrade: WebSocket",
    b"Connection: keep-alive, Upgrade",
    b"Sec-WebSocket-Key: " + KEY, b"Sec-WebSocket-Version: 13", b"Cookie: yangcai=abc; theme=dark",
)  # fmt: skip


def a_head(*lines: bytes) -> bytes:
    return b"\r\n".join([*lines, b"", b""])


def spelt_out(head: bytes) -> tuple[Request, Response] | None:
    """What websockets makes of it; None when it is not even a request."""
    core = ServerProtocol()
    core.receive_data(head)
    request = next((event for event in core.events_received() if isinstance(event, Request)), None)
    return None if request is None else (request, core.accept(request))


def test_a_browsers_request_is_read_in_one_step_and_answered_as_the_standard_shows() -> None:
    knock = handshake.by_the_book(a_head(*LINES))
    assert knock is not None
    assert (knock.path, knock.query) == ("/ws", b"ticket=%C3%A9&a=1")
    assert dict(knock.headers)[b"cookie"] == b"yangcai=abc; theme=dark"
    answer = knock.welcome(("X-Request-Id", "r1"))
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Request-Id: r1\r\n\r\n" in answer


@pytest.mark.parametrize("status", [403, 429, 500])
def test_a_refusal_says_why_and_that_nothing_follows(status: int) -> None:
    answer = handshake.refusal(status)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nConnection: close\r\nContent-Length: 0\r\n" in answer


CHANGES = (
    (0, b"POST /ws HTTP/1.1"), (0, b"GET /ws HTTP/1.0"), (0, b"GET /ws"), (0, b"GET  /ws HTTP/1.1"), (1, b"Host:"),
    (2, b"Upgrade: h2c"), (2, b"Upgrade: websocket, h2c"), (2, b"Connection: close"), (3, b"Connection: close"),
    (3, b"Connection:upgrade"), (3, b"Connection: upgrades"), (3, b"Connection:\tUpgrade ,close"), (3, b"Host: other"),
    (4, b"Sec-WebSocket-Key: short"), (4, b"Sec-WebSocket-Key: " + KEY + b"="), (4, b"Sec-WebSocket-Key:" + KEY),
    (4, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), (5, b"Sec-WebSocket-Version: 8"),
    (5, b"sec-websocket-version:13"), (5, b"Sec-WebSocket-Version: 13, 8"), (6, b"Content-Length: 5"),
    (6, b"Content-Length: 0"), (6, b"Cookie: \xe4"), (6, b"Transfer-Encoding: chunked"), (6, b"X : 1"), (6, b" X: 1"),
    (6, b"Sec-WebSocket-Key: " + KEY), (6, b": nameless"), (6, b"no colon"), (6, b"Upgrade: websocket"),
    (6, b"X: " + b"x" * 300), (6, b"X-A: 1\r\nX-A: 2"), (6, b""), (6, b"X: \x01"), (6, b"X-Empty:"),
)  # fmt: skip


@given(st.lists(st.sampled_from(CHANGES), max_size=3))
def test_what_is_read_in_one_step_websockets_accepts_with_the_same_answer(changes: list[tuple[int, bytes]]) -> None:
    lines = list(LINES)
    for place, line in changes:
        lines[place] = line
    head = a_head(*lines)
    knock, spelt = handshake.by_the_book(head), spelt_out(head)
    if knock is None:
        return
    assert spelt is not None, head
    request, response = spelt
    assert response.status_code == 101, head
    assert f"Sec-WebSocket-Accept: {response.headers['Sec-WebSocket-Accept']}".encode() in knock.welcome()
    assert handshake.knock(request.path, knock.headers, knock.key) == knock
    assert [value.decode() for _, value in knock.headers] == [value for _, value in request.headers.raw_items()]
