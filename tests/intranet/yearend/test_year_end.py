"""The close of a year: looked at, proposed, done by a second person who types the year; all or none, and once."""

from __future__ import annotations

from uuid import UUID, uuid4

from accounts.model import Role
from intranet.budget import holds, records
from intranet.budget.model import Balances, Source
from intranet.budget.records import SQL as BUDGET
from intranet.payments import operations as payments
from intranet.payments.model import Application
from intranet.yearend import pages
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import Cast, a_cast, within
from tests.intranet.contracts import a_contract, number_of
from tests.intranet.money import NOW, an_indicator, standing
from tests.intranet.test_pages import at
from tests.site import WithState, a_site

PLACE = "330199"
"""A district of nobody else's tests."""


async def moved(pool: Pool, indicator: UUID) -> UUID:
    """The indicator, to the district of this test."""
    await pool.execute("UPDATE indicator SET region = $2 WHERE id = $1", indicator, PLACE)
    return indicator


async def test_a_year_is_closed_by_two_persons_all_or_none_and_once(
    pool: Pool, valkey_client: Valkey, clock: Clock
) -> None:
    app: WithState = a_site(pool, valkey_client, clock, pages.ROUTES)
    cast: Cast = await a_cast(pool, suppliers=0)
    office = await an_organisation(pool, "supervisor")
    first, second = [await an_actor(pool, office, Role.SUPERVISOR, grant_region=PLACE) for _ in range(2)]
    indicator = await moved(pool, await an_indicator(pool, 1_000, org_id=cast.buyer.org_id))
    contract = await a_contract(pool, cast, Source(indicator, 500))
    await within(pool, holds.reserve, uuid4().hex, [Source(indicator, 200)], None, NOW())
    asked = await within(pool, payments.file, cast.buyer, Application(contract, 100, "YS-1", "首付款"), NOW())
    await within(pool, payments.decide, cast.head, asked, True, "", NOW())

    form = {"place": PLACE, "year": "2026", "carry": "yes"}
    async with at(app, pool, first) as one, at(app, pool, second) as two:
        assert (await one.post("/budget/year-end", data=form | {"year": "2199"})).status_code == 422
        assert (await one.post("/budget/year-end", data=form | {"year": "2025"})).status_code == 422
        shown = (await one.get(f"/budget/year-end?place={PLACE}&year=2026")).text
        assert "¥3.00" in shown  # free
        assert 'id="paying"' in shown
        assert (await one.post("/budget/year-end", data=form)).status_code == 303
        assert (await two.post("/budget/year-end", data=form)).status_code == 422
        close_id = await pool.fetchval("SELECT id FROM year_close WHERE place = $1 AND state = 'proposed'", PLACE)
        door, yes = f"/budget/year-end/{close_id}", form | {"act": "close", "typed_year": "2026"}
        assert (await one.post(door, data=yes)).status_code == 403
        assert (await two.post(door, data=yes | {"typed_year": "2025"})).status_code == 422
        under_way = await two.post(door, data=yes)
        assert "支付在途" in under_way.text
        assert not (await standing(pool, indicator)).closed
        assert await within(pool, payments.pay, await number_of(pool, asked), 100, "凭证", NOW()) is None
        assert (await two.post(door, data=yes)).status_code == 303
        assert (await two.post(door, data=yes)).status_code == 422
        assert 'data-state="done"' in (await one.get(f"/budget/year-end?place={PLACE}&year=2026")).text

    heir: UUID = await pool.fetchval(BUDGET["heir_of"], indicator)
    assert await standing(pool, indicator) == Balances(indicator, granted=1_000, paid=100, carried=900, closed=True)
    assert await standing(pool, heir) == Balances(heir, granted=900, available=300, frozen=200, consumed=400)
    # The contract's rest is paid from next year's.
    rest = await within(pool, payments.file, cast.buyer, Application(contract, 400, "YS-2", "尾款"), NOW())
    await within(pool, payments.decide, cast.head, rest, True, "", NOW())
    assert (await standing(pool, heir)).paying == 400
    assert await records.faults(pool) == []


async def test_finance_of_another_place_closes_nothing(pool: Pool, valkey_client: Valkey, clock: Clock) -> None:
    app: WithState = a_site(pool, valkey_client, clock, pages.ROUTES)
    far = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="11")
    made = (
        "INSERT INTO year_close (place, year, carry, proposed_by, proposed_at)"
        " VALUES ('330198', 2026, true, $1, now()) RETURNING id"
    )
    other = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="330198")
    close_id = await pool.fetchval(made, other.user_id)
    async with at(app, pool, far) as stranger:
        answer = await stranger.post(f"/budget/year-end/{close_id}", data={"act": "close", "typed_year": "2026"})
        assert answer.status_code == 404
