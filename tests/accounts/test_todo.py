"""The to-do centre: every step that waits appears once, with its time; it is handed on, and somebody stands in."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import connect

from accounts import sessions
from accounts.model import Actor, Role
from accounts.todo import handing
from accounts.todo.waiting import Step, steps_of
from auction.case import approving, drafting, motions
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from server import site
from server.todo import Marks, due_of
from standards.workdays import day_of
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import MINUTE, Cast, a_cast, a_draft, published, signed_up, within
from tests.live import a_live_site
from tests.site import ORIGIN
from tests.support import eventually

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
NOW = Clock().now_ms


async def mine(pool: Pool, actor: Actor) -> list[Step]:
    return [step for step in await steps_of(pool, actor.user_id, NOW()) if step.mine]


async def kinds(pool: Pool, actor: Actor) -> list[str]:
    return [step.kind for step in await mine(pool, actor)]


async def submitted(pool: Pool, cast: Cast) -> UUID:
    now = NOW()
    auction_id: UUID = await within(pool, drafting.create, cast.buyer, a_draft(now + 30 * DAY), now)
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    return auction_id


async def handed(pool: Pool, actor: Actor, step: Step, to: Actor) -> None:
    await within(pool, handing.hand_over, actor, step.key, to.user_id, "出差", NOW())


async def test_a_step_waits_once_from_the_moment_it_is_due_to_somebody_until_it_is_done(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    now = NOW()
    auction_id = await within(pool, drafting.create, cast.buyer, a_draft(now + 30 * DAY), now)
    assert (await kinds(pool, cast.buyer), await kinds(pool, cast.head)) == (["draft"], [])
    await within(pool, approving.submit, cast.buyer, auction_id, now)
    assert (await kinds(pool, cast.buyer), await kinds(pool, cast.head)) == ([], ["approve"])
    await within(pool, approving.decide, cast.head, auction_id, False, "不同意", now)
    assert (await kinds(pool, cast.buyer), await kinds(pool, cast.head)) == (["draft"], [])


async def test_who_files_never_has_the_approval_among_his_own(pool: Pool) -> None:
    unit = await an_organisation(pool)
    both = await an_actor(pool, unit, Role.BUYER, Role.HEAD)
    head = await an_actor(pool, unit, Role.HEAD)
    await submitted(pool, Cast(both, head, [], both))
    assert (await kinds(pool, both), await kinds(pool, head)) == ([], ["approve"])


async def test_a_head_of_another_unit_has_nothing_of_it(pool: Pool) -> None:
    stranger = await an_actor(pool, await an_organisation(pool), Role.HEAD)
    await submitted(pool, await a_cast(pool, suppliers=0))
    assert await kinds(pool, stranger) == []


async def test_motions_and_questions_wait_for_whom_they_concern(pool: Pool, valkey_client: Valkey) -> None:
    await live.load(valkey_client)
    cast = await a_cast(pool, suppliers=1)
    auction_id, lot_id = await published(pool, valkey_client, cast, a_draft(NOW() + HOUR))
    await signed_up(pool, cast, auction_id, lot_id)
    before = set(await kinds(pool, cast.head))
    await within(pool, motions.propose, cast.buyer, lot_id, "cancel", "有正当理由", {}, NOW())
    assert set(await kinds(pool, cast.head)) - before == {"second"}
    assert "second" not in await kinds(pool, cast.buyer)


async def test_the_time_of_a_step_is_the_end_of_its_second_working_day(pool: Pool) -> None:
    friday = 1_789_704_000_000  # 2026-09-18; Sunday 09-20 is worked, for the holiday that begins on 09-25
    assert day_of(await due_of(pool, "330106", friday) - 1) == date(2026, 9, 21)
    assert day_of(await due_of(pool, "330106", friday + 6 * DAY) - 1) == date(2026, 9, 29)


async def test_a_mark_comes_with_the_step_and_goes_with_it(fresh_pool: Pool) -> None:
    cast = await a_cast(fresh_pool, suppliers=0)
    auction_id = await submitted(fresh_pool, cast)
    marks = Marks(fresh_pool, Clock(), site.load_texts(), ORIGIN)
    await marks.once()
    (step,) = await mine(fresh_pool, cast.head)
    assert step.due_at > NOW()
    since = step.since
    await marks.once()
    assert [one.since for one in await mine(fresh_pool, cast.head)] == [since]
    await within(fresh_pool, approving.decide, cast.head, auction_id, False, "不同意", NOW())
    await marks.once()
    assert await fresh_pool.fetchval("SELECT count(*) FROM todo_mark WHERE key LIKE 'approve:%'") == 0


async def test_a_step_handed_over_is_the_others_alone_until_it_is_taken_back(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    other = await an_actor(pool, cast.head.org_id, Role.HEAD)
    await submitted(pool, cast)
    (step,) = await mine(pool, cast.head)
    await handed(pool, cast.head, step, other)
    assert (await kinds(pool, cast.head), await kinds(pool, other)) == ([], ["approve"])
    await within(pool, handing.take_back, cast.head, step.key, NOW())
    assert (await kinds(pool, cast.head), await kinds(pool, other)) == (["approve"], ["approve"])


@pytest.mark.parametrize("taker", ["who filed it", "a head elsewhere", "somebody without the post"])
async def test_a_step_goes_to_nobody_who_may_not_do_it(pool: Pool, taker: str) -> None:
    cast = await a_cast(pool, suppliers=0)
    takers = {
        "who filed it": cast.buyer,
        "a head elsewhere": await an_actor(pool, await an_organisation(pool), Role.HEAD),
        "somebody without the post": await an_actor(pool, cast.head.org_id, Role.BUYER),
    }
    await submitted(pool, cast)
    (step,) = await mine(pool, cast.head)
    with pytest.raises(Problem, match="todo_cannot_take"):
        await handed(pool, cast.head, step, takers[taker])


async def test_a_step_and_a_time_away_go_to_anyone_of_thousands_who_may(fresh_pool: Pool) -> None:
    cast = await a_cast(fresh_pool, suppliers=0)
    last, unit = await an_actor(fresh_pool, cast.head.org_id, Role.HEAD), cast.head.org_id
    many = (
        "INSERT INTO person (org_id, region, login, name) "
        "SELECT $1, '330106', 'm' || n, '〇' || n FROM generate_series(1, 2100) n"
    )
    await fresh_pool.execute(many, unit)
    held = (
        "INSERT INTO role_grant (person_id, role, region) SELECT id, 'head', '' FROM person WHERE login ~ '^m[0-9]+$'"
    )
    await fresh_pool.execute(held)
    await fresh_pool.execute("UPDATE person SET name = '龘' WHERE id = $1", last.user_id)
    await submitted(fresh_pool, cast)
    (step,) = await mine(fresh_pool, cast.head)
    await handed(fresh_pool, cast.head, step, last)
    assert await kinds(fresh_pool, last) == ["approve"]
    now = NOW()
    assert await within(fresh_pool, handing.stand_in, cast.head, last.user_id, now, now + DAY, "出差", now)


async def test_a_substitute_acts_with_the_absent_ones_roles_and_only_for_that_time(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    deputy = await an_actor(pool, cast.head.org_id)
    auction_id = await submitted(pool, cast)
    assert await kinds(pool, deputy) == []
    now = NOW()
    made = await within(pool, handing.stand_in, cast.head, deputy.user_id, now, now + DAY, "出差", now)
    assert await kinds(pool, deputy) == ["approve"]
    token = await sessions.begin(pool, deputy.user_id, now)
    acting = await sessions.by_token(pool, token, NOW())
    assert acting is not None
    assert await within(pool, approving.decide, acting, auction_id, False, "不同意", NOW()) == "draft"
    await within(pool, handing.end_stand_in, cast.head, made, NOW())
    after = await sessions.by_token(pool, token, NOW() + 1)
    assert after is not None
    assert not after.has(Role.HEAD)


async def test_what_was_lent_is_not_lent_on(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    deputy, third = [await an_actor(pool, cast.head.org_id) for _ in range(2)]
    now = NOW()
    await within(pool, handing.stand_in, cast.head, deputy.user_id, now, now + DAY, "出差", now)
    with pytest.raises(Problem, match="nothing_to_lend"):
        await within(pool, handing.stand_in, deputy, third.user_id, now, now + DAY, "出差", now)


async def test_nobody_has_two_substitutes_at_once_nor_one_from_elsewhere(pool: Pool) -> None:
    cast = await a_cast(pool, suppliers=0)
    one, two = [await an_actor(pool, cast.head.org_id) for _ in range(2)]
    stranger = await an_actor(pool, await an_organisation(pool), Role.HEAD)
    now = NOW()
    await within(pool, handing.stand_in, cast.head, one.user_id, now, now + DAY, "出差", now)
    for who, code in ((two, "substitute_there_is"), (stranger, "substitute_unknown")):
        with pytest.raises(Problem, match=code):
            await within(pool, handing.stand_in, cast.head, who.user_id, now + HOUR, now + DAY, "出差", now)


async def test_the_count_in_the_head_moves_live_and_ends_with_the_session(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    cast = await a_cast(pool, suppliers=0)
    told: list[dict[str, Any]] = []
    async with a_live_site(pool, valkey_url, postgres_url) as product:
        token = await sessions.begin(pool, cast.head.user_id, NOW())
        cookie = {"Cookie": f"{sessions.cookie_name(product.settings)}={token}", "Origin": product.origin}
        address = product.origin.replace("http", "ws") + "/ws/todo"
        async with connect(address, additional_headers=cookie, proxy=None) as socket:
            told.append(json.loads(await socket.recv()))
            await submitted(pool, cast)
            told.append(json.loads(await socket.recv()))
            await pool.execute("DELETE FROM login_session WHERE person_id = $1", cast.head.user_id)
            await eventually(lambda: socket.close_code == 4401, within_s=20)
        async with connect(address, additional_headers={"Origin": product.origin}, proxy=None) as nobody:
            await eventually(lambda: nobody.close_code == 4401, within_s=20)
    assert told == [{"t": "todo", "count": 0, "late": 0}, {"t": "todo", "count": 1, "late": 0}]


async def test_a_registration_waits_for_the_administrator_of_its_place_alone(pool: Pool) -> None:
    wide, elsewhere, of_one_unit = [
        await an_actor(pool, await an_organisation(pool, "supervisor"), Role.ADMIN, grant_region=place)
        for place in ("3301", "3302", "3301")
    ]
    unit = await an_organisation(pool)
    await pool.execute("UPDATE role_grant SET org_id = $2 WHERE person_id = $1", of_one_unit.user_id, unit)
    newcomer = await an_actor(pool, await an_organisation(pool, "supplier"))
    await pool.execute(
        "INSERT INTO registration (org_id, person_id, kind, region, filed_at) "
        "VALUES ($1, $2, 'supplier', '330106', now())",
        newcomer.org_id, newcomer.user_id,
    )  # fmt: skip
    found = [len(await kinds(pool, actor)) for actor in (wide, elsewhere, of_one_unit, newcomer)]
    assert (found[0] > 0, found[1:]) == (True, [0, 0, 0])
