"""模拟竞价: practice auctions, run by the same engine and law as real ones, that can never become a result.

Bidders are names without accounts; they come in by one-time tickets. The lots open at once or at a set time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from accounts import tickets
from accounts.audit import audit
from accounts.model import Actor
from auction.case.records import SQL, copy, encode, moment
from auction.lot import live
from auction.lot.aliases import new_aliases
from auction.lot.model import Alias, Entrant, LotRules, Stage
from auction.lot.rules import lot_problem
from plumbing.postgres import Connection, Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey

OPENED_AT_ONCE = 32
HAND_OVER_AGAIN_MS = 30_000
TICKET_S = 30
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class PracticeLot(Struct, frozen=True, forbid_unknown_fields=True):
    """One lot of a practice auction; ``practice`` of its rules is always true, whatever is sent."""

    title: Name
    rules: LotRules = LotRules()
    bidders: Annotated[list[Name], Meta(max_length=5_000)] = []


class PracticeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A practice auction to be opened ``opens_in_ms`` from now."""

    title: Name
    lots: Annotated[list[PracticeLot], Meta(min_length=1, max_length=2_000)]
    category: Annotated[str, Meta(max_length=50)] = ""
    opens_in_ms: Annotated[int, Meta(ge=0, le=7 * 24 * 3_600_000)] = 0


class PracticeLotOut(Struct, frozen=True):
    """A lot that was opened, and under which alias each name bids in it."""

    lot_id: UUID
    aliases: dict[str, str]


class PracticeOut(Struct, frozen=True):
    """A practice auction that was opened; lots in the order they were sent."""

    auction_id: UUID
    lots: list[PracticeLotOut]


def practice_rules(rules: LotRules) -> LotRules:
    """The rules sent, as practice. Raises ``Problem`` 422 when a lot cannot be run by them."""
    ours = msgspec.structs.replace(rules, practice=True)
    wrong = lot_problem(ours)
    if wrong:
        raise Problem(422, "rules_refused", accept={"rule": wrong}, rule=wrong)
    return ours


async def open_practice(pool: Pool, valkey: Valkey, actor: Actor, body: PracticeBody, now_ms: int) -> PracticeOut:
    """Make the auction and open all its lots. If this stops half-way, the deadlines open what is left."""
    rules = [practice_rules(lot.rules) for lot in body.lots]
    names = sorted({name for lot in body.lots for name in lot.bidders})
    if any(not lot.bidders for lot in body.lots):
        raise Problem(422, "bidders_missing")
    aliases = dict(zip(names, new_aliases(len(names), set()), strict=True))
    opens_at = now_ms + body.opens_in_ms
    async with pool.acquire() as conn, conn.transaction():
        auction_id = await _add_auction(conn, actor, body, opens_at, now_ms)
        rows = [(auction_id, name, alias) for name, alias in aliases.items()]
        await copy(conn, "signup", ("auction_id", "name", "alias"), rows)
        lot_ids = await _add_lots(conn, actor, auction_id, body.lots, rules, aliases, opens_at, now_ms)
        await audit(conn, actor, "practice.opened", f"auction:{auction_id}", detail={"lots": len(lot_ids)})
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def hand_over(lot_id: UUID, lot: PracticeLot, its_rules: LotRules) -> None:
        async with gate:
            await live.open_lot(valkey, lot_id, its_rules, _entrants(lot, aliases), opens_at)

    await asyncio.gather(*map(hand_over, lot_ids, body.lots, rules))
    await pool.execute(SQL["handed_over_many"], lot_ids, moment(now_ms))
    lots = [
        PracticeLotOut(lot_id, {name: aliases[name] for name in lot.bidders})
        for lot_id, lot in zip(lot_ids, body.lots, strict=True)
    ]
    return PracticeOut(auction_id, lots)


def _entrants(lot: PracticeLot, aliases: dict[str, str]) -> tuple[Entrant, ...]:
    return tuple(Entrant(Alias(aliases[name])) for name in dict.fromkeys(lot.bidders))


async def _add_auction(conn: Connection, actor: Actor, body: PracticeBody, opens_at: int, now_ms: int) -> UUID:
    number: str = await conn.fetchval(SQL["next_number"], actor.region, True)
    given = (number, f"ocds-yangcai-{number}", actor.region, actor.org_id, body.title, body.category)
    found: UUID = await conn.fetchval(SQL["add_practice"], *given, moment(opens_at), moment(now_ms), actor.user_id)
    return found


async def _add_lots(
    conn: Connection,
    actor: Actor,
    auction_id: UUID,
    lots: Sequence[PracticeLot],
    rules: Sequence[LotRules],
    aliases: dict[str, str],
    opens_at: int,
    now_ms: int,
) -> list[UUID]:
    due_at, opens = moment(now_ms + HAND_OVER_AGAIN_MS), moment(opens_at)
    columns = (
        "auction_id", "region", "org_id", "no", "title", "rules", "practice", "stage", "opens_at", "due_at", "entrants",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (
            auction_id, actor.region, actor.org_id, no, lot.title, encode(its), True, Stage.RUNNING.value, opens,
            due_at, encode(_entrants(lot, aliases)),
        )
        for no, (lot, its) in enumerate(zip(lots, rules, strict=True), 1)
    ]  # fmt: skip
    await copy(conn, "lot", columns, rows)
    return [row["id"] for row in await conn.fetch(SQL["lots_of"], auction_id)]


async def owned(pool: Pool, actor: Actor, auction_id: UUID) -> None:
    """Raises ``Problem`` 404 unless the actor's organisation runs this practice auction."""
    row = await pool.fetchrow(SQL["practice_auction"], auction_id)
    if row is None or row["org_id"] != actor.org_id:
        raise Problem(404, "auction_unknown")


async def give_tickets(
    pool: Pool, valkey: Valkey, actor: Actor, auction_id: UUID, names: Sequence[str]
) -> dict[str, str]:
    """One-time tickets (30 s) for one socket each, by name. Raises ``Problem`` 404 or 422 for a name not in it."""
    await owned(pool, actor, auction_id)
    found = await pool.fetch(SQL["practice_aliases"], auction_id, list(names))
    aliases = {row["name"]: row["alias"] for row in found}
    unknown = [name for name in names if name not in aliases]
    if unknown:
        raise Problem(422, "name_unknown", name=unknown[0])
    payloads = [{"practice": str(auction_id), "alias": aliases[name]} for name in names]
    given = await asyncio.gather(*(tickets.issue(valkey, payload, seconds=TICKET_S) for payload in payloads))
    return dict(zip(names, given, strict=True))


async def close(pool: Pool, valkey: Valkey, actor: Actor, lot_id: UUID) -> live.Steered:
    """Close a practice lot now. Raises ``Problem`` 404 unless it is a practice lot of the actor's organisation."""
    row = await pool.fetchrow(SQL["lot_with_case"], lot_id)
    if row is None or not row["practice"] or row["org_id"] != actor.org_id:
        raise Problem(404, "lot_unknown")
    version = await live.version_of(valkey, lot_id)
    return await live.steer(valkey, lot_id, "close", {"by": "host"}, version=version or live.VERSION)
