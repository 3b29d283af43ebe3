"""What comes over the network: raw connections, frames, live messages, requests at every door, calls of the referee."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httptools

from loadtests.bench import wire
from loadtests.fuzz.ground import Ground
from loadtests.fuzz.seeds import Seeds

HUNG_AFTER_S, UNFINISHED_AFTER_S = 30.0, 0.5
PARALLEL, PER_PROBE, ANSWER_BYTES_MAX = 12, 32, 1 << 22
CLOSES_MEANT = {0, 1000, 1002, 1003, 1007, 1008, 1009, 1012, *range(3000, 5000)}
"""A code from 3000 on is one of ours, or the client's own told back to him."""
SIGN_OUT = {("DELETE", "/api/session"), ("POST", "/logout"), ("POST", "/account/sessions")}


class Told:
    """What the inputs of one kind brought."""

    def __init__(self, done: Callable[[int], None]) -> None:
        self.inputs, self.answers, self.wrong, self._done = 0, Counter[str](), list[str](), done

    def had(self, answer: str, inputs: int = 1) -> None:
        """An input was answered so."""
        self.inputs += inputs
        self.answers[answer] += inputs
        self._done(inputs)

    def fault(self, what: str, given: object) -> None:
        """Something no input may bring about."""
        if len(self.wrong) < 50:
            self.wrong.append(f"{what}; given {str(given)[:600]}")


async def _many(inputs: int, one: Callable[[int], Awaitable[None]], at_once: int = PARALLEL) -> None:
    """``one`` runs ``at_once`` times, each for its share of the inputs."""
    shares = [inputs // at_once + (i < inputs % at_once) for i in range(at_once)]
    async with asyncio.TaskGroup() as group:
        for share in shares:
            if share:
                group.create_task(_as_coroutine(one, share))


async def _as_coroutine(one: Callable[[int], Awaitable[None]], share: int) -> None:
    await one(share)


async def raw(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """A connection each: what is sent, then the end of our side; whatever is answered must be HTTP below 500."""

    async def some(share: int) -> None:
        for _ in range(share):
            given = seeds.request()
            said = await _exchange(ground.product.port, given)
            status = said[9:12].decode("latin-1") if said.startswith(b"HTTP/1.") else "nothing" if not said else "other"
            if said == b"hung" or status == "other" or status.startswith("5"):
                told.fault(f"answered {said[:80]!r}", given)
            told.had(status)

    await _many(inputs, some)


async def _exchange(port: int, given: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with suppress(OSError):
            writer.write(given)
            writer.write_eof()
            async with asyncio.timeout(HUNG_AFTER_S):
                return await reader.read(4_096)
    except TimeoutError:
        return b"hung"
    finally:
        writer.close()
    return b""


class Socket:
    """A socket of somebody, made anew whenever it was closed."""

    def __init__(self, ground: Ground, cookie: str, practice: bool = False) -> None:
        self.ground, self.cookie, self.practice = ground, cookie, practice
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter | None = None
        self.probes = 0

    async def ready(self) -> asyncio.StreamWriter:
        """An open one."""
        if self.writer is None:
            port, path = self.ground.product.port, "/ws"
            if self.practice:
                path += "?ticket=" + await asyncio.to_thread(self.ground.ticket, self.ground.auction, "乙")
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=ANSWER_BYTES_MAX)
            host = f"127.0.0.1:{port}"
            self.writer.write(wire.upgrade(host, path, origin=f"http://{host}", cookie=self.cookie))
            await self.reader.readuntil(b"\r\n\r\n")
        return self.writer

    async def heard(self, within_s: float) -> str:
        """Ask for the time after all that was sent: ``alive`` when it is told, else how the socket ended."""
        self.probes += 1
        writer = await self.ready()
        mark = f'"t0":{self.probes}.5'.encode()
        writer.write(wire.frame(json.dumps({"t": "time", "t0": self.probes + 0.5}).encode()))
        try:
            async with asyncio.timeout(within_s):
                return await self._until(mark)
        except TimeoutError:
            return self._ended("hung")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return self._ended("cut")

    async def _until(self, mark: bytes) -> str:
        rest = b""
        while True:
            data = await self.reader.read(65_536)
            if not data:
                return self._ended("cut")
            rest, at = rest + data, 0
            for opcode, begin, end in wire.frames(rest):
                if opcode == wire.CLOSE:
                    return self._ended(str(int.from_bytes(rest[begin : begin + 2], "big")))
                if mark in rest[begin:end]:
                    return "alive"
                at = end
            rest = rest[at:]

    def _ended(self, how: str) -> str:
        if self.writer is not None:
            self.writer.close()
        self.writer = None
        return how


async def _spoken(
    ground: Ground, inputs: int, told: Told, make: Callable[[], tuple[bytes, int]], *, whole: bool
) -> None:
    """Send what ``make`` makes (bytes, and how many inputs they are) over sockets of everybody, and look if they live.

    Unless frames are ``whole``, a socket may rightly wait for the rest of one.
    """
    people = [(cookie, False) for cookie in ground.cookies] + [("", True)] * (3 if whole else 0)
    turn = iter(range(1_000_000))

    async def some(share: int) -> None:
        cookie, practice = people[next(turn) % len(people)]
        socket = Socket(ground, cookie, practice)
        while share > 0:
            given, count = make()
            try:
                (await socket.ready()).write(given)
            except (OSError, asyncio.IncompleteReadError):
                socket._ended("cut")
            how = await socket.heard(HUNG_AFTER_S if whole else UNFINISHED_AFTER_S)
            how = "unfinished" if how == "hung" and not whole else how
            if how == "hung" or (how.isdigit() and int(how) not in CLOSES_MEANT):
                told.fault(f"the socket: {how}", given)
            told.had(how, min(count, share))
            share -= count
        socket._ended("done")

    await _many(inputs, some)


async def frames(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """Frames of every make; the socket lives on or is closed with a code that says why."""
    await _spoken(ground, inputs, told, lambda: (seeds.frames(), 1), whole=False)


async def messages(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """Messages of every make in whole frames; the socket lives on."""

    def make() -> tuple[bytes, int]:
        return b"".join(wire.frame(_utf8(seeds.message())[:60_000]) for _ in range(PER_PROBE)), PER_PROBE

    await _spoken(ground, inputs, told, make, whole=True)


def _utf8(text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode()


class Answered:
    """One answer of HTTP."""

    def __init__(self) -> None:
        self.status, self.whole = 0, False

    def on_message_complete(self) -> None:
        """The parser found its end."""
        self.whole = True


class Asker:
    """One connection, kept open, on which requests are asked one after the other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, given: bytes) -> int:
        """The status; 0 when the server hung up without one, -1 when it did not answer in time."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = Answered()
        parser = httptools.HttpResponseParser(answer)
        try:
            self.writer.write(given)
            async with asyncio.timeout(HUNG_AFTER_S):
                while not answer.whole:
                    data = await self.reader.read(65_536)
                    if not data:
                        self.end()
                        break
                    parser.feed_data(data)
                    answer.status = parser.get_status_code()
        except (TimeoutError, OSError, httptools.HttpParserError) as error:
            self.end()
            return -1 if isinstance(error, TimeoutError) else answer.status
        if not parser.should_keep_alive():
            self.end()
        return answer.status

    def end(self) -> None:
        """Hang up."""
        if self.writer is not None:
            self.writer.close()
        self.writer = None


async def _knocked(ground: Ground, inputs: int, told: Told, make: Callable[[], tuple[str, bytes]]) -> None:
    async def some(share: int) -> None:
        asker = Asker(ground.product.port)
        for _ in range(share):
            label, given = make()
            try:
                status = await asker.ask(given)
                if status == 0:  # the last request had ended the connection
                    status = await asker.ask(given)
            except OSError:
                status = 0
            if status >= 500 or status == -1:
                told.fault(f"{label}: {status}", given)
            told.had(str(status))
        asker.end()

    await _many(inputs, some, 8)


def _with_places(seeds: Seeds, path: str) -> str:
    """The path with something for every place in it."""
    parts = path.split("/")
    for i, part in enumerate(parts):
        if part.startswith("{"):
            known = "int" not in part and seeds.dice.random() < 0.85
            parts[i] = seeds.uuid() if known else seeds.dice.choice(("2031", "0", "-1", "x", "%00", "9" * 30))
    return "/".join(parts)


def _asked(seeds: Seeds, ground: Ground, method: str, path: str, body: bytes, media: str) -> bytes:
    origin = seeds.dice.choice((f"http://127.0.0.1:{ground.product.port}",) * 6 + ("http://evil.example", "null"))
    cookie = seeds.dice.choice(ground.cookies)
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{ground.product.port}", f"Origin: {origin}"]
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += [f"Content-Type: {media}", f"Content-Length: {len(body)}"] if body or method != "GET" else []
    lines += ["Accept: " + seeds.dice.choice(("application/json", "text/html"))]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def api(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """Every operation of the OpenAPI document, with bodies and queries made from its schemas and spoilt."""
    document = json.loads(ground.fetch("/api/openapi.json", ""))
    known: dict[str, Any] = document["components"]["schemas"]
    operations = [
        (method.upper(), path, one)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if (method.upper(), path) not in SIGN_OUT and not path.endswith(("/stream", "/practice"))
    ]

    def make() -> tuple[str, bytes]:
        method, path, one = seeds.dice.choice(operations)
        if path == "/api/session" and seeds.dice.random() < 0.97:  # each costs the time of a password's hash
            method, path, one = operations[0]
        content = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        body = seeds.json(seeds.of_schema(content, known)) if content else b""
        asked = [p for p in one.get("parameters", ()) if p["in"] == "query" and seeds.dice.random() < 0.7]
        query = "&".join(f"{p['name']}={_quoted(seeds.of_schema(p.get('schema', {}), known))}" for p in asked)
        where = _with_places(seeds, path) + ("?" + query if query else "")
        return f"{method} {path}", _asked(seeds, ground, method, where, body, "application/json")

    await _knocked(ground, inputs, told, make)


def _quoted(value: Any) -> str:
    from urllib.parse import quote

    return quote(str(value).encode("utf-8", "replace")[:900], safe="")


async def forms(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """Every page, asked for and sent: fields that are there and others, of every make."""
    from loadtests.fuzz.pages import pages

    names = ("price", "login", "password", "reason", "text", "alias", "yes", "days", "opens_at", "line-1-name", "title")
    found = [page for page in pages() if page not in SIGN_OUT]

    def make() -> tuple[str, bytes]:
        method, path = seeds.dice.choice(found)
        if path == "/login" and seeds.dice.random() < 0.95:
            method, path = "GET", "/"
        pairs = [(seeds.dice.choice((*names, seeds.text())), seeds.text()) for _ in range(seeds.dice.randrange(6))]
        body = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs).encode()
        if seeds.dice.random() < 0.2:
            body = seeds.spoilt(body)
        where = _with_places(seeds, path)
        if method == "GET":
            return f"GET {path}", _asked(
                seeds, ground, "GET", where + "?" + body.decode("latin-1").translate(_PLAIN), b"", ""
            )
        media = seeds.dice.choice(
            ("application/x-www-form-urlencoded",) * 8 + ("multipart/form-data; boundary=x", "text/csv")
        )
        return f"{method} {path}", _asked(seeds, ground, method, where, body, media)

    await _knocked(ground, inputs, told, make)


async def imports(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """Files of codes and names, spoilt, at the doors that load them; half of them are to be written."""
    dice = seeds.dice
    names = ("货物", "设备", "西湖区", "", "名\u202e称", "x" * 300)
    codes = ("A", "A02000000", "A02010105", "330000", "330100", "330106", "X", "３３０１０６", "0")

    def make() -> tuple[str, bytes]:
        path = dice.choice(("/api/categories/import", "/api/regions/import")) + dice.choice(("", "?commit=true"))
        lines = [dice.choice(("code,name", "name,code", "code,name,level", "编码,名称"))]
        lines += [
            f"{dice.choice((*codes, seeds.text()))},{dice.choice((*names, seeds.text()))}"
            for _ in range(dice.randrange(30))
        ]
        body = "\n".join(lines).encode(dice.choice(("utf-8", "utf-8-sig", "gb18030")), "replace")
        return f"POST {path}", _asked(
            seeds, ground, "POST", path, seeds.spoilt(body) if dice.random() < 0.6 else body, "text/csv"
        )

    await _knocked(ground, inputs, told, make)


_PLAIN = dict.fromkeys((*range(33), *range(127, 256)))


async def referee(ground: Ground, seeds: Seeds, inputs: int, told: Told) -> None:
    """Arguments no caller of ours sends, straight to the live store's functions; it answers, and lives.

    The keys are of a place of their own, so that no server sweeps what comes of it.
    """
    from auction.lot import live
    from plumbing import valkey

    client = valkey.connect("unix://" + ground.product.valkey_socket())
    names = [f"{name}_{live.VERSION}" for name in ("place_bids", "open_lot", "tick", "steer_lot", "heartbeat")]
    known = {name.decode() if isinstance(name, bytes) else name for name in await _functions(client)}
    assert known >= set(names), "the running product has this checkout's functions"
    now = int((await client.time())[0]) * 1_000
    for done in range(0, inputs, 100):
        count = min(100, inputs - done)
        calls = [_call(seeds, names, now) for _ in range(count)]
        async with client.pipeline(transaction=False) as pipe:
            for name, keys, words in calls:
                pipe.execute_command("FCALL", name, len(keys), *keys, *words)
            answers = await pipe.execute(raise_on_error=False)
        for call, answer in zip(calls, answers, strict=True):
            if isinstance(answer, (OSError, ConnectionError)):
                told.fault(f"the store: {answer!r}", call)
            told.had("error" if isinstance(answer, Exception) else "answer")
    if not await client.ping():
        told.fault("the store does not answer", "")
    await client.aclose()


async def _functions(client: Any) -> list[Any]:
    listed: Any = await client.execute_command("FUNCTION", "LIST")
    found: list[Any] = []
    for library in listed:
        fields = library if isinstance(library, dict) else dict(zip(library[::2], library[1::2], strict=True))
        for function in fields.get(b"functions", fields.get("functions", ())):
            each = function if isinstance(function, dict) else dict(zip(function[::2], function[1::2], strict=True))
            found.append(each.get(b"name", each.get("name")))
    return found


def _call(seeds: Seeds, names: list[str], now: int) -> tuple[str, list[str], list[str]]:
    dice: random.Random = seeds.dice
    lot = f"{{fuzz}}:lot:{dice.randrange(40)}"
    keys = [
        lot,
        *(f"{lot}:{part}" for part in ("who", "ids", "board", "log")),
        "{fuzz}:due",
        "{fuzz}:settle",
        "{fuzz}:beat",
    ]
    if dice.random() < 0.15:
        keys = keys[: dice.randrange(len(keys))]
    words = [str(now + dice.choice((0, 1, -2_000, 10**12))) if dice.random() < 0.8 else _plain(seeds.text())]
    for _ in range(dice.choice((0, 1, 4, 5, 5, 5, 9, 10, 40))):
        words.append(dice.choice(_WORDS) if dice.random() < 0.7 else _plain(seeds.text()))
    return dice.choice(names), keys, words


_WORDS = (
    "A1", "B2", "request-1", "request-2", "100", "9" * 15, "9" * 16, "0", "-1", "01", "1e3", "0x10", "nan", "inf",
    " 5 ", "1.5",
    "", "null", "{}", "[]", '{"1":2}', "[[", "pause", "resume", "void", "bar", "cancel", "close", "broadcast", "banned",
    "stage", "running", "ceiling", "format", "live_reverse", "round_reverse", "duration_ms", "60000", "own", "lead",
)  # fmt: skip


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
