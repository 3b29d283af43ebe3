"""The case page 项目页: one case as whoever looks may see it, with his next step as the biggest thing on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import OPEN
from accounts.flows import engine
from accounts.flows.model import Kind
from accounts.model import Actor, Role
from auction.case import access, archive, params, reading, signing
from auction.case.records import SQL, decode_rules, lot, millis, millis_or_0
from auction.doors import wording
from auction.doors.listpages import SQL as PAGES
from auction.doors.listpages import chief_lot
from auction.doors.pagekit import problem_words, sayer, tone
from auction.lot.model import LIFE_CYCLE, Conformity, FormatName, PriceBasis, Stage, Turn
from auction.sealed import records as sealed
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.typed import moment_text
from plumbing.web import collect, page, see_other
from standards.money import plain, upper

DAY_MS = 24 * 3_600_000
PHASES: dict[str, tuple[str, ...]] = {
    "draft": ("draft",),
    "approval": ("approving", "scheduled"),
    "signup": ("signup",),
    "bidding": ("running", "opening", "paused", "closing"),
    "review": ("conformity_review", "abnormal_review"),
    "award": ("award_pending", "buyer_confirm"),
    "result": ("published", "contracted"),
}
"""The life of a case in the steps people know; ``case.phase.<name>``."""
_ENDED = ("failed", "cancelled", "rehearsed")
_SETTLED = frozenset({
    "conformity_review", "abnormal_review", "award_pending", "buyer_confirm", "published", "contracted", "failed",
})  # fmt: skip


class Refused(Struct, frozen=True):
    """What was just refused on this page, and what had been typed: it stands there again."""

    problem: Problem
    form: Mapping[str, str] = {}
    what: str = ""
    lot_id: UUID | None = None


class Looker(Struct, frozen=True):
    """Who looks at the case, from where, and when."""

    actor: Actor | None
    seat: str
    now_ms: int
    hosting: bool
    is_head: bool
    is_buyer: bool
    signed_up: bool


def phases(stage: str, held: str | None) -> list[tuple[str, str]]:
    """The steps of a case's life: done, now, bad (where it ended), or ahead."""
    names = list(PHASES)
    told = held or stage
    at = next((i for i, name in enumerate(names) if told in PHASES[name]), 3)
    over = stage == "contracted"
    if stage in _ENDED:
        return [(name, "done" if i < at else "bad" if i == at else "") for i, name in enumerate(names)]
    return [(name, "done" if i < at or over else "now" if i == at else "") for i, name in enumerate(names)]


async def looker_of(request: Request, case: reading.CaseOut) -> Looker:
    """Who looks, and what he may do here."""
    actor = await sessions.actor(request)
    hosting = case.seat == "host" and actor is not None
    return Looker(
        actor,
        case.seat,
        request.state.clock.now_ms(),
        hosting,
        bool(hosting and actor and actor.has(Role.HEAD)),
        bool(hosting and actor and actor.has(Role.BUYER, Role.AGENCY)),
        case.signed_up,
    )


async def lot_card(request: Request, who: Looker, row: Record, offer: Record | None) -> dict[str, Any]:
    """All that the page shows of one lot to this person."""
    pool, rules = request.state.postgres, decode_rules(row["rules"])
    stage = row["stage"]
    card: dict[str, Any] = {
        "row": row,
        "rules": rules,
        "ceiling": wording.amount_text(rules.ceiling, rules.basis) if rules.ceiling else "—",
        "amount": lambda price: wording.amount_text(price, rules.basis),
        "upper": upper,
        "in_words": list(wording.rules_in_words(rules, sayer(request))),
        "lines": await pool.fetch(SQL["lines_of"], row["id"]),
        "live": stage in ("running", "paused"),
        "open": stage == Stage.SIGNUP and millis_or_0(row["opens_at"]) > who.now_ms,
        "after_close": rules.conformity is Conformity.AFTER_CLOSE,
        "percent": rules.basis is PriceBasis.DISCOUNT_RATE,
        "sealed": rules.format is FormatName.SEALED_ONE_SHOT,
        "seated": False,
        "sees_result": stage in _SETTLED and access.result_is_open(_seat(who), stage),
        "questions": [],
        **dict.fromkeys(("offers", "motions", "low"), ()),
        **dict.fromkeys(("mine", "own", "excluded", "award", "winner", "rerun"), None),
        "can_cancel": False,
    }
    if card["sealed"] and who.actor is not None:
        card["seated"] = await sealed.seat_of(pool, who.actor, row["auction_id"]) is not None
    if who.hosting:
        card |= await _for_host(request, who, row)
    if who.signed_up and who.actor is not None:
        card |= await _for_supplier(request, who.actor, row, offer)
    if who.actor is not None and (who.hosting or who.signed_up):
        whole = await lot(pool, row["id"])
        assert whole is not None
        card["questions"] = await signing.questions(pool, who.actor, whole, who.now_ms)
    return card


def _seat(who: Looker) -> access.Seat:
    kind = who.seat if who.seat in ("host", "supervisor") else "bidder" if who.signed_up else "public"
    return access.Seat(kind)


async def _for_host(request: Request, who: Looker, row: Record) -> dict[str, Any]:
    pool, stage = request.state.postgres, row["stage"]
    found: dict[str, Any] = {
        "motions": [m for m in await pool.fetch(SQL["motions_of"], row["id"]) if m["state"] == "open"],
        "can_cancel": (Stage(stage), Turn.CANCEL) in LIFE_CYCLE and stage not in ("running", "paused"),
    }
    if signing.reviewable(row):
        offers = await pool.fetch(SQL["offers_of"], row["id"])
        found["offers"] = [offer for offer in offers if offer["status"] == "admitted"]
    if stage == Stage.ABNORMAL_REVIEW:
        standings = await pool.fetch(SQL["standings_of"], row["id"])
        found["low"] = [one for one in standings if one["low_price"] == "flagged" and one["valid"]]
    if stage == Stage.BUYER_CONFIRM:
        found["winner"] = await pool.fetchrow(PAGES["winner_of"], row["id"])
    if stage == Stage.FAILED:
        found["rerun"] = await pool.fetchval(PAGES["rerun_of_lot"], row["id"])
    return found


async def _for_supplier(request: Request, actor: Actor, row: Record, offer: Record | None) -> dict[str, Any]:
    pool, stage = request.state.postgres, row["stage"]
    found: dict[str, Any] = {"mine": offer}
    if stage in _SETTLED:
        found["own"] = await pool.fetchrow(PAGES["own_standing"], row["id"], actor.org_id)
        found["excluded"] = await pool.fetchrow(PAGES["own_exclusion"], row["id"], actor.org_id)
    if stage == Stage.AWARD_PENDING and row["award_due_at"] is not None:
        current = await pool.fetchrow(SQL["award_now"], row["id"])
        found["award"] = current if current is not None and current["org_id"] == actor.org_id else None
    return found


async def approval(request: Request, who: Looker, case: Record) -> dict[str, Any]:
    """Who has approved in every round, where the case stands in its flow, and whether it is this person's turn."""
    if not who.hosting or who.actor is None:
        return {"done": [], "flow": None, "mine": False}
    pool, now_ms = request.state.postgres, request.state.clock.now_ms()
    return {
        "done": await pool.fetch(SQL["approvals_of"], case["id"]),
        "flow": await engine.progress(pool, Kind.CASE, case["id"]),
        "mine": await engine.is_turn_of(pool, who.actor, Kind.CASE, case["id"], now_ms),
    }


def typed_offer(form: Mapping[str, str]) -> dict[str, Any]:
    """An offer as it was typed and refused, in the shape of a stored one."""
    every: dict[str, list[str]] = getattr(form, "all", {})
    pairs = zip(every.get("offered", []), every.get("deviation", []), strict=False)
    return {
        "brand": form.get("brand", ""), "model": form.get("model", ""), "delivery": form.get("delivery", ""),
        "opening_text": form.get("opening_price", ""), "conformity": "pending", "conformity_reason": "",
        "response": [{"offered": had, "deviation": how} for had, how in pairs],
    }  # fmt: skip


def stored_offer(row: Record | None) -> dict[str, Any] | None:
    """A stored offer with its qualifying price as it is typed."""
    if row is None:
        return None
    return {**dict(row), "opening_text": plain(row["opening_price"]) if row["opening_price"] else ""}


async def show(request: Request, auction_id: UUID, refused: Refused | None = None) -> Response:
    """The case page; what was just refused stands on top in words, and its status is the answer's."""
    pool = request.state.postgres
    case = await reading.case(pool, await sessions.actor(request), auction_id)
    who = await looker_of(request, case)
    row = await pool.fetchrow(SQL["auction_by_id"], auction_id)
    rows = await pool.fetch(SQL["lots_of"], auction_id)
    offers: dict[UUID, Record] = {}
    if who.signed_up and who.actor is not None:
        offers = {one["lot_id"]: one for one in await pool.fetch(PAGES["own_offers"], auction_id, who.actor.org_id)}
    lots = [await lot_card(request, who, one, offers.get(one["id"])) for one in rows]
    for card in lots:
        card["typed"] = stored_offer(card["mine"])
        if refused is not None and refused.what == "offer" and refused.lot_id == card["row"]["id"]:
            card["typed"] = typed_offer(refused.form)
    chief = chief_lot([{"stage": one["stage"], "no": one["no"], "row": one} for one in rows])
    earliest = max(who.now_ms, params.notice_ends_at(row, who.now_ms))
    response: Response = request.state.templates.page(
        request,
        "case.html",
        status=refused.problem.status if refused else 200,
        case=case,
        who=who,
        lots=lots,
        auction=row,
        chief=chief["stage"] if chief else "draft",
        phases=phases(chief["stage"], chief["row"]["held_stage"]) if chief else [],
        approval=await approval(request, who, row),
        refused=problem_words(refused.problem, sayer(request)) if refused else "",
        refused_at=refused.lot_id if refused else None,
        typed=dict(refused.form) if refused else {},
        archived=all(one["stage"] in archive.OVER for one in rows),
        drafted=any(one["stage"] == "draft" for one in rows),
        approving=any(one["stage"] == "approving" for one in rows),
        drafter=bool(who.actor and row["created_by"] == who.actor.user_id),
        can_sign_up=case.seat == "supplier" and not case.signed_up and any(card["open"] for card in lots),
        open=any(card["open"] for card in lots),
        suggested=moment_text(-(-earliest // DAY_MS) * DAY_MS + 2 * 3_600_000),
        known=request.state.texts,
        tone=tone,
        millis=millis,
        now=who.now_ms,
    )
    return response


@page("GET", "/auctions/{auction_id:uuid}", act=OPEN)
async def auction(request: Request) -> Response:
    """One case, with the next step of whoever looks."""
    return await show(request, request.path_params["auction_id"])


@page("GET", "/lots/{lot_id:uuid}", act=OPEN)
async def lot_page(request: Request) -> Response:
    """A lot's own address leads to its case, if this person may know it."""
    row = await lot(request.state.postgres, request.path_params["lot_id"])
    if row is None:
        raise Problem(404, "lot_unknown")
    await reading.seat_at(request.state.postgres, await sessions.actor(request), row["auction_id"])
    return see_other(f"/auctions/{row['auction_id']}#lot-{row['no']}")


ROUTES = collect(globals())
