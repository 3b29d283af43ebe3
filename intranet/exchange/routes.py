"""The door of fiscal systems. Their credential is the signature of each message; people have none here."""

from __future__ import annotations

import base64

from starlette.requests import Request

from accounts.acts import OPEN
from intranet.exchange import receiving
from intranet.exchange.model import Answer
from plumbing.problems import Problem
from plumbing.web import collect, op, read_body

BODY_BYTES_MAX = 1 << 20


@op("POST", "/api/fiscal/messages", tag="fiscal", summary=("财政系统报文", "A message of a fiscal system"),
    errors=(401, 409, 413, 422), act=OPEN)  # fmt: skip
async def take_message(request: Request) -> Answer:
    """Take a signed message. Headers: ``Fiscal-Peer`` the sender's name, ``Fiscal-Signature`` base64 of its Ed25519
    signature over ``yangcai fiscal message 1``, a line feed, and the body.
    """
    state, raw = request.state, await read_body(request, BODY_BYTES_MAX)
    try:
        signature = base64.b64decode(request.headers.get("fiscal-signature", ""), validate=True)
    except ValueError:  # of which binascii.Error is one
        raise Problem(401, "fiscal_signature") from None
    peer = request.headers.get("fiscal-peer", "")[:40].replace("\0", "")
    async with state.postgres.acquire() as conn, conn.transaction():
        return await receiving.receive(conn, peer, raw, signature, state.clock.now_ms())


ROUTES = collect(globals())
