"""Builders for walks through a sealed inquiry: three offices with keys, suppliers who seal, members who open."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from accounts.model import Actor, Role
from accounts.records import moment
from auction.case import approving, drafting, offices, quoting, signing, unsealing
from auction.case.drafting import Draft
from auction.case.quoting import Receipt
from auction.case.signing import OfferBody
from auction.lot.model import Conformity, FormatName, LotRules, Stage
from auction.sealed import crypt
from auction.sealed.model import Context, Office
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.suppliers.model import Declarations
from tests.auction.notary import NOTARY
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.auction.sealed.rosters import Keys, some_keys
from tests.auction.walk import MINUTE, a_draft, run_due, within

BUDGET = 150_000_000
DAY = 24 * 60 * MINUTE


class Member(NamedTuple):
    """Who opens for an office, and his keys."""

    actor: Actor
    office: Office
    keys: Keys


class SealedCast(NamedTuple):
    """The people of one sealed inquiry."""

    buyer: Actor
    head: Actor
    suppliers: list[Actor]
    members: list[Member]

    def of(self, office: Office) -> Member:
        """The first member of an office."""
        return next(member for member in self.members if member.office is office)


async def a_sealed_cast(pool: Pool, suppliers: int = 3, deputies: bool = False) -> SealedCast:
    """A unit, its agency, a group's expert, each with a key (and a deputy with his own), and suppliers."""
    unit, agency = await an_organisation(pool), await an_organisation(pool, "agency")
    group = await an_organisation(pool, "expert")
    buyer, head = await an_actor(pool, unit, Role.BUYER), await an_actor(pool, unit, Role.HEAD)
    homes = {
        Office.PURCHASER: (unit, Role.BUYER), Office.AGENCY: (agency, Role.AGENCY), Office.GROUP: (group, Role.EXPERT),
    }  # fmt: skip
    members = []
    for office, (org_id, role) in homes.items():
        for _ in range(2 if deputies else 1):
            member = Member(await an_actor(pool, org_id, role), office, some_keys())
            await within(pool, offices.add_key, member.actor, member.keys.public)
            members.append(member)
    return SealedCast(buyer, head, [await a_supplier(pool) for _ in range(suppliers)], members)


def sealed_rules() -> LotRules:
    return LotRules(
        format=FormatName.SEALED_ONE_SHOT, ceiling=BUDGET, conformity=Conformity.AFTER_CLOSE, award_confirm_ms=MINUTE
    )


def a_sealed_draft(deadline_at: int) -> Draft:
    """An inquiry for uniform goods at the limit: by law one sealed offer."""
    return a_draft(deadline_at, sealed_rules(), budget_fen=BUDGET, uniform=True)


async def drafted(pool: Pool, cast: SealedCast, deadline_at: int) -> tuple[UUID, UUID]:
    """A draft with its offices seated: its id and its lot's."""
    now = Clock().now_ms()
    auction_id = await within(pool, drafting.create, cast.buyer, a_sealed_draft(deadline_at), now)
    for member in cast.members:
        first = member is cast.of(member.office)
        given = (auction_id, member.office, member.actor.login, not first, now)
        await within(pool, offices.seat, cast.buyer, *given)
    sql = "UPDATE auction SET rule_set = rule_set || $2 WHERE id = $1"
    await pool.execute(sql, auction_id, {"notice.statutory_workdays": 0})
    lot_id = await pool.fetchval("SELECT id FROM lot WHERE auction_id = $1", auction_id)
    return auction_id, lot_id


async def published(pool: Pool, valkey: Valkey, cast: SealedCast, deadline_at: int) -> tuple[UUID, UUID]:
    """An inquiry that takes quotes."""
    now = Clock().now_ms()
    auction_id, lot_id = await drafted(pool, cast, deadline_at)
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    await within(pool, approving.decide, cast.head, auction_id, True, "", now)
    await run_due(pool, valkey, lot_id, now)
    return auction_id, lot_id


async def entered(pool: Pool, cast: SealedCast, auction_id: UUID, lot_id: UUID) -> None:
    """Every supplier has signed up and brought his offer, without a price."""
    now = Clock().now_ms()
    for supplier in cast.suppliers:
        await within(pool, signing.sign_up, supplier, auction_id, Declarations(), now)
        await within(pool, signing.put_offer, supplier, lot_id, OfferBody("品牌", "型号"), now)


async def quote(pool: Pool, supplier: Actor, lot_id: UUID, price: int, now_ms: int = 0) -> Receipt:
    """Seal a price as the supplier's browser does, and bring it."""
    now = now_ms or Clock().now_ms()
    booth = await quoting.booth(pool, supplier, lot_id, now)
    context = Context(lot_id, booth.alias, booth.deadline_at, booth.roster_sha256)
    receipt: Receipt = await within(
        pool, quoting.deposit, supplier, lot_id, crypt.seal(context, booth.seats, price), now
    )
    return receipt


async def open_for(pool: Pool, member: Member, lot_id: UUID, now_ms: int) -> Stage:
    """A member opens his office's envelopes and gives every share; the stage after the last."""
    found = await unsealing.envelopes(pool, member.actor, lot_id, now_ms)
    stage = Stage.OPENING
    for one in found.quotes:
        context = Context(lot_id, one.alias, one.deadline_at, one.roster_sha256)
        share = crypt.open_share(context, found.office, one.envelope, member.keys.private)
        assert share is not None
        stage = await within(pool, unsealing.give_share, member.actor, NOTARY, lot_id, one.id, share, now_ms)
    return stage


async def at_the_deadline(pool: Pool, valkey: Valkey, lot_id: UUID) -> int:
    """Let the deadline come; that moment."""
    due: int = await pool.fetchval(
        "SELECT (extract(epoch FROM opens_at) * 1000)::bigint FROM lot WHERE id = $1", lot_id
    )
    assert await pool.fetchval("SELECT due_at = $2 FROM lot WHERE id = $1", lot_id, moment(due))
    await run_due(pool, valkey, lot_id, due)
    return due
