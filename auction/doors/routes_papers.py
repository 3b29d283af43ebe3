"""Doors of the papers 文书 and the archive of a lot; who may fetch them is checked for each."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import SIGNED_IN
from accounts.audit import audit
from accounts.model import Role
from auction.case import access, papers, reading
from auction.case import archive as case_archive
from auction.case.records import SQL
from auction.doors.handing import a_file
from plumbing.problems import Problem
from plumbing.web import collect, op

PDF, ZIP = "application/pdf", "application/zip"


async def _may(request: Request, lot_id: UUID, *, winner: bool = False) -> None:
    """Hosts and supervisors may; with ``winner`` the supplier of the deal too. Others get 404."""
    pool, actor = request.state.postgres, await sessions.actor(request)
    seat = await access.seat(pool, actor, lot_id, {})
    if seat is not None and seat.kind in ("host", "supervisor"):
        await audit(pool, actor, "paper.fetched", f"lot:{lot_id}")
        return
    deal = await pool.fetchrow(SQL["deal_of"], lot_id)
    if winner and deal and actor and actor.has(Role.SUPPLIER) and deal["supplier_org_id"] == actor.org_id:
        return
    raise Problem(404, "lot_unknown")


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/award-notice.pdf",
    tag="papers",
    summary=("成交通知书", "The award notice"),
    act=SIGNED_IN,
    errors=(404, 409),
    media=PDF,
)
async def award_notice(request: Request, lot_id: UUID) -> Response:
    """The award notice, for the host, the supervisor and the winner."""
    await _may(request, lot_id, winner=True)
    content = await papers.award_notice(request.state.postgres, lot_id, request.state.texts)
    return a_file(content, PDF, f"award-notice-{lot_id}.pdf")


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/activity-record.pdf",
    tag="papers",
    summary=("采购活动记录", "The activity record"),
    act=SIGNED_IN,
    errors=(404, 409),
    media=PDF,
)
async def activity_record(request: Request, lot_id: UUID) -> Response:
    """The activity record, for the host and the supervisor."""
    await _may(request, lot_id)
    content = await papers.activity_record(request.state.postgres, lot_id, request.state.texts)
    return a_file(content, PDF, f"activity-record-{lot_id}.pdf")


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/archive.zip",
    tag="papers",
    summary=("归档文件", "The archive of a lot"),
    act=SIGNED_IN,
    errors=(404, 409),
    media=ZIP,
)
async def archive(request: Request, lot_id: UUID) -> Response:
    """Log, rules, standings by alias, notices and papers in one ZIP with its manifest, for host and supervisor."""
    await _may(request, lot_id)
    content = await papers.archive(request.state.postgres, lot_id, request.state.texts)
    return a_file(content, ZIP, f"archive-{lot_id}.zip")


@op(
    "GET",
    "/api/auctions/{auction_id:uuid}/archive.zip",
    tag="papers",
    summary=("采购档案", "The archive of a case"),
    act=SIGNED_IN,
    errors=(404, 409),
    media=ZIP,
)
async def whole_case(request: Request, auction_id: UUID) -> Response:
    """A case that is over, whole: documents, rules, records, results, acts; read and checked without the product."""
    pool, actor = request.state.postgres, await sessions.actor(request)
    _, kind, _ = await reading.seat_at(pool, actor, auction_id)
    if kind not in ("host", "supervisor"):
        raise Problem(404, "auction_unknown")
    name, content = await case_archive.archive(pool, auction_id, kind, request.state.texts)
    await audit(pool, actor, "paper.fetched", f"auction:{auction_id}")
    return a_file(content, ZIP, name)


ROUTES = collect(globals())
