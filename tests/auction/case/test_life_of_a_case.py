"""A case from its draft to the contract, and every way it may end before; in Postgres and Valkey, step by step."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from accounts.model import Role
from auction.case import access, approving, award, deciding, drafting, holds, motions, reruns, signing
from auction.case.drafting import DraftLot
from auction.case.signing import OfferBody
from auction.lot import live
from auction.lot.model import Conformity
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from registries.parameters import records as parameters
from registries.suppliers import records as suppliers
from registries.suppliers.model import Ban, Declarations, SizeClass, Status
from standards.categories import CategoryRule
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.auction.walk import (
    MINUTE,
    a_cast,
    a_draft,
    bids,
    closed,
    no_notice,
    opened,
    published,
    rules,
    run_due,
    settled,
    signed_up,
    stage,
    within,
)  # fmt: skip

NOW = Clock().now_ms


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


async def refusal(what: Any, *args: Any, **named: Any) -> str:
    with pytest.raises(Problem) as caught:
        await what(*args, **named)
    return caught.value.code


async def test_a_case_goes_from_draft_to_contract_and_the_deal_is_handed_on_once(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast)
    one, two, three = (aliases[s.org_id] for s in cast.suppliers)
    await bids(valkey, lot_id, {one: 9_000_000, two: 8_800_000, three: 8_900_000})
    await closed(pool, valkey, lot_id)
    assert await stage(pool, lot_id) == "award_pending"
    assert await within(pool, award.answer, cast.suppliers[1], lot_id, True, "", NOW()) == "buyer_confirm"
    handed: list[Any] = []

    async def on_deal(conn: Any, deal: Any) -> None:
        handed.append(deal)

    async def confirm(conn: Any) -> None:
        row = await signing.hosted(conn, cast.buyer, lot_id, NOW())
        await award.buyer_confirm(conn, row, cast.buyer, NOW(), on_deal)

    await within(pool, confirm)
    assert [deal.contract_fen for deal in handed] == [8_800_000]
    assert await refusal(within, pool, confirm) == "stage_passed"
    result = await pool.fetchval("SELECT body FROM publication WHERE lot_id = $1 AND kind = 'result'", lot_id)
    assert result["amount_fen"] == 8_800_000
    assert one not in str(result)

    async def contract(conn: Any) -> None:
        row = await signing.hosted(conn, cast.buyer, lot_id, NOW())
        await award.contract(conn, cast.buyer, row, "HT-1", NOW())

    await within(pool, contract)
    assert await stage(pool, lot_id) == "contracted"
    trail = [
        r["event"]
        for r in await pool.fetch("SELECT event FROM audit_event WHERE object = $1 ORDER BY id", f"lot:{lot_id}")
    ]
    assert trail[0] == "lot.submit"
    assert trail[-1] == "lot.contract"


async def test_too_few_at_the_start_fail_the_lot_without_a_running_phase(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, suppliers=2)
    lot_id, _ = await opened(pool, valkey, cast)
    assert await stage(pool, lot_id) == "failed"
    assert await live.read_tally(valkey, lot_id) is None
    assert await pool.fetchval("SELECT body->>'reason' FROM publication WHERE lot_id = $1 AND kind = 'failure'", lot_id)


async def test_fewer_valid_offers_than_the_minimum_fail_the_lot(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast)
    one, two, _ = aliases.values()
    await bids(valkey, lot_id, {one: 9_000_000, two: 8_800_000})
    await closed(pool, valkey, lot_id)
    assert await stage(pool, lot_id) == "failed"


async def test_a_winner_who_refuses_forfeits_and_the_next_in_rank_is_offered(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast)
    one, two, three = aliases.values()
    await bids(valkey, lot_id, {one: 9_000_000, two: 8_800_000, three: 8_900_000})
    await closed(pool, valkey, lot_id)
    assert await refusal(within, pool, award.answer, cast.suppliers[0], lot_id, True, "", NOW()) == "award_unknown"
    assert await within(pool, award.answer, cast.suppliers[1], lot_id, False, "缺货", NOW()) == "award_pending"
    assert await pool.fetchval("SELECT award_rank FROM lot WHERE id = $1", lot_id) == 2
    late = NOW() + 2 * MINUTE
    assert await refusal(within, pool, award.answer, cast.suppliers[2], lot_id, True, "", late) == "award_over"
    await run_due(pool, valkey, lot_id, late)
    assert await pool.fetchval("SELECT award_rank FROM lot WHERE id = $1", lot_id) == 3
    await run_due(pool, valkey, lot_id, late + 2 * MINUTE)
    assert await stage(pool, lot_id) == "failed"
    answers = [
        r["answer"] for r in await pool.fetch("SELECT answer FROM award WHERE lot_id = $1 ORDER BY rank", lot_id)
    ]
    assert answers == ["refused", "expired", "expired"]


async def test_a_failed_lot_is_rerun_as_a_new_draft_once_per_failure(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, suppliers=1)
    lot_id, _ = await opened(pool, valkey, cast)
    again = await within(pool, reruns.rerun, cast.buyer, lot_id, NOW() + MINUTE, NOW())
    row = await pool.fetchrow("SELECT stage, round_no, rerun_of FROM lot WHERE auction_id = $1", again)
    assert row is not None
    assert tuple(row) == ("draft", 2, lot_id)
    assert await stage(pool, lot_id) == "failed"
    assert await refusal(within, pool, reruns.rerun, cast.buyer, lot_id, NOW() + MINUTE, NOW()) == "rerun_known"


async def test_conformity_after_the_close_is_decided_before_anyone_counts_as_valid(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, suppliers=4)
    lot_id, aliases = await opened(pool, valkey, cast, conformity=Conformity.AFTER_CLOSE)
    prices = dict(zip(aliases.values(), (9_000_000, 8_800_000, 8_900_000, 8_700_000), strict=True))
    await bids(valkey, lot_id, prices)
    await closed(pool, valkey, lot_id)
    assert await stage(pool, lot_id) == "conformity_review"
    names = list(prices)
    for alias in names[:3]:
        assert (
            await within(pool, deciding.conformity, cast.buyer, lot_id, alias, True, "", NOW()) == "conformity_review"
        )
    assert await refusal(within, pool, deciding.conformity, cast.buyer, lot_id, names[3], False, " ", NOW())
    last = await within(pool, deciding.conformity, cast.buyer, lot_id, names[3], False, "参数不符", NOW())
    assert last == "award_pending"
    assert await pool.fetchval("SELECT award_rank FROM lot WHERE id = $1", lot_id) == 2


async def test_pause_needs_two_persons_and_a_reason_and_is_told_to_all(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    lot_id, _ = await opened(pool, valkey, cast, for_ms=60_000)
    assert await refusal(within, pool, motions.propose, cast.buyer, lot_id, "pause", " ", {}, NOW()) == "reason_missing"
    motion = await within(pool, motions.propose, cast.buyer, lot_id, "pause", "核实情况", {}, NOW())
    assert await refusal(motions.second, pool, valkey, cast.buyer, motion, True, NOW()) == "lot_unknown"
    assert await motions.second(pool, valkey, cast.head, motion, True, NOW()) == "done"
    log = await live.read_log(valkey, lot_id)
    assert log[-1].note["reason"] == "核实情况"  # type: ignore[union-attr, index]
    assert await refusal(motions.second, pool, valkey, cast.head, motion, True, NOW()) == "motion_decided"


async def test_a_struck_bid_falls_back_to_the_bidders_last_and_a_cancelled_lot_has_no_winner(
    pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast, for_ms=60_000)
    one, two, _ = aliases.values()
    await bids(valkey, lot_id, {one: 9_000_000, two: 800_000})
    n = (await live.read_log(valkey, lot_id))[-1].n
    motion = await within(pool, motions.propose, cast.buyer, lot_id, "void", "误报", {"n": n}, NOW())
    assert await motions.second(pool, valkey, cast.head, motion, True, NOW()) == "done"
    state = await live.read_state(valkey, lot_id)
    assert state is not None
    assert state.lead is not None
    assert state.lead.alias == one
    stop = await within(pool, motions.propose, cast.buyer, lot_id, "cancel", "需求重大变化", {}, NOW())
    assert await motions.second(pool, valkey, cast.head, stop, True, NOW()) == "done"
    await settled(pool, valkey, lot_id)
    assert await stage(pool, lot_id) == "cancelled"
    assert await pool.fetchval("SELECT count(*) FROM standing WHERE lot_id = $1", lot_id) == 0
    assert await pool.fetchval("SELECT count(*) FROM lot_event WHERE lot_id = $1", lot_id) > 0


async def test_the_supervisor_suspends_a_live_lot_for_at_most_thirty_days_and_it_runs_on_afterwards(
    pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool)
    lot_id, _ = await opened(pool, valkey, cast, for_ms=60_000)
    assert await refusal(within, pool, holds.suspend, valkey, cast.supervisor, lot_id, "查", 31, NOW()) == "hold_days"
    await within(pool, holds.suspend, valkey, cast.supervisor, lot_id, "收到投诉", 30, NOW())
    assert await stage(pool, lot_id) == "on_hold"
    assert (await live.read_tally(valkey, lot_id))[0] == "paused"  # type: ignore[index]
    await run_due(pool, valkey, lot_id, NOW() + 30 * 86_400_000)
    assert await stage(pool, lot_id) == "running"
    assert (await live.read_tally(valkey, lot_id))[0] == "running"  # type: ignore[index]


async def test_an_hour_on_hold_is_added_to_an_opening_that_had_not_come(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    _, lot_id = await published(pool, valkey, cast)
    before = await pool.fetchval("SELECT opens_at FROM lot WHERE id = $1", lot_id)
    at = NOW()
    await within(pool, holds.suspend, valkey, cast.supervisor, lot_id, "质疑", 1, at)
    await within(pool, holds.release, cast.supervisor, lot_id, at + 3_600_000)
    row = await pool.fetchrow("SELECT stage, opens_at, due_at FROM lot WHERE id = $1", lot_id)
    assert row is not None
    assert (row["stage"], row["opens_at"] - before) == ("signup", row["due_at"] - before)
    assert (row["opens_at"] - before).total_seconds() == 3_600


async def test_another_units_people_are_told_there_is_no_such_case(pool: Pool, valkey: Valkey) -> None:
    cast, other = await a_cast(pool), await a_cast(pool)
    auction_id, lot_id = await published(pool, valkey, cast)
    assert (
        await refusal(within, pool, drafting.edit, other.buyer, auction_id, a_draft(NOW() + MINUTE), NOW())
        == "auction_unknown"
    )
    assert await refusal(within, pool, approving.submit, other.buyer, auction_id, NOW()) == "auction_unknown"
    assert await refusal(within, pool, motions.propose, other.buyer, lot_id, "pause", "x", {}, NOW()) == "lot_unknown"
    assert await refusal(within, pool, deciding.conformity, other.head, lot_id, "A1", True, "", NOW()) == "lot_unknown"
    far = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="44")
    assert await refusal(within, pool, holds.suspend, valkey, far, lot_id, "x", 1, NOW()) == "lot_unknown"
    seat = await access.seat(pool, other.buyer, lot_id, {})
    assert seat is not None
    assert seat.kind == "public"


async def test_the_drafter_may_not_approve_and_a_rejection_leads_back_to_the_draft(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    now = NOW()
    draft = a_draft(now + MINUTE, posts=["finance", "head"])
    auction_id = await within(pool, drafting.create, cast.buyer, draft, now)
    assert await refusal(within, pool, approving.submit, cast.buyer, auction_id, now) == "opens_too_soon"
    await no_notice(pool, auction_id)
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    assert (
        await refusal(within, pool, approving.decide, cast.buyer, auction_id, True, "", now) == "second_person_needed"
    )
    assert await refusal(within, pool, approving.decide, cast.head, auction_id, True, "", now) == "post_not_yours"
    finance = await an_actor(pool, cast.buyer.org_id, Role.BUYER)
    assert await within(pool, approving.decide, finance, auction_id, True, "", now) == "approving"
    assert await within(pool, approving.decide, cast.head, auction_id, False, "预算不符", now) == "draft"
    await within(pool, drafting.edit, cast.buyer, auction_id, draft, now)
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    assert await within(pool, approving.decide, finance, auction_id, True, "", now) == "approving"
    assert await within(pool, approving.decide, cast.head, auction_id, True, "", now) == "scheduled"


async def test_a_draft_that_cannot_be_run_is_refused_and_nothing_is_written(pool: Pool) -> None:
    cast, now = await a_cast(pool), NOW()
    assert await refusal(within, pool, drafting.create, cast.buyer, a_draft(now - 1), now) == "opening_passed"
    no_ceiling = a_draft(now + MINUTE, rules(ceiling=None))
    assert await refusal(within, pool, drafting.create, cast.buyer, no_ceiling, now) == "rules_refused"
    dear = a_draft(now + MINUTE, lots=[DraftLot("贵", rules(ceiling=10_000_001))])
    assert await refusal(within, pool, drafting.create, cast.buyer, dear, now) == "ceiling_over_budget"
    late = a_draft(now + MINUTE, signup_from=now + MINUTE)
    assert await refusal(within, pool, drafting.create, cast.buyer, late, now) == "signup_after_opening"
    assert await pool.fetchval("SELECT count(*) FROM auction WHERE org_id = $1", cast.buyer.org_id) == 0


async def test_signing_up_and_offering_end_with_the_opening(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    auction_id, lot_id = await published(pool, valkey, cast)
    aliases = await signed_up(pool, cast, auction_id, lot_id)
    assert len(set(aliases.values())) == 3
    over = OfferBody("品牌", "型号", opening_price=10_000_001)
    assert (
        await refusal(within, pool, signing.put_offer, cast.suppliers[0], lot_id, over, NOW())
        == "opening_price_over_ceiling"
    )
    late = NOW() + 2 * MINUTE
    assert (
        await refusal(within, pool, signing.sign_up, cast.suppliers[0], auction_id, Declarations(), late)
        == "signup_over"
    )
    assert (
        await refusal(within, pool, signing.put_offer, cast.suppliers[0], lot_id, OfferBody("a", "b"), late)
        == "signup_over"
    )
    stranger = await an_actor(pool, await an_organisation(pool, "supplier"), Role.SUPPLIER)
    assert (
        await refusal(within, pool, signing.put_offer, stranger, lot_id, OfferBody("a", "b"), NOW()) == "signup_unknown"
    )
    assert await refusal(within, pool, signing.sign_up, cast.buyer, auction_id, Declarations(), NOW()) == "forbidden"


async def test_a_private_question_is_read_by_the_host_and_its_asker_only(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    auction_id, lot_id = await published(pool, valkey, cast)
    await signed_up(pool, cast, auction_id, lot_id)
    question = await within(pool, signing.ask, cast.suppliers[0], lot_id, "能否分批交货？", NOW())
    await within(pool, signing.answer, cast.buyer, lot_id, question, "可以。", NOW())
    row = await pool.fetchrow(
        "SELECT l.*, a.agency_org_id FROM lot l JOIN auction a ON a.id = auction_id WHERE l.id = $1", lot_id
    )
    assert row is not None
    own = await signing.questions(pool, cast.suppliers[0], row, NOW())
    assert [q["answer"] for q in own] == ["可以。"]
    assert await signing.questions(pool, cast.suppliers[1], row, NOW()) == []
    assert len(await signing.questions(pool, cast.buyer, row, NOW())) == 1


async def test_silence_of_the_purchaser_confirms_the_first_in_rank(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast)
    await bids(valkey, lot_id, dict(zip(aliases.values(), (9_000_000, 8_800_000, 8_900_000), strict=True)))
    await closed(pool, valkey, lot_id)
    await within(pool, award.answer, cast.suppliers[1], lot_id, True, "", NOW())
    await run_due(pool, valkey, lot_id, NOW() + 30 * 86_400_000)
    assert await stage(pool, lot_id) == "published"


async def test_what_may_not_be_auctioned_live_is_refused_with_the_clause_and_the_lawful_way(pool: Pool) -> None:
    cast, now = await a_cast(pool), NOW()
    for draft, code, clause in (
        (a_draft(now + MINUTE, category="A02010105"), "batch_item", "R24"),
        (a_draft(now + MINUTE, budget_fen=150_000_000), "not_uniform", "L32"),
        (a_draft(now + MINUTE, budget_fen=200_000_000), "open_tender", "L27"),
        (a_draft(now + MINUTE, budget_fen=150_000_000, uniform=True), "format_sealed_only", "L40"),
    ):
        with pytest.raises(Problem) as refused:
            await within(pool, drafting.create, cast.buyer, draft, now)
        assert refused.value.accept is not None
        assert refused.value.accept["code"] == code
        assert clause in refused.value.accept["clauses"]
    assert await refusal(within, pool, drafting.create, cast.buyer, a_draft(now + MINUTE, category="X1"), now)


async def test_the_sum_of_the_year_counts_against_splitting_a_purchase(pool: Pool, valkey: Valkey) -> None:
    cast, now = await a_cast(pool), NOW()
    one = a_draft(now + MINUTE, budget_fen=60_000_000, budget_project="设备更新")
    await published(pool, valkey, cast, one)
    two = a_draft(now + MINUTE, budget_fen=60_000_000, budget_project="设备更新")
    with pytest.raises(Problem) as refused:
        await within(pool, drafting.create, cast.buyer, two, now)
    assert refused.value.code == "gate_refused"
    other = a_draft(now + MINUTE, budget_fen=60_000_000, budget_project="另一项目")
    await within(pool, drafting.create, cast.buyer, other, now)


async def test_who_is_banned_out_of_scope_or_related_to_one_inside_may_not_sign_up(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    auction_id, _ = await published(pool, valkey, cast)
    sign = signing.sign_up
    ban = Ban(None, None, "串通投标", "财政部门")
    for changed, code in (
        ({"bans": (ban,)}, "supplier_banned"),
        ({"categories": ("C",)}, "supplier_out_of_scope"),
        ({"status": Status.REVIEWING}, "supplier_under_review"),
    ):
        supplier = await a_supplier(pool, **changed)
        if "bans" in changed:
            async with pool.acquire() as conn:
                await suppliers.ban(conn, supplier.org_id, ban, None)
        assert await refusal(within, pool, sign, supplier, auction_id, Declarations(), NOW()) == code
    head = "ab" * 32
    first, second = await a_supplier(pool, head_key=head), await a_supplier(pool, head_key=head)
    await within(pool, sign, first, auction_id, Declarations(), NOW())
    assert await refusal(within, pool, sign, second, auction_id, Declarations(), NOW()) == "supplier_related"


async def test_a_small_firms_deduction_ranks_it_first_and_its_contract_is_by_the_quoted_price(
    pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool, suppliers=2)
    small = await a_supplier(pool, size_class=SizeClass.MICRO)
    cast = cast._replace(suppliers=[*cast.suppliers, small])
    lot_id, aliases = await opened(pool, valkey, cast, declared={small.org_id: Declarations(small_makers=True)})
    one, two, three = aliases.values()
    await bids(valkey, lot_id, {one: 9_000_000, two: 8_800_000, three: 9_500_000})
    await closed(pool, valkey, lot_id)
    rows = await pool.fetch("SELECT alias, price, effective FROM standing WHERE lot_id = $1 ORDER BY rank", lot_id)
    assert tuple(rows[0]) == (three, 9_500_000, 8_075_000)


@pytest.mark.parametrize(("others_share_bp", "effective"), [(10_000, 9_500_000), (7_999, 7_600_000)])
async def test_domestic_goods_are_preferred_only_where_others_compete(
    pool: Pool, valkey: Valkey, others_share_bp: int, effective: int
) -> None:
    cast = await a_cast(pool)
    declared = {supplier.org_id: Declarations(domestic_share_bp=others_share_bp) for supplier in cast.suppliers}
    declared[cast.suppliers[2].org_id] = Declarations(domestic_share_bp=8_000)
    lot_id, aliases = await opened(pool, valkey, cast, declared=declared)
    one, two, three = aliases.values()
    await bids(valkey, lot_id, {one: 9_000_000, two: 8_800_000, three: 9_500_000})
    await closed(pool, valkey, lot_id)
    assert (
        await pool.fetchval("SELECT effective FROM standing WHERE lot_id = $1 AND alias = $2", lot_id, three)
        == effective
    )


async def test_an_abnormally_low_offer_is_reviewed_and_its_exclusion_recounts_the_valid(
    pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool, suppliers=4)
    lot_id, aliases = await opened(pool, valkey, cast)
    one, two, three, four = aliases.values()
    await bids(valkey, lot_id, {one: 7_800_000, two: 8_000_000, three: 8_900_000, four: 3_000_000})
    await closed(pool, valkey, lot_id)
    assert await stage(pool, lot_id) == "abnormal_review"
    note = await pool.fetchval("SELECT low_price_note FROM standing WHERE lot_id = $1 AND rank = 1", lot_id)
    assert {finding["screen"] for finding in note["findings"]} == {"mean_of_all", "second_lowest", "ceiling"}
    assert (
        await refusal(within, pool, deciding.low_price, cast.buyer, lot_id, four, False, "", NOW()) == "reason_missing"
    )
    early = await refusal(within, pool, deciding.low_price, cast.buyer, lot_id, four, False, "未说明", NOW())
    assert early == "explanation_time"
    await within(pool, deciding.explain, cast.suppliers[3], lot_id, "库存清仓", NOW())
    assert await refusal(within, pool, deciding.explain, cast.suppliers[0], lot_id, "x", NOW()) == "offer_unknown"
    done = await within(pool, deciding.low_price, cast.buyer, lot_id, four, False, "不能证明其报价合理性", NOW())
    assert done == "award_pending"
    assert await pool.fetchval("SELECT award_rank FROM lot WHERE id = $1", lot_id) == 2


async def test_a_unit_ends_its_own_hold_but_not_the_supervisors(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    _, lot_id = await published(pool, valkey, cast)
    await within(pool, holds.hold_for_challenge, valkey, cast.head, lot_id, "收到质疑", 7, NOW())
    await within(pool, holds.release, cast.buyer, lot_id, NOW())
    assert await stage(pool, lot_id) == "signup"
    await within(pool, holds.suspend, valkey, cast.supervisor, lot_id, "收到投诉", 7, NOW())
    assert await refusal(within, pool, holds.release, cast.buyer, lot_id, NOW()) == "lot_unknown"
    await within(pool, holds.release, cast.supervisor, lot_id, NOW())
    assert await stage(pool, lot_id) == "signup"


async def test_in_a_statutory_case_the_purchaser_chooses_between_next_and_rerun(pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast)
    await bids(valkey, lot_id, dict(zip(aliases.values(), (9_000_000, 8_800_000, 8_900_000), strict=True)))
    await closed(pool, valkey, lot_id)
    basis = "UPDATE auction SET legal_basis = 'statutory_inquiry' WHERE id = (SELECT auction_id FROM lot WHERE id = $1)"
    await pool.execute(basis, lot_id)
    await within(pool, award.answer, cast.suppliers[1], lot_id, False, "", NOW())
    assert await pool.fetchval("SELECT award_due_at IS NULL AND award_rank = 1 FROM lot WHERE id = $1", lot_id)

    async def choose(conn: Any, take_next: bool) -> str:
        row = await signing.hosted(conn, cast.buyer, lot_id, NOW())
        return await award.choose(conn, cast.buyer, row, take_next, "", NOW())

    assert await within(pool, choose, True) == "award_pending"
    assert await pool.fetchval("SELECT award_rank FROM lot WHERE id = $1", lot_id) == 2
    assert await refusal(within, pool, choose, True) == "award_not_open_to_choice"


@pytest.mark.parametrize(
    ("catalogued", "batch", "code"), [(True, True, "batch_item"), (False, False, ""), (True, False, "")]
)
async def test_what_a_place_buys_in_batches_is_not_auctioned_singly_there(
    pool: Pool, catalogued: bool, batch: bool, code: str
) -> None:
    region = {(True, True): "410101", (False, False): "410102", (True, False): "410103"}[catalogued, batch]
    buyer = await an_actor(pool, await an_organisation(pool, region=region), Role.BUYER, region=region)
    rule = CategoryRule(region, "A02091001", catalogued, batch, date(2026, 1, 1), None, "测试")
    await within(pool, parameters.put_category_rule, rule, None)
    if not code:
        assert await within(pool, drafting.create, buyer, a_draft(NOW() + MINUTE), NOW())
        return
    with pytest.raises(Problem) as refused:
        await within(pool, drafting.create, buyer, a_draft(NOW() + MINUTE), NOW())
    assert refused.value.accept is not None
    assert refused.value.accept["code"] == code
