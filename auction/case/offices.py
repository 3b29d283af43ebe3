"""开启方: the three offices of a sealed inquiry, who sits in them, and the keys they made in their own browsers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import access, drafting
from auction.case.records import SQL, Db
from auction.sealed import crypt, model, rules
from auction.sealed.model import MEMBERS_MAX, Office
from auction.sealed.records import SQL as SEALED
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

NEVER = frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR, Role.SECURITY, Role.ADMIN, Role.SUPPLIER})
"""Who opens nothing: supervisors, auditors (政府采购法 §60), platform staff, and of course bidders."""


async def add_key(conn: Connection, actor: Actor, public_key: bytes) -> str:
    """Keep the public key of a pair made in the actor's browser; its fingerprint. The newest is the one in use.

    Cases that were submitted keep the key they pinned. Raises ``Problem`` 422 for what is no point of the curve, 403
    for those who never open.
    """
    if NEVER & actor.roles:
        raise Problem(403, "sealed_not_eligible")
    try:
        crypt.public_key(public_key)
    except ValueError:
        raise Problem(422, "sealing_key_wrong") from None
    fingerprint = model.fingerprint_of(public_key)
    await conn.execute(SEALED["add_key"], fingerprint, actor.user_id, public_key)
    if await conn.fetchval(SEALED["key_owner"], fingerprint) != actor.user_id:
        raise Problem(422, "sealing_key_wrong")
    await audit(conn, actor, "sealed.key_made", f"key:{fingerprint}")
    return fingerprint


def may_sit(person: Record, office: Office, case: Record) -> bool:
    """Whether the person may sit in that office: of the purchaser, of its agency, or of neither (询价小组)."""
    if NEVER & set(person["roles"]):
        return False
    match office:
        case Office.PURCHASER:
            return bool(person["org_id"] == case["org_id"])
        case Office.AGENCY:
            ours = case["agency_org_id"]
            return bool(person["org_id"] == ours if ours else person["kind"] == "agency")
        case Office.GROUP:
            return person["org_id"] not in (case["org_id"], case["agency_org_id"])


async def seat(
    conn: Connection, actor: Actor, auction_id: UUID, office: Office, login: str, deputy: bool, now_ms: int
) -> None:
    """Seat a person, by login, in an office of a draft; the first agent names the agency where the case had none.

    Raises ``Problem`` 404 for nobody, 409 for whom the office is not open, and after submission.
    """
    case = await drafting.ours(conn, actor, auction_id, now_ms)
    await drafting.still_draft(conn, auction_id)
    person = await conn.fetchrow(SEALED["person_to_seat"], login)
    if person is None:
        raise Problem(404, "person_unknown")
    if not may_sit(person, office, case):
        raise Problem(409, "sealed_not_eligible")
    if len(await conn.fetch(SEALED["seats_of"], auction_id)) >= MEMBERS_MAX:
        raise Problem(409, "sealed_seats_full")
    if office is Office.AGENCY and case["agency_org_id"] is None:
        await drafting.check_agency_still(conn, person["org_id"], now_ms)
        await conn.execute(SEALED["set_agency"], auction_id, person["org_id"])
    await conn.execute(SEALED["put_seat"], auction_id, person["id"], office.value, deputy)
    detail = {"office": office.value, "person": str(person["id"]), "deputy": deputy}
    await audit(conn, actor, "sealed.seated", f"auction:{auction_id}", detail=detail)


async def unseat(conn: Connection, actor: Actor, auction_id: UUID, person_id: UUID, now_ms: int) -> None:
    """Take a person out of his office, in a draft."""
    await drafting.ours(conn, actor, auction_id, now_ms)
    await drafting.still_draft(conn, auction_id)
    if await conn.fetchval(SEALED["drop_seat"], auction_id, person_id) is None:
        raise Problem(404, "person_unknown")
    await audit(conn, actor, "sealed.unseated", f"auction:{auction_id}", detail={"person": str(person_id)})


async def pin(conn: Connection, case: Record) -> None:
    """Pin the key of everyone seated when the case is submitted. Raises ``Problem`` 409 for an office without a key."""
    await conn.execute(SEALED["pin_seats"], case["id"])
    rows = await conn.fetch(SEALED["seats_of"], case["id"])
    lacking = rules.offices_lacking({Office(row["office"]) for row in rows if row["pinned"]})
    if lacking or any(row["pinned"] is None for row in rows):
        without = [row["login"] for row in rows if row["pinned"] is None]
        raise Problem(409, "sealed_offices_incomplete", accept={"offices": lacking, "without_key": without})


async def view(conn: Db, actor: Actor, auction_id: UUID, now_ms: int) -> list[dict[str, Any]]:
    """Who sits where, for the hosts and for those seated. Raises ``Problem`` 404 for others."""
    case = await conn.fetchrow(SQL["auction_by_id"], auction_id)
    rows = await conn.fetch(SEALED["seats_of"], auction_id)
    seated = any(row["person_id"] == actor.user_id for row in rows)
    if case is None or not (seated or access.hosts(actor, case, now_ms)):
        raise Problem(404, "auction_unknown")
    return [dict(row) for row in rows]
