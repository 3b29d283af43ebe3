"""Forms of the case page 办理: each does one operation in one transaction and leads back to the case.

A refusal is shown on the page in words, with what was typed; nothing is half-written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import SIGNED_IN, Act
from accounts.model import Actor, Role
from accounts.rules import bearing
from accounts.web import stepped_up
from auction.case import approving, award, deciding, holds, motions, publishing, reading, reruns, signing
from auction.case.records import SQL, decode_rules, lot
from auction.case.signing import Answered, OfferBody
from auction.doors.casepages import Refused, show
from auction.lot.model import LotRules, PriceBasis
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.typed import Fault, Typed
from plumbing.web import Form, collect, page, read_form, see_other
from registries.suppliers.model import Declarations

REASON_MAX = 1_000
FIELDS_MAX = 2_000
Operation: TypeAlias = Callable[[Connection, Actor, int], Awaitable[Any]]
BINDING = frozenset({"award", "choice", "confirm", "contract"})
"""Forms that award or spend: whoever sends one proves anew that it is he."""
ACTS: dict[str, tuple[Act, ...]] = {
    **dict.fromkeys(("signup", "withdraw", "offer", "ask", "explain"), (Act.BID_ENTER,)),
    **dict.fromkeys(("amend", "answer", "conformity", "low-price", "rerun"), (Act.CASE_HOST,)),
    **dict.fromkeys(("choice", "confirm", "contract"), (Act.CASE_AWARD,)),
    **dict.fromkeys(("submit", "recall"), (Act.CASE_PREPARE,)),
    "decide": (Act.CASE_APPROVE,),
    "award": (Act.BID_PLACE,),
    "cancel": (Act.MOTION_PROPOSE,),
    "hold": (Act.CASE_HOLD,),
    "suspend": (Act.CASE_SUSPEND,),
    "release": (Act.CASE_HOLD, Act.CASE_SUSPEND),
}
"""What each form asks for, as doors do."""
DECLARED = {"lawful_supplier": True, "independent": True, "genuine": True}
"""What every offer declares by being brought: the sentence stands above its button (政府采购法 §22)."""


async def _actor(request: Request, what: str = "") -> Actor:
    actor = await sessions.actor(request)
    assert actor is not None
    return bearing(actor, *ACTS[what]) if what in ACTS else actor


def _first(faults: list[Fault]) -> Problem:
    fault = faults[0]
    return Problem(422, "form_wrong", text=fault.key, **fault.params)


def _moment(form: Form, name: str) -> int:
    typed = Typed(form)
    found = typed.moment(name)
    if found is None:
        raise _first(typed.faults)
    return found


def _share_bp(form: Form, name: str) -> int:
    """A share in per cent typed with a declaration; empty is none."""
    typed = Typed(form)
    if typed.raw(name) in ("", "0"):
        return 0
    found = typed.percent(name)
    if found is None:
        raise _first(typed.faults)
    return found


def _declared(form: Form) -> Declarations:
    domestic = 10_000 if "domestic" in form else _share_bp(form, "domestic_share")
    return Declarations("small" in form, _share_bp(form, "small_share"), domestic)


def _case_operation(what: str, auction_id: UUID, form: Form) -> Operation:
    yes, why = form.get("yes") == "1", form.get("reason", "")[:REASON_MAX]
    match what:
        case "submit":
            return lambda conn, actor, now: approving.submit(conn, actor, auction_id, now)
        case "recall":
            return lambda conn, actor, now: approving.recall(conn, actor, auction_id, now)
        case "decide":
            if not yes and not why:
                raise Problem(422, "reason_missing")
            return lambda conn, actor, now: approving.decide(conn, actor, auction_id, yes, why, now)
        case "signup":
            declared = _declared(form)
            return lambda conn, actor, now: signing.sign_up(conn, actor, auction_id, declared, now)
        case "withdraw":
            return lambda conn, actor, now: signing.withdraw(conn, actor, auction_id, now)
        case "amend":
            opens_at, text = _moment(form, "opens_at"), form.get("text", "")[:2_000]
            if not text:
                raise Problem(422, "reason_missing")
            return lambda conn, actor, now: publishing.amend(conn, actor, auction_id, opens_at, text, now)
    raise Problem(404, "not_found")


@page("POST", "/auctions/{auction_id:uuid}/{what:str}", act=SIGNED_IN)
async def act_on_case(request: Request) -> Response:
    """A form of the case: submit, decide, signup, withdraw, amend."""
    auction_id, what = request.path_params["auction_id"], request.path_params["what"]
    form = await read_form(request)
    actor = await _actor(request, what)
    try:
        operation = _case_operation(what, auction_id, form)
        async with request.state.postgres.acquire() as conn, conn.transaction():
            await operation(conn, actor, request.state.clock.now_ms())
    except Problem as problem:
        return await refuse(request, auction_id, Refused(problem, form, what))
    return see_other(f"/auctions/{auction_id}", f"note.{what}")


async def refuse(request: Request, auction_id: UUID, refused: Refused) -> Response:
    """The case page with the refusal; a case this person may not know stays unknown."""
    if refused.problem.status not in (403, 404, 409, 422):
        raise refused.problem
    if refused.problem.code in ("auction_unknown", "lot_unknown", "not_found"):
        raise refused.problem
    return await show(request, auction_id, refused)


def _offer_body(form: Form, rules: LotRules) -> OfferBody:
    typed = Typed(form, "case.label")
    brand, model = typed.text("brand", 200), typed.text("model", 200)
    price = None
    if typed.raw("opening_price"):
        percent = rules.basis is PriceBasis.DISCOUNT_RATE
        price = typed.percent("opening_price") if percent else typed.money("opening_price")
    if typed.faults:
        fault = typed.faults[0]
        raise Problem(422, "offer_incomplete") if fault.key == "typed.missing" else _first(typed.faults)
    asked = zip(*(form.all.get(name, []) for name in ("required", "offered", "deviation")), strict=False)
    answers = [Answered(need[:2_000], had[:2_000], how) for need, had, how in asked]
    if any(not answer.offered for answer in answers):
        raise Problem(422, "offer_incomplete")
    body = OfferBody(brand, model, answers, form.get("delivery", "")[:2_000], DECLARED, price)
    try:
        return msgspec.convert(msgspec.to_builtins(body), OfferBody)
    except msgspec.ValidationError:
        raise Problem(422, "offer_incomplete") from None


def _by_host(lot_id: UUID, step: Callable[[Connection, Actor, Record, int], Awaitable[Any]]) -> Operation:
    async def operation(conn: Connection, actor: Actor, now: int) -> Any:
        row = await signing.hosted(conn, actor, lot_id, now, Role.BUYER, Role.HEAD)
        return await step(conn, actor, row, now)

    return operation


def _review_operation(what: str, lot_id: UUID, form: Form) -> Operation | None:
    alias, yes, why = form.get("alias", ""), form.get("yes") == "1", form.get("reason", "")[:REASON_MAX]
    match what:
        case "conformity":
            return lambda conn, actor, now: deciding.conformity(conn, actor, lot_id, alias, yes, why, now)
        case "low-price":
            return lambda conn, actor, now: deciding.low_price(conn, actor, lot_id, alias, yes, why, now)
        case "explain":
            text = form.get("text", "")[:2_000]
            if not text:
                raise Problem(422, "reason_missing")
            return lambda conn, actor, now: deciding.explain(conn, actor, lot_id, text, now)
    return None


def _award_operation(request: Request, what: str, lot_id: UUID, form: Form) -> Operation | None:
    yes, why = form.get("yes") == "1", form.get("reason", "")[:REASON_MAX]
    on_deal = request.state.on_deal
    match what:
        case "award":
            if not yes and not why:
                raise Problem(422, "reason_missing")
            return lambda conn, actor, now: award.answer(conn, actor, lot_id, yes, why, now)
        case "choice":
            return _by_host(lot_id, lambda c, a, r, now: award.choose(c, a, r, yes, why, now))
        case "confirm":
            return _by_host(lot_id, lambda c, a, r, now: award.buyer_confirm(c, r, a, now, on_deal))
        case "contract":
            number = form.get("contract_no", "")[:100]
            if not number:
                raise Problem(422, "contract_missing")
            return _by_host(lot_id, lambda c, a, r, now: award.contract(c, a, r, number, now))
    return None


def _lot_operation(request: Request, what: str, row: Record, form: Form) -> Operation:
    lot_id, why, text = row["id"], form.get("reason", "")[:REASON_MAX], form.get("text", "")[:2_000]
    valkey = request.state.valkey
    found = _review_operation(what, lot_id, form) or _award_operation(request, what, lot_id, form)
    if found is not None:
        return found
    match what:
        case "offer":
            body = _offer_body(form, decode_rules(row["rules"]))
            return lambda conn, actor, now: signing.put_offer(conn, actor, lot_id, body, now)
        case "cancel":
            return lambda conn, actor, now: motions.propose(conn, actor, lot_id, "cancel", why, {}, now)
        case "ask" | "answer" if not text:
            raise Problem(422, "text_missing")
        case "ask":
            return lambda conn, actor, now: signing.ask(conn, actor, lot_id, text, now)
        case "answer":
            question = _uuid(form.get("question", ""))
            return lambda conn, actor, now: signing.answer(conn, actor, lot_id, question, text, now)
        case "suspend" | "hold":
            order = holds.suspend if what == "suspend" else holds.hold_for_challenge
            days = int(form["days"]) if form.get("days", "").isascii() and form.get("days", "").isdigit() else 0
            return lambda conn, actor, now: order(conn, valkey, actor, lot_id, why, min(days, 999), now)
    raise Problem(404, "not_found")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(404, "not_found") from None


@page("POST", "/lots/{lot_id:uuid}/{what:str}", act=SIGNED_IN)
async def act_on_lot(request: Request) -> Response:
    """A form of a lot: offer, ask, answer, conformity, low-price, explain, award, choice, confirm, contract, cancel,
    suspend, hold, release, rerun.
    """
    lot_id, what = request.path_params["lot_id"], request.path_params["what"]
    row = await lot(request.state.postgres, lot_id)
    if row is None:
        raise Problem(404, "lot_unknown")
    form = await read_form(request, fields_max=FIELDS_MAX)
    if what in BINDING:
        await stepped_up(request)
    actor = await _actor(request, what)
    now_ms = request.state.clock.now_ms()
    where = row["auction_id"]
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            if what == "rerun":
                where = await reruns.rerun(conn, actor, lot_id, _moment(form, "opens_at"), now_ms)
            elif what == "release":
                goes_on = await holds.release(conn, actor, lot_id, now_ms) == "resume"
            else:
                await _lot_operation(request, what, row, form)(conn, actor, now_ms)
    except Problem as problem:
        return await refuse(request, row["auction_id"], Refused(problem, form, what, lot_id))
    if what == "release" and goes_on:
        await holds.resume_live(request.state.valkey, lot_id)
    at = "" if where != row["auction_id"] else f"#lot-{row['no']}"
    return see_other(f"/auctions/{where}{at}", f"note.{what.replace('-', '_')}")


@page("POST", "/motions/{motion_id:uuid}", act=Act.MOTION_DECIDE)
async def second(request: Request) -> Response:
    """The unit's head seconds or declines a motion 附议."""
    actor, state = await _actor(request), request.state
    form = await read_form(request)
    motion_id: UUID = request.path_params["motion_id"]
    auction_id = await state.postgres.fetchval(SQL["case_of_motion"], motion_id)
    if auction_id is None:
        raise Problem(404, "motion_unknown")
    await reading.seat_at(state.postgres, actor, auction_id)
    try:
        yes = form.get("yes") == "1"
        done = await motions.second(state.postgres, state.valkey, actor, motion_id, yes, state.clock.now_ms())
    except Problem as problem:
        return await refuse(request, auction_id, Refused(problem, form, "motion"))
    return see_other(f"/auctions/{auction_id}", f"note.motion_{done}")


ROUTES = collect(globals())
