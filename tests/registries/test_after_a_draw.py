"""评审之后: attendance and fees, both sides' appraisals, a list that ran out, the library in numbers."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import httpx
import pytest

from accounts.model import Actor, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from plumbing.valkey import Valkey
from registries.experts import doors
from registries.parameters import records as parameters
from standards.params import RuleParam
from tests import independent_draw
from tests.accounts.admin.people import at, opened, the_actor
from tests.registries.experts import MINUTE, a_request, answered, asked, drawn, in_days, in_the_registry
from tests.registries.firms import a_reviewer
from tests.registries.test_experts import a_specialty
from tests.site import LaterClock, WithState, a_site

HOUR = 60 * MINUTE
STAGE = "SELECT stage FROM draw_fee WHERE draw_id = $1"
GOOD = {"deed": "appraise", "skill": "5", "conduct": "5", "punctual": "4"}
FAIR = {"deed": "appraise", "order": "4", "neutral": "5", "service": "3"}


@pytest.fixture
def later(clock: Clock) -> LaterClock:
    return LaterClock(clock)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, later: LaterClock) -> WithState:
    return a_site(pool, valkey_client, later, doors.ROUTES)


async def a_review(app: WithState, pool: Pool, later: LaterClock, buyer: Actor, home: Actor) -> tuple[UUID, list[UUID]]:
    """A draw whose names are open and whose review began six hours ago, and the two who accepted."""
    kind = a_specialty()
    for _ in range(2):
        await in_the_registry(pool, kind)
    async with at(app, pool, buyer) as first, at(app, pool, home) as second:
        draw_id = await asked(first, a_request(kind))
        await drawn(app, pool, buyer, home, draw_id)
        came = [await answered(app, pool, draw_id, "accepted") for _ in range(2)]
        later.ahead_ms = 115 * MINUTE
        for one in (first, second):
            assert (await one.post(f"/draws/{draw_id}", data={"deed": "key"})).status_code == 303
    later.ahead_ms = 0
    await pool.execute("UPDATE draw SET review_at = now() - interval '6 hours' WHERE id = $1", draw_id)
    return draw_id, came


async def days_pass(pool: Pool, draw_id: UUID, days: int) -> None:
    """What was said of a review was said that many days earlier."""
    earlier = "UPDATE draw_appraisal SET given_at = given_at - make_interval(days => $2) WHERE draw_id = $1"
    await pool.execute(earlier, draw_id, days)


def times(later: LaterClock, hours: int) -> dict[str, str]:
    """A form of attendance that ended a minute ago."""
    end = later.now_ms() - MINUTE
    return {"deed": "attend", "from": moment_text(end - hours * HOUR), "until": moment_text(end)}


async def stage_of(pool: Pool, draw_id: UUID, person: UUID) -> str:
    found: str = await pool.fetchval(
        "SELECT stage FROM draw_fee WHERE draw_id = $1 AND person_id = $2", draw_id, person
    )
    return found


async def test_a_fee_is_proposed_objected_to_corrected_confirmed_paid_and_exported(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    buyer, home = await opened(pool, Role.BUYER, "buyer", "330106"), await a_reviewer(pool)
    draw_id, (one, other) = await a_review(app, pool, later, buyer, home)
    path, own_path = f"/draws/{draw_id}/after/{one}", f"/experts/own/after/{draw_id}"
    async with at(app, pool, buyer) as host, at(app, pool, home) as finance:
        assert (await finance.post(path, data=times(later, 3))).status_code == 403, "it only oversees"
        for wrong in ({"until": ""}, {"until": moment_text(later.now_ms() + HOUR)}, {"travel": "1e3"}):
            assert (await host.post(path, data=times(later, 3) | wrong)).status_code == 409, wrong
        assert (await host.post(path, data={"deed": "paid"})).status_code == 409
        assert (await host.post(path, data=times(later, 3) | {"travel": "80"})).status_code == 303
        absent = {"deed": "attend", "presence": "absent", "travel": "80"}
        assert (await host.post(f"/draws/{draw_id}/after/{other}", data=absent)).status_code == 303
        assert await stage_of(pool, draw_id, other) == "nothing"
        async with at(app, pool, await the_actor(pool, one)) as own:
            assert "400.00" in (await own.get("/experts/own")).text, "half a day; no travel within the city"
            assert (await own.post(own_path, data={"deed": "object"})).status_code == 422, "without a reason"
            assert (await own.post(own_path, data={"deed": "object", "words": "五小时"})).status_code == 303
            assert "五小时" in (await host.get(f"/draws/{draw_id}/after")).text
            assert (await host.post(path, data=times(later, 5))).status_code == 303
            assert (await own.post(own_path, data={"deed": "confirm"})).status_code == 303
            assert (await own.post(own_path, data={"deed": "confirm"})).status_code == 422, "once"
        assert (await host.post(path, data=times(later, 2))).status_code == 409, "confirmed"
        assert (await host.post(path, data={"deed": "paid"})).status_code == 303
        sheet = (await host.get(f"/draws/{draw_id}/fees.csv")).text
    assert await stage_of(pool, draw_id, one) == "paid"
    assert ("800.00" in sheet, "未到场" in sheet) == (True, True)


async def test_both_sides_appraise_once_change_it_for_some_days_and_only_the_supervisor_sees_what_experts_said(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    buyer, home = await opened(pool, Role.BUYER, "buyer", "330106"), await a_reviewer(pool)
    draw_id, (one, _) = await a_review(app, pool, later, buyer, home)
    path, own_path, page = f"/draws/{draw_id}/after/{one}", f"/experts/own/after/{draw_id}", f"/draws/{draw_id}/after"
    async with (
        at(app, pool, buyer) as host,
        at(app, pool, home) as finance,
        at(app, pool, await the_actor(pool, one)) as own,
    ):
        assert (await finance.post(path, data=GOOD)).status_code == 403
        for wrong in ({"skill": "6"}, {"skill": "0"}, {"skill": ""}, {"skill": "2"}):
            assert (await host.post(path, data=GOOD | wrong)).status_code == 409, wrong
        typed = (await host.post(path, data=GOOD | {"skill": "6", "words": "评审很认真"})).text
        assert ('value="6"' in typed, "评审很认真" in typed) == (True, True), "what was typed stands there again"
        typed = (await own.post(own_path, data=FAIR | {"order": "1", "words": ""})).text
        assert 'name="order" type="number" min="1" max="5" inputmode="numeric" required value="1"' in typed
        assert (await host.post(path, data=GOOD | {"words": "评审认真"})).status_code == 303
        assert "评审认真" not in (await own.get("/experts/own")).text, "he has not appraised yet"
        assert (await own.post(own_path, data={"deed": "state", "words": "不知道"})).status_code == 404
        last_month = "UPDATE draw SET review_at = review_at + make_interval(days => $2) WHERE id = $1"
        await pool.execute(last_month, draw_id, -31)
        assert "评审认真" in (await own.get("/experts/own")).text, "he can no more"
        assert (await own.post(own_path, data=FAIR)).status_code == 422, "he can no more"
        await pool.execute(last_month, draw_id, 31)
        assert (await own.post(own_path, data=FAIR | {"words": "现场有序"})).status_code == 303
        assert "评审认真" in (await own.get("/experts/own")).text
        assert (await own.post(own_path, data={"deed": "state"})).status_code == 422, "without words"
        assert (await own.post(own_path, data={"deed": "state", "words": "已当场说明"})).status_code == 303
        assert "已当场说明" in (await host.get(page)).text
        assert "现场有序" not in (await host.get(page)).text
        assert "现场有序" in (await finance.get(page)).text
        await days_pass(pool, draw_id, 4)
        assert (await host.post(path, data=GOOD | {"skill": "1", "words": "后查有误"})).status_code == 303
        await days_pass(pool, draw_id, 2)
        assert (await host.post(path, data=GOOD)).status_code == 409, "five days are over"
        kept = (await finance.get(f"/experts/{one}")).text
        assert ("评审认真" in kept, "后查有误" in kept) == (True, True), "every version"
        assert "100" in (await finance.get("/experts/statistics")).text


async def exhausted(
    app: WithState, pool: Pool, buyer: Actor, home: Actor, kind: str, browser: httpx.AsyncClient
) -> UUID:
    """A draw of two among two, of whom one declined."""
    for _ in range(2):
        await in_the_registry(pool, kind)
    draw_id = await asked(browser, a_request(kind))
    await drawn(app, pool, buyer, home, draw_id)
    for answer in ("accepted", "declined"):
        await answered(app, pool, draw_id, answer)
    return draw_id


async def test_a_list_that_ran_out_is_widened_by_two_and_no_name_is_told(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    buyer, home = await opened(pool, Role.BUYER, "buyer", "330106"), await a_reviewer(pool)
    stem = f"C{uuid4().int % 10**4:04d}"
    async with at(app, pool, buyer) as first, at(app, pool, home) as second:
        draw_id = await exhausted(app, pool, buyer, home, f"{stem}0101", first)
        path = f"/draws/{draw_id}"
        neighbours = [await in_the_registry(pool, f"{stem}0102", f"邻专家{n}号") for n in range(2)]
        page = (await first.get(path)).text
        assert ('data-stage="exhausted"' in page, 'data-way="near"' in page, "邻专家" in page) == (True, True, False)
        once = await pool.fetchval(
            "SELECT count(*) FROM draw_entry WHERE draw_id = $1 AND event = 'exhausted'", draw_id
        )
        assert once == 1
        propose = {"deed": "widen", "way": "near", "reason": "本专业人数不足"}
        assert (await first.post(path, data=propose | {"reason": ""})).status_code == 409
        assert (await first.post(path, data=propose | {"way": "no-such"})).status_code == 409
        assert (await first.post(path, data=propose | {"way": "again"})).status_code == 303
        assert (await second.post(path, data={"deed": "agree"})).status_code == 409, "nobody would fit"
        assert (await first.post(path, data=propose)).status_code == 303
        assert (await first.post(path, data={"deed": "agree"})).status_code == 409, "one's own"
        assert (await first.post(path, data={"deed": "key"})).status_code == 409, "not complete"
        assert (await second.post(path, data={"deed": "agree"})).status_code == 303
        assert (await second.post(path, data=propose)).status_code == 409, "agreed"
        next_id = await pool.fetchval("SELECT id FROM draw WHERE follows = $1", draw_id)
        listed = await pool.fetch("SELECT person_id FROM draw_ticket WHERE draw_id = $1", next_id)
        assert {row["person_id"] for row in listed} == {one.user_id for one in neighbours}
        await drawn(app, pool, home, buyer, next_id)
        await answered(app, pool, next_id, "accepted")
        later.ahead_ms = 115 * MINUTE
        for one in (path, f"/draws/{next_id}"):
            for browser in (first, second):
                assert (await browser.post(one, data={"deed": "key"})).status_code == 303, one
        record = json.loads((await first.get(f"{path}/record.json")).text)
        after = json.loads((await first.get(f"/draws/{next_id}/record.json")).text)
    assert len(independent_draw.check(record)["accepted"]) == len(independent_draw.check(after)["accepted"]) == 1
    assert after["entries"][0]["detail"]["follows"] == str(draw_id)


async def test_whoever_accepted_may_step_back_from_a_list_that_ran_out_until_a_further_draw_is_made(
    app: WithState, pool: Pool
) -> None:
    buyer, home = await opened(pool, Role.BUYER, "buyer", "330106"), await a_reviewer(pool)
    stem = f"C{uuid4().int % 10**4:04d}"
    accepted = "SELECT person_id FROM draw_ticket WHERE draw_id = $1 AND answer = 'accepted'"
    async with at(app, pool, buyer) as first, at(app, pool, home) as second:
        draws = [await exhausted(app, pool, buyer, home, f"{stem}0{n}01", first) for n in (1, 2)]
        path, back = f"/draws/{draws[1]}", {"answer": "declined"}
        for n in range(2):
            await in_the_registry(pool, f"{stem}0202", f"邻专家{n}号")
        for deed, browser in (("widen", first), ("agree", second)):
            step = {"deed": deed, "way": "near", "reason": "人数不足"}
            assert (await browser.post(path, data=step)).status_code == 303
        for draw_id, status in zip(draws, (303, 422), strict=True):
            person = await the_actor(pool, await pool.fetchval(accepted, draw_id))
            async with at(app, pool, person) as own:
                assert (await own.post(f"/experts/own/calls/{draw_id}", data=back)).status_code == status
        record = json.loads((await first.get(f"/draws/{draws[0]}/record.json")).text)
    assert independent_draw.check(record)["accepted"] == []


async def test_where_the_region_weighs_its_draws_the_record_holds_the_weights(app: WithState, pool: Pool) -> None:
    buyer, home = await opened(pool, Role.BUYER, "buyer", "331102"), await a_reviewer(pool, "3311")
    kind, today = a_specialty(), in_days(0)
    async with pool.acquire() as conn, conn.transaction():
        await parameters.put_param(conn, RuleParam("experts.weighted", "331102", today, None, True, "试点"), None)
    for _ in range(4):
        await in_the_registry(pool, kind)
    async with at(app, pool, buyer) as first:
        draw_id = await asked(first, a_request(kind))
        await drawn(app, pool, buyer, home, draw_id)
        record = json.loads((await first.get(f"/draws/{draw_id}/record.json")).text)
    assert [line[3] for line in record["entries"][0]["detail"]["tickets"]] == [2] * 4, "all alike as yet"
    assert independent_draw.check(record)["called"] == 2


async def test_the_list_is_exported_harmlessly_and_read_masked_by_other_systems(app: WithState, pool: Pool) -> None:
    home, name = await a_reviewer(pool), f"=沈{uuid4().hex[:8]}"
    await in_the_registry(pool, a_specialty(), name)
    async with at(app, pool, home) as finance:
        sheet = (await finance.get("/experts/export.csv", params={"words": name})).text
        api = (await finance.get("/api/experts", params={"words": name})).json()
    assert ("'=沈" in sheet, "13800000000" in sheet) == (True, False)
    assert ([one["name"] for one in api["experts"]], "13800000000" in str(api)) == (["=**"], False)
