"""The live doors: one socket for all lots of a page, an event stream and a POST where sockets are blocked.

A person's seat 席位 decides his view of a lot; it is asked of Postgres when he begins to watch and kept while he does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import HTTPConnection, Request
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from accounts import sessions, tickets
from accounts.model import Actor
from auction.case import access
from auction.case.access import Seat
from auction.doors.bells import LISTENERS, Bells
from auction.lot.bidding import Desk
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
from plumbing.faults import BROKEN_PIPES
from plumbing.hub import Outbox
from plumbing.problems import Problem
from plumbing.web import Reply, collect, op

MESSAGE_BYTES_MAX = 16 * 1024
WATCHED_MAX = 2_000
BIDS_UNDER_WAY_MAX = 64

log = logging.getLogger("yangcai.sockets")
_decode = msgspec.json.Decoder(FromClient).decode
_encode = msgspec.json.Encoder().encode


def audience_of(seat: Seat) -> str:
    """The audience a seat belongs to."""
    if seat.kind == "bidder":
        return f"b:{seat.alias}"
    return "host" if seat.kind in ("host", "supervisor") else "public"


class Session:
    """One connection: what it watches, from which seats, and what waits to be written to it."""

    def __init__(self, conn: HTTPConnection, actor: Actor | None, payload: dict[str, Any]) -> None:
        self.state, self.actor, self.payload = conn.state, actor, payload
        self.room: Room = conn.state.room
        self.desk: Desk = conn.state.desk
        self.bells: Bells = conn.state.bells
        self.outbox = Outbox()
        self.watched: dict[UUID, str] = {}
        self._seats: dict[UUID, Seat] = {}
        self._bids: set[asyncio.Task[None]] = set()

    def say(self, message: Any) -> None:
        """Answer this client."""
        self.outbox.answer(_encode(message))

    def fault(self, code: str) -> None:
        """Tell what was wrong with a message, in both languages."""
        zh, en = (self.state.texts.say(f"problem.{code}", lang) for lang in ("zh", "en"))
        self.say(Fault(code, zh, en))

    async def seat(self, lot_id: UUID) -> Seat | None:
        """The seat of this person at the lot; None when there is no such lot for him. Only bidders' seats are kept."""
        seat = self._seats.get(lot_id)
        if seat is None:
            seat = await access.seat(self.state.postgres, self.actor, lot_id, self.payload)
            if seat is not None and seat.kind == "bidder":
                self._seats[lot_id] = seat
        return seat

    async def hear(self, text: str | bytes) -> None:
        """Act on one message of the client."""
        received = self.state.clock.now_ms()
        if len(text) > MESSAGE_BYTES_MAX:
            self.fault("message_too_large")
            return
        try:
            message = _decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._malformed(text)
            return
        match message:
            case AskTime():
                self.say(TimeAnswer(message.t0, received, self.state.clock.now_ms()))
            case PlaceBid():
                self._bid(message)
            case Watch():
                await self._watch(message)
            case Unwatch():
                self._unwatch(message.lot)

    def _malformed(self, text: str | bytes) -> None:
        """A bid with a bad price is refused as a bid, so that the page can tell it where it was typed."""
        with suppress(Exception):
            raw = msgspec.json.decode(text)
            if raw.get("t") == "bid" and isinstance(raw.get("id"), str) and len(raw["id"]) <= 40:
                body = PlaceBid(UUID(str(raw["lot"])), raw["id"], 1)
                self.say(self.desk.refuse(body, Refused(Refusal.FORMAT)))
                return
        self.fault("message_malformed")

    def _bid(self, body: PlaceBid) -> None:
        if len(self._bids) >= BIDS_UNDER_WAY_MAX:
            self.say(self.desk.refuse(body, Refused(Refusal.RATE)))
            return
        task = asyncio.get_running_loop().create_task(self._take(body))
        self._bids.add(task)
        task.add_done_callback(self._bids.discard)

    async def _take(self, body: PlaceBid) -> None:
        try:
            self.say(await self.judge(body))
        except Exception as error:
            broken = isinstance(error, BROKEN_PIPES)
            log.log(logging.WARNING if broken else logging.ERROR, "bid failed: %s", error, exc_info=not broken)
            self.say(self.desk.refuse(body, Refused(Refusal.OUTCOME_UNKNOWN)))

    async def judge(self, body: PlaceBid) -> BidAccepted | BidRefused:
        """The answer to a bid of this person."""
        seat = await self.seat(body.lot)
        if seat is None:
            return self.desk.refuse(body, Refused(Refusal.LOT_UNKNOWN))
        if seat.kind != "bidder" or seat.terms is None:
            code = Refusal.AUTH if self.actor is None else access.why_no_seat(self.actor)
            return self.desk.refuse(body, Refused(code))
        return await self.desk.take(body, Alias(seat.alias), seat.terms)

    async def _watch(self, message: Watch) -> None:
        seat = await self.seat(message.lot)
        if seat is None or len(self.watched) >= WATCHED_MAX:
            self.fault("lot_unknown" if seat is None else "watching_too_many")
            return
        self._unwatch(message.lot)
        key = audience_of(seat)
        self.watched[message.lot] = key
        if not await self.room.join(message.lot, key, self.outbox, message.since):
            self.watched.pop(message.lot, None)
            self.fault("lot_unknown")
        elif seat.kind in LISTENERS:
            self.bells.add(self.outbox, message.lot)

    def _unwatch(self, lot_id: UUID) -> None:
        key = self.watched.pop(lot_id, None)
        if key:
            self.room.leave(lot_id, key, self.outbox)

    def leave(self) -> None:
        """The connection is gone; bids under way go on to their outcome."""
        for lot_id in list(self.watched):
            self._unwatch(lot_id)
        self.bells.forget(self.outbox)
        self.outbox.close()


async def _write(socket: WebSocket, outbox: Outbox) -> None:
    while (frame := await outbox.take()) is not None:
        await socket.send_text(frame.decode())


async def _enter(socket: WebSocket) -> Session | None:
    """Who connects: by cookie, or by a one-time ticket. None when a ticket is not good."""
    ticket = socket.query_params.get("ticket", "")
    if not ticket:
        return Session(socket, await sessions.actor(socket), {})
    payload = await tickets.redeem(socket.state.valkey, ticket)
    if payload is None:
        return None
    actor = None
    if "session" in payload:
        actor = await sessions.by_id(socket.state.postgres, UUID(payload["session"]), socket.state.clock.now_ms())
    return Session(socket, actor, payload)


async def live_socket(socket: WebSocket) -> None:
    """``/ws``: the live socket.

    Close codes: 4401 a ticket that is not good, 4408 a reader too slow, 1013 Valkey or Postgres is away: come back.
    """
    try:
        session = await _enter(socket)
    except BROKEN_PIPES as error:
        log.warning("no socket: %s: %s", type(error).__name__, error)
        await socket.accept()
        await socket.close(1013, "unavailable")
        return
    await socket.accept()
    if session is None:
        await socket.close(4401, "ticket")
        return
    writer = asyncio.create_task(_write(socket, session.outbox))
    kind = access.kind_of(session.actor, session.payload)
    session.say(Welcome(socket.state.clock.now_ms(), kind))
    if kind in LISTENERS:
        session.bells.add(session.outbox)
    try:
        while not session.outbox.closed:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
            await session.hear(message.get("text") or message.get("bytes") or "")
    except (WebSocketDisconnect, RuntimeError):
        pass
    except BROKEN_PIPES as error:  # it could not be shown what it asked for; a new socket asks again
        log.warning("socket given up: %s: %s", type(error).__name__, error)
        with suppress(Exception):
            await socket.close(1013, "unavailable")
    finally:
        slow = session.outbox.closed
        session.leave()
        writer.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await writer
        if slow and socket.application_state is WebSocketState.CONNECTED:
            with suppress(Exception):
                await socket.close(4408, "slow")


async def _events(session: Session) -> AsyncIterator[bytes]:
    try:
        while True:
            try:
                async with asyncio.timeout(10):
                    frame = await session.outbox.take()
            except TimeoutError:
                yield b": here\n\n"
                continue
            if frame is None:
                return
            yield b"data: " + frame + b"\n\n"
    finally:
        session.leave()


async def live_stream(request: Request) -> StreamingResponse:
    """``GET /api/lots/{lot_id}/stream``: the frames of the socket as server-sent events, for networks that block it."""
    session = Session(request, await sessions.actor(request), {})
    lot_id: UUID = request.path_params["lot_id"]
    seat = await session.seat(lot_id)
    if seat is None:
        raise Problem(404, "lot_unknown")
    session.say(Welcome(request.state.clock.now_ms(), access.kind_of(session.actor, {})))
    session.watched[lot_id] = audience_of(seat)
    await session.room.join(lot_id, audience_of(seat), session.outbox, request.query_params.get("since", ""))
    if seat.kind in LISTENERS:
        session.bells.add(session.outbox, lot_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(session), media_type="text/event-stream", headers=headers)


class BidBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A bid 报价 by plain request, for networks that block sockets; fields as in the socket's ``bid``."""

    id: RequestId
    price: Price
    token: Token = ""
    unit_prices: UnitPrices = ()


@op("POST", "/api/lots/{lot_id:uuid}/bids", tag="auction", summary=("报价", "Bid"), roles=("supplier",), status=201,
    errors=(404, 409, 429, 503))  # fmt: skip
async def post_bid(request: Request, lot_id: UUID, body: BidBody) -> BidAccepted:
    """Offer a price. The same id again gets the first answer. A refusal's ``accept`` holds what would be taken."""
    session = Session(request, await sessions.actor(request), {})
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
    WebSocketRoute("/ws", live_socket),
    Route("/api/lots/{lot_id:uuid}/stream", live_stream, methods=["GET"]),
]
