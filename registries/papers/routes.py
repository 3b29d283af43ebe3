"""附件接口: a firm hands in a paper, and it is shown to whom it concerns."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import throttle
from accounts.acts import SIGNED_IN, Act
from accounts.rules import may_act
from accounts.web import require
from plumbing.problems import Problem
from plumbing.web import collect, op, read_body
from registries.papers import records
from registries.papers.inspecting import inspect
from registries.papers.model import AN_HOUR, BYTES_MAX, MEDIA, PAGES_MAX, SIDE_MIN_PX, Kind, Wrong
from registries.suppliers import records as suppliers

HOUR_S = 3_600
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class NameQuery(Struct, frozen=True):
    """What the file is called."""

    name: str = ""


class PaperOut(Struct, frozen=True):
    """A paper as it was taken; ``path`` shows it."""

    id: UUID
    name: str
    kind: Kind
    bytes: int
    path: str


@op("POST", "/api/papers", tag="suppliers", summary=("上传证照附件", "Hand in a paper"), act=Act.SUPPLIER_FILE,
    status=201, errors=(413, 422, 429))  # fmt: skip
async def hand_in(request: Request, query: NameQuery) -> PaperOut:
    """Keep the picture of a certificate: PNG, JPEG or PDF of at most 5 MiB, by its content; sixty an hour."""
    actor, state = await require(request), request.state
    try:
        raw = await read_body(request, BYTES_MAX)
    except Problem as problem:
        if problem.status == 413:
            raise Problem(413, "paper_too_large", most="5 MB") from None
        raise
    await throttle.count(state.valkey, "paper", str(actor.org_id), most=AN_HOUR, window_s=HOUR_S)
    found = await inspect(raw)
    if isinstance(found, Wrong):
        raise Problem(422, f"paper_{found}", pages=PAGES_MAX, side=SIDE_MIN_PX)
    kind, seen = found
    async with state.postgres.acquire() as conn, conn.transaction():
        made = await records.add(conn, actor, query.name.replace("\0", ""), kind, raw, seen, state.clock.now_ms())
    return PaperOut(made, query.name[:200] or "—", kind, len(raw), f"/papers/{made}")


@op("GET", "/papers/{paper_id:uuid}", tag="suppliers", summary=("查看证照附件", "See a paper"), act=SIGNED_IN,
    media="application/octet-stream", errors=(404,))  # fmt: skip
async def see(request: Request, paper_id: UUID) -> Response:
    """The paper itself, for its own firm and for whoever reviews it at its home; nothing in it may run."""
    actor, state = await require(request), request.state
    row = await state.postgres.fetchrow(records.SQL["paper"], paper_id)
    if row is None:
        raise Problem(404, "paper_unknown")
    if row["org_id"] != actor.org_id:
        facts = await suppliers.facts(state.postgres, row["org_id"])
        now_ms = state.clock.now_ms()
        acts = (Act.SUPPLIER_REVIEW, Act.PRODUCT_REVIEW)
        if facts is None or not any(may_act(actor, act, region=facts.region, now_ms=now_ms) for act in acts):
            raise Problem(404, "paper_unknown")
    kind = Kind(row["kind"])
    shown = "attachment" if kind is Kind.PDF else "inline"
    headers = {
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(row['name'], safe='')}",
        "Content-Security-Policy": POLICY,
        "Cache-Control": "private, max-age=600",
    }
    return Response(row["body"], media_type=MEDIA[kind], headers=headers)


ROUTES = collect(globals())
