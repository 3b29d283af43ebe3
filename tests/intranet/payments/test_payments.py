"""Payments: instalments up to the contract and no fen above, a second person, vouchers, returns before and after."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from intranet.budget import records
from intranet.budget.model import Balances, Source
from intranet.payments import operations, pages
from intranet.payments.model import LIFE, Application, State
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from tests.auction.walk import Cast, a_cast, within
from tests.intranet.contracts import a_contract, number_of
from tests.intranet.money import NOW, an_indicator, standing
from tests.intranet.test_pages import at
from tests.site import WithState, a_site


async def filed(pool: Pool, cast: Cast, contract: str, fen: int) -> UUID:
    made: UUID = await within(pool, operations.file, cast.buyer, Application(contract, fen, "YS-1", "首付款"), NOW())
    return made


async def approved(pool: Pool, cast: Cast, contract: str, fen: int) -> str:
    payment_id = await filed(pool, cast, contract, fen)
    await within(pool, operations.decide, cast.head, payment_id, True, "", NOW())
    return await number_of(pool, payment_id)


async def test_instalments_are_paid_up_to_the_contract_from_its_indicators_in_order(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    first = await an_indicator(pool, 600, org_id=cast.buyer.org_id)
    second = await an_indicator(pool, 500, org_id=cast.buyer.org_id)
    contract = await a_contract(pool, cast, Source(first, 600), Source(second, 400))
    one, two = await approved(pool, cast, contract, 700), await approved(pool, cast, contract, 300)
    with pytest.raises(Problem) as told:
        await filed(pool, cast, contract, 1)
    assert (told.value.code, told.value.accept) == ("payment_over_contract", {"fen_max": 0})
    assert await standing(pool, first) == Balances(first, granted=600, paying=600)
    assert await within(pool, operations.pay, one, 699, "凭证1", NOW()) == "payment_other_amount"
    assert await within(pool, operations.pay, one, 700, "凭证1", NOW()) is None
    assert await within(pool, operations.pay, one, 700, "凭证1", NOW()) == "payment_passed"
    assert await within(pool, operations.take_back, two, 300, "账号有误", NOW()) is None
    assert await standing(pool, second) == Balances(second, granted=500, available=100, consumed=300, paid=100)
    assert await approved(pool, cast, contract, 300)
    # The bank sends back what was paid 退汇: it is under contract again and may be applied for again.
    assert await within(pool, operations.take_back, one, 700, "退汇", NOW()) is None
    assert await standing(pool, first) == Balances(first, granted=600, consumed=600)
    assert await within(pool, operations.pay, await approved(pool, cast, contract, 700), 700, "凭证2", NOW()) is None
    assert await records.faults(pool) == []


async def test_a_hundred_applications_at_once_never_pass_the_contract(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 1_000, org_id=cast.buyer.org_id)
    contract = await a_contract(pool, cast, Source(indicator, 1_000))
    asked = await asyncio.gather(*(filed(pool, cast, contract, 30) for _ in range(100)), return_exceptions=True)
    good = [each for each in asked if isinstance(each, UUID)]
    assert len(good) == 33
    assert all(isinstance(each, UUID | Problem) for each in asked)
    decided = (within(pool, operations.decide, cast.head, each, True, "", NOW()) for each in good + good)
    passed = await asyncio.gather(*decided, return_exceptions=True)
    assert sum(isinstance(each, State) for each in passed) == 33
    assert await standing(pool, indicator) == Balances(indicator, granted=1_000, consumed=10, paying=990)
    assert await records.faults(pool) == []


async def test_whoever_filed_does_not_decide_and_others_see_nothing(
    pool: Pool, valkey_client: Valkey, clock: Clock
) -> None:
    cast, other = await a_cast(pool, suppliers=0), await a_cast(pool, suppliers=0)
    indicator = await an_indicator(pool, 100_000, org_id=cast.buyer.org_id)
    contract = await a_contract(pool, cast, Source(indicator, 100_000))
    app: WithState = a_site(pool, valkey_client, clock, pages.ROUTES)
    form = {"contract": contract, "amount": "600", "acceptance_no": "YS-7", "about": "首付款"}
    async with at(app, pool, cast.buyer) as buyer, at(app, pool, cast.head) as head, at(app, pool, other.head) as far:
        assert "杭州某某科技有限公司" in (await buyer.get("/payments")).text
        over = await buyer.post("/payments", data=form | {"amount": "1000.01"})
        assert over.status_code == 422
        assert "¥1,000.00" in over.text
        place = (await buyer.post("/payments", data=form)).headers["location"]
        assert (await buyer.post(f"{place}/decision", data={"act": "approve"})).status_code == 403
        assert (await far.get(place)).status_code == 404
        assert (await far.post(f"{place}/decision", data={"act": "approve"})).status_code == 404
        assert 'id="decide"' in (await head.get(place)).text
        assert (await head.post(f"{place}/decision", data={"act": "decline"})).status_code == 409
        assert (await head.post(f"{place}/decision", data={"act": "approve"})).status_code == 303
        assert 'data-state="applied"' in (await buyer.get(place)).text
        assert (await buyer.post(f"{place}/withdrawal", data={"yes": "1"})).status_code == 409
    assert (await standing(pool, indicator)).paying == 60_000


def test_every_state_is_reached_and_what_has_come_to_an_end_stays() -> None:
    assert {*LIFE.values(), State.FILED} == set(State)
    assert not any(state in (State.DECLINED, State.WITHDRAWN, State.RETURNED) for state, _ in LIFE)
