"""The case pages 项目页: the list, one case with the next step of whoever looks, and the forms that move it on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.model import Actor, Role
from auction import approving, award, deciding, motions, reading, reruns, signing, wording
from auction.model import Conformity, LotRules, PriceBasis, Stage
from auction.records import SQL, decode_rules, lot, millis_or_0
from auction.signing import Answered, OfferBody
from plumbing.postgres import Record
from plumbing.problems import Problem, language
from plumbing.web import Form, collect, page, read_form, see_other
from registries.suppliers.model import Declarations
from standards.money import MoneyError, parse_yuan

PAGE_SIZE = 12
STAGES = frozenset(stage.value for stage in Stage)
SHOWN_STAGES = ("signup", "running", "award_pending", "published", "failed")
DECLARATIONS = ("small", "domestic")
Operation = Callable[[Any, Actor, int], Awaitable[Any]]


def sayer(request: Request) -> wording.Say:
    """The catalogue in this reader's language."""
    lang = language(request)
    return lambda key, **params: str(request.state.texts.say(key, lang, **params))


def _whole(text: str, most: int) -> int:
    return min(most, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 0


@page("GET", "/auctions")
async def auctions(request: Request) -> Response:
    """The list of cases this person may know, with search, filter and pages, and what waits on him."""
    actor, query = await sessions.actor(request), request.query_params
    words, stage = query.get("words", "")[:100].strip(), query.get("stage", "")
    stage = stage if stage in STAGES else ""
    at = max(1, _whole(query.get("page", "1"), 10_000))
    pool = request.state.postgres
    found = await reading.list_cases(
        pool, actor, stage=stage, words=words, limit=PAGE_SIZE, offset=(at - 1) * PAGE_SIZE
    )
    waiting = await reading.todo(pool, actor) if actor else []
    pages = max(1, -(-found.total // PAGE_SIZE))
    response: Response = request.state.templates.page(
        request,
        "list.html",
        found=found,
        words=words,
        stage=stage,
        stages=SHOWN_STAGES,
        at=at,
        pages=pages,
        waiting=[item for item in waiting if item["kind"] != "draft"][:8],
        may_open=bool(actor and actor.has(Role.BUYER)),
        now=request.state.clock.now_ms(),
    )
    return response


async def lot_card(request: Request, actor: Actor | None, case: reading.CaseOut, row: Record) -> dict[str, Any]:
    """All that the case page shows of one lot to this person."""
    pool, rules, now_ms = request.state.postgres, decode_rules(row["rules"]), request.state.clock.now_ms()
    card: dict[str, Any] = {
        "row": row,
        "rules": rules,
        "ceiling": wording.amount_text(rules.ceiling, rules.basis) if rules.ceiling else "—",
        "in_words": list(wording.rules_in_words(rules, sayer(request))),
        "lines": await pool.fetch(SQL["lines_of"], row["id"]),
        "offers": [],
        "mine": None,
        "motions": [],
        "award": None,
        "low": [],
        "live": row["stage"] in ("running", "paused"),
        "after_close": rules.conformity is Conformity.AFTER_CLOSE,
        "result": row["stage"] in ("award_pending", "buyer_confirm", "published", "contracted", "abnormal_review"),
    }
    if case.seat == "host":
        card["motions"] = [m for m in await pool.fetch(SQL["motions_of"], row["id"]) if m["state"] == "open"]
        if signing.reviewable(row):
            offers = await pool.fetch(SQL["offers_of"], row["id"])
            card["offers"] = [offer for offer in offers if offer["status"] == "admitted"]
        if row["stage"] == Stage.ABNORMAL_REVIEW:
            standings = await pool.fetch(SQL["standings_of"], row["id"])
            card["low"] = [one for one in standings if one["low_price"] == "flagged" and one["valid"]]
    if case.signed_up and actor is not None:
        offers = await pool.fetch(SQL["offers_of"], row["id"])
        card["mine"] = next((offer for offer in offers if offer["org_id"] == actor.org_id), None)
        card["award"] = await pool.fetchrow(SQL["award_now"], row["id"]) if row["stage"] == "award_pending" else None
        if card["award"] is not None and card["award"]["org_id"] != actor.org_id:
            card["award"] = None
    card["open"] = row["stage"] == Stage.SIGNUP and millis_or_0(row["opens_at"]) > now_ms
    return card


async def show(request: Request, auction_id: UUID, problem: Problem | None = None) -> Response:
    """The case page; with ``problem`` what was just refused stands on top, and its status is the answer's."""
    actor, pool = await sessions.actor(request), request.state.postgres
    case = await reading.case(pool, actor, auction_id)
    rows = await pool.fetch(SQL["lots_of"], auction_id)
    lots = [await lot_card(request, actor, case, row) for row in rows]
    hosting = case.seat == "host" and actor is not None
    approvals = await pool.fetch(SQL["approvals_of"], auction_id) if hosting else []
    auction = await pool.fetchrow(SQL["auction_by_id"], auction_id)
    refused = ""
    if problem is not None:
        refused = sayer(request)(problem.text, **problem.params)
    stages = {row["stage"] for row in rows}
    response: Response = request.state.templates.page(
        request,
        "case.html",
        status=problem.status if problem else 200,
        case=case,
        lots=lots,
        approvals=approvals,
        auction=auction,
        refused=refused,
        hosting=hosting,
        is_head=bool(hosting and actor and actor.has(Role.HEAD)),
        is_buyer=bool(hosting and actor and actor.has(Role.BUYER)),
        drafter=bool(actor and auction["created_by"] == actor.user_id),
        drafted="draft" in stages,
        approving="approving" in stages,
        supplier=bool(actor and actor.has(Role.SUPPLIER)),
        can_sign_up=case.seat == "supplier" and not case.signed_up and any(card["open"] for card in lots),
        declarations=DECLARATIONS,
        known=request.state.texts,
        now=request.state.clock.now_ms(),
    )
    return response


@page("GET", "/auctions/{auction_id:uuid}")
async def auction(request: Request) -> Response:
    """One case, with the next step of whoever looks."""
    return await show(request, request.path_params["auction_id"])


@page("GET", "/lots/{lot_id:uuid}")
async def lot_page(request: Request) -> Response:
    """A lot's own address leads to its case."""
    row = await lot(request.state.postgres, request.path_params["lot_id"])
    if row is None:
        raise Problem(404, "lot_unknown")
    return see_other(f"/auctions/{row['auction_id']}#lot-{row['no']}")


async def act(request: Request, auction_id: UUID, operation: Operation) -> Response:
    """Do it in one transaction and go back to the case; a refusal is shown there, nothing half-written."""
    actor = await sessions.actor(request)
    if actor is None:
        raise Problem(401, "login_needed")
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await operation(conn, actor, request.state.clock.now_ms())
    except Problem as problem:
        return await show(request, auction_id, problem)
    return see_other(f"/auctions/{auction_id}", "note.done")


def price_of(text: str, basis: PriceBasis) -> int | None:
    """A qualifying price as typed: 元, or per cent for discount-rate lots. Raises ``Problem`` 422; empty is None."""
    if not text.strip():
        return None
    found = parse_yuan(text)
    if isinstance(found, MoneyError):
        raise Problem(422, found.value, text=f"money.{found.value}")
    return found


def _offer_body(form: Form, rules: LotRules) -> OfferBody:
    asked = zip(*(form.all.get(name, []) for name in ("required", "offered", "deviation")), strict=False)
    fields = {
        "brand": form.get("brand", "").strip(),
        "model": form.get("model", "").strip(),
        "delivery": form.get("delivery", "").strip(),
        "response": [msgspec.to_builtins(Answered(need[:2000], had[:2000], how)) for need, had, how in asked],
        "opening_price": price_of(form.get("opening_price", ""), rules.basis),
    }
    try:
        return msgspec.convert(fields, OfferBody)
    except msgspec.ValidationError:
        raise Problem(422, "offer_incomplete") from None


async def _case_operation(request: Request, what: str, auction_id: UUID, form: Form) -> Operation:
    if what == "submit":
        return lambda conn, actor, now: approving.submit(conn, actor, auction_id, now)
    if what == "decide":
        yes, why = form.get("yes") == "1", form.get("reason", "")[:1000]
        return lambda conn, actor, now: approving.decide(conn, actor, auction_id, yes, why, now)
    if what == "signup":
        declared = Declarations(small_makers="small" in form, domestic_share_bp=10_000 if "domestic" in form else 0)
        return lambda conn, actor, now: signing.sign_up(conn, actor, auction_id, declared, now)
    if what == "withdraw":
        return lambda conn, actor, now: signing.withdraw(conn, actor, auction_id, now)
    raise Problem(404, "not_found")


@page("POST", "/auctions/{auction_id:uuid}/{what:str}", roles=())
async def act_on_case(request: Request) -> Response:
    """A form of the case: submit, decide, signup, withdraw."""
    auction_id: UUID = request.path_params["auction_id"]
    form = await read_form(request)
    return await act(request, auction_id, await _case_operation(request, request.path_params["what"], auction_id, form))


def _about_offer(lot_id: UUID, form: Form, decide: Any) -> Operation:
    alias, yes, why = form.get("alias", ""), form.get("yes") == "1", form.get("reason", "")[:1000]
    return lambda conn, actor, now: decide(conn, actor, lot_id, alias, yes, why, now)


def _by_host(lot_id: UUID, step: Any) -> Operation:
    async def operation(conn: Any, actor: Actor, now: int) -> Any:
        row = await signing.hosted(conn, actor, lot_id, now, Role.BUYER, Role.HEAD)
        return await step(conn, actor, row, now)

    return operation


def _lot_operation(request: Request, what: str, row: Record, form: Form) -> Operation:
    lot_id, yes, why = row["id"], form.get("yes") == "1", form.get("reason", "")[:1000]
    on_deal = request.state.on_deal
    opens_at = request.state.clock.now_ms() + 8 * 24 * 3_600_000
    steps: dict[str, Callable[[], Operation]] = {
        "conformity": lambda: _about_offer(lot_id, form, deciding.conformity),
        "low-price": lambda: _about_offer(lot_id, form, deciding.low_price),
        "award": lambda: lambda conn, actor, now: award.answer(conn, actor, lot_id, yes, why, now),
        "choice": lambda: _by_host(lot_id, lambda c, a, r, now: award.choose(c, a, r, yes, why, now)),
        "confirm": lambda: _by_host(lot_id, lambda c, a, r, now: award.buyer_confirm(c, r, a, now, on_deal)),
        "contract": lambda: _by_host(
            lot_id, lambda c, a, r, now: award.contract(c, a, r, form.get("contract_no", "").strip()[:100], now)
        ),
        "rerun": lambda: lambda conn, actor, now: reruns.rerun(conn, actor, lot_id, opens_at, now),
        "offer": lambda: _offer(lot_id, form, decode_rules(row["rules"])),
    }
    if what not in steps:
        raise Problem(404, "not_found")
    return steps[what]()


def _offer(lot_id: UUID, form: Form, rules: LotRules) -> Operation:
    async def operation(conn: Any, actor: Actor, now: int) -> None:
        await signing.put_offer(conn, actor, lot_id, _offer_body(form, rules), now)

    return operation


@page("POST", "/lots/{lot_id:uuid}/{what:str}", roles=())
async def act_on_lot(request: Request) -> Response:
    """A form of a lot: offer, conformity, low-price, award, choice, confirm, contract, rerun."""
    row = await lot(request.state.postgres, request.path_params["lot_id"])
    if row is None:
        raise Problem(404, "lot_unknown")
    form = await read_form(request)
    return await act(request, row["auction_id"], _lot_operation(request, request.path_params["what"], row, form))


@page("POST", "/motions/{motion_id:uuid}", roles=("head",))
async def second(request: Request) -> Response:
    """The unit's head seconds or declines a motion 附议."""
    actor, state = await sessions.actor(request), request.state
    assert actor is not None
    form = await read_form(request)
    motion_id: UUID = request.path_params["motion_id"]
    auction_id = await state.postgres.fetchval(SQL["case_of_motion"], motion_id)
    if auction_id is None:
        raise Problem(404, "motion_unknown")
    try:
        await motions.second(
            state.postgres, state.valkey, actor, motion_id, form.get("yes") == "1", state.clock.now_ms()
        )
    except Problem as problem:
        return await show(request, auction_id, problem)
    return see_other(f"/auctions/{auction_id}", "note.done")


ROUTES = collect(globals())
