"""填报与审核: a supplier files its dossier, its home approves or returns it. Each in the caller's transaction.

What is in force is what trading rooms read (``records.facts``): of an active supplier the dossier last approved, of one
that stands on its pledge the dossier last filed.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from accounts import names
from accounts.acts import Act
from accounts.admin import organising
from accounts.admin.organising import NewOrg
from accounts.audit import audit
from accounts.factors import vault
from accounts.model import Actor
from accounts.records import moment
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.suppliers import records, rules
from registries.suppliers.dossier import Dossier, Stage, dossier_from, facts_of
from registries.suppliers.model import Status, SupplierFacts
from standards import uscc as codes

SQL = sql.load(Path(__file__).with_name("filings.sql"))
_NOBODY = UUID(int=0)
SECRET_BYTES = 32


async def number_secret(conn: Connection | Pool, settings: Any) -> bytes:
    """The key of head keys: made at first use, kept sealed under the site's secret, sealed anew when that changes."""
    sealed = await conn.fetchval(SQL["secret"])
    if sealed is None:
        made = vault.seal(settings, _NOBODY, secrets.token_bytes(SECRET_BYTES))
        await conn.execute(SQL["keep_secret"], made)
        sealed = await conn.fetchval(SQL["secret"])
    found = vault.unseal(settings, _NOBODY, sealed)
    if found is None:
        raise RuntimeError("the key of the supplier registry was sealed under another YANGCAI_SECRET_KEY")
    again = vault.seal(settings, _NOBODY, found)
    if vault.key_of(again) != vault.key_of(sealed):
        await conn.execute(SQL["reseal_secret"], sealed, again)
    return found


async def file(
    conn: Connection, actor: Actor | None, org_id: UUID, dossier: Dossier, pledged: bool, now_ms: int, by: UUID
) -> UUID:
    """Keep a dossier as filed by the person ``by`` and let it wait for its review; one that waited is replaced.

    Raises ``Problem`` 409 where another supplier has the name or the code, 422 for what is no code.
    """
    row = await conn.fetchrow(SQL["standing"], org_id)
    checked = codes.check(dossier.uscc)
    code = await organising.check_names(conn, NewOrg(dossier.name, "supplier", dossier.region, dossier.uscc), org_id)
    dossier = msgspec.structs.replace(dossier, uscc=code or "")
    now = Status(row["status"]) if row else None
    after = rules.standing_after_filing(
        now, pledged=pledged, sound=not checked.needs_proof, returned=row["returned"] if row else 0
    )
    await conn.execute(SQL["replace_waiting"], org_id)
    content = msgspec.to_builtins(dossier)
    given = (org_id, dossier.region, content, pledged, checked.needs_proof, moment(now_ms), by)
    made: UUID = await conn.fetchval(SQL["add_filing"], *given)
    if after is not Status.ACTIVE:
        await _carry(conn, org_id, dossier, after)
    await audit(conn, actor, "supplier.filed", f"supplier:{org_id}", detail={"filing": str(made), "standing": after})
    return made


async def _carry(conn: Connection, org_id: UUID, dossier: Dossier, status: Status) -> None:
    """Bring a dossier into force."""
    named = (dossier.name, names.key_of(dossier.name), dossier.uscc or None, dossier.region)
    await conn.execute(SQL["carry_names"], org_id, *named)
    await conn.execute(SQL["carry_people"], org_id, dossier.region)
    await records.put(conn, facts_of(dossier, org_id, status))


async def filing(conn: Connection | Pool, actor: Actor, filing_id: UUID, now_ms: int) -> Record:
    """A filing that the actor may review: its home is his. 404 for every other."""
    row: Record | None = await conn.fetchrow(SQL["filing"], filing_id)
    if row is None or not may_act(actor, Act.SUPPLIER_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "filing_unknown")
    return row


async def decide(
    conn: Connection, actor: Actor, filing_id: UUID, decision: Stage, remark: str, proven: bool, now_ms: int
) -> None:
    """Approve a filing, return it with what is to be corrected, or reject it: not who it says it is.

    One that is rejected gives name and code back. Raises ``Problem`` 404 outside of the actor's places, 409 when it is
    decided or replaced, or a name was taken meanwhile, or an active supplier is to be rejected (that is a ban's
    matter), 422 without a reason, or for a doubtful code whose certificate nobody has looked at.
    """
    row = await filing(conn, actor, filing_id, now_ms)
    org_id, now = row["org_id"], Status(await conn.fetchval(SQL["lock_supplier"], row["org_id"]))
    if decision is not Stage.APPROVED and not remark:
        raise Problem(422, "reason_missing")
    if decision is Stage.APPROVED and row["needs_proof"] and not proven:
        raise Problem(422, "supplier_proof_needed")
    if decision is Stage.REJECTED and now is Status.ACTIVE:
        raise Problem(409, "supplier_is_active")
    if not await conn.fetchval(SQL["decide"], filing_id, decision, moment(now_ms), actor.user_id, remark):
        raise Problem(409, "filing_decided")
    after = rules.standing_after_review(now, decision)
    if decision is Stage.APPROVED:
        dossier = dossier_of(row)
        new = NewOrg(dossier.name, "supplier", dossier.region, dossier.uscc)
        await organising.check_names(conn, new, org_id)
        await _carry(conn, org_id, dossier, after)
        if row["needs_proof"]:
            await conn.execute(SQL["uscc_proven"], org_id)
    else:
        await conn.execute(records.SQL["set_status"], org_id, after)
    if decision is Stage.REJECTED:
        await conn.execute(SQL["free_names"], org_id)
    detail = {"filing": str(filing_id), "standing": after, "remark": remark}
    await audit(conn, actor, f"supplier.{decision}", f"supplier:{org_id}", detail=detail)


async def close(conn: Connection, actor: Actor, now_ms: int) -> None:
    """注销: the firm takes part in nothing new; what it has begun it ends. Filed and approved again, it is back.

    Raises ``Problem`` 409 for one that is closed already, or was never registered.
    """
    now = await conn.fetchval(SQL["lock_supplier"], actor.org_id)
    if now in (None, Status.CLOSED):
        raise Problem(409, "supplier_closed")
    await conn.execute(SQL["replace_waiting"], actor.org_id)
    await conn.execute(records.SQL["set_status"], actor.org_id, Status.CLOSED)
    await audit(conn, actor, "supplier.closed", f"supplier:{actor.org_id}")


def dossier_of(row: Record) -> Dossier:
    """The dossier in a row with ``content``."""
    return msgspec.convert(row["content"], Dossier)


async def last(conn: Connection | Pool, org_id: UUID) -> tuple[Record | None, Dossier | None]:
    """The supplier's newest filing and its dossier; of one registered before there were filings what is in force."""
    row = await conn.fetchrow(SQL["last_filing"], org_id)
    if row is not None:
        return row, dossier_of(row)
    known = await records.facts(conn, org_id)
    return None, None if known is None else dossier_from(known)


async def before(conn: Connection | Pool, row: Record) -> Dossier | None:
    """What was in force before the filing of this row; None for a first one."""
    content = await conn.fetchval(SQL["before"], row["org_id"], row["no"])
    return None if content is None else msgspec.convert(content, Dossier)


async def in_force(conn: Connection | Pool, known: SupplierFacts) -> Dossier:
    """The dossier behind the facts of a supplier; the facts alone for one registered before there were filings."""
    row = await conn.fetchrow(SQL["in_force"], known.org_id, known.status is Status.ACTIVE)
    return dossier_from(known) if row is None else dossier_of(row)


class Version(msgspec.Struct, frozen=True):
    """One filing of a supplier, and what was in force when it came; None for the first."""

    row: Record
    before: Dossier | None
    after: Dossier


async def versions(conn: Connection | Pool, org_id: UUID) -> list[Version]:
    """Every filing of a supplier, the latest first."""
    found: list[Version] = []
    approved: Dossier | None = None
    for row in reversed(await conn.fetch(SQL["history"], org_id)):
        after = dossier_of(row)
        found.append(Version(row, approved, after))
        approved = after if row["stage"] == Stage.APPROVED else approved
    return found[::-1]
