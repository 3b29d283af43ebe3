"""The result page 竞价结果: ranking, chart, the winner's data and nobody else's, the settled record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import OPEN
from auction.case import access
from auction.case.records import SQL, decode_rules, lot, millis_or_0
from auction.doors import wording
from auction.doors.pagekit import tone
from auction.lot.model import FormatName, PriceBasis, Stage
from auction.transcript.notary import SQL as OURS
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.templates import PLOT, as_data
from plumbing.web import collect, page
from standards.money import upper

AWARDED = ("published", "contracted")


def _share(part: int, whole: int) -> str:
    """How far ``part`` lies below ``whole``, to a tenth of a per cent."""
    return f"{(whole - part) * 1000 // whole / 10:.1f}%" if whole else ""


async def _told(request: Request, row: Record, standings: list[Record], seat: access.Seat) -> dict[str, Any]:
    """What the page says of a settled lot whose result this person may see.

    The pair of quoted and effective price is shown of his own offer alone; of all to hosts and supervisors.
    """
    pool, rules = request.state.postgres, decode_rules(row["rules"])
    money = rules.basis is not PriceBasis.DISCOUNT_RATE
    best = next((one for one in standings if one["valid"]), None)
    if row["award_rank"]:
        best = next((one for one in standings if one["rank"] == row["award_rank"]), best)
    public = row["stage"] in AWARDED
    points = await pool.fetch(SQL["points_of"], row["id"])
    inside = seat.kind in ("host", "supervisor")
    paired = {one["rank"] for one in standings if inside or (seat.alias and one["alias"] == seat.alias)}
    facts = {
        "plot": request.state.templates.vendored(PLOT),
        "unit": "fen" if money else "bp",
        "ceiling": rules.ceiling,
        "opens_at": millis_or_0(row["opens_at"]),
        "closes_at": millis_or_0(row["closes_at"]),
        "points": [[p["at"], p["who"], p["price"]] for p in points],
    }
    return {
        "best": best,
        "best_name": best["name"] if best and public else "",
        "best_text": wording.amount_text(best["price"], rules.basis) if best else "",
        "best_upper": upper(best["price"]) if best and money else "",
        "below": _share(best["price"], rules.ceiling or 0) if best else "",
        "valid": sum(1 for one in standings if one["valid"]),
        "public": public,
        "sealed": rules.format is FormatName.SEALED_ONE_SHOT,  # nothing moved: there is no chart
        "own": seat.alias,
        "paired": paired,
        "facts_json": as_data(facts),
        "amount": lambda price: wording.amount_text(price, rules.basis),
    }


@page("GET", "/lots/{lot_id:uuid}/result", act=OPEN)
async def result(request: Request) -> Response:
    """The result for whoever may see it now: hosts and supervisors when settled, everyone when published."""
    pool, actor = request.state.postgres, await sessions.actor(request)
    lot_id: UUID = request.path_params["lot_id"]
    seat = await access.seat(pool, actor, lot_id, {})
    row = await lot(pool, lot_id)
    if seat is None or row is None:
        raise Problem(404, "lot_unknown")
    settled = await pool.fetchrow(SQL["result_of"], lot_id)
    shown = settled["outcome"] is not None and access.result_is_open(seat, row["stage"])
    standings = await pool.fetch(SQL["standings_of"], lot_id) if shown else []
    told = await _told(request, row, standings, seat) if shown else {}
    response: Response = request.state.templates.page(
        request,
        "result.html",
        row=row,
        settled=settled,
        shown=shown,
        failed=row["stage"] in (Stage.FAILED, Stage.CANCELLED),
        standings=standings,
        lines=await pool.fetch(SQL["lines_of"], lot_id),
        told=told,
        signed=shown and await pool.fetchval(OURS["newest_checkpoint"], lot_id) is not None,
        inside=shown and seat.kind in ("host", "supervisor") and row["stage"] in AWARDED,
        won=bool(told and seat.alias and told["best"] and told["best"]["alias"] == seat.alias and told["public"]),
        known=request.state.texts,
        tone=tone,
    )
    return response


ROUTES = collect(globals())
