"""Frames of RFC 6455 as far as the fast path needs them: whole text frames out, whole masked frames in."""

from __future__ import annotations

from typing import NamedTuple

from websockets.speedups import apply_mask

TEXT, PONG = 0x81, 0x8A
"""First byte of a whole (FIN) text frame, and of a pong, without reserved bits."""
MASKED = 0x80
_MIDDLING = bytes((TEXT, MASKED | 126))


class Frame(NamedTuple):
    """One message made once for many: its text, and the same as bytes of a socket."""

    text: bytes
    wire: bytes


def wire(text: bytes) -> bytes:
    """The text as one whole frame from the server."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 1 << 16:
        return b"\x81\x7e%c%c%b" % (size >> 8, size & 255, text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), text)


def framed(text: bytes) -> Frame:
    """A message for many."""
    return Frame(text, wire(text))


def measure(data: bytes, at: int) -> tuple[int, int] | None:
    """Bytes of header (mask included) and of payload of the client's frame that begins at ``at``; None: too few yet."""
    if len(data) - at < 2:
        return None
    size = data[at + 1] & 0x7F
    if size < 126:
        return 6, size
    wide = 2 if size == 126 else 8
    if len(data) - at < 2 + wide:
        return None
    return 6 + wide, int.from_bytes(data[at + 2 : at + 2 + wide], "big")


def whole_text(data: bytes) -> bytes | None:
    """The payload, when ``data`` is exactly one whole masked text frame of less than 64 KiB; None for all else."""
    size = len(data) - 6
    if 0 <= size < 126:
        if data[0] == TEXT and data[1] == MASKED | size:
            return apply_mask(data[6:], data[2:6])
    elif data[:2] == _MIDDLING and int.from_bytes(data[2:4], "big") == size - 2 >= 126:
        return apply_mask(data[8:], data[4:8])
    return None


def unmasked(data: bytes, at: int, head: int, size: int) -> bytes:
    """The payload of the whole client's frame that begins at ``at``."""
    start = at + head
    return apply_mask(data[start : start + size], data[start - 4 : start])
