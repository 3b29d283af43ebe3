"""From a request to a socket: uvicorn's own HTTP, but nothing that came in one packet with the handshake is lost."""

from __future__ import annotations

import sys
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from plumbing.bounds import Bounded


class Http(Bounded):
    """uvicorn hands a socket only the head of its request; a client in a hurry sends its first frame with it."""

    _packet = b""

    def data_received(self, data: bytes) -> None:
        """Remember the packet while it is being read."""
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
