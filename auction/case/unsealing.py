"""密封报价的开启: after the deadline the offices bring their shares; with two of them a quote opens, and when all are
open the lot goes the way of every closed lot: record, review, award.
"""

from __future__ import annotations

from hashlib import sha1, sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from accounts.audit import audit
from accounts.model import Actor
from auction.case import access, award, cases, params, quoting, review
from auction.case.records import SQL, Db, copy, decode_rules, encode, millis, millis_or_0, moment
from auction.case.reruns import OFFICES_FAILED
from auction.lot import live
from auction.lot.model import Alias, BidTaken, Closed, Entrant, Event, LotRules, Opened, Stage, Turn
from auction.lot.state import reduce
from auction.sealed import crypt, records, rules
from auction.sealed.model import OFFICES_TO_OPEN, Envelope, Office, SealedQuote
from auction.sealed.records import SQL as SEALED
from auction.sealed.rules import SealedRefusal
from auction.transcript.notary import Grown, Notary
from ledger.tree import Frontier
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

_AFTER = frozenset(Stage) - {Stage.DRAFT, Stage.APPROVING, Stage.SCHEDULED, Stage.SIGNUP, Stage.ON_HOLD}
_quote = msgspec.json.Decoder(SealedQuote)


class ToOpen(Struct, frozen=True):
    """One quote as a member of an office opens it: what it is bound to, his envelope, the digest of the share."""

    id: UUID
    alias: str
    deadline_at: int
    roster_sha256: str
    envelope: Envelope
    share_sha256: str
    given: bool


class Envelopes(Struct, frozen=True):
    """All that a member's browser opens for his office."""

    lot: UUID
    office: Office
    fingerprint: str
    quotes: list[ToOpen]


class QuoteShown(Struct, frozen=True):
    """One quote on the opening page. ``price`` in fen, 0 until it is open and for one its maker spoilt.

    ``rank`` is 0 until all are open, and for one that is not ranked.
    """

    alias: str
    received_at: int
    digest: str
    offices: list[str]
    open: bool
    price: int
    effective: int
    rank: int


class Progress(Struct, frozen=True):
    """How far the opening is: the lot's stage, until when (epoch ms, 0 none), your own office, and the quotes."""

    stage: str
    deadline_at: int
    until: int
    office: str
    quotes: list[QuoteShown]


async def begin(conn: Connection, row: Record, now_ms: int) -> None:
    """The deadline has come: OPENING for the announced time, or FAILED, nothing opened, when too few have quoted.

    Whatever the queue of dues says: before the deadline nothing is opened.
    """
    if now_ms < millis(row["opens_at"]):
        await conn.execute(SQL["put_off_due"], row["id"], row["opens_at"], moment(now_ms))
        return
    quotes = await conn.fetch(SEALED["last_quotes"], row["id"])
    if len(quotes) < decode_rules(row["rules"]).suppliers_min:
        await cases.move(conn, row, Turn.START_SHORT, actor=None, why="too_few_quotes")
        await award.publish_failure(conn, row, "too_few_quotes", now_ms)
        return
    entrants = [Entrant(quote["alias"], quote["deduction_bp"]) for quote in quotes]
    due_at = moment(now_ms + params.number(row, "auction.opening_minutes") * 60_000)
    await cases.move(conn, row, Turn.UNSEAL, actor=None, due_at=due_at)
    await conn.execute(SEALED["opening_entrants"], row["id"], encode(entrants))


async def expire(conn: Connection, row: Record, now_ms: int) -> None:
    """Not two offices opened every quote in time. No bidder bears it; the lot may be rerun and it does not count."""
    await cases.move(conn, row, Turn.OFFICES_FAIL, actor=None, why=OFFICES_FAILED)
    await award.publish_failure(conn, row, OFFICES_FAILED, now_ms)


async def _seated(conn: Db, actor: Actor, row: Record) -> Record:
    """The actor's seat, while the lot is being opened. Raises ``Problem`` 403 without a seat, 409 early and late."""
    seat = await records.seat_of(conn, actor, row["auction_id"])
    if seat is None:
        raise Problem(403, f"sealed_{SealedRefusal.NOT_SEATED.value}")
    if row["stage"] != Stage.OPENING:
        early = row["stage"] not in _AFTER
        raise Problem(409, f"sealed_{(SealedRefusal.NOT_YET if early else SealedRefusal.OVER).value}")
    return seat


async def envelopes(conn: Db, actor: Actor, lot_id: UUID, now_ms: int) -> Envelopes:
    """The envelopes of the actor's office, for his own key; after the deadline only."""
    row = await quoting.sealed_lot(conn, lot_id)
    seat = await _seated(conn, actor, row)
    office, found = Office(seat["office"]), []
    for stored in await conn.fetch(SEALED["last_quotes"], lot_id):
        quote = _quote.decode(stored["body"])
        envelope = next(one for one in quote.envelopes if one.key == seat["fingerprint"])
        found.append(
            ToOpen(
                stored["id"], stored["alias"], quote.deadline_at, quote.roster_sha256, envelope,
                quote.shares[list(Office).index(office)], office.value in stored["offices"],
            )
        )  # fmt: skip
    return Envelopes(lot_id, office, seat["fingerprint"], found)


async def give_share(
    conn: Connection, actor: Actor, notary: Notary, lot_id: UUID, quote_id: UUID, share: bytes, now_ms: int
) -> Stage:
    """Take an office's share of one quote; with the second office's it opens. The lot's stage after it.

    Refused: without a seat, before the deadline, after the opening, and a share that is not the supplier's.
    """
    row = await cases.lot_locked(conn, lot_id)
    await quoting.sealed_lot(conn, lot_id)
    seat = await _seated(conn, actor, row)
    office = Office(seat["office"])
    stored = next((one for one in await conn.fetch(SEALED["last_quotes"], lot_id) if one["id"] == quote_id), None)
    if stored is None:
        raise Problem(404, "sealed_quote_unknown")
    quote = _quote.decode(stored["body"])
    context = quoting.context_of(row, quote, stored["alias"])
    refusal = rules.judge_share(context, quote, office, share)
    if refusal:
        raise Problem(422, f"sealed_{refusal.value}")
    await conn.execute(SEALED["add_share"], quote_id, office.value, share, actor.user_id, moment(now_ms))
    detail = {"office": office.value, "digest": stored["digest"]}
    await audit(conn, actor, "sealed.share_given", f"lot:{lot_id}", detail=detail)
    shares = [one["share"] for one in await conn.fetch(SEALED["shares_of"], quote_id)]
    if stored["opened_at"] is None and len(shares) >= OFFICES_TO_OPEN:
        opened = crypt.open_quote(context, quote, shares[0], shares[1])
        price, salt = (opened.price, opened.salt) if opened else (None, None)
        await conn.execute(SEALED["add_opening"], quote_id, price, salt, moment(now_ms))
    return await _finish(conn, row, actor, notary, now_ms)


async def _finish(conn: Connection, row: Record, actor: Actor, notary: Notary, now_ms: int) -> Stage:
    """When every quote is open: the record in the form every lot has, signed; then review and award."""
    quotes = await conn.fetch(SEALED["last_quotes"], row["id"])
    if any(quote["opened_at"] is None for quote in quotes):
        return Stage.OPENING
    lot_rules = decode_rules(row["rules"])
    events = record_of(row, lot_rules, quotes, now_ms)
    state = reduce(lot_rules, events)
    verdict = await review.judge_close(conn, row, lot_rules, state, events)
    lines = [msgspec.json.encode(event) for event in events]
    await _add_result(conn, row, events, lines, verdict, now_ms)
    await notary.extend(conn, row["id"], Frontier(), Grown(0, events, lines, whole=True))
    await review.apply_close(conn, row, lot_rules, verdict, state.closes_at, now_ms)
    await audit(conn, actor, "sealed.opened", f"lot:{row['id']}", detail={"stage": verdict.stage.value})
    return verdict.stage


def record_of(row: Record, lot_rules: LotRules, quotes: list[Record], now_ms: int) -> list[Event]:
    """The record of an opened lot: one bid per quote, in the order they came; who spoilt his quote is told at the end.

    Each bid carries what its price was committed to by, so that whoever may read that can check it.
    """
    entrants = tuple(Entrant(Alias(quote["alias"]), quote["deduction_bp"]) for quote in quotes)
    begins, ends = millis(row["published_at"]), millis(row["opens_at"])
    first = min([begins, *(millis(quote["received_at"]) for quote in quotes)])
    events: list[Event] = [Opened(1, first, first, ends, entrants, live.rules_sha256(row["rules"]))]
    opened = [quote for quote in quotes if quote["price"] is not None]
    for quote in opened:
        at = max(events[-1].at, millis(quote["received_at"]))
        sealed = _quote.decode(quote["body"])
        proof = {"commitment": sealed.commitment, "salt": quote["salt"], "roster_sha256": sealed.roster_sha256,
                 "deadline_at": sealed.deadline_at}  # fmt: skip
        events.append(BidTaken(len(events) + 1, at, Alias(quote["alias"]), quote["digest"], quote["price"], proof))
    note = {
        "unreadable": {quote["alias"]: quote["digest"] for quote in quotes if quote["price"] is None},
    }
    return [*events, Closed(len(events) + 1, max(events[-1].at, now_ms), note)]


async def _add_result(
    conn: Connection, row: Record, events: list[Event], lines: list[bytes], verdict: review.Verdict, now_ms: int
) -> None:
    chain = ""
    for line in lines:
        chain = sha1(chain.encode() + line, usedforsecurity=False).hexdigest()
    opened = events[0]
    assert isinstance(opened, Opened)
    given = (
        row["id"], row["region"], row["org_id"], verdict.stage, verdict.why, len(events),
        sha256(b"\n".join(lines)).hexdigest(), chain, opened.rules_sha256, moment(events[-1].at), moment(now_ms),
    )  # fmt: skip
    await conn.fetchval(SQL["add_result"], *given)
    stored = zip(events, lines, strict=True)
    rows = [(row["id"], e.n, moment(e.at), e.__struct_config__.tag, line.decode()) for e, line in stored]
    await copy(conn, "lot_event", ("lot_id", "n", "at", "kind", "body"), rows)


async def progress(conn: Db, actor: Actor, lot_id: UUID, now_ms: int) -> Progress:
    """The opening as members of the offices and hosts see it; before the deadline nobody."""
    row = await quoting.sealed_lot(conn, lot_id)
    seat = await records.seat_of(conn, actor, row["auction_id"])
    if seat is None and not access.hosts(actor, row, now_ms):
        raise Problem(403, f"sealed_{SealedRefusal.NOT_SEATED.value}")
    if row["stage"] not in _AFTER and now_ms >= millis(row["opens_at"]):  # just about to be opened, or on hold
        return Progress(row["stage"], millis(row["opens_at"]), 0, seat["office"] if seat else "", [])
    if row["stage"] not in _AFTER:
        raise Problem(409, f"sealed_{SealedRefusal.NOT_YET.value}", accept={"after": millis(row["opens_at"])})
    ranks = {one["alias"]: one for one in await conn.fetch(SQL["standings_of"], lot_id)}
    shown = row["entrants"] != []
    quotes = [_shown(one, ranks) for one in await conn.fetch(SEALED["last_quotes"], lot_id)] if shown else []
    until = millis_or_0(row["due_at"]) if row["stage"] == Stage.OPENING else 0
    return Progress(row["stage"], millis(row["opens_at"]), until, seat["office"] if seat else "", quotes)


def _shown(quote: Record, ranks: dict[Any, Record]) -> QuoteShown:
    place = ranks.get(quote["alias"])
    return QuoteShown(
        alias=quote["alias"],
        received_at=millis(quote["received_at"]),
        digest=quote["digest"],
        offices=sorted(quote["offices"]),
        open=quote["opened_at"] is not None,
        price=quote["price"] or 0,
        effective=place["effective"] if place else 0,
        rank=place["rank"] if place else 0,
    )
