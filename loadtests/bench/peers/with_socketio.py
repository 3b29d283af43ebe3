"""python-socketio: one asynchronous server, rooms for watchers. ``with_socketio PORT SOCKET LOT...``."""

from __future__ import annotations

import sys
from typing import Any

import socketio

from loadtests.bench.peers.auction import Auction, serve


def application(socket_path: str) -> Any:
    """The ASGI application."""
    sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
    auction = Auction(socket_path)

    @sio.event  # type: ignore[misc, untyped-decorator, unused-ignore]
    async def message(sid: str, content: dict[str, Any]) -> None:
        """A bid, or the wish to watch."""
        if content["t"] == "watch":
            await sio.enter_room(sid, content["lot"])
            await sio.emit("answer", auction.snapshot(content["lot"]), to=sid)
            return
        answer, frame = await auction.bid(sid, content)
        await sio.emit("answer", answer, to=sid)
        if frame:
            await sio.emit("answer", frame, room=content["lot"])

    return socketio.ASGIApp(sio)


if __name__ == "__main__":
    serve(application, sys.argv[1:])
