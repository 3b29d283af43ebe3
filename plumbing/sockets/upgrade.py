"""From a request to a socket: uvicorn's own HTTP, but nothing that came in one packet with the handshake is lost."""

from __future__ import annotations

import sys
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from plumbing.bounds import Bounded
from plumbing.sockets.connection import Connection
from plumbing.sockets.handshake import Knock, by_the_book

HEAD_AT_ONCE_MAX = 8 * 1024


class Http(Bounded):
    """uvicorn hands a socket only the head of its request; a client in a hurry sends its first frame with it."""

    _packet = b""
    _fresh = True  # nothing was read yet

    def _begin(self, knock: Knock) -> None:
        """The socket takes the place of this protocol."""
        self._wait(None)
        self.connections.discard(self)
        socket = Connection(self.config, self.server_state, self.app_state)
        socket.connection_made(self.transport)
        socket.begin(knock)
        self.transport.set_protocol(socket)

    def data_received(self, data: bytes) -> None:
        """A handshake by the book in a packet of its own, nearly every one, needs no parsing. Of others the packet is
        remembered while it is being read.
        """
        if self._fresh:
            self._fresh = False
            knock = by_the_book(data) if len(data) <= HEAD_AT_ONCE_MAX and data.startswith(b"GET /ws") else None
            if knock is not None:
                self._begin(knock)
                return
        self._packet = data
        super().data_received(data)
        self._packet = b""

    def handle_websocket_upgrade(self) -> None:
        """Called while the parser's exception is handled, which says where the head ended."""
        upgrade = cast("httptools.HttpParserUpgrade", sys.exception())
        super().handle_websocket_upgrade()
        rest = self._packet[upgrade.args[0] :]
        if rest:
            protocol = self.transport.get_protocol()
            cast("HttpToolsProtocol", protocol).data_received(rest)
