"""商品标识 浙江制造精品, 节能, 环保: filed by the firm with its certificate, confirmed by a reviewer, over by itself.

They change the order in which products are shown, and nothing else: no condition and no score of a procurement reads
them.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.papers import records as papers
from registries.products.model import Flag
from registries.products.records import SQL as PRODUCTS

SQL = sql.load(Path(__file__).with_name("flags.sql"))
EVIDENCE_MIN, EVIDENCE_MAX, YEARS_MAX = 6, 200, 10
CONFIRMED, REFUSED, REVOKED = "confirmed", "refused", "revoked"
DECISIONS = (CONFIRMED, REFUSED, REVOKED)


def read(flag: str, evidence: str, until: str, today: date) -> tuple[Flag, str, date]:
    """What was typed. ``Problem`` 422: no such distinction, no issuer and number, a certificate that is over."""
    words = " ".join(evidence.split())
    try:
        last = date.fromisoformat(until)
    except ValueError:
        raise Problem(422, "product_flag_until") from None
    if flag not in tuple(Flag):
        raise Problem(422, "product_flag_unknown")
    if not EVIDENCE_MIN <= len(words) <= EVIDENCE_MAX or not any(sign.isdigit() for sign in words):
        raise Problem(422, "product_flag_evidence")
    if not today < last or last.year > today.year + YEARS_MAX:
        raise Problem(422, "product_flag_until")
    return Flag(flag), words, last


async def file(conn: Connection, actor: Actor, product_id: UUID, what: tuple[Flag, str, date], paper: str = "") -> None:
    """The firm files a distinction of its product, in the caller's transaction, with its own ``paper`` if there is one.

    ``Problem`` 404 for another's product, 422 for a paper that is not there.
    """
    row = await conn.fetchrow(PRODUCTS["product"], product_id)
    if row is None or row["org_id"] != actor.org_id:
        raise Problem(404, "product_unknown")
    flag, evidence, until = what
    kept = await papers.told(conn, actor.org_id, [paper] if paper else [])
    if paper and paper not in kept:
        raise Problem(422, "product_flag_paper")
    await papers.keep(conn, actor.org_id, kept)
    await conn.execute(SQL["file"], product_id, flag, evidence, until, actor.user_id, UUID(paper) if paper else None)
    await conn.execute(SQL["mark"], product_id)
    detail = {"flag": str(flag), "evidence": evidence, "until": until.isoformat()}
    await audit(conn, actor, "product.flag_filed", f"product:{product_id}", detail=detail)


async def decide(conn: Connection, actor: Actor, product_id: UUID, flag: str, stage: str, now_ms: int) -> None:
    """Confirm what waits, refuse it, or withdraw what was confirmed, in the caller's transaction.

    ``Problem`` 404 outside the actor's places, 409 if none waits or holds.
    """
    row = await conn.fetchrow(PRODUCTS["product"], product_id)
    if row is None or not may_act(actor, Act.PRODUCT_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "product_unknown")
    if stage == REVOKED:
        evidence = await conn.fetchval(SQL["revoke"], product_id, flag, actor.user_id)
    else:
        evidence = await conn.fetchval(SQL["decide"], product_id, flag, stage, actor.user_id)
    if evidence is None:
        raise Problem(409, "product_flag_not_waiting")
    await conn.execute(SQL["mark"], product_id)
    detail = {"flag": flag, "evidence": evidence}
    await audit(conn, actor, f"product.flag_{stage}", f"product:{product_id}", detail=detail)


async def waiting(pool: Pool, places: list[str]) -> list[Record]:
    """The distinctions that wait in some places, at most fifty."""
    return await pool.fetch(SQL["waiting"], places)
