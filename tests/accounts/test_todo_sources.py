"""Every status that waits for a person is one step in the list of whoever may do it, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.model import Actor, Role
from accounts.todo.waiting import Step, steps_of
from auction.case import award, cases, deciding
from auction.lot import live
from auction.lot.model import Stage
from intranet.budget.model import Source
from intranet.payments import operations as payments
from intranet.payments.model import Application
from intranet.plans import operations as plans
from intranet.yearend import operations as yearend
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.handlers import on_deal
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import a_cast, bids, closed, opened, published, within
from tests.intranet.contracts import a_contract
from tests.intranet.money import a_plan, an_indicator

NOW = Clock().now_ms
WAITING_STAGES: dict[Stage, str] = {
    Stage.DRAFT: "draft", Stage.CONFORMITY_REVIEW: "conformity_review", Stage.ABNORMAL_REVIEW: "abnormal_review",
    Stage.AWARD_PENDING: "award_pending", Stage.BUYER_CONFIRM: "buyer_confirm",
}  # fmt: skip
OTHERWISE: dict[Stage, str] = {
    Stage.APPROVING: "tests/accounts/test_todo.py",
    Stage.OPENING: "a step of each office that has not opened, by its seat",
    Stage.PUBLISHED: "a contract to sign, below: it has a deal",
    Stage.SCHEDULED: "time alone", Stage.SIGNUP: "time alone; questions and offers are steps of their own",
    Stage.RUNNING: "time alone", Stage.PAUSED: "the live store's", Stage.CLOSING: "settled by itself",
    Stage.ON_HOLD: "ends by itself", Stage.FAILED: "over; a rerun is a free choice",
    Stage.CONTRACTED: "over", Stage.CANCELLED: "over", Stage.REHEARSED: "over",
}  # fmt: skip


async def of(pool: Pool, actor: Actor, *kinds: str) -> list[Step]:
    return [step for step in await steps_of(pool, actor.user_id, NOW()) if step.mine and step.kind in kinds]


async def counts(pool: Pool, kind: str, people: Iterable[Actor]) -> list[int]:
    return [len(await of(pool, one, kind)) for one in people]


async def test_every_stage_of_a_lot_that_waits_is_one_step_for_its_host(pool: Pool, valkey_client: Valkey) -> None:
    assert WAITING_STAGES.keys() | OTHERWISE.keys() == set(Stage)
    await live.load(valkey_client)
    cast = await a_cast(pool, suppliers=0)
    _, lot_id = await published(pool, valkey_client, cast)
    stands = "UPDATE lot SET stage = $2, held_stage = CASE WHEN $2 = 'on_hold' THEN 'signup' END WHERE id = $1"
    known = {*WAITING_STAGES.values()}
    for stage in Stage:
        await pool.execute(stands, lot_id, stage)
        found = [step.kind for step in await of(pool, cast.buyer, *known)]
        assert found == ([WAITING_STAGES[stage]] if stage in WAITING_STAGES else []), stage
    await pool.execute(stands, lot_id, Stage.CANCELLED)


async def test_a_low_price_waits_for_its_bidder_and_a_published_result_for_the_contract(
    pool: Pool, valkey_client: Valkey
) -> None:
    await live.load(valkey_client)
    cast = await a_cast(pool, suppliers=4)
    lot_id, aliases = await opened(pool, valkey_client, cast)
    one, two, three, four = aliases.values()
    await bids(valkey_client, lot_id, {one: 7_800_000, two: 8_000_000, three: 8_900_000, four: 3_000_000})
    await closed(pool, valkey_client, lot_id)
    assert await counts(pool, "explain", [*cast.suppliers, cast.buyer]) == [0, 0, 0, 1, 0]
    (step,) = await of(pool, cast.suppliers[3], "explain")
    assert 0 < step.due_at - NOW() <= 30 * 60_000
    await within(pool, deciding.explain, cast.suppliers[3], lot_id, "库存清仓", NOW())
    assert await counts(pool, "explain", cast.suppliers) == [0, 0, 0, 0]
    await within(pool, deciding.low_price, cast.buyer, lot_id, four, True, "已说明", NOW())
    await within(pool, award.answer, cast.suppliers[3], lot_id, True, "", NOW())

    async def do(what: Any) -> None:
        async with pool.acquire() as conn, conn.transaction():
            await what(conn, await cases.lot_locked(conn, lot_id))

    await do(lambda conn, row: award.buyer_confirm(conn, row, cast.buyer, NOW(), on_deal))
    assert await counts(pool, "contract", [cast.buyer, cast.head, cast.suppliers[3]]) == [1, 1, 0]
    (step,) = await of(pool, cast.buyer, "contract")
    assert 29 * 86_400_000 < step.due_at - NOW() < 32 * 86_400_000  # 政府采购法 §46
    await do(lambda conn, row: award.contract(conn, cast.buyer, row, "HT-1", NOW()))
    assert await counts(pool, "contract", [cast.buyer, cast.head]) == [0, 0]


async def test_payments_and_plans_wait_for_the_second_person_and_come_back_to_the_first(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    both = cast.buyer, cast.head
    indicator = await an_indicator(pool, 1_000, org_id=cast.buyer.org_id)
    contract = await a_contract(pool, cast, Source(indicator, 500))
    asked = await within(pool, payments.file, cast.buyer, Application(contract, 100, "YS-1", "首付款"), NOW())
    assert await counts(pool, "payment", both) == [0, 1]
    await within(pool, payments.decide, cast.head, asked, True, "", NOW())
    assert await counts(pool, "payment", both) == [0, 0]
    plan_id = await within(pool, plans.file, cast.buyer, a_plan(Source(indicator, 100)), NOW())
    await within(pool, plans.decide, cast.head, plan_id, False, "品目有误", NOW())
    assert await counts(pool, "plan_returned", both) == [1, 0]
    await within(pool, plans.file, cast.buyer, a_plan(Source(indicator, 100)), NOW(), plan_id)
    assert await counts(pool, "plan_returned", both) == [0, 0]


async def test_a_years_close_waits_for_another_of_finance(pool: Pool) -> None:
    office, place = await an_organisation(pool, "supervisor"), "330198"
    one, two = [await an_actor(pool, office, Role.SUPERVISOR, grant_region=place) for _ in range(2)]
    await pool.execute("UPDATE indicator SET region = $2 WHERE id = $1", await an_indicator(pool, 1_000), place)
    close_id = await within(pool, yearend.propose, one, place, 2026, True, NOW())
    assert await counts(pool, "year_close", (one, two)) == [0, 1]
    await within(pool, yearend.drop, one, close_id, NOW())
    assert await counts(pool, "year_close", (one, two)) == [0, 0]


@pytest.mark.parametrize("kind", ["element", "record_ask"])
async def test_what_waits_for_the_operator_waits_until_it_is_dealt_with(
    pool: Pool, valkey_client: Valkey, kind: str
) -> None:
    await live.load(valkey_client)
    operator = await an_actor(pool, await an_organisation(pool, "operator"), Role.OPERATOR)
    cast = await a_cast(pool, suppliers=0)
    before = len(await of(pool, operator, kind))
    made: UUID
    if kind == "element":
        made = await pool.fetchval(
            "INSERT INTO element_request (code, name, format, reason, region, org_id, asked_by) "
            "VALUES ($1, '预算码', 'an..20', '上报', '330106', $2, $3) RETURNING id",
            "e" + uuid4().hex[:12], cast.buyer.org_id, cast.buyer.user_id,
        )  # fmt: skip
    else:
        _, lot_id = await published(pool, valkey_client, cast)
        found = "INSERT INTO lot_contradiction (lot_id, found_at, why) VALUES ($1, now(), 'x') RETURNING id"
        made = await pool.fetchval(found, lot_id)
    assert len(await of(pool, operator, kind)) == before + 1
    assert await counts(pool, kind, (cast.buyer, cast.head)) == [0, 0]
    done = {
        "element": "UPDATE element_request SET stage = 'rejected', decided_by = $2, decided_at = now() WHERE id = $1",
        "record_ask": "UPDATE lot_contradiction SET asked_by = $2, asked_at = now(), put_back = 0 WHERE id = $1",
    }
    await pool.execute(done[kind], made, operator.user_id)
    assert len(await of(pool, operator, kind)) == before
    if kind == "record_ask":  # now it waits for the second person
        assert await counts(pool, "record", (cast.buyer, cast.head, operator)) == [1, 1, 0]
