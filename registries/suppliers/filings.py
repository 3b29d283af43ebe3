"""填报与审核: a supplier files its dossier, its home approves or returns it. Each in the caller's transaction.

What is in force is what trading rooms read (``records.facts``): of an active supplier the dossier last approved, of one
that stands on its pledge the dossier last filed.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.acts import Act
from accounts.audit import audit
from accounts.factors import vault
from accounts.model import Actor
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from registries.filing.book import Book
from registries.filing.model import Stage
from registries.suppliers import records, rules
from registries.suppliers.dossier import Dossier, dossier_from, facts_of
from registries.suppliers.model import Status, SupplierFacts

SQL = sql.load(Path(__file__).with_name("filings.sql"))
BOOK = Book("supplier", Dossier, Act.SUPPLIER_REVIEW)
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
    row = await conn.fetchrow(BOOK.sql["standing"], org_id)
    kept = await BOOK.keep(conn, org_id, dossier, now_ms, by, pledged=pledged)
    after = rules.standing_after_filing(
        Status(row["status"]) if row else None,
        pledged=pledged,
        sound=not kept.needs_proof,
        returned=row["returned"] if row else 0,
    )
    if after is not Status.ACTIVE:
        await BOOK.carry(conn, org_id, kept.dossier)
        await records.put(conn, facts_of(kept.dossier, org_id, after))
    detail = {"filing": str(kept.id), "standing": after}
    await audit(conn, actor, "supplier.filed", f"supplier:{org_id}", detail=detail)
    return kept.id


async def decide(
    conn: Connection, actor: Actor, filing_id: UUID, decision: Stage, remark: str, proven: bool, now_ms: int
) -> UUID:
    """Approve a filing, return it, or reject it; its supplier. Refused as by ``Book.decide``."""
    org_id, after, dossier = await BOOK.decide(conn, actor, filing_id, decision, remark, proven, now_ms)
    if dossier is not None:
        await records.put(conn, facts_of(dossier, org_id, Status(after)))
    return org_id


async def last(conn: Connection | Pool, org_id: UUID) -> tuple[Record | None, Dossier | None]:
    """The supplier's newest filing and its dossier; of one registered before there were filings what is in force."""
    row, dossier = await BOOK.last(conn, org_id)
    if row is not None:
        return row, dossier
    known = await records.facts(conn, org_id)
    return None, None if known is None else dossier_from(known)


async def in_force(conn: Connection | Pool, known: SupplierFacts) -> Dossier:
    """The dossier behind the facts of a supplier; the facts alone for one registered before there were filings."""
    found = await BOOK.in_force(conn, known.org_id, active=known.status is Status.ACTIVE)
    return dossier_from(known) if found is None else found
