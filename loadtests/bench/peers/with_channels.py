"""Django Channels: one consumer class, groups of the channel layer for watchers. ``with_channels PORT SOCKET LOT...``.

The layer is channels_redis' Pub/Sub one: the queueing one holds a connection to the store for every socket.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

from loadtests.bench.peers.auction import Auction, serve


def application(socket_path: str) -> Any:
    """The ASGI application, settings included."""
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [f"unix://{socket_path}"]}}
    settings.configure(DEBUG=False, SECRET_KEY="peer", ALLOWED_HOSTS=["*"], CHANNEL_LAYERS={"default": layer})
    django.setup()
    auction = Auction(socket_path)

    class AuctionConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
        """One socket."""

        @classmethod
        async def encode_json(cls, content: Any) -> str:
            """Without blanks, as the others."""
            return json.dumps(content, separators=(",", ":"))

        async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
            """A bid, or the wish to watch."""
            if content["t"] == "watch":
                await self.channel_layer.group_add(content["lot"], self.channel_name)
                await self.send_json(auction.snapshot(content["lot"]))
                return
            answer, frame = await auction.bid(self.channel_name, content)
            await self.send_json(answer)
            if frame:
                await self.channel_layer.group_send(content["lot"], {"type": "show", "frame": frame})

        async def show(self, event: dict[str, Any]) -> None:
            """A frame for the group."""
            await self.send_json(event["frame"])

    return ProtocolTypeRouter({"websocket": URLRouter([path("ws", AuctionConsumer.as_asgi())])})


if __name__ == "__main__":
    serve(application, sys.argv[1:])
