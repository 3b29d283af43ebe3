"""入驻的办理: file a registration, let it in or refuse it. Each in the caller's transaction."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from accounts import records as accounts
from accounts.admin import giving, organising
from accounts.admin.model import Wanted
from accounts.admin.organising import NewOrg
from accounts.admin.rules import reach
from accounts.audit import audit
from accounts.model import ROLES_OF_KIND, Actor, Grant, Role
from accounts.records import moment
from plumbing import sql
from plumbing.postgres import Connection
from plumbing.problems import Problem
from registries.suppliers import filings
from registries.suppliers.dossier import Dossier
from standards import uscc as codes

SQL = sql.load(Path(__file__).with_name("records.sql"))
KINDS = ("supplier", "agency", "expert")


class Filed(msgspec.Struct, frozen=True):
    """A registration as typed. An expert registers himself: his organisation is his own name and login."""

    kind: str
    name: str
    region: str
    uscc: str
    person: str
    login: str
    phone: str
    supplier: Dossier | None = None
    pledged: bool = False


async def file(conn: Connection, filed: Filed, hashed: str, now_ms: int) -> UUID:
    """Keep a registration with its organisation and its person; the id of what now waits to be decided.

    Agencies and experts wait and may do nothing yet; a supplier has his role at once, and whether his firm may take
    part is for the registry of suppliers. Raises ``Problem`` 409 for a name, code or login in use, 422 for what is no
    code.
    """
    name = filed.name if filed.kind != "expert" else f"{filed.person}（评审专家 {filed.login}）"
    code = await organising.check_names(conn, NewOrg(name, filed.kind, filed.region, filed.uscc))
    org_id = await accounts.add_organisation(conn, name=name, kind=filed.kind, region=filed.region, uscc=code)
    person_id = await _person(conn, org_id, filed, hashed)
    if filed.supplier is not None:
        await accounts.add_grant(conn, person_id, Grant(Role.SUPPLIER, filed.region, org_id, None, now_ms))
        await audit(conn, None, "registration.filed", f"organisation:{org_id}", detail={"login": filed.login})
        return await filings.file(conn, None, org_id, filed.supplier, filed.pledged, now_ms, person_id)
    await conn.execute(SQL["set_waiting"], org_id)
    proof = bool(code) and codes.check(filed.uscc).needs_proof
    given = (filed.kind, filed.region, code or "", proof, filed.phone, moment(now_ms))
    made: UUID = await conn.fetchval(SQL["add_registration"], org_id, person_id, *given)
    await audit(conn, None, "registration.filed", f"registration:{made}", detail={"login": filed.login, "name": name})
    return made


async def _person(conn: Connection, org_id: UUID, filed: Filed, hashed: str) -> UUID:
    try:
        async with conn.transaction():
            return await accounts.add_person(
                conn, org_id=org_id, login=filed.login, name=filed.person, password_hash=hashed
            )
    except asyncpg.UniqueViolationError:
        raise Problem(409, "login_taken") from None
    except asyncpg.CheckViolationError:
        raise Problem(422, "login_wrong") from None


async def decide(conn: Connection, actor: Actor, registration_id: UUID, yes: bool, remark: str, now_ms: int) -> None:
    """Let a registration in, with the role of its kind, or refuse it with a reason.

    Raises ``Problem`` 404 outside of the actor's places, 409 when it is decided or he may not give that role, 422
    without a reason for a refusal.
    """
    row = await conn.fetchrow(SQL["registration_locked"], registration_id)
    if row is None or not reach(actor, "registration.decide", now_ms).has(row["region"], row["org_id"]):
        raise Problem(404, "registration_unknown")
    if row["decided_at"] is not None:
        raise Problem(409, "registration_decided")
    if not yes and not remark:
        raise Problem(422, "reason_missing")
    await conn.execute(SQL["decide"], registration_id, moment(now_ms), actor.user_id, yes, remark)
    await conn.execute(SQL["settle_org"], row["org_id"], yes)
    if yes:
        grant = Grant(ROLES_OF_KIND[row["kind"]][0], row["region"], row["org_id"], None, now_ms)
        wanted = Wanted(row["person_id"], row["org_id"], row["kind"], row["region"], grant)
        await giving.give(conn, actor, wanted, now_ms)
    event = "registration.approved" if yes else "registration.refused"
    await audit(conn, actor, event, f"registration:{registration_id}", detail={"name": row["org_name"]})
