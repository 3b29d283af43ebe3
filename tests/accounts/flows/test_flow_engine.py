"""Approval flows on the record: the place's flow, versions that stay with their cases, two decisions at once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from accounts.flows import editing, engine
from accounts.flows.model import Kind, Needs, Post, Step
from accounts.model import Actor, Role
from accounts.todo.waiting import steps_of
from intranet.budget.model import Source
from intranet.plans import operations
from intranet.plans.model import State
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import within
from tests.intranet.money import a_plan, an_indicator

NOW = Clock().now_ms
THREE = (Step((Post.DEPARTMENT,)), Step((Post.FINANCE,)), Step((Post.HEAD,)))


class Unit:
    """A unit of a place of its own, so that the flows of one test are not another's."""

    def __init__(self, pool: Pool, region: str, org_id: UUID) -> None:
        self.pool, self.region, self.org_id = pool, region, org_id

    async def person(self, *roles: Role) -> Actor:
        return await an_actor(self.pool, self.org_id, *roles, region=self.region)

    async def filed(self, buyer: Actor, fen: int = 500) -> UUID:
        indicator = await an_indicator(self.pool, fen, org_id=self.org_id)
        plan: UUID = await within(self.pool, operations.file, buyer, a_plan(Source(indicator, fen)), NOW())
        return plan

    async def flow(self, steps: tuple[Step, ...], seen: int = 0) -> UUID:
        admin = await an_actor(self.pool, await an_organisation(self.pool, "supervisor"), Role.ADMIN)
        given = (admin, Kind.PLAN, self.region, steps, seen, "", NOW())
        flow_id: UUID = await within(self.pool, editing.publish, *given)
        return flow_id


async def a_unit(pool: Pool, region: str) -> Unit:
    org_id = await an_organisation(pool)
    await pool.execute("UPDATE organisation SET region = $2 WHERE id = $1", org_id, region)
    return Unit(pool, region, org_id)


async def decided(unit: Unit, actor: Actor, plan: UUID, approve: bool = True, remark: str = "同意") -> State:
    state: State = await within(unit.pool, operations.decide, actor, plan, approve, remark, NOW())
    return state


async def refused(code: str, what: Any) -> None:
    with pytest.raises(Problem) as told:
        await what
    assert told.value.code == code


async def tasks(unit: Unit, actor: Actor) -> list[str]:
    return [step.kind for step in await steps_of(unit.pool, actor.user_id, NOW()) if step.mine]


async def test_a_plan_goes_through_three_posts_of_three_persons(pool: Pool) -> None:
    unit = await a_unit(pool, "330702")
    await unit.flow(THREE)
    buyer, one, two = [await unit.person(Role.BUYER) for _ in range(3)]
    head = await unit.person(Role.HEAD)
    plan = await unit.filed(buyer)
    assert [await tasks(unit, each) for each in (buyer, one, two, head)] == [[], ["plan"], ["plan"], []]
    await refused("second_person_needed", decided(unit, buyer, plan))
    await refused("post_not_yours", decided(unit, head, plan))
    assert await decided(unit, one, plan) is State.FILED
    assert [await tasks(unit, each) for each in (one, two, head)] == [[], ["plan"], []]
    await refused("second_person_needed", decided(unit, one, plan))
    assert await decided(unit, two, plan) is State.FILED
    assert [await tasks(unit, each) for each in (two, head)] == [[], ["plan"]]
    assert await decided(unit, head, plan) is State.APPROVED
    assert [await tasks(unit, each) for each in (one, two, head)] == [[], [], []]
    stands = await engine.progress(pool, Kind.PLAN, plan)
    assert stands is not None
    assert (stands.state, stands.version, [each["post"] for each in stands.decided]) == (
        "approved", 1, ["department", "finance", "head"],
    )  # fmt: skip


async def test_a_return_by_any_post_ends_the_round_and_the_next_begins_at_the_first_post(pool: Pool) -> None:
    unit = await a_unit(pool, "330703")
    await unit.flow(THREE)
    buyer, one, two = [await unit.person(Role.BUYER) for _ in range(3)]
    plan = await unit.filed(buyer)
    await decided(unit, one, plan)
    assert await decided(unit, two, plan, False, "请补充依据") is State.RETURNED
    assert await tasks(unit, await unit.person(Role.HEAD)) == []
    indicator = await an_indicator(pool, 400, org_id=unit.org_id)
    await within(pool, operations.file, buyer, a_plan(Source(indicator, 400)), NOW(), plan)
    stands = await engine.progress(pool, Kind.PLAN, plan)
    assert stands is not None
    assert (stands.at, stands.waiting, stands.decided) == (0, (Post.DEPARTMENT,), [])
    await within(pool, operations.withdraw, buyer, plan, NOW())
    assert await tasks(unit, one) == []
    await refused("plan_passed", decided(unit, one, plan))


async def test_a_running_case_keeps_its_version(pool: Pool) -> None:
    unit = await a_unit(pool, "330723")
    buyer, other, head = await unit.person(Role.BUYER), await unit.person(Role.BUYER), await unit.person(Role.HEAD)
    before = await unit.filed(buyer)
    await unit.flow((Step((Post.FINANCE,)), Step((Post.HEAD,))))
    between = await unit.filed(buyer)
    await unit.flow((Step((Post.FINANCE,)),), seen=1)
    after = await unit.filed(buyer)
    assert await decided(unit, head, before) is State.APPROVED
    assert [await decided(unit, other, between), await decided(unit, head, between)] == [State.FILED, State.APPROVED]
    assert await decided(unit, other, after) is State.APPROVED
    await unit.flow((), seen=2)
    assert await decided(unit, head, await unit.filed(buyer)) is State.APPROVED


async def test_the_nearest_place_with_a_flow_is_meant_and_finance_has_the_place(pool: Pool) -> None:
    unit, city = await a_unit(pool, "330802"), await a_unit(pool, "330802")
    city.region = "3308"
    await city.flow((Step((Post.FISCAL,)),))
    finance = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="3308")
    elsewhere = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="3309")
    plan = await unit.filed(await unit.person(Role.BUYER))
    assert "plan" in await tasks(unit, finance)
    await refused("plan_unknown", decided(unit, elsewhere, plan))
    await refused("post_not_yours", decided(unit, await unit.person(Role.HEAD), plan))
    assert await decided(unit, finance, plan) is State.APPROVED
    await unit.flow((Step((Post.HEAD,)),))
    plan = await unit.filed(await unit.person(Role.BUYER))
    assert await decided(unit, await unit.person(Role.HEAD), plan) is State.APPROVED


async def test_parallel_posts_and_any_one_of_them(pool: Pool) -> None:
    unit = await a_unit(pool, "330727")
    await unit.flow((Step((Post.FINANCE, Post.HEAD)),))
    buyer, other, head = await unit.person(Role.BUYER), await unit.person(Role.BUYER), await unit.person(Role.HEAD)
    plan = await unit.filed(buyer)
    assert await decided(unit, head, plan) is State.FILED
    assert (await tasks(unit, other), await tasks(unit, head)) == (["plan"], [])
    assert await decided(unit, other, plan) is State.APPROVED
    await unit.flow((Step((Post.FINANCE, Post.HEAD), Needs.ANY),), seen=1)
    plan = await unit.filed(buyer)
    assert await decided(unit, other, plan) is State.APPROVED
    assert await tasks(unit, head) == []


async def test_two_decisions_at_once_are_one(pool: Pool) -> None:
    unit = await a_unit(pool, "330781")
    await unit.flow((Step((Post.FINANCE,)), Step((Post.HEAD,))))
    buyer, head = await unit.person(Role.BUYER), await unit.person(Role.HEAD)
    people = [await unit.person(Role.BUYER) for _ in range(5)]
    plan = await unit.filed(buyer)
    got = await asyncio.gather(*(decided(unit, each, plan) for each in people), return_exceptions=True)
    assert sorted(str(getattr(each, "code", each)) for each in got) == ["filed"] + ["post_not_yours"] * 4
    got = await asyncio.gather(*(decided(unit, head, plan) for _ in range(5)), return_exceptions=True)
    assert sorted(str(getattr(each, "code", each)) for each in got) == ["approved"] + ["plan_passed"] * 4


async def test_of_two_who_publish_at_once_the_second_is_told(pool: Pool) -> None:
    unit = await a_unit(pool, "330782")
    got = await asyncio.gather(unit.flow(THREE), unit.flow(THREE), return_exceptions=True)
    assert sorted(type(each).__name__ for each in got) == ["Problem", "UUID"]
    assert await pool.fetchval("SELECT count(*) FROM approval_flow WHERE region = '330782'") == 1


async def test_whoever_drew_a_case_up_never_approves_it_though_another_filed_it(pool: Pool) -> None:
    unit = await a_unit(pool, "330783")
    author, filer = await unit.person(Role.BUYER, Role.HEAD), await unit.person(Role.BUYER)
    plan = await unit.filed(filer)
    await pool.execute("UPDATE approval_case SET author = $2 WHERE object_id = $1", plan, author.user_id)
    assert await tasks(unit, author) == []
    await refused("second_person_needed", decided(unit, author, plan))


async def test_a_decision_without_a_case_changes_nothing(pool: Pool) -> None:
    unit = await a_unit(pool, "330784")
    head = await unit.person(Role.HEAD)
    await refused("flow_passed", within(pool, engine.decide, head, Kind.PLAN, unit.org_id, True, "", NOW()))
