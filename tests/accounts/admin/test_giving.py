"""授权的边界: nobody gives more than he holds, whichever way he asks for more, nor what is just taken from him."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.acts import ACTS_OF, CONFLICTS, Act, conflict_of
from accounts.admin import giving, organising
from accounts.admin.model import Delegation, Refusal, Wanted
from accounts.admin.rules import judge
from accounts.model import Actor, Grant, Role
from plumbing.postgres import Pool
from plumbing.problems import Problem
from tests.accounts.admin.people import a_city_admin, a_member, a_unit, give, now, opened, the_actor

NOW, DAY = 1_900_000_000_000, 86_400_000
CITY = Actor(
    uuid4(), "city", "何", uuid4(), "", "330100", frozenset({Role.ADMIN}), uuid4(), (Grant(Role.ADMIN, "3301"),)
)
UNIT, OTHER = uuid4(), uuid4()
SOME = frozenset({"plan.read", "budget.read"})


def may_give(*, onward: bool = False, **reach: Any) -> Delegation:
    return Delegation(uuid4(), Grant(Role.BUYER, **{"region": "3301", **reach}), onward)


def wanted(*, onward: bool | None = None, person: UUID | None = None, region: str = "330106", **reach: Any) -> Wanted:
    given = {"role": Role.BUYER, "region": reach.pop("reach", region), "org_id": UNIT, "valid_from_ms": NOW}
    grant = Grant(**(given | reach))
    return Wanted(person or uuid4(), UNIT, "buyer", region, grant, onward)


@pytest.mark.parametrize(
    ("held", "asked", "refusal"),
    [
        (may_give(), wanted(), None),
        (may_give(org_id=UNIT), wanted(), None),
        (may_give(valid_until_ms=NOW + DAY), wanted(valid_until_ms=NOW + DAY), None),
        (may_give(acts=SOME), wanted(acts=SOME), None),
        (may_give(), wanted(acts=SOME), None),
        (may_give(onward=True), wanted(onward=True), None),
        (may_give(onward=True), wanted(onward=False), None),
        (may_give(), wanted(person=CITY.user_id), Refusal.SELF),
        (may_give(), wanted(region="330203"), Refusal.OUT_OF_REACH),
        (may_give(), wanted(role=Role.SUPPLIER), Refusal.WRONG_KIND),
        (may_give(), wanted(role=Role.HEAD), Refusal.NOT_HELD),
        (may_give(valid_until_ms=NOW), wanted(), Refusal.NOT_HELD),
        (may_give(valid_from_ms=NOW + 1), wanted(valid_from_ms=NOW + 1), Refusal.NOT_HELD),
        (may_give(acts=SOME), wanted(), Refusal.BEYOND_ACTS),
        (may_give(acts=SOME), wanted(acts=SOME | {"plan.file"}), Refusal.BEYOND_ACTS),
        (may_give(region="330105"), wanted(), Refusal.BEYOND_REGION),
        (may_give(region="330106"), wanted(org_id=None), None),
        (may_give(region="330106"), wanted(org_id=None, reach="3301"), Refusal.BEYOND_REGION),
        (may_give(org_id=OTHER), wanted(), Refusal.BEYOND_REGION),
        (may_give(org_id=UNIT), wanted(org_id=None), Refusal.BEYOND_REGION),
        (may_give(valid_until_ms=NOW + DAY), wanted(valid_until_ms=NOW + DAY + 1), Refusal.BEYOND_TIME),
        (may_give(valid_until_ms=NOW + DAY), wanted(), Refusal.BEYOND_TIME),
        (may_give(), wanted(onward=False), Refusal.NOT_ONWARD),
    ],
)  # fmt: skip
def test_what_is_given_lies_within_what_is_held(held: Delegation, asked: Wanted, refusal: Refusal | None) -> None:
    found = judge(CITY, asked, [held], frozenset(), NOW)
    assert found == (held if refusal is None else refusal)


def test_of_several_rights_to_give_one_that_reaches_is_enough() -> None:
    near = may_give(region="330106")
    assert judge(CITY, wanted(), [may_give(region="330105"), near, may_give(acts=SOME)], frozenset(), NOW) == near


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_duties_that_exclude_each_other_are_refused_in_either_order(conflict: Any) -> None:
    assert conflict_of(frozenset({conflict.one}), conflict.other) is not None
    assert conflict_of(frozenset({conflict.other}), conflict.one) is not None
    assert conflict_of(frozenset({conflict.one}), conflict.one) is None


async def test_the_three_administrators_are_nobody_elses_to_give(pool: Pool) -> None:
    security = await opened(pool, Role.SECURITY, "supervisor", "330000")
    other = await opened(pool, Role.SUPERVISOR, "supervisor", "330000")
    for role in (Role.AUDITOR, Role.SECURITY):
        with pytest.raises(Problem) as refused:
            await give(pool, security, other.user_id, Grant(role, "33", valid_from_ms=now()))
        assert refused.value.code == "grant_not_held"


async def test_a_second_duty_that_conflicts_is_refused_though_both_come_at_once(pool: Pool) -> None:
    security = await opened(pool, Role.SECURITY, "supervisor", "330000")
    clerk = await opened(pool, Role.AUDITOR, "supervisor", "330000")
    with pytest.raises(Problem) as refused:
        await give(pool, security, clerk.user_id, Grant(Role.ADMIN, "33", valid_from_ms=now()))
    assert refused.value.code == "grant_conflict"
    admin = await a_city_admin(pool, "330100", Role.SUPERVISOR, Role.ADMIN)
    person = await a_member(pool, admin, admin.org_id)
    asked = [
        give(pool, admin, person, Grant(role, "3301", valid_from_ms=now())) for role in (Role.SUPERVISOR, Role.ADMIN)
    ]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in done if isinstance(one, BaseException)] == [Problem]
    assert len((await the_actor(pool, person)).roles) == 1


async def test_a_right_to_give_that_is_taken_gives_nothing_more_and_takes_those_given_on_with_it(pool: Pool) -> None:
    security = await opened(pool, Role.SECURITY, "supervisor", "330000")
    city = await a_city_admin(pool, "330100")
    first = await give(pool, security, city.user_id, Grant(Role.BUYER, "3301", valid_from_ms=now()), onward=True)
    unit = await a_unit(pool, city)
    county = await a_member(pool, city, unit)
    with pytest.raises(Problem) as beyond:
        await give(pool, city, county, Grant(Role.BUYER, "33", valid_from_ms=now()), onward=False)
    assert beyond.value.code == "grant_beyond_region"
    await give(pool, city, county, Grant(Role.BUYER, "330106", unit, valid_from_ms=now()), onward=False)
    handler = await a_member(pool, city, unit)
    await give(pool, city, handler, Grant(Role.BUYER, "330106", unit, valid_from_ms=now()))
    async with pool.acquire() as conn, conn.transaction():
        await giving.end_delegation(conn, security, first, now())
        assert await giving.delegations_of(conn, city.user_id, now()) == []
        assert await giving.delegations_of(conn, county, now()) == []
    with pytest.raises(Problem) as refused:
        await give(pool, city, await a_member(pool, city, unit), Grant(Role.BUYER, "330106", unit, valid_from_ms=now()))
    assert refused.value.code == "grant_not_held"
    assert (await the_actor(pool, handler)).roles == {Role.BUYER}, "what was rightly given stays until it is taken"


def test_a_made_role_never_has_more_than_the_built_in_one() -> None:
    from accounts.rules import acts_of

    assert acts_of(Grant(Role.EXPERT, acts=frozenset(Act))) == {Act.EXPERT_FILE}
    assert acts_of(Grant(Role.BUYER, acts=frozenset({"plan.read", "audit.read"}))) == {"plan.read"}
    assert acts_of(Grant(Role.BUYER)) == ACTS_OF[Role.BUYER]


async def test_a_right_that_reaches_further_than_the_administrator_gives_is_not_his_to_take(pool: Pool) -> None:
    security = await opened(pool, Role.SECURITY, "supervisor", "330000")
    city = await a_city_admin(pool, "330100", Role.SUPERVISOR)
    person = await a_member(pool, city, city.org_id)
    far = await give(pool, security, person, Grant(Role.SUPERVISOR, "33", valid_from_ms=now()))
    async with pool.acquire() as conn:
        for taken in (
            giving.end_grant(conn, city, far, now()),
            organising.invite(conn, city, person, now()),
            organising.switch(conn, city, person, False, now()),
        ):
            with pytest.raises(Problem) as refused:
                await taken
            assert refused.value.code == "grant_not_held"
        await giving.end_grant(conn, security, far, now())
    near = await give(pool, city, person, Grant(Role.SUPERVISOR, "3301", valid_from_ms=now()))
    async with pool.acquire() as conn:
        await giving.end_grant(conn, city, near, now())
    assert (await the_actor(pool, person)).roles == frozenset()
