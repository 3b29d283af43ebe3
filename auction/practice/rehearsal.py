"""A supplier's own practice 自助模拟竞价: his organisation against a few rivals, by the same law.

It can never become a result. The rivals are names whose qualifying prices stand from the opening on, and who answer
now and then (``rivals``). A few seats are kept for suppliers whom he sends the link.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from accounts.audit import audit
from accounts.model import Actor
from auction.case.records import SQL, Db, copy, encode, moment
from auction.lot import live
from auction.lot.aliases import new_aliases
from auction.lot.model import Alias, Decrement, Entrant, LotRules, Overtime, Stage, Visibility
from auction.practice.opening import HAND_OVER_AGAIN_MS, practice_rules
from auction.practice.rivals import Rivals
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from plumbing.valkey import Valkey

OPENS_IN_MS = 10_000
RUNNING_MAX = 2
RIVALS_BP = (9_700, 9_400, 9_100)
"""Where the rivals' qualifying prices stand, in basis points of the ceiling."""
REST_BP = (8_800, 8_300, 7_800)
"""Below which share of the ceiling each rival rests."""
GUESTS_MAX = 3
GUEST = "guest"
"""The name of a seat that nobody has taken yet."""
MINUTES = (3, 10, 30)
CEILING_LEAST_FEN = 100_000


class Wish(Struct, frozen=True):
    """What a supplier wants to practise: ceiling in fen, minutes, what he sees."""

    title: str
    ceiling: int
    minutes: int
    visibility: Visibility = Visibility.RANK_ONLY


def rules_of(wish: Wish) -> LotRules:
    """Rules like those of a usual case: half a per cent a step, extensions in the last minute."""
    step = max(100, wish.ceiling // 200 // 100 * 100)
    over = Overtime(window_ms=60_000, extend_ms=60_000, rank_max=3, extensions_max=3)
    return practice_rules(
        LotRules(
            ceiling=wish.ceiling,
            decrement=Decrement(amount=step),
            duration_ms=wish.minutes * 60_000,
            overtime=over,
            visibility=wish.visibility,
        )
    )


async def rehearse(pool: Pool, valkey: Valkey, rivals: Rivals, actor: Actor, wish: Wish, now_ms: int) -> UUID:
    """Open a practice lot in ten seconds, with its rivals; its id. Refused (409) while two of the organisation run."""
    rules, opens_at = rules_of(wish), now_ms + OPENS_IN_MS
    aliases = [Alias(alias) for alias in new_aliases(1 + len(RIVALS_BP) + GUESTS_MAX, set())]
    theirs, guests = aliases[1 : 1 + len(RIVALS_BP)], aliases[1 + len(RIVALS_BP) :]
    prices = [wish.ceiling * bp // 10_000 for bp in RIVALS_BP]
    entrants = (
        Entrant(aliases[0]),
        *(Entrant(alias, opening_price=price) for alias, price in zip(theirs, prices, strict=True)),
        *map(Entrant, guests),
    )
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(SQL["one_at_a_time"], f"rehearsal {actor.org_id}")
        if await conn.fetchval(SQL["practice_running"], actor.org_id) >= RUNNING_MAX:
            raise Problem(409, "practice_running", accept={"running_max": RUNNING_MAX}, most=RUNNING_MAX)
        lot_id = await _write(conn, actor, wish.title, rules, entrants, opens_at, now_ms)
    await live.open_lot(valkey, lot_id, rules, entrants, opens_at)
    await pool.execute(SQL["handed_over_many"], [lot_id], moment(now_ms))
    rivals.play(lot_id, {alias: wish.ceiling * bp // 10_000 for alias, bp in zip(theirs, REST_BP, strict=True)})
    return lot_id


async def invitation(conn: Db, auction_id: UUID) -> Record:
    """The lot of a supplier's practice behind its link: id, title, stage, whose it is. Raises ``Problem`` 404."""
    row = await conn.fetchrow(SQL["practice_to_join"], auction_id)
    if row is None:
        raise Problem(404, "auction_unknown")
    return row


async def join(conn: Connection, actor: Actor, auction_id: UUID) -> UUID:
    """Give the actor's organisation a free seat in another's practice; the lot's id, also when it sits there already.

    Raises ``Problem`` 404 for no such practice, 409 when it is over or full.
    """
    row = await invitation(conn, auction_id)
    if row["stage"] != Stage.RUNNING:
        raise Problem(409, "practice_over")
    if not await conn.fetchval(SQL["practice_seat_of"], auction_id, actor.org_id):
        if await conn.fetchval(SQL["take_practice_seat"], auction_id, actor.org_id, actor.user_id, GUEST) is None:
            raise Problem(409, "practice_full", accept={"guests_max": GUESTS_MAX}, most=GUESTS_MAX)
        await audit(conn, actor, "practice.joined", f"auction:{auction_id}")
    found: UUID = row["id"]
    return found


async def _write(
    conn: Connection,
    actor: Actor,
    title: str,
    rules: LotRules,
    entrants: tuple[Entrant, ...],
    opens_at: int,
    now_ms: int,
) -> UUID:
    number: str = await conn.fetchval(SQL["next_number"], actor.region, True)
    given = (number, f"ocds-yangcai-{number}", actor.region, actor.org_id, title, "")
    auction_id = await conn.fetchval(SQL["add_practice"], *given, moment(opens_at), moment(now_ms), actor.user_id)
    people = [
        (auction_id, actor.org_id if n == 0 else None, one.alias if one.opening_price or n == 0 else GUEST, one.alias)
        for n, one in enumerate(entrants)
    ]
    await copy(conn, "signup", ("auction_id", "org_id", "name", "alias"), people)
    columns = (
        "auction_id", "region", "org_id", "no", "title", "rules", "practice", "stage", "opens_at", "due_at", "entrants",
    )  # fmt: skip
    due_at = moment(now_ms + HAND_OVER_AGAIN_MS)
    row = (
        auction_id, actor.region, actor.org_id, 1, title, encode(rules), True, Stage.RUNNING.value, moment(opens_at),
        due_at, encode(entrants),
    )  # fmt: skip
    await copy(conn, "lot", columns, [row])
    await audit(conn, actor, "practice.opened", f"auction:{auction_id}", detail={"lots": 1})
    found: UUID = (await conn.fetchrow(SQL["lots_of"], auction_id))["id"]  # type: ignore[index]
    return found
