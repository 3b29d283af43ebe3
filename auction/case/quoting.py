"""密封报价的递交: a supplier brings his sealed quote, or another in its place, until the deadline.

The server takes a ciphertext it cannot read. How many have quoted is told to nobody.
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import Struct

from accounts.audit import audit
from accounts.model import Actor, Role
from auction.case import cases, publishing, signing
from auction.case.records import Db, lot, millis, moment
from auction.lot.model import Stage
from auction.sealed import model, records, rules
from auction.sealed.model import Context, SealedQuote, Seat
from auction.sealed.records import SQL
from auction.sealed.rules import Booth
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem


class Receipt(Struct, frozen=True):
    """The receipt 回执 of a sealed quote: its digest and when it was received (epoch ms)."""

    digest: str
    received_at: int


class BoothOut(Struct, frozen=True):
    """All that the supplier's browser needs to seal: what the quote is bound to, for whom, and his last receipt.

    ``ceiling`` in fen; ``last`` None when he has not quoted, or has withdrawn.
    """

    lot: UUID
    alias: str
    deadline_at: int
    roster_sha256: str
    seats: list[Seat]
    ceiling: int
    has_offer: bool
    open: bool
    last: Receipt | None


async def sealed_lot(conn: Db, lot_id: UUID) -> Record:
    """A lot of sealed quotes. Raises ``Problem`` 404 for others."""
    row = await lot(conn, lot_id)
    if row is None or row["published_at"] is None or not publishing.is_sealed(row):
        raise Problem(404, "lot_unknown")
    return row


async def _booth(conn: Db, row: Record, signup: Record, now_ms: int) -> Booth:
    deadline_at = millis(row["opens_at"])
    has_offer = await conn.fetchval(SQL["has_offer"], row["id"], signup["id"])
    seats = await records.seats(conn, row["auction_id"])
    return Booth(row["stage"] == Stage.SIGNUP and now_ms < deadline_at, deadline_at, seats, has_offer)


async def booth(conn: Db, actor: Actor, lot_id: UUID, now_ms: int) -> BoothOut:
    """What the actor's organisation seals its quote with. Raises ``Problem`` 404 unless it has signed up."""
    row = await sealed_lot(conn, lot_id)
    signup = await signing.own_signup(conn, actor, row["auction_id"])
    facts = await _booth(conn, row, signup, now_ms)
    last = await conn.fetchrow(SQL["last_quote"], lot_id, signup["id"])
    return BoothOut(
        lot=lot_id,
        alias=signup["alias"],
        deadline_at=facts.deadline_at,
        roster_sha256=model.roster_sha256(facts.seats),
        seats=list(facts.seats),
        ceiling=row["rules"]["ceiling"],
        has_offer=facts.has_offer,
        open=facts.open,
        last=None if last is None or last["withdrawn"] else Receipt(last["digest"], millis(last["received_at"])),
    )


async def deposit(conn: Connection, actor: Actor, lot_id: UUID, quote: SealedQuote, now_ms: int) -> Receipt:
    """Take a sealed quote; it stands in place of an earlier one. The same one again gets its first receipt.

    Refused, in order: at and after the deadline, without an offer, for another deadline or roster.
    """
    if not actor.has(Role.SUPPLIER):
        raise Problem(403, "forbidden")
    row = await cases.lot_locked(conn, lot_id)
    await sealed_lot(conn, lot_id)
    signup = await signing.own_signup(conn, actor, row["auction_id"])
    digest = model.digest_of(quote)
    known = await conn.fetchval(SQL["same_quote"], lot_id, signup["id"], digest)
    if known is not None:
        return Receipt(digest, millis(known))
    refusal = rules.judge_deposit(await _booth(conn, row, signup, now_ms), quote, now_ms)
    if refusal:
        raise Problem(409, f"sealed_{refusal.value}", accept={"deadline_at": millis(row["opens_at"])})
    body = msgspec.json.encode(quote, order="sorted").decode()
    await conn.execute(SQL["add_quote"], lot_id, signup["id"], body, digest, actor.user_id, moment(now_ms))
    await audit(conn, actor, "sealed.quoted", f"lot:{lot_id}", detail={"digest": digest})
    return Receipt(digest, now_ms)


def context_of(row: Record, quote: SealedQuote, alias: str) -> Context:
    """What a stored quote was bound to."""
    return Context(row["id"], alias, quote.deadline_at, quote.roster_sha256)
