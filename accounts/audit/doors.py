"""门前审计: the one place through which every act at a door passes. What a door writes itself is not written twice.

Acts that count are written by their rooms, in the act's own transaction. Here are added: whatever succeeded and left no
line, refusals, failures, and protected reads. Their lines go through a short queue, in batches; while Postgres is away
they wait, at most ``WAITING_MAX``, and beyond that are counted and the count is written.

Not doubled: bids 报价, which stand in their lot's own log under its own signed heads (refused ones are in no record, as
they change nothing), and tickets, whose use is written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts.audit import Here, here
from accounts.model import Actor
from accounts.records import moment
from plumbing import logs
from plumbing.postgres import Pool
from plumbing.security import SAFE_METHODS

WAITING_MAX = 20_000
AT_ONCE = 1_000
READ_AGAIN_MS = 10 * 60_000
"""A thing read again by the same session within this time is not written again."""
READS_KEPT = 50_000
REFUSALS_PER_MINUTE = 60
"""Of one person or address, per process; what goes beyond is written as a number."""
ELSEWHERE = frozenset({"POST /api/lots/{lot_id}/bids", "POST /api/tickets"})
QUIET = ("/static/", "/healthz", "/metrics", "/lang/")
NO_ACCESS = frozenset({401, 403, 404})
_COLUMNS = (
    "at", "person_id", "login", "org_id", "region", "event", "object", "result", "detail", "request_id", "address",
    "door",
)  # fmt: skip

log = logs.get(__name__)


def sound(text: str) -> str:
    """A text as Postgres takes it: one that it refuses would hold up every line behind it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class Ink:
    """The queue of lines to be written, of one process."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._lines: list[tuple[Any, ...]] = []
        self._dropped = 0
        self._reads: OrderedDict[tuple[Any, ...], int] = OrderedDict()
        self._refusals: dict[str, int] = {}
        self._minute = 0

    def write(
        self, actor: Actor | None, event: str, thing: str, result: str, detail: Mapping[str, Any], at: Here
    ) -> None:
        """Put a line to the queue."""
        if len(self._lines) >= WAITING_MAX:
            self._dropped += 1
            return
        who = (actor.user_id, actor.login, actor.org_id, actor.region) if actor else (None, "", None, "")
        told = {name: sound(value) if isinstance(value, str) else value for name, value in detail.items()}
        if actor and actor.key:
            told["key"] = str(actor.key)
        line = (
            moment(self._now_ms()),
            *who,
            event,
            sound(thing),
            result,
            told,
            logs.request_id(),
            sound(at.address),
            sound(at.door),
        )
        self._lines.append(line)

    def read(self, actor: Actor, thing: str, at: Here) -> None:
        """A protected thing was shown: once per session, door and ten minutes."""
        key, now = (actor.session, at.door, thing), self._now_ms()
        if now - self._reads.get(key, -READ_AGAIN_MS) < READ_AGAIN_MS:
            return
        self._reads[key] = now
        self._reads.move_to_end(key)
        while len(self._reads) > READS_KEPT:
            self._reads.popitem(last=False)
        self.write(actor, "door.read", thing, "done", {}, at)

    def refuse(self, actor: Actor | None, event: str, thing: str, detail: Mapping[str, Any], at: Here) -> None:
        """Something was refused; a flood of one person or address is written as a number."""
        key = actor.login if actor else at.address
        count = self._refusals[key] = self._refusals.get(key, 0) + 1
        if count <= REFUSALS_PER_MINUTE:
            self.write(actor, event, thing, "refused", detail, at)

    def _turn_minute(self) -> None:
        minute = self._now_ms() // 60_000
        if minute == self._minute:
            return
        floods = {key: count for key, count in self._refusals.items() if count > REFUSALS_PER_MINUTE}
        self._minute, self._refusals = minute, {}
        for key, count in floods.items():
            more = {"by": key[:100], "more": count - REFUSALS_PER_MINUTE}
            self.write(None, "door.flood", "", "refused", more, Here())

    async def pour(self, pool: Pool) -> None:
        """Write what waits. What cannot be written now is kept; raises what the store raises."""
        self._turn_minute()
        if self._dropped and len(self._lines) < WAITING_MAX:
            dropped, self._dropped = self._dropped, 0
            self.write(None, "audit.dropped", "", "failed", {"lines": dropped}, Here())
            log.error("audit.dropped", lines=dropped)
        while self._lines:
            some = self._lines[:AT_ONCE]
            async with pool.acquire() as conn, conn.transaction():
                await conn.execute("SET LOCAL ROLE yangcai_audit")
                await conn.copy_records_to_table("audit_event", records=some, columns=_COLUMNS)
            del self._lines[: len(some)]


class Outcome(Struct):
    """How a request ended: its status, 0 without an answer."""

    status: int = 0


class Acts:
    """Writes down what happened at the door, once the answer is on its way."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        ink: Ink | None = scope.get("state", {}).get("ink")
        if scope["type"] != "http" or ink is None or scope["path"].startswith(QUIET):
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        place, outcome = Here(client[0] if client else "", scope=scope), Outcome()

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                outcome.status = message["status"]
            await send(message)

        token = here.set(place)
        try:
            await self.app(scope, receive, sender)
        except Exception:
            outcome.status = outcome.status or 500
            raise
        finally:
            here.reset(token)
            settle(ink, scope, place, outcome.status)


def thing_of(scope: Scope) -> str:
    """What the door is about: its first parameter, as ``lot:<id>``."""
    for name, value in scope.get("path_params", {}).items():
        return f"{name.removesuffix('_id')}:{str(value)[:100]}"
    return ""


def settle(ink: Ink, scope: Scope, place: Here, status: int) -> None:
    """Write the line of a request that ended with ``status``, if one is due."""
    actor: Actor | None = getattr(HTTPConnection(scope).state, "who", None)
    changes, thing, detail = scope["method"] not in SAFE_METHODS, thing_of(scope), {"status": status}
    if status >= 500 or status == 0:
        if changes and not place.refused:
            ink.write(actor, "door.acted", thing, "failed", detail, place)
    elif status >= 400:
        no_access = status in NO_ACCESS and (changes or bool(thing) or status == 403)
        if not place.refused and (no_access or (changes and place.door not in ELSEWHERE)):
            ink.refuse(actor, "door.acted" if changes else "door.read", thing, detail, place)
    elif changes:
        if not place.done and place.door not in ELSEWHERE:
            ink.write(actor, "door.acted", thing, "done", detail, place)
    elif actor is not None and thing and not place.done:
        ink.read(actor, thing, place)
