"""What the doors of a lot's papers share: whose seat it is, and a file handed over."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from auction.case import access
from auction.case.access import Seat
from plumbing.problems import Problem

PRIVATE = "private, no-store"


async def seat_at(request: Request, lot_id: UUID) -> Seat:
    """The seat of who asks at this lot; 404 ``lot_unknown`` for those who may not know it."""
    seat = await access.seat(request.state.postgres, await sessions.actor(request), lot_id, {})
    if seat is None:
        raise Problem(404, "lot_unknown")
    return seat


def a_file(content: bytes, media: str, name: str) -> Response:
    """A file to save under ``name``, kept by no cache."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": PRIVATE}
    return Response(content, 200, headers, media)
