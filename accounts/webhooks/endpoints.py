"""Endpoints 推送地址 of an organisation: made, their secrets changed, ended; what was sent to them, and again."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from accounts.audit import audit
from accounts.factors import vault
from accounts.keys.keeping import administers
from accounts.model import Actor
from accounts.records import moment
from accounts.webhooks.rules import ENDPOINTS_MAX, KINDS, OVERLAP_MS, SECRET_BYTES, TEST, TRADERS, secret_text
from plumbing import outbound, sql
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

SQL = sql.load(Path(__file__).with_name("records.sql"))


def check_may(actor: Actor, now_ms: int) -> None:
    """Webhooks are for who does business for the organisation, and its administrator. Raises ``Problem`` 403."""
    if not actor.has(*TRADERS) and not administers(actor, now_ms):
        raise Problem(403, "forbidden")


async def make(
    conn: Connection, settings: Any, actor: Actor, endpoint_id: UUID, url: str, kinds: list[str], now_ms: int
) -> str:
    """Make an endpoint; its secret, which is shown this once.

    Raises ``Problem`` 422 for kinds there are not or an address nothing is sent to, 409 with ``ENDPOINTS_MAX``.
    """
    if not kinds or not set(kinds) <= set(KINDS):
        raise Problem(422, "webhook_kinds")
    try:
        await outbound.reachable(url, outbound.networks(settings.webhook_networks))
    except outbound.Refused as why:
        raise Problem(422, f"webhook_{why}") from None
    await conn.execute(SQL["one_at_a_time"], actor.org_id)
    if await conn.fetchval(SQL["how_many"], actor.org_id) >= ENDPOINTS_MAX:
        raise Problem(409, "webhooks_too_many", most=ENDPOINTS_MAX)
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = vault.seal(settings, endpoint_id, secret)
    given = (endpoint_id, actor.org_id, url, sorted(set(kinds)), sealed, actor.user_id, moment(now_ms))
    await conn.execute(SQL["add_endpoint"], *given)
    await audit(conn, actor, "webhook.made", f"webhook:{endpoint_id}", detail={"url": url, "kinds": sorted(set(kinds))})
    return secret_text(secret)


async def of(conn: Connection, actor: Actor, endpoint_id: UUID) -> Record:
    """The endpoint, of the actor's organisation. Raises ``Problem`` 404."""
    row = await conn.fetchrow(SQL["endpoint"], endpoint_id, actor.org_id)
    if row is None:
        raise Problem(404, "webhook_gone")
    return row


async def rotate(conn: Connection, settings: Any, actor: Actor, endpoint_id: UUID, now_ms: int) -> str:
    """Give it another secret, shown this once; the one before signs beside it for a day."""
    await of(conn, actor, endpoint_id)
    secret = secrets.token_bytes(SECRET_BYTES)
    await conn.execute(
        SQL["rotate"], endpoint_id, vault.seal(settings, endpoint_id, secret), moment(now_ms + OVERLAP_MS)
    )
    await audit(conn, actor, "webhook.rotated", f"webhook:{endpoint_id}")
    return secret_text(secret)


async def end(conn: Connection, actor: Actor, endpoint_id: UUID, now_ms: int) -> None:
    """Nothing more is sent there; what waits is dropped."""
    await of(conn, actor, endpoint_id)
    await conn.execute(SQL["end_endpoint"], endpoint_id, moment(now_ms))
    await audit(conn, actor, "webhook.ended", f"webhook:{endpoint_id}")


async def test(conn: Connection, actor: Actor, endpoint_id: UUID) -> None:
    """Send a word to see whether it arrives."""
    await of(conn, actor, endpoint_id)
    body = msgspec.json.encode({"type": TEST, "data": {"by": actor.login}}).decode()
    await conn.execute(SQL["tell_one"], endpoint_id, TEST, body)
    await audit(conn, actor, "webhook.tested", f"webhook:{endpoint_id}")


async def replay(conn: Connection, actor: Actor, sending_id: UUID, now_ms: int) -> None:
    """Send once more what was sent or given up, under the same id. Raises ``Problem`` 404."""
    kind = await conn.fetchval(SQL["replay"], sending_id, actor.org_id, moment(now_ms))
    if kind is None:
        raise Problem(404, "webhook_gone")
    await audit(conn, actor, "webhook.replayed", f"webhook:{sending_id}", detail={"kind": kind})
