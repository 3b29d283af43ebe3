"""Requests too long, too large, too slow or malformed get their problem and no more than a line in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from plumbing import bounds
from plumbing.postgres import Pool
from tests.live import Site, a_live_site
from tests.support import eventually


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as site:
        yield site


async def answer_to(site: Site, *parts: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body of what comes back for raw bytes, until the server hangs up."""
    host, port = site.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            said = await reader.read()
    finally:
        writer.close()
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    kind = next((line[14:] for line in lines if line.lower().startswith("content-type: ")), "")
    return int(lines[0].split()[1]) if lines[0] else 0, kind, body


def get(path: str = "/healthz", *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (get("/" + "a" * 9_000), 414, "address_too_long"),
        (get("/healthz", "X-Long: " + "a" * 40_000), 431, "head_too_large"),
        (get("/healthz", *(f"X-{i}: {'a' * 100}" for i in range(400))), 431, "head_too_large"),
        (b"GET /healthz HTTP/1.1\r\nX-Endless: " + b"a" * 200_000, 431, "head_too_large"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "bad_request"),
        (b"POST /api/session HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
    ],
)
async def test_what_is_beyond_a_bound_gets_its_problem(site: Site, raw: bytes, status: int, code: str) -> None:
    found, kind, body = await answer_to(site, raw)
    assert (found, kind) == (status, "application/problem+json")
    problem = msgspec.json.decode(body)
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["zh"]
    assert problem["en"]


async def test_a_body_too_large_gets_413_wherever_it_is_sent(site: Site) -> None:
    for path in ("/api/session", "/login"):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        if path == "/login":
            head = head.replace("application/json", "application/x-www-form-urlencoded")
        raw = head.encode() + b"Content-Length: 2000000\r\n\r\n"
        status, kind, _ = await answer_to(site, raw, b"a" * 2_000_000, get())
        assert (status, kind) == (413, "application/problem+json")


@pytest.mark.parametrize(
    "half", [b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"POST /api/session HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_half_a_request_is_waited_for_so_long_and_no_longer(
    site: Site, half: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "HEAD_WITHIN_S", 0.3)
    monkeypatch.setattr(bounds, "BODY_WITHIN_S", 0.3)
    half = half.replace(b"Length: 9", b"Length: 9\r\nContent-Type: application/json")
    assert (await answer_to(site, half))[0] == 408


async def test_who_connects_and_says_nothing_is_hung_up_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HEAD_WITHIN_S", 0.3)
    assert (await answer_to(site))[0] == 0


async def test_a_head_that_trickles_in_has_as_long_as_one_that_stalls(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "HEAD_WITHIN_S", 0.5)
    host, port = site.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /healthz HTTP/1.1\r\n")

    async def over() -> bool:
        if not reader.at_eof():
            writer.write(b"X: y\r\n")
        return writer.is_closing() or reader.at_eof() or b"408" in reader._buffer  # type: ignore[attr-defined]

    await eventually(over, within_s=3)
    writer.close()


BESIDE = ("server.settle", "server.deadlines")
"""Work of the server that no connection causes: the lots of other tests, in a store that is theirs no more."""


async def test_a_bad_connection_writes_one_line_at_most(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    bad = (b"\x00" * 500, b"GET / HTTP/9.9\r\n\r\n", get("/" + "a" * 9_000), b"POST / HTTP/1.1\r\nContent-Le")
    caplog.set_level(logging.INFO)
    for raw in bad:
        caplog.clear()
        host, port = site.origin.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        writer.write_eof()
        async with asyncio.timeout(15):
            await reader.read(10)
        writer.close()
        lines = [each for each in caplog.records if each.levelno >= logging.INFO and each.name not in BESIDE]
        assert len(lines) == (0 if raw is bad[-1] else 1), [record.getMessage() for record in lines]
        assert not any(record.exc_info for record in lines)


async def test_an_origin_that_is_no_address_is_a_foreign_one(site: Site) -> None:
    raw = b"POST /api/session HTTP/1.1\r\nHost: x\r\nOrigin: http://[\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    status, kind, _ = await answer_to(site, raw)
    assert (status, kind) == (403, "application/problem+json")


async def test_garbage_behind_a_request_leaves_no_traceback(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    sound = b"GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(20):
        await answer_to(site, sound + b"\x00\x01 garbage\r\n\r\n")
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
