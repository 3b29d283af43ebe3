"""Who may sit where 席位: which view of a lot a person gets, and who may do what to a case. Deny by default.

Another organisation's case is answered like one that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.rules import bearing, may
from auction.case.records import SQL, Db, decode_rules
from auction.lot.bidding import Terms
from auction.lot.model import LIVE_STAGES, Conformity, LotRules, PriceBasis, Refusal, Stage
from plumbing.gather import Gather
from plumbing.postgres import Pool, Record

HOSTS = (Role.BUYER, Role.HEAD, Role.AGENCY)
_LASTS = LIVE_STAGES | {Stage.SIGNUP}
_BEFORE_NOTICE = frozenset({Stage.DRAFT, Stage.APPROVING, Stage.SCHEDULED})


class Seat(Struct, frozen=True):
    """A place at a lot. ``kind``: bidder, host, supervisor, public. A bidder has an alias and the lot's terms.

    ``banned``: a supplier who would be a bidder, were he not banned; of a lot that is over he sees what he saw.
    """

    kind: str
    alias: str = ""
    terms: Terms | None = None
    banned: bool = False


def kind_of(actor: Actor | None, payload: dict[str, Any]) -> str:
    """The word the socket's welcome uses for this person: supplier, host, supervisor, public."""
    if "practice" in payload or (actor and actor.has(Role.SUPPLIER)):
        return "supplier"
    if actor and actor.has(*HOSTS):
        return "host"
    return "supervisor" if actor and actor.has(Role.SUPERVISOR) else "public"


def why_no_seat(actor: Actor, seat: Seat) -> Refusal:
    """BANNED for a banned bidder, NOT_REGISTERED for a supplier without a seat, ROLE for everyone else."""
    if seat.banned:
        return Refusal.BANNED
    return Refusal.NOT_REGISTERED if actor.has(Role.SUPPLIER) else Refusal.ROLE


def _case_of(row: Record) -> UUID | None:
    found: UUID | None = row.get("auction_id") or row.get("id")
    return found


def hosts(actor: Actor | None, row: Record, now_ms: int, *roles: Role) -> bool:
    """Whether the actor holds one of ``roles`` (none given: any host's) for the case in ``row``.

    The row has id or auction_id, region, org_id and agency_org_id. A host belongs to the owning organisation or to its
    agency 代理机构; the head 单位负责人 is the owner's alone. Platform staff never host.
    """
    if actor is None:
        return False
    wanted = [role for role in (roles or HOSTS) if role in HOSTS]
    ours = [role for role in wanted if role is not Role.AGENCY]
    region, org_id, case_id = row["region"], row["org_id"], _case_of(row)
    if actor.org_id == org_id and may(actor, ours, region=region, org_id=org_id, object_id=case_id, now_ms=now_ms):
        return True
    agency = row["agency_org_id"]
    return (
        agency is not None
        and Role.AGENCY in wanted
        and actor.org_id == agency
        and may(actor, (Role.AGENCY,), region=region, org_id=agency, object_id=case_id, now_ms=now_ms)
    )


def oversees(actor: Actor | None, row: Record, now_ms: int) -> bool:
    """Whether the actor supervises the region of the case (by grant, any organisation)."""
    where = (row["region"], row["org_id"], _case_of(row))
    return may(actor, (Role.SUPERVISOR,), region=where[0], org_id=where[1], object_id=where[2], now_ms=now_ms)


def admitted(row: Record, rules: LotRules) -> bool:
    """Whether the sign-up may sit as a bidder: named in the hand-over; before that, signed up and not failed."""
    if row["alias"] is None or row["signup_status"] != "admitted":
        return False
    if row["entrants"]:
        return any(entrant["alias"] == row["alias"] for entrant in row["entrants"])
    return row["conformity"] != "fail" or rules.conformity is Conformity.AFTER_CLOSE


class Question(NamedTuple):
    """What a seat follows from: the lot, the person's organisation, the alias on a practice ticket."""

    lot_id: UUID
    org_id: UUID | None
    alias: str


async def facts(conn: Db, questions: Sequence[Question]) -> dict[Question, Record]:
    """What is known of each; without those that name no lot."""
    found: dict[Question, Record] = {}
    for row in await conn.fetch(SQL["seat_facts"], *map(list, zip(*questions, strict=True))):
        found.setdefault(questions[row["number"] - 1], row)
    return found


def asked_together(pool: Pool) -> Gather[Question, Record]:
    """``facts`` for a crowd: seats that are looked for together are one question."""
    return Gather(partial(facts, pool))


async def seat(
    conn: Db, actor: Actor | None, lot_id: UUID, payload: dict[str, Any], known: Gather[Question, Record] | None = None
) -> Seat | None:
    """The seat of ``actor`` (or of a practice ticket's ``payload``) at the lot; None when he may not know the lot.

    Bidders get ``terms``: LotRules and, for unit-price lots, quantities in thousandths by line number. ``known``: where
    the facts are asked for together with others'.
    """
    practice_alias = str(payload.get("alias", "")) if "practice" in payload else ""
    question = Question(lot_id, actor.org_id if actor else None, practice_alias)
    row = await known(question) if known else (await facts(conn, [question])).get(question)
    if row is None:
        return None
    if practice_alias and str(row["auction_id"]) != payload["practice"]:
        return None
    by_ticket = bool(practice_alias) and row["practice"]
    as_supplier = actor is not None and bearing(actor, Act.BID_PLACE).has(
        Role.SUPPLIER
    )  # in practice: his own, opened by him
    rules = decode_rules(row["rules"]) if by_ticket or as_supplier else None
    a_bidder = rules is not None and admitted(row, rules)
    banned = a_bidder and row["banned"] and row["stage"] in _LASTS and not row["practice"]
    if rules is not None and a_bidder and not banned:
        quantities = {}
        if rules.basis is PriceBasis.UNIT_PRICES:
            quantities = {line["no"]: line["thousandths"] for line in await conn.fetch(SQL["quantities_of"], lot_id)}
        return Seat("bidder", row["alias"], Terms(rules, quantities, row["salt"]))
    if actor is not None and (hosts(actor, row, row["now_ms"]) or (row["practice"] and actor.org_id == row["org_id"])):
        return Seat("host")
    if actor is not None and oversees(actor, row, row["now_ms"]):
        return Seat("supervisor")
    if row["practice"] or row["stage"] in _BEFORE_NOTICE or row["published_at"] is None:
        return None
    return Seat("public", banned=banned)


_OPEN = frozenset({Stage.PUBLISHED, Stage.CONTRACTED})
_KNOWN_TO_BIDDERS = _OPEN | {Stage.AWARD_PENDING, Stage.BUYER_CONFIRM, Stage.FAILED, Stage.REHEARSED}


def result_is_open(seat: Seat, stage: str) -> bool:
    """Whether this seat may see the settled table: hosts at once, bidders when it stands, all when published."""
    if seat.kind in ("host", "supervisor"):
        return True
    return Stage(stage) in (_KNOWN_TO_BIDDERS if seat.kind == "bidder" else _OPEN)
