"""JSON doors of the auction room: parse, ask the operation, answer."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts import sessions
from accounts.acts import OPEN, Act
from auction.case import access
from auction.case.records import SQL, millis
from auction.doors import routes_cases, routes_papers, routes_sealed, routes_suppliers
from auction.practice import opening as practice
from auction.practice.opening import Name, PracticeBody, PracticeOut
from plumbing.problems import Problem
from plumbing.web import collect, op


class TicketsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """For whom tickets are wanted."""

    auction_id: UUID
    names: Annotated[list[Name], Meta(min_length=1, max_length=500)]


class TicketsOut(Struct, frozen=True):
    """One-time tickets by name, good for 30 seconds."""

    tickets: dict[str, str]


class Steering(Struct, frozen=True):
    """The stage and position of a lot after a command."""

    stage: str
    n: int


class StandingOut(Struct, frozen=True):
    """One ranked offer by alias 别名; ``at`` epoch ms, ``price`` in the lot's unit."""

    rank: int
    alias: str
    price: int
    n: int
    at: int
    valid: bool


class ResultOut(Struct, frozen=True):
    """The settled result of a lot; ``outcome`` is empty until it is settled."""

    stage: str
    outcome: str
    final_n: int
    standings: list[StandingOut]


@op(
    "POST",
    "/api/practice",
    tag="practice",
    summary=("开设模拟竞价", "Open a practice auction"),
    act=Act.PRACTICE_HOST,
    status=201,
    body_max=1 << 20,
)
async def open_practice(request: Request, body: PracticeBody) -> PracticeOut:
    """Make a practice auction and open its lots at once or at a set time."""
    state, actor = request.state, await sessions.actor(request)
    assert actor is not None
    return await practice.open_practice(state.postgres, state.valkey, actor, body, state.clock.now_ms())


@op("POST", "/api/practice/tickets", tag="practice", summary=("模拟竞价入场票", "Practice tickets"),
    act=Act.PRACTICE_HOST, errors=(404,))  # fmt: skip
async def practice_tickets(request: Request, body: TicketsBody) -> TicketsOut:
    """One-time tickets for one live socket each."""
    state, actor = request.state, await sessions.actor(request)
    assert actor is not None
    return TicketsOut(await practice.give_tickets(state.postgres, state.valkey, actor, body.auction_id, body.names))


@op("POST", "/api/practice/lots/{lot_id:uuid}/close", tag="practice", summary=("结束模拟", "Close it"),
    act=Act.PRACTICE_HOST, errors=(409,))  # fmt: skip
async def close_practice(request: Request, lot_id: UUID) -> Steering:
    """Close a practice lot now; settlement follows by itself."""
    state, actor = request.state, await sessions.actor(request)
    assert actor is not None
    steered = await practice.close(state.postgres, state.valkey, actor, lot_id)
    if steered.refusal:
        raise Problem(409, "lot_not_live", stage=steered.stage)
    return Steering(steered.stage, steered.n)


@op("GET", "/api/lots/{lot_id:uuid}/result", tag="auction", summary=("竞价结果", "The result of a lot"), act=OPEN)
async def lot_result(request: Request, lot_id: UUID) -> ResultOut:
    """The result by aliases, for whoever may see it now: hosts and supervisors when settled, all when published."""
    pool, actor = request.state.postgres, await sessions.actor(request)
    seat = await access.seat(pool, actor, lot_id, {})
    row = await pool.fetchrow(SQL["result_of"], lot_id)
    if row is None or seat is None:
        raise Problem(404, "lot_unknown")
    shown = row["outcome"] is not None and access.result_is_open(seat, row["stage"])
    standings: list[Any] = await pool.fetch(SQL["standings_of"], lot_id) if shown else []
    return ResultOut(
        row["stage"],
        row["outcome"] or "",
        row["final_n"] if shown else 0,
        [StandingOut(s["rank"], s["alias"], s["price"], s["n"], millis(s["at"]), s["valid"]) for s in standings],
    )


ROUTES = [
    *collect(globals()),
    *routes_cases.ROUTES,
    *routes_suppliers.ROUTES,
    *routes_papers.ROUTES,
    *routes_sealed.ROUTES,
]
