"""Builders for walks through a case's life: who takes part, and the steps up to where a test begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from accounts.model import Actor, Role
from accounts.records import moment
from auction.case import approving, cases, deciding, drafting, dues, signing
from auction.case.drafting import Draft, DraftLine, DraftLot
from auction.case.signing import OfferBody
from auction.lot import live
from auction.lot.model import Alias, Bid, Decrement, LotRules, Overtime, Stage
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.suppliers.model import Declarations
from server.settle import settle_lot
from tests.auction.notary import NOTARY
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.support import eventually

MINUTE = 60_000


class Cast(NamedTuple):
    """The people of one case."""

    buyer: Actor
    head: Actor
    suppliers: list[Actor]
    supervisor: Actor


async def a_cast(pool: Pool, suppliers: int = 3) -> Cast:
    """A unit with handler and head, suppliers, and the province's supervisor."""
    unit = await an_organisation(pool)
    people = [await a_supplier(pool) for _ in range(suppliers)]
    watch = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="33")
    return Cast(await an_actor(pool, unit, Role.BUYER), await an_actor(pool, unit, Role.HEAD), people, watch)


def rules(**changed: Any) -> LotRules:
    """A lot of one minute with a ceiling of 100,000.00 and 1.00 to go down by."""
    given = LotRules(
        ceiling=10_000_000, decrement=Decrement(amount=100), duration_ms=MINUTE, overtime=Overtime(extensions_max=0),
        big_drop_bp=0, award_confirm_ms=MINUTE,
    )  # fmt: skip
    return msgspec.structs.replace(given, **changed)


def a_draft(opens_at: int, lot_rules: LotRules | None = None, **changed: Any) -> Draft:
    """A case of one lot."""
    line = msgspec.convert({"name": "液晶电视机", "quantity": "10", "unit": "台"}, DraftLine)
    lot = DraftLot("液晶电视机 10 台", lot_rules or rules(), [line])
    given = Draft("办公设备采购", "goods", "A02091001", 10_000_000, opens_at, [lot])
    return msgspec.structs.replace(given, **changed)


async def within(pool: Pool, what: Callable[..., Awaitable[Any]], *args: Any, **named: Any) -> Any:
    """Call an operation in a transaction of its own."""
    async with pool.acquire() as conn, conn.transaction():
        return await what(conn, *args, **named)


async def nothing(conn: Any, deal: Any) -> None:
    """No one reacts."""


async def stage(pool: Pool, lot_id: UUID) -> str:
    """Where a lot stands in Postgres."""
    found: str = await pool.fetchval("SELECT stage FROM lot WHERE id = $1", lot_id)
    return found


async def run_due(pool: Pool, valkey: Valkey, lot_id: UUID, at_ms: int) -> None:
    """Do what is due for one lot at ``at_ms``, as the deadlines would; other tests' lots are left alone."""
    async with pool.acquire() as conn:
        async with conn.transaction():
            row = await cases.lot_locked(conn, lot_id)
            if row["due_at"] is None or row["due_at"] > moment(at_ms):
                return  # a server of another test on the same engines was quicker
            after = await dues.serve(conn, row, at_ms, nothing)
        await dues.afterwards(conn, valkey, lot_id, after, at_ms, None)


async def no_notice(pool: Pool, auction_id: UUID) -> None:
    """Pin a notice period of no days, as a place may set it for small amounts."""
    sql = "UPDATE auction SET rule_set = rule_set || $2 WHERE id = $1"
    await pool.execute(sql, auction_id, {"notice.below_limit_workdays": 0})


async def published(pool: Pool, valkey: Valkey, cast: Cast, draft: Draft | None = None) -> tuple[UUID, UUID]:
    """A case drafted, approved and published: its id and its first lot's."""
    now = Clock().now_ms()
    auction_id = await within(pool, drafting.create, cast.buyer, draft or a_draft(now + MINUTE), now)
    await no_notice(pool, auction_id)
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    await within(pool, approving.decide, cast.head, auction_id, True, "", now)
    lot_id = await pool.fetchval("SELECT id FROM lot WHERE auction_id = $1 ORDER BY no LIMIT 1", auction_id)
    await run_due(pool, valkey, lot_id, now)
    return auction_id, lot_id


async def signed_up(
    pool: Pool,
    cast: Cast,
    auction_id: UUID,
    lot_id: UUID,
    *,
    passed: bool = True,
    declared: dict[UUID, Declarations] | None = None,
) -> dict[UUID, str]:
    """Every supplier signed up with an offer, conforming if ``passed``: the alias by organisation."""
    now, aliases = Clock().now_ms(), {}
    for supplier in cast.suppliers:
        said = (declared or {}).get(supplier.org_id, Declarations())
        alias = await within(pool, signing.sign_up, supplier, auction_id, said, now)
        await within(pool, signing.put_offer, supplier, lot_id, OfferBody("品牌", "型号"), now)
        if passed:
            await within(pool, deciding.conformity, cast.buyer, lot_id, alias, True, "", now)
        aliases[supplier.org_id] = alias
    return aliases


async def opened(
    pool: Pool,
    valkey: Valkey,
    cast: Cast,
    *,
    for_ms: int = 2_000,
    declared: dict[UUID, Declarations] | None = None,
    **changed: Any,
) -> tuple[UUID, dict[UUID, str]]:
    """A lot that runs now, for ``for_ms``, with every supplier in it."""
    draft = a_draft(Clock().now_ms() + MINUTE, rules(**changed))
    auction_id, lot_id = await published(pool, valkey, cast, draft)
    after_close = changed.get("conformity") is not None
    aliases = await signed_up(pool, cast, auction_id, lot_id, passed=not after_close, declared=declared)
    await opened_of(pool, valkey, lot_id, for_ms=for_ms)
    return lot_id, aliases


async def opened_of(pool: Pool, valkey: Valkey, lot_id: UUID, *, for_ms: int) -> None:
    """Open a lot in sign-up now, for ``for_ms``."""
    at_once = "UPDATE lot SET opens_at = now(), due_at = now(), rules = rules || $2 WHERE id = $1"
    await pool.execute(at_once, lot_id, {"duration_ms": for_ms})
    await run_due(pool, valkey, lot_id, Clock().now_ms() + 5)

    async def handed_over() -> object:
        return await live.read_tally(valkey, lot_id) or await stage(pool, lot_id) == "failed"

    await eventually(handed_over)


async def bids(valkey: Valkey, lot_id: UUID, prices: dict[str, int]) -> None:
    """One bid each, in the order given."""
    for alias, price in prices.items():
        outcome = await live.place_bid(valkey, lot_id, Bid(f"bid-{alias}", Alias(alias), price), Clock().now_ms())
        assert hasattr(outcome, "rank"), outcome


async def closed(pool: Pool, valkey: Valkey, lot_id: UUID) -> None:
    """Wait until a lot's short time is over, close it and settle it."""

    async def is_over() -> object:
        return (await live.tick(valkey, lot_id)).stage == Stage.CLOSING

    await eventually(is_over)
    await settled(pool, valkey, lot_id)


async def settled(pool: Pool, valkey: Valkey, lot_id: UUID) -> None:
    """Settle a closed lot; a server of another test on the same engines may have been quicker."""
    await settle_lot(valkey, pool, NOTARY, lot_id, Clock().now_ms())

    async def has_result() -> object:
        return await pool.fetchval("SELECT true FROM result WHERE lot_id = $1", lot_id)

    await eventually(has_result)
