"""Doors of the transcript 存证: the file, a bidder's receipts, the newest signed head, the keys, and the verifier.

Who may take a transcript is who may see the result; while a lot runs, its size and heads are for host and supervisor.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import OPEN
from auction.case import access
from auction.case.access import Seat
from auction.case.records import SQL
from auction.doors.handing import PRIVATE, a_file, seat_at
from auction.transcript import files
from auction.transcript.files import Reader
from auction.transcript.notary import SQL as OURS
from ledger.note import packed
from plumbing.problems import Problem
from plumbing.templates import as_data
from plumbing.web import collect, op, page

LINES, JSON, TEXT = "application/jsonl", "application/json", "text/plain"


class KeyOut(Struct, frozen=True):
    """A public key 公钥 of this site: base64 of its 32 bytes, and since when it is known (epoch ms)."""

    public: str
    since: int


class KeysOut(Struct, frozen=True):
    """All keys that ever signed here, oldest first."""

    keys: list[KeyOut]


async def _open_seat(request: Request, lot_id: UUID) -> Seat:
    """The seat of someone who may see the settled result; 409 for others."""
    seat = await seat_at(request, lot_id)
    settled = await request.state.postgres.fetchrow(SQL["result_of"], lot_id)
    if settled["outcome"] is None or not access.result_is_open(seat, settled["stage"]):
        raise Problem(409, "not_settled")
    return seat


def _written(content: bytes | None) -> bytes:
    if content is None:
        raise Problem(404, "no_transcript")
    return content


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/transcript.jsonl",
    tag="papers",
    summary=("存证文件", "The transcript"),
    act=OPEN,
    errors=(404, 409),
    media=LINES,
)
async def transcript(request: Request, lot_id: UUID) -> Response:
    """The signed record of a settled lot, opened as far as the reader may see; check it with `yangcai verify`."""
    seat = await _open_seat(request, lot_id)
    content = await files.transcript(request.state.postgres, lot_id, Reader(seat.kind, seat.alias))
    return a_file(_written(content), LINES, f"transcript-{lot_id}.jsonl")


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/receipt.json",
    tag="papers",
    summary=("报价回执", "My receipts"),
    act=OPEN,
    errors=(404,),
    media=JSON,
)
async def receipt(request: Request, lot_id: UUID) -> Response:
    """The bidder's own signed receipts so far, for his last bids at the latest two seconds after them."""
    seat = await seat_at(request, lot_id)
    if seat.kind != "bidder":
        raise Problem(404, "no_transcript")
    content = await files.receipts(request.state.postgres, lot_id, seat.alias)
    return a_file(_written(content), JSON, f"receipt-{lot_id}.json")


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/checkpoint",
    tag="papers",
    summary=("最新存证点", "The newest signed head"),
    act=OPEN,
    errors=(404, 409),
    media=TEXT,
)
async def checkpoint(request: Request, lot_id: UUID) -> Response:
    """The newest checkpoint (C2SP): for host and supervisor at any time, for others once the result is open."""
    if (await seat_at(request, lot_id)).kind not in ("host", "supervisor"):
        await _open_seat(request, lot_id)
    note: str | None = await request.state.postgres.fetchval(OURS["newest_checkpoint"], lot_id)
    if note is None:
        raise Problem(404, "no_transcript")
    return Response(note, 200, {"Cache-Control": PRIVATE}, TEXT)


@op("GET", "/api/transcript-keys", tag="papers", summary=("存证公钥", "The public keys"), act=OPEN)
async def transcript_keys(request: Request) -> KeysOut:
    """The public keys that sign transcripts here. Write them down before you need them."""
    return KeysOut(await _keys(request))


async def _keys(request: Request) -> list[KeyOut]:
    rows = await request.state.postgres.fetch(OURS["keys"])
    return [KeyOut(packed(row["public"]), int(row["made_at"].timestamp() * 1000)) for row in rows]


@page("GET", "/verify", act=OPEN)
async def verify(request: Request) -> Response:
    """The page that checks a transcript in the reader's browser, with a plain green or red answer."""
    known = await _keys(request)
    response: Response = request.state.templates.page(
        request, "verify.html", keys=known, facts_json=as_data({"keys": [key.public for key in known]})
    )
    return response


ROUTES = collect(globals())
