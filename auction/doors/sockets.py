"""The live doors: one socket for all lots of a page, an event stream and a POST where sockets are blocked.

A person's seat 席位 decides his view of a lot; it is asked of Postgres when he begins to watch and kept while he does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import HTTPConnection, Request
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Route

from accounts import sessions, tickets
from accounts.acts import Act
from accounts.audit import Here
from accounts.model import Actor
from auction.case import access
from auction.case.access import Seat
from auction.doors.bells import LISTENERS
from auction.lot.bidding import Answer, Desk, Stand
from auction.lot.follower import Room
from auction.lot.messages import (
    AskTime,
    BidAccepted,
    BidRefused,
    Fault,
    FromClient,
    PlaceBid,
    Price,
    RequestId,
    TimeAnswer,
    Token,
    UnitPrices,
    Unwatch,
    Watch,
    Welcome,
)
from auction.lot.model import Alias, Refusal, Refused
from auction.lot.state import BrokenLogError
from plumbing.faults import BROKEN_PIPES
from plumbing.hub import Bucket, Outbox
from plumbing.problems import Problem
from plumbing.sockets.doors import Dismissal, Line
from plumbing.web import Reply, collect, op

MESSAGE_BYTES_MAX = 16 * 1024
WATCHED_MAX = 2_000
BIDS_UNDER_WAY_MAX = 64
ASKS_PER_S, ASKS_BURST = 200.0, 10_000.0
STRANGERS_ASKS_PER_S, STRANGERS_ASKS_BURST = 20.0, 200.0
"""So often a socket may bring Postgres to look for a seat; one of nobody in particular less often."""

log = logging.getLogger("yangcai.sockets")
_decode = msgspec.json.Decoder(FromClient).decode
_encode = msgspec.json.Encoder().encode


def audience_of(seat: Seat) -> str:
    """The audience a seat belongs to."""
    if seat.kind == "bidder":
        return f"b:{seat.alias}"
    return "host" if seat.kind in ("host", "supervisor") else "public"


class Session:
    """One connection: what it watches, from which seats. Bytes go in by ``hear``, out by its line."""

    __slots__ = (
        "_asking", "_bids_under_way", "_seating", "_seats", "_stands", "actor", "address", "desk", "line", "payload",
        "room", "state", "watched",
    )  # fmt: skip

    def __init__(self, state: Any, actor: Actor | None, payload: dict[str, Any], address: str = "") -> None:
        self.state, self.actor, self.payload, self.address = state, actor, payload, address
        self.room: Room = state.room
        self.desk: Desk = state.desk
        self.line: Line
        self.watched: dict[UUID, str] = {}
        self._seats: dict[UUID, Seat] = {}
        self._stands: dict[UUID, Stand] | None = None
        self._asking: Bucket | None = None
        self._bids_under_way = 0
        self._seating: set[asyncio.Task[None]] | None = None

    def greet(self, line: Line) -> None:
        """The connection is open: say who this is taken for."""
        self.line = line
        self.state.presence.enter(self)
        self._introduce(access.kind_of(self.actor, self.payload))

    def _introduce(self, kind: str) -> None:
        self.say(Welcome(self.state.clock.now_ms(), kind))
        if kind in LISTENERS:
            self.state.bells.add(self.line)

    @property
    def bidding(self) -> bool:
        """Whether this is a bidder at a lot that runs."""
        return any(key[:2] == "b:" and self.room.runs(lot_id) for lot_id, key in self.watched.items())

    async def sit_anew(self, actor: Actor) -> None:
        """The rights of the person may be others: every lot is shown from the seat that is his now, or no more."""
        before, kind = access.kind_of(self.actor, self.payload), access.kind_of(actor, self.payload)
        self.actor = actor
        self._seats.clear()
        self._stands = None
        if kind != before:
            self.state.bells.forget(self.line)
            self._introduce(kind)
        for lot_id, key in list(self.watched.items()):
            seat = await self.seat(lot_id)
            if self.watched.get(lot_id) != key or (seat is not None and audience_of(seat) == key):
                continue
            self._unwatch(lot_id)
            self.state.bells.forget(self.line, lot_id)
            if seat is None:
                self.fault("lot_unknown")
            else:
                await self.join(lot_id, seat, "")

    def dismiss(self) -> None:
        """The session is over."""
        self.line.close(4401, "session")

    def say(self, message: Any) -> None:
        """Answer this client."""
        self.line.say(_encode(message))

    def fault(self, code: str) -> None:
        """Tell what was wrong with a message, in both languages."""
        zh, en = (self.state.texts.say(f"problem.{code}", lang) for lang in ("zh", "en"))
        self.say(Fault(code, zh, en))

    def _may_ask(self) -> bool:
        """Whether one more seat may be looked for: nobody keeps Postgres busy by naming lots."""
        now = self.state.clock.now_ms()
        if self._asking is None:
            strange = self.actor is None and not self.payload
            rate, burst = (STRANGERS_ASKS_PER_S, STRANGERS_ASKS_BURST) if strange else (ASKS_PER_S, ASKS_BURST)
            self._asking = Bucket(rate, burst, now)
        return self._asking.spend(now)

    async def seat(self, lot_id: UUID) -> Seat | None:
        """The seat of this person at the lot; None when there is no such lot for him. Only bidders' seats are kept."""
        seat = self._seats.get(lot_id)
        purpose: str = self.payload.get("purpose", "")
        if purpose.startswith("lot:") and purpose != f"lot:{lot_id}":
            return None
        while seat is None:
            actor = self.actor
            seat = await access.seat(self.state.postgres, actor, lot_id, self.payload, self.state.seat_facts)
            if actor is not self.actor:
                seat = None  # his rights changed meanwhile
            elif seat is None:
                return None
            elif seat.kind == "bidder":
                self._seats[lot_id] = seat
        return seat

    def hear(self, message: bytes) -> Coroutine[Any, Any, None] | None:
        """Act on one message of the client; what must wait for a store comes back to be awaited."""
        if len(message) > MESSAGE_BYTES_MAX:
            self.fault("message_too_large")
            return None
        try:
            asked = _decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._malformed(message)
            return None
        if type(asked) is PlaceBid:
            self._bid(asked)
        elif type(asked) is AskTime:
            now = self.state.clock.now_ms()
            self.say(TimeAnswer(asked.t0, now, now))
        elif type(asked) is Watch:
            return self._watch(asked)
        elif type(asked) is Unwatch:
            self._unwatch(asked.lot)
        return None

    def _malformed(self, text: bytes) -> None:
        """A bid with a bad price is refused as a bid, so that the page can tell it where it was typed."""
        with suppress(Exception):
            raw = msgspec.json.decode(text)
            if raw.get("t") == "bid" and isinstance(raw.get("id"), str) and len(raw["id"]) <= 40:
                body = PlaceBid(UUID(str(raw["lot"])), raw["id"], 1)
                self.say(self.desk.refuse(body, Refused(Refusal.FORMAT)))
                return
        self.fault("message_malformed")

    def _bid(self, body: PlaceBid) -> None:
        """A bid costs no task, except while the person's seat is not known yet; bids keep their order either way."""
        stand = self._stands.get(body.lot) if self._stands else None
        unseen = stand is None and body.lot not in self._seats
        if self._bids_under_way >= BIDS_UNDER_WAY_MAX or (unseen and not self._may_ask()):
            self.say(self.desk.refuse(body, Refused(Refusal.RATE)))
            return
        self._bids_under_way += 1
        if stand is not None and not self._seating:
            self.desk.offer(body, stand, self._answered)
            return
        task = asyncio.get_running_loop().create_task(self._seat_and_offer(body))
        self._seating = self._seating or set()
        self._seating.add(task)
        task.add_done_callback(self._seating.discard)

    def _answered(self, answer: BidAccepted | BidRefused) -> None:
        self._bids_under_way -= 1
        self.line.say(_encode(answer))

    async def _seat_and_offer(self, body: PlaceBid) -> None:
        try:
            self._offer(body, await self.seat(body.lot), self._answered)
        except Exception as error:
            broken = isinstance(error, BROKEN_PIPES)
            log.log(logging.WARNING if broken else logging.ERROR, "bid failed: %s", error, exc_info=not broken)
            self._answered(self.desk.refuse(body, Refused(Refusal.OUTCOME_UNKNOWN)))

    def _offer(self, body: PlaceBid, seat: Seat | None, answer: Answer) -> None:
        """Hand a bid to the desk, or say why this person cannot bid."""
        if seat is None:
            answer(self.desk.refuse(body, Refused(Refusal.LOT_UNKNOWN)))
        elif seat.kind != "bidder" or seat.terms is None:
            code = Refusal.AUTH if self.actor is None else access.why_no_seat(self.actor, seat)
            answer(self.desk.refuse(body, Refused(code)))
        else:
            self._stands = self._stands or {}
            stand = self._stands[body.lot] = self.desk.stand(body.lot, Alias(seat.alias), seat.terms)
            self.desk.offer(body, stand, answer)

    async def judge(self, body: PlaceBid) -> BidAccepted | BidRefused:
        """The answer to a bid of this person."""
        answered: asyncio.Future[BidAccepted | BidRefused] = asyncio.get_running_loop().create_future()

        def answer(said: BidAccepted | BidRefused) -> None:
            if not answered.done():  # who asked may be gone
                answered.set_result(said)

        self._offer(body, await self.seat(body.lot), answer)
        return await answered

    async def _watch(self, message: Watch) -> None:
        try:
            await self._watch_lot(message)
        except BROKEN_PIPES as error:  # it could not be shown what it asked for; a new socket asks again
            log.warning("socket given up: %s: %s", type(error).__name__, error)
            self.line.close(1013, "unavailable")
        except BrokenLogError as error:  # the socket stays: who is hung up on comes back at once, and asks again
            log.warning("lot %s cannot be shown: %s", message.lot, error)
            self.fault("lot_unreadable")

    async def _watch_lot(self, message: Watch) -> None:
        if message.lot not in self._seats and not self._may_ask():
            self.fault("asking_too_often")
            return
        seat = await self.seat(message.lot)
        self._write_down(message.lot, seat)
        if seat is None or len(self.watched) >= WATCHED_MAX:
            self.fault("lot_unknown" if seat is None else "watching_too_many")
            return
        self._unwatch(message.lot)
        if not await self.join(message.lot, seat, message.since):
            self.fault("lot_unknown")

    def _write_down(self, lot_id: UUID, seat: Seat | None) -> None:
        """For the audit trail: who began to watch, and who was not let."""
        place = Here(self.address, "WS watch")
        if seat is None:
            self.state.ink.refuse(self.actor, "door.read", f"lot:{lot_id}", {}, place)
        elif self.actor is not None:
            self.state.ink.read(self.actor, f"lot:{lot_id}", place)

    async def join(self, lot_id: UUID, seat: Seat, since: str) -> bool:
        """Take the seat; False when there is no such lot."""
        key, there = audience_of(seat), False
        self.watched[lot_id] = key
        try:
            there = await self.room.join(lot_id, key, self.line, since)
        finally:
            if not there:
                self.watched.pop(lot_id, None)
        if not there:
            return False
        if self.watched.get(lot_id) != key:  # told otherwise meanwhile
            self.room.leave(lot_id, key, self.line)
            return True
        if seat.kind in LISTENERS:
            self.state.bells.add(self.line, lot_id)
        return True

    def _unwatch(self, lot_id: UUID) -> None:
        key = self.watched.pop(lot_id, None)
        if key:
            self.room.leave(lot_id, key, self.line)

    def left(self) -> None:
        """The connection is gone; bids under way go on to their outcome."""
        for lot_id in list(self.watched):
            self._unwatch(lot_id)
        self.state.bells.forget(self.line)
        self.state.presence.leave(self)


async def _actor_of(conn: HTTPConnection, payload: dict[str, Any]) -> Actor | None:
    """Who bears a ticket with this ``payload``."""
    if "session" not in payload:
        return None
    return await sessions.by_id(conn.state.postgres, UUID(payload["session"]), conn.state.clock.now_ms())


async def enter(conn: HTTPConnection) -> Session | Dismissal:
    """``/ws``: who comes in, by cookie or by a one-time ticket.

    Close codes: 4401 a ticket that is not good, 4408 a reader too slow, 1013 Valkey or Postgres is away: come back.
    """
    lobby: Any = conn.state.lobby
    ticket = conn.query_params.get("ticket", "")
    address = conn.client.host if conn.client else ""
    try:
        if not ticket:
            return Session(lobby, await sessions.actor(conn, lobby.known), _NO_TICKET, address)
        payload = await tickets.redeem(conn.state.valkey, ticket)
        if payload is None:
            return Dismissal(4401, "ticket")
        actor = await _actor_of(conn, payload)
        if actor is None and "session" in payload:
            return Dismissal(4401, "session")
        return Session(lobby, actor, payload, address)
    except BROKEN_PIPES as error:
        log.warning("no socket: %s: %s", type(error).__name__, error)
        return Dismissal(1013, "unavailable")


_NO_TICKET: dict[str, Any] = {}
DOORS = {"/ws": enter}


async def _events(session: Session, outbox: Outbox) -> AsyncIterator[bytes]:
    try:
        while True:
            try:
                async with asyncio.timeout(10):
                    frame = await outbox.take()
            except TimeoutError:
                yield b": here\n\n"
                continue
            if frame is None:
                return
            yield b"data: " + frame + b"\n\n"
    finally:
        session.left()


async def live_stream(request: Request) -> StreamingResponse:
    """``GET /api/lots/{lot_id}/stream``: the frames of the socket as server-sent events, for networks that block it."""
    session, outbox = Session(request.state, await sessions.actor(request), _NO_TICKET), Outbox()
    lot_id: UUID = request.path_params["lot_id"]
    seat = await session.seat(lot_id)
    if seat is None:
        raise Problem(404, "lot_unknown")
    session.greet(outbox)
    await session.join(lot_id, seat, request.query_params.get("since", ""))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(session, outbox), media_type="text/event-stream", headers=headers)


class BidBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A bid 报价 by plain request, for networks that block sockets; fields as in the socket's ``bid``."""

    id: RequestId
    price: Price
    token: Token = ""
    unit_prices: UnitPrices = ()


@op("POST", "/api/lots/{lot_id:uuid}/bids", tag="auction", summary=("报价", "Bid"), act=Act.BID_PLACE, status=201,
    errors=(404, 409, 429, 503))  # fmt: skip
async def post_bid(request: Request, lot_id: UUID, body: BidBody) -> BidAccepted:
    """Offer a price. The same id again gets the first answer. A refusal's ``accept`` holds what would be taken."""
    session = Session(request.state, await sessions.actor(request), _NO_TICKET)
    outcome = await session.judge(PlaceBid(lot_id, body.id, body.price, body.token, body.unit_prices))
    if isinstance(outcome, BidAccepted):
        return Reply(outcome, 201)  # type: ignore[return-value]
    status = _STATUS.get(outcome.code, 409)
    accept = {"price_max": outcome.price_max, "token": outcome.token}
    shown = session.desk.amount(outcome.price_max)
    raise Problem(status, outcome.code, accept=accept, text=f"refusal.{outcome.code}", price_max=shown)


_STATUS = {"LOT_UNKNOWN": 404, "RATE": 429, "OUTCOME_UNKNOWN": 503}

ROUTES: list[BaseRoute] = [
    *collect(globals()),
    Route("/api/lots/{lot_id:uuid}/stream", live_stream, methods=["GET"]),
]
