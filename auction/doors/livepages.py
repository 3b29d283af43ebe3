"""The live pages 竞价室·观察台·看板·报价前检查: the server draws the frame and the facts, modules keep them moving."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from accounts import sessions
from accounts.acts import OPEN, Act
from accounts.model import Actor, Role
from auction.case import access, holds, signing
from auction.case.access import Seat
from auction.case.records import SQL, decode_rules, lot, millis_or_0
from auction.doors import wording
from auction.lot.model import FormatName, HostView, LotRules, PriceBasis, Stage
from plumbing import sql
from plumbing.postgres import Record
from plumbing.problems import Problem, language
from plumbing.templates import PLOT, as_data
from plumbing.web import collect, page

BOARD_LOTS_MAX = 200
_SQL = sql.load(Path(__file__).with_name("livepages.sql"))


def _say(request: Request) -> wording.Say:
    lang = language(request)

    def say(key: str, **params: Any) -> str:
        return str(request.state.texts.say(key, lang, **params))

    return say


def facts_of(request: Request, row: Record, rules: LotRules, lines: list[Record]) -> dict[str, Any]:
    """What a live page's module must know of a lot besides its view."""
    decrement = rules.decrement
    base = f"/api/lots/{row['id']}"
    return {
        "lot": str(row["id"]),
        "number": row["number"],
        "title": row["title"],
        "unit": "bp" if rules.basis is PriceBasis.DISCOUNT_RATE else "fen",
        "basis": rules.basis,
        "ceiling": rules.ceiling,
        "decrement": {"kind": decrement.kind, "against": decrement.against, "amount": decrement.amount},
        "overtime_ms": rules.overtime.window_ms if rules.overtime.extensions_max != 0 else 0,
        "suppliers_min": rules.suppliers_min,
        "rounds": rules.format is FormatName.ROUND_REVERSE,
        "lead_only": rules.host_view is HostView.LEAD,
        "lines": [
            {"no": line["no"], "thousandths": line["thousandths"], "ceiling": line["unit_ceiling_fen"]}
            for line in lines
        ]
        if rules.basis is PriceBasis.UNIT_PRICES
        else [],
        "plot": request.state.templates.vendored(PLOT),
        "api": {
            "questions": f"{base}/questions",
            "broadcast": f"{base}/broadcast",
            "motions": f"{base}/motions",
            "suspend": f"{base}/suspension",
            "hold": f"{base}/hold",
        },
    }


def _lot_words(request: Request, row: Record, case: Record, rules: LotRules, lines: list[Record]) -> dict[str, Any]:
    """What the page's frame says of a lot."""
    say = _say(request)
    ceiling = wording.amount_text(rules.ceiling, rules.basis) if rules.ceiling else say("room.no_ceiling")
    return {
        "id": row["id"],
        "auction_id": row["auction_id"],
        "no": row["no"],
        "title": row["title"],
        "number": row["number"],
        "org_name": case["org_name"],
        "category": row["category"],
        "stage": row["stage"],
        "practice": rules.practice,
        "unit": "bp" if rules.basis is PriceBasis.DISCOUNT_RATE else "fen",
        "basis": rules.basis.value,
        "ceiling_text": ceiling,
        "suppliers_min": rules.suppliers_min,
        "lines_priced": rules.basis is PriceBasis.UNIT_PRICES,
        "lines": [
            {
                "no": line["no"],
                "name": line["name"],
                "unit": line["unit"],
                "quantity": f"{line['quantity'].normalize():f}",
                "ceiling_text": wording.amount_text(line["unit_ceiling_fen"], PriceBasis.TOTAL)
                if line["unit_ceiling_fen"]
                else "",
            }
            for line in lines
        ],
        "rules_in_words": list(wording.rules_in_words(rules, say)),
    }


async def _enter(request: Request) -> tuple[Actor | None, Seat, Record]:
    """Who comes to which lot, and his seat there. Raises ``Problem`` 404 where he may not know it."""
    lot_id: UUID = request.path_params["lot_id"]
    pool, actor = request.state.postgres, await sessions.actor(request)
    seat = await access.seat(pool, actor, lot_id, {})
    row = await lot(pool, lot_id) if seat is not None else None
    if seat is None or row is None:
        raise Problem(401, "login_needed") if actor is None else Problem(404, "lot_unknown")
    return actor, seat, row


def case_path(row: Record) -> str:
    """The page of the case a lot belongs to."""
    return f"/auctions/{row['auction_id']}"


@page("GET", "/lots/{lot_id:uuid}/room", act=OPEN)
async def room(request: Request) -> Response:
    """The supplier's bidding room 竞价室. Hosts and supervisors are led to the watch page, others to the case."""
    actor, seat, row = await _enter(request)
    if actor is None:
        raise Problem(401, "login_needed")
    if seat.kind != "bidder" or seat.terms is None:
        watching = seat.kind in ("host", "supervisor")
        return RedirectResponse(f"/lots/{row['id']}/watch" if watching else case_path(row), 303)
    pool, rules = request.state.postgres, seat.terms.rules
    if rules.format is FormatName.SEALED_ONE_SHOT:
        return RedirectResponse(f"/lots/{row['id']}/quote", 303)
    case = await pool.fetchrow(SQL["auction_by_id"], row["auction_id"])
    lines = await pool.fetch(SQL["lines_of"], row["id"])
    facts = facts_of(request, row, rules, lines) | {"alias": seat.alias, "person": str(actor.user_id)}
    response: Response = request.state.templates.page(
        request,
        "room.html",
        lot=_lot_words(request, row, case, rules, lines),
        alias=seat.alias,
        join_link=_join_link(request, actor, row),
        facts=facts,
        facts_json=as_data(facts),
    )
    return response


def _join_link(request: Request, actor: Actor, row: Record) -> str:
    """Where others join a practice that this supplier opened; empty for any other lot, and when it is over."""
    if not row["practice"] or row["org_id"] != actor.org_id or row["stage"] != Stage.RUNNING:
        return ""
    origin = request.state.settings.public_origin or str(request.base_url).rstrip("/")
    return f"{origin}/practice/{row['auction_id']}/join"


@page("GET", "/lots/{lot_id:uuid}/watch", act=OPEN)
async def watch(request: Request) -> Response:
    """The purchaser's watch page 观察台; the supervisor sees the same and may order a suspension, nothing else."""
    actor, seat, row = await _enter(request)
    if actor is None:
        raise Problem(401, "login_needed")
    if seat.kind not in ("host", "supervisor"):
        return RedirectResponse(f"/lots/{row['id']}/room" if seat.kind == "bidder" else case_path(row), 303)
    pool, now_ms = request.state.postgres, request.state.clock.now_ms()
    rules = decode_rules(row["rules"])
    if rules.format is FormatName.SEALED_ONE_SHOT:
        return RedirectResponse(f"/lots/{row['id']}/opening" if seat.kind == "host" else case_path(row), 303)
    case = await pool.fetchrow(SQL["auction_by_id"], row["auction_id"])
    lines = await pool.fetch(SQL["lines_of"], row["id"])
    desk = await _desk(request, actor, seat, row, now_ms)
    hosting = seat.kind == "host" and not rules.practice and access.hosts(actor, row, now_ms, Role.BUYER, Role.AGENCY)
    facts = facts_of(request, row, rules, lines) | {"host": hosting, "days_max": holds.days_max(row)}
    response: Response = request.state.templates.page(
        request,
        "watch.html",
        lot=_lot_words(request, row, case, rules, lines),
        hosting=hosting,
        **desk,
        facts=facts,
        facts_json=as_data(facts),
    )
    return response


async def _desk(request: Request, actor: Actor, seat: Seat, row: Record, now_ms: int) -> dict[str, Any]:
    """What the watch page shows beside the view: motions, questions, holds, and what this person may do about them."""
    pool, host = request.state.postgres, seat.kind == "host"
    motions = await pool.fetch(SQL["motions_of"], row["id"])
    kept = await pool.fetch(SQL["holds_of"], row["id"])
    held = next((hold for hold in kept if hold["ended_at"] is None and row["stage"] == Stage.ON_HOLD), None)
    unit = host and not row["practice"] and access.hosts(actor, row, now_ms, Role.BUYER, Role.HEAD)
    oversees = access.oversees(actor, row, now_ms)
    return {
        "seat": seat.kind,
        "me": actor.user_id,
        "heading": host and access.hosts(actor, row, now_ms, Role.HEAD),
        "questions": await signing.questions(pool, actor, row, now_ms) if host else [],
        "motions": [motion for motion in motions if motion["state"] == "open"],
        "held": held,
        "lifted": [hold for hold in kept if hold["ended_at"] is not None],
        "may_hold": "suspend" if oversees and not host else "hold" if unit else "",
        "may_release": held is not None and (oversees or (unit and held["by"] == "host")),
    }


def _may_watch(actor: Actor, row: Record, now_ms: int) -> bool:
    if row["practice"] and actor.org_id == row["org_id"]:
        return True
    return access.hosts(actor, row, now_ms) or access.oversees(actor, row, now_ms)


@page("GET", "/board", act=Act.CASE_OVERVIEW)
async def board(request: Request) -> Response:
    """The board 看板 of all lots that run or are about to, for those who may watch them."""
    actor = await sessions.actor(request)
    assert actor is not None
    now_ms = request.state.clock.now_ms()
    rows = [row for row in await request.state.postgres.fetch(_SQL["live_lots"]) if _may_watch(actor, row, now_ms)]
    lots, facts = [], []
    for row in rows[:BOARD_LOTS_MAX]:
        rules = decode_rules(row["rules"])
        unit = "bp" if rules.basis is PriceBasis.DISCOUNT_RATE else "fen"
        facts.append({"lot": str(row["id"]), "unit": unit, "overtime_ms": rules.overtime.window_ms})
        lots.append({**dict(row), "opens_ms": millis_or_0(row["opens_at"]), "running": row["stage"] != Stage.SIGNUP})
    response: Response = request.state.templates.page(
        request, "board.html", lots=lots, hidden=len(rows) - len(lots), facts_json=as_data({"lots": facts})
    )
    return response


@page("GET", "/preflight", act=OPEN)
async def preflight(request: Request) -> Response:
    """Before one bids 报价前检查: device, clock and connection, on no auction at all."""
    response: Response = request.state.templates.page(request, "preflight.html", facts_json=as_data({}))
    return response


ROUTES = collect(globals())
