"""From the close to the award 评审: the verdict on a closed lot, and the decisions people take on it.

The settler and every later decision go through ``go_on``: it recounts the valid offers and moves the lot where the
rules lead. Nothing here decides by itself what the law leaves to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from accounts.model import Actor
from auction.case import award, cases, lawful, lowprice
from auction.case.records import SQL, copy, encode, moment
from auction.lot.model import Conformity, Event, LotRules, PriceBasis, Stage, Turn
from auction.lot.settlement import Candidate, after, candidates, flag, next_turn
from auction.lot.state import LotState
from plumbing.postgres import Connection, Record

STANDING = (
    "lot_id", "rank", "alias", "signup_id", "price", "effective", "n", "at", "detail", "valid", "why_not", "low_price",
    "low_price_note",
)  # fmt: skip


class Verdict(Struct, frozen=True):
    """What a closed lot comes to: the turn it takes, the stage it reaches, the reason of a failure, its standings."""

    turn: Turn
    stage: Stage
    why: str
    found: list[Candidate]
    signups: dict[str, UUID]
    notes: dict[str, object]


def looks_low(row: Record, rules: LotRules, found: Sequence[Candidate]) -> dict[str, object]:
    """By alias, what fired: screens with the figures they compared, for all valid offers; empty when nothing is low.

    Measured against the ceiling, or the case's budget where a lot by total has none (财库〔2026〕2号).
    """
    offers = [lowprice.Offer(one.alias, one.price, one.price) for one in found if one.valid]
    budget = row["budget_fen"] if rules.basis is not PriceBasis.DISCOUNT_RATE else None
    tests = lowprice.tests_of(lawful.pinned(row))
    fired = lowprice.flagged(sorted(offers, key=lambda offer: offer.price), rules.ceiling or budget, tests)
    return {alias: {"findings": encode(findings)} for alias, findings in fired.items()}


async def judge_close(
    conn: Connection, row: Record, rules: LotRules, state: LotState, events: Sequence[Event]
) -> Verdict:
    """The verdict on a closed or cancelled lot, from its recounted state and what Postgres knows of its bidders."""
    people = await conn.fetch(SQL["admitted_to_settle"], row["auction_id"], row["id"])
    signups = {person["alias"]: person["id"] for person in people}
    if state.stage is Stage.CANCELLED:
        note = getattr(events[-1], "note", None)
        why = str(note.get("reason", "")) if isinstance(note, dict) else ""
        return Verdict(Turn.CANCEL, Stage.CANCELLED, why, [], signups, {})
    conformity: dict[str, str] = {}
    if rules.conformity is Conformity.AFTER_CLOSE and not rules.practice:
        conformity = {person["alias"]: person["conformity"] or "pending" for person in people}
    found = candidates(state, events, conformity)
    notes: dict[str, object] = {}
    if not rules.practice and not any(one.pending for one in found):
        notes = looks_low(row, rules, found)
        found = flag(found, notes)
    turn = next_turn(rules, found)
    why = "too_few_valid" if turn is Turn.SETTLE_FAIL else ""
    return Verdict(turn, after(Stage.RUNNING, Turn.END, turn), why, found, signups, notes)


async def apply_close(
    conn: Connection, row: Record, rules: LotRules, verdict: Verdict, closes_at: int, now_ms: int
) -> None:
    """Write the standings and move the lot on, with what follows; inside the settler's transaction."""
    await copy(
        conn,
        "standing",
        STANDING,
        [
            (
                row["id"], one.rank, one.alias, verdict.signups[one.alias], one.price, one.effective, one.n,
                moment(one.at), award.json_text(one.detail), one.valid, one.why_not, one.low_price,
                encode(verdict.notes.get(one.alias, {})),
            )
            for one in verdict.found
        ],
    )  # fmt: skip
    await conn.execute(SQL["settled_lot"], row["id"], moment(closes_at))
    if verdict.turn is Turn.CANCEL:
        await cases.move(conn, row, Turn.CANCEL, actor=None, why=verdict.why)
        return
    if row["stage"] == Stage.ON_HOLD:
        await conn.execute(SQL["release_lot"], row["id"], moment(now_ms))
    await conn.execute(SQL["to_closing"], row["id"])
    await take_turn(conn, await cases.lot_locked(conn, row["id"]), rules, verdict.found, verdict.turn, None, now_ms)


async def take_turn(
    conn: Connection,
    row: Record,
    rules: LotRules,
    found: Sequence[Candidate],
    turn: Turn,
    actor: Actor | None,
    now_ms: int,
) -> Stage:
    """Move the lot by a settlement's turn, with what follows from it."""
    if turn is Turn.SETTLE_AWARD:
        return await award.offer_next(conn, row, rules, found, turn, after_rank=0, actor=actor, now_ms=now_ms)
    why = "too_few_valid" if turn is Turn.SETTLE_FAIL else ""
    stage = await cases.move(conn, row, turn, actor=actor, why=why)
    if stage is Stage.FAILED:
        await award.publish_failure(conn, row, why, now_ms)
    return stage
