"""报名: suppliers sign up for a case, bring their offers, and ask the host in private."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import access, cases, lawful
from auction.case.records import SQL, Db, decode_rules, encode, millis, moment
from auction.lot.aliases import new_aliases
from auction.lot.model import Conformity, FormatName, Stage
from auction.sealed.records import SQL as SEALED
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from registries.suppliers.model import Declarations

Text = Annotated[str, Meta(max_length=2_000)]


class Answered(Struct, frozen=True, forbid_unknown_fields=True):
    """One parameter of the demand, what is offered for it, and whether it deviates 偏离."""

    required: Text
    offered: Text
    deviation: Annotated[str, Meta(pattern="^(none|better|worse)$")] = "none"


class OfferBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a supplier offers for a lot: brand, model, the answer parameter by parameter, delivery, declarations.

    ``opening_price`` is the qualifying price 资格报价 in the lot's unit, if he brings one.
    """

    brand: Annotated[str, Meta(min_length=1, max_length=200)]
    model: Annotated[str, Meta(min_length=1, max_length=200)]
    response: Annotated[list[Answered], Meta(max_length=500)] = []
    delivery: Text = ""
    declarations: dict[str, bool] = {}
    opening_price: Annotated[int, Meta(ge=1, le=900_000_000_000)] | None = None


async def open_case(conn: Connection, auction_id: UUID, now_ms: int) -> Record:
    """The case, locked, while its sign-up is open. Raises ``Problem`` 404 before publication, 409 after the opening."""
    row = await conn.fetchrow(SQL["auction_for_update"], auction_id)
    if row is None or row["published_at"] is None or row["practice"]:
        raise Problem(404, "auction_unknown")
    lots = await conn.fetch(SQL["lots_of"], auction_id)
    if not any(lot["stage"] == Stage.SIGNUP and now_ms < millis(lot["opens_at"]) for lot in lots):
        raise Problem(409, "signup_over")
    return row


async def sign_up(conn: Connection, actor: Actor, auction_id: UUID, declared: Declarations, now_ms: int) -> str:
    """Sign the actor's organisation up; its alias 别名 in this case. A second time renews the declarations.

    Refused: not invited, not qualified (registered, not banned, in scope), related to one who is in (条例 §18).
    """
    row = await open_case(conn, auction_id, now_ms)
    if not actor.has(Role.SUPPLIER) or actor.org_id in (row["org_id"], row["agency_org_id"]):
        raise Problem(403, "forbidden")
    if row["invitation_only"] and not await conn.fetchval(SQL["is_invited"], auction_id, actor.org_id):
        raise Problem(403, "not_invited")
    people = await conn.fetch(SQL["signups_of"], auction_id)
    others = [p["org_id"] for p in people if p["status"] == "admitted" and p["org_id"] not in (None, actor.org_id)]
    reasons = await lawful.qualify(conn, actor.org_id, row, others, now_ms)
    if reasons:
        code = f"supplier_{reasons[0]}"
        raise Problem(403, code, accept={"reasons": reasons})
    deduction = await lawful.deduction_bp(conn, actor.org_id, row, declared)
    alias = new_aliases(1, {p["alias"] for p in people})[0]
    given = (auction_id, actor.org_id, alias, encode(declared), deduction, actor.user_id)
    signed = await conn.fetchrow(SQL["add_signup"], *given)
    assert signed is not None
    await audit(conn, actor, "auction.signed_up", f"auction:{auction_id}")
    return str(signed["alias"])


async def withdraw(conn: Connection, actor: Actor, auction_id: UUID, now_ms: int) -> None:
    """Withdraw before the opening; the alias stays taken."""
    await open_case(conn, auction_id, now_ms)
    signup_id = await conn.fetchval(SQL["withdraw_signup"], auction_id, actor.org_id)
    if signup_id is None:
        raise Problem(404, "signup_unknown")
    await conn.execute(SEALED["withdraw_quotes"], signup_id, actor.user_id, moment(now_ms))
    await audit(conn, actor, "auction.withdrew", f"auction:{auction_id}")


async def own_signup(conn: Db, actor: Actor, auction_id: UUID) -> Record:
    """The sign-up of the actor's organisation. Raises ``Problem`` 404."""
    row = await conn.fetchrow(SQL["signup_of"], auction_id, actor.org_id)
    if row is None or row["status"] != "admitted":
        raise Problem(404, "signup_unknown")
    return row


async def put_offer(conn: Connection, actor: Actor, lot_id: UUID, body: OfferBody, now_ms: int) -> None:
    """Bring or replace the offer for a lot, before its opening; conformity is then to be reviewed anew."""
    lot = await cases.lot_locked(conn, lot_id)
    signup = await own_signup(conn, actor, lot["auction_id"])
    if lot["stage"] != Stage.SIGNUP or now_ms >= millis(lot["opens_at"]):
        raise Problem(409, "signup_over")
    rules = decode_rules(lot["rules"])
    if body.opening_price is not None and rules.format is FormatName.SEALED_ONE_SHOT:
        raise Problem(422, "sealed_price_in_the_open")
    ceiling = rules.ceiling
    if body.opening_price is not None and ceiling is not None and body.opening_price > ceiling:
        raise Problem(422, "opening_price_over_ceiling", accept={"opening_price_max": ceiling}, ceiling_fen=ceiling)
    given = (
        lot_id, signup["id"], body.brand, body.model, encode(body.response), body.delivery, body.declarations,
        body.opening_price,
    )  # fmt: skip
    await conn.execute(SQL["put_offer"], *given)
    await audit(conn, actor, "lot.offered", f"lot:{lot_id}")


async def ask(conn: Connection, actor: Actor, lot_id: UUID, text: str, now_ms: int) -> UUID:
    """A private question 提问 to the host; nobody else reads it."""
    lot = await cases.lot_locked(conn, lot_id)
    signup = await own_signup(conn, actor, lot["auction_id"])
    found: UUID = await conn.fetchval(SQL["add_question"], lot_id, signup["id"], text)
    return found


async def answer(conn: Connection, actor: Actor, lot_id: UUID, question_id: UUID, text: str, now_ms: int) -> None:
    """The host's answer 答复, once."""
    await hosted(conn, actor, lot_id, now_ms)
    if await conn.fetchval(SQL["answer_question"], question_id, text, actor.user_id, lot_id) is None:
        raise Problem(409, "question_answered")


async def hosted(conn: Connection, actor: Actor, lot_id: UUID, now_ms: int, *roles: Role) -> Record:
    """The lot, locked, if the actor hosts its case in one of ``roles``. Raises ``Problem`` 404 otherwise."""
    row = await cases.lot_locked(conn, lot_id)
    if not access.hosts(actor, row, now_ms, *roles):
        raise Problem(404, "lot_unknown")
    return row


async def questions(conn: Db, actor: Actor, row: Record, now_ms: int) -> list[dict[str, Any]]:
    """The questions this person may read: all for a host, his own for a bidder."""
    signup_id = None
    if not access.hosts(actor, row, now_ms):
        signup_id = (await own_signup(conn, actor, row["auction_id"]))["id"]
    return [dict(question) for question in await conn.fetch(SQL["questions_of"], row["id"], signup_id)]


def reviewable(row: Record) -> bool:
    """Whether conformity may be decided now, as announced: before the start, or after the close."""
    after = decode_rules(row["rules"]).conformity is Conformity.AFTER_CLOSE
    return bool(row["stage"] == (Stage.CONFORMITY_REVIEW if after else Stage.SIGNUP))
