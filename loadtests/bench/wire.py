"""What travels: the upgrade of a socket, masked client frames built beforehand, and the frames of a server taken apart.

The mask of our frames is four zero bytes: lawful on the wire, and the text needs no change. The server unmasks as ever.
"""

from __future__ import annotations

from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NO_MASK = b"\0\0\0\0"
PINGED = bytes((0x80 | PING, 0))  # as the product pings
SOCKETIO = '42["message",%s]'
SOCKETIO_ANSWER = b'42["answer",'


def upgrade(host: str, path: str, *, origin: str = "", cookie: str = "") -> bytes:
    """The request that turns a connection into a live socket."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    lines += [f"Origin: {origin}"] if origin else []
    lines += [f"Cookie: {cookie}"] if cookie else []
    return "\r\n".join([*lines, "", ""]).encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole client frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + NO_MASK + payload


def frames(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The whole frames at the head of ``data``: opcode, begin and end of each payload."""
    pos, end = 0, len(data)
    while end - pos >= 2:
        size, at = data[pos + 1], pos + 2
        if size == 126:
            if end - pos < 4:
                return
            size, at = data[pos + 2] << 8 | data[pos + 3], pos + 4
        elif size == 127:
            if end - pos < 10:
                return
            size, at = int.from_bytes(data[pos + 2 : pos + 10], "big"), pos + 10
        if end < at + size:
            return
        yield data[pos] & 15, at, at + size
        pos = at + size


class Bids:
    """The bids of one lot as frames: everything but id and price is built once. Ids are a letter and 15 digits."""

    def __init__(self, lot: str, letter: str, *, socketio: bool = False) -> None:
        self.lot = lot
        text = f'{{"t":"bid","lot":"{lot}","id":"{letter}%015d","price":%012d}}'
        form = (SOCKETIO.replace("%s", text) if socketio else text).encode()
        size = len(form % (0, 0))
        whole = frame(bytes(size))
        self._form = whole[: len(whole) - size].replace(b"%", b"%%") + form

    def of(self, serial: int, price: int) -> bytes:
        """The frame of one bid; ``price`` has twelve digits."""
        return self._form % (serial, price)
