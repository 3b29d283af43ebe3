"""评审专家库: filed, returned, approved, on leave; drawn, called, replaced; names locked, opened by two, published."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.model import Actor, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.experts import calling, doors
from registries.experts.rules import year_later
from tests import independent_draw
from tests.accounts.admin.people import at, opened, the_actor
from tests.registries.experts import (
    MINUTE,
    a_form,
    a_request,
    an_expert,
    answered,
    asked,
    drawn,
    in_days,
    registered,
)
from tests.registries.firms import a_browser, a_reviewer
from tests.site import LaterClock, WithState, a_site


@pytest.fixture
def later(clock: Clock) -> LaterClock:
    return LaterClock(clock)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, later: LaterClock) -> WithState:
    return a_site(pool, valkey_client, later, doors.ROUTES)


async def a_pair(pool: Pool) -> tuple[Actor, Actor]:
    """Who asks for a draw, and who watches it."""
    return await opened(pool, Role.BUYER, "buyer", "330106"), await a_reviewer(pool)


def a_specialty() -> str:
    """A specialty of its own, that experts of other tests do not have."""
    return f"C{uuid4().int % 10**7:07d}1"


async def test_an_expert_files_is_returned_corrects_and_is_approved(app: WithState, pool: Pool) -> None:
    expert, home = await an_expert(pool), await a_reviewer(pool)
    path = f"/experts/{expert.user_id}"
    async with (
        at(app, pool, expert) as own,
        at(app, pool, home) as finance,
        at(app, pool, await a_reviewer(pool, "3302")) as far,
    ):
        for wrong in ({"title": "middle", "title_since": "2024-01-01"}, {"born": "1950-01-01"}, {"job-1-unit": ""}):
            assert (await own.post("/experts/own", data=a_form(**wrong))).status_code == 422
        assert (await own.post("/experts/own", data=a_form(**{"job-1-code": "12345"}))).status_code == 422
        assert await pool.fetchval("SELECT count(*) FROM expert WHERE person_id = $1", expert.user_id) == 0
        assert (await own.post("/experts/own", data=a_form())).status_code == 303
        assert (await far.post(path, data={"deed": "approve"})).status_code == 404, "another city's"
        assert (await finance.post(path, data={"deed": "return"})).status_code == 409, "without a reason"
        assert (await finance.post(path, data={"deed": "return", "remark": "请补充亲属任职"})).status_code == 303
        assert "请补充亲属任职" in (await own.get("/experts/own")).text
        kin = {"kin-1-name": "沈亲", "kin-1-unit": "宁波某公司"}
        assert (await own.post("/experts/own", data=a_form(**kin))).status_code == 303
        assert (await finance.post(path, data={"deed": "approve"})).status_code == 303
        assert (await finance.post(path, data={"deed": "approve"})).status_code == 409, "nothing waits"
        shown = (await finance.get(path)).text
        assert ("宁波某公司" in shown, "请补充亲属任职" in shown) == (True, True)
        assert expert.name in (await finance.get(f"/experts?words={expert.name}&chosen=active")).text
        assert str(expert.user_id) not in (await far.get(f"/experts?words={expert.name}")).text
    row = await pool.fetchrow("SELECT status, good_until FROM expert WHERE person_id = $1", expert.user_id)
    assert (row["status"], row["good_until"] > in_days(360)) == ("active", True)


async def test_who_is_paused_on_leave_or_works_for_a_bidder_is_not_on_the_list(app: WithState, pool: Pool) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    bidder = f"杭州器械{uuid4().hex[:6]}有限公司"
    fit = [await registered(app, pool, home, categories=kind) for _ in range(2)]
    paused, away = [await registered(app, pool, home, categories=kind) for _ in range(2)]
    for job in ({"job-1-unit": bidder}, {"kin-1-name": "沈亲", "kin-1-unit": bidder}, {"job-1-unit": buyer.org_name}):
        await registered(app, pool, home, categories=kind, **job)
    async with at(app, pool, home) as finance, at(app, pool, away) as own:
        path = f"/experts/{paused.user_id}"
        assert (await finance.post(path, data={"deed": "pause", "remark": "核查"})).status_code == 303
        assert (await finance.post(path, data={"deed": "pause", "remark": "核查"})).status_code == 409
        days = {"first": in_days(0).isoformat(), "last": in_days(1).isoformat()}
        assert (await own.post("/experts/own/leave", data=days | {"last": "2020-01-01"})).status_code == 422
        assert (await own.post("/experts/own/leave", data=days)).status_code == 303
    async with at(app, pool, buyer) as browser:
        few = await browser.post("/draws", data=a_request(kind, avoided=bidder, group="5", need="4"))
        assert (few.status_code, "只有 2 名" in few.text) == (422, True)
        draw_id = await asked(browser, a_request(kind, avoided=bidder))
    listed = await pool.fetch("SELECT person_id FROM draw_ticket WHERE draw_id = $1", draw_id)
    assert {row["person_id"] for row in listed} == {one.user_id for one in fit}


async def test_an_employer_that_was_filed_counts_before_it_is_reviewed(app: WithState, pool: Pool) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    bidder = f"杭州器械{uuid4().hex[:6]}有限公司"
    moved, *_ = [await registered(app, pool, home, categories=kind) for _ in range(3)]
    async with at(app, pool, moved) as own, at(app, pool, buyer) as browser:
        assert (
            await own.post("/experts/own", data=a_form(categories=kind, **{"job-1-unit": bidder}))
        ).status_code == 303
        draw_id = await asked(browser, a_request(kind, avoided=bidder))
    listed = await pool.fetch("SELECT person_id FROM draw_ticket WHERE draw_id = $1", draw_id)
    assert (len(listed), moved.user_id in {row["person_id"] for row in listed}) == (2, False)


async def test_whoever_turns_seventy_before_the_review_or_whose_term_ends_by_then_is_not_drawn(
    app: WithState, pool: Pool
) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    old, ended, *_ = [await registered(app, pool, home, categories=kind) for _ in range(4)]
    tomorrow = in_days(1)
    seventy = "UPDATE expert SET content = jsonb_set(content, '{born}', to_jsonb($2::text)) WHERE person_id = $1"
    await pool.execute(seventy, old.user_id, year_later(tomorrow, -70).isoformat())
    await pool.execute("UPDATE expert SET good_until = $2 WHERE person_id = $1", ended.user_id, tomorrow)
    async with at(app, pool, buyer) as browser:
        draw_id = await asked(browser, a_request(kind, review_at=f"{tomorrow}T09:00"))
    listed = await pool.fetch("SELECT person_id FROM draw_ticket WHERE draw_id = $1", draw_id)
    assert len(listed) == 2
    assert not {old.user_id, ended.user_id} & {row["person_id"] for row in listed}


async def test_the_same_draw_sent_twice_is_asked_for_once(app: WithState, pool: Pool) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    for _ in range(2):
        await registered(app, pool, home, categories=kind)
    async with at(app, pool, buyer) as browser:
        form = a_request(kind)
        sent = await asyncio.gather(*(browser.post("/draws", data=form) for _ in range(3)))
    assert sorted(one.status_code for one in sent) == [303, 422, 422]


@pytest.mark.parametrize(
    ("field", "day"),
    [
        ("job-1-until", "2004-12-31"), ("job-1-until", "2026-02-30"), ("job-1-since", "2999-01-01"),
        ("job-1-since", "1979-01-01"), ("born", "2999-01-01"), ("born", "2020-01-01"), ("born", "1900-01-01"),
        ("title_since", "2999-01-01"), ("title_since", "1970-01-01"),
    ],
)  # fmt: skip
async def test_days_of_an_expert_follow_each_other(app: WithState, pool: Pool, field: str, day: str) -> None:
    expert = await an_expert(pool)
    async with at(app, pool, expert) as own:
        answer = await own.post("/experts/own", data=a_form(**{field: day}))
    assert (answer.status_code, "日期不正确" in answer.text) == (422, True)


async def test_leave_ends_early_and_a_standing_tells_what_it_was_and_why(app: WithState, pool: Pool) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    expert, *_ = [await registered(app, pool, home, categories=kind) for _ in range(2)]
    async with at(app, pool, expert) as own, at(app, pool, home) as finance, at(app, pool, buyer) as browser:
        for first in (0, 4):
            days = {"first": in_days(first).isoformat(), "last": in_days(first + 3).isoformat()}
            assert (await own.post("/experts/own/leave", data=days)).status_code == 303
            assert (await own.post("/experts/own/leave", data=days)).status_code == 422, "these days stand"
        assert (await browser.post("/draws", data=a_request(kind))).status_code == 422, "one is away"
        leaves = await pool.fetch("SELECT id FROM expert_leave WHERE person_id = $1", expert.user_id)
        for row in leaves:
            end = {"deed": "end", "leave": str(row["id"])}
            assert (await own.post("/experts/own/leave", data=end)).status_code == 303
            assert (await own.post("/experts/own/leave", data=end)).status_code == 404, "it has ended"
        assert (await own.post("/experts/own/leave", data={"deed": "end", "leave": "x"})).status_code == 404
        await asked(browser, a_request(kind))
        for deed, reason in (("pause", "核查举报"), ("resume", "查无实据")):
            path = f"/experts/{expert.user_id}"
            assert (await finance.post(path, data={"deed": deed, "remark": reason})).status_code == 303
        shown = (await finance.get(path)).text
    assert ("核查举报" in shown, "查无实据" in shown, "暂停 → 在库" in shown) == (True, True, True)


async def test_a_request_that_breaks_a_rule_is_refused_with_its_reason(app: WithState, pool: Pool) -> None:
    buyer, _ = await a_pair(pool)
    far = f"{in_days(20)}T09:00"
    async with at(app, pool, buyer) as browser:
        for wrong, said in (
            ({"group": "4", "need": "3"}, "单数"),
            ({"method": "tender"}, "人数不足"),
            ({"need": "1"}, "三分之二"),
            ({"need": "4"}, "多于"),
            ({"method": "tender", "group": "5", "need": "4", "review_at": far}, "不得早于"),
            ({"review_at": "2020-01-01T09:00"}, "已过"),
            ({"avoided": "某公司 9133010#MA0000000X"}, "不正确"),
        ):
            page = await browser.post("/draws", data=a_request("A02090000", **wrong))
            assert (page.status_code, said in page.text) == (422, True), wrong


async def test_a_draw_with_declines_and_a_silent_one_is_filled_opened_by_two_and_recomputed(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    everybody = [await registered(app, pool, home, categories=kind, name=f"沈专家{n}号") for n in range(6)]
    async with at(app, pool, buyer) as first, at(app, pool, home) as second, a_browser(app) as public:
        draw_id = await asked(first, a_request(kind))
        path = f"/draws/{draw_id}"
        assert (await first.post(path, data={"deed": "reveal", "given": "a" * 64})).status_code == 409, "not committed"
        await drawn(app, pool, buyer, home, draw_id)
        declined = [await answered(app, pool, draw_id, answer) for answer in ("declined", "avoids")]
        await answered(app, pool, draw_id, "accepted")
        later.ahead_ms = 11 * MINUTE
        assert await calling.sweep(pool, app.state["texts"], later.now_ms()) >= 1, "of other tests' draws too"
        assert await calling.sweep(pool, app.state["texts"], later.now_ms()) == 0
        async with at(app, pool, await the_actor(pool, declined[0])) as own:
            late = await own.post(f"/experts/own/calls/{draw_id}", data={"answer": "accepted"})
            assert late.status_code == 422
        await answered(app, pool, draw_id, "accepted")
        page = (await first.get(path)).text
        assert ('data-stage="filled"' in page, 'id="locked"' in page, "沈专家" in page) == (True, True, False)
        assert (await first.post(path, data={"deed": "key"})).status_code == 409, "locked until half an hour before"
        later.ahead_ms = 91 * MINUTE
        assert (await first.post(path, data={"deed": "key"})).status_code == 303
        assert (await first.post(path, data={"deed": "key"})).status_code == 409, "two persons"
        assert "沈专家" not in (await first.get(path)).text
        assert (await second.post(path, data={"deed": "key"})).status_code == 303
        assert "沈专家" in (await first.get(path)).text
        assert "沈专家" not in (await public.get(path)).text
        assert (await first.post(path, data={"deed": "publish"})).status_code == 409, "the review has not begun"
        later.ahead_ms = 121 * MINUTE
        assert (await first.post(path, data={"deed": "publish"})).status_code == 303
        assert "沈专家" in (await public.get(path)).text
        record = json.loads((await public.get(f"{path}/record.json")).text)
    found = independent_draw.check(record)
    assert len(found["accepted"]) == 2
    answers = await pool.fetch("SELECT answer FROM draw_ticket WHERE draw_id = $1 AND answer IS NOT NULL", draw_id)
    assert sorted(row["answer"] for row in answers) == ["accepted", "accepted", "avoids", "declined", "no_answer"]
    told = await pool.fetch("SELECT person_id FROM outgoing WHERE kind = 'draw' AND once LIKE $1", f"draw:{draw_id}:%")
    assert {row["person_id"] for row in told} <= {one.user_id for one in everybody}
    assert len({row["person_id"] for row in told}) == 5


async def test_strangers_see_no_draw_of_others_and_have_no_hand_in_it(app: WithState, pool: Pool) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    experts = [await registered(app, pool, home, categories=kind) for _ in range(2)]
    stranger = await opened(pool, Role.BUYER, "buyer", "330106")
    async with at(app, pool, buyer) as first, at(app, pool, stranger) as other, at(app, pool, experts[0]) as expert:
        draw_id = await asked(first, a_request(kind))
        path = f"/draws/{draw_id}"
        for deed in ("commit", "reveal", "key", "publish", "void", "no-such"):
            assert (await other.post(path, data={"deed": deed, "given": "a" * 64})).status_code == 404, deed
        assert str(draw_id) not in (await other.get("/draws")).text
        assert str(draw_id) in (await first.get("/draws")).text
        early = await expert.post(f"/experts/own/calls/{draw_id}", data={"answer": "accepted"})
        assert early.status_code == 404, "not called"
        assert (await first.post(path, data={"deed": "void"})).status_code == 409, "without a reason"
        assert (await first.post(path, data={"deed": "void", "reason": "项目取消"})).status_code == 303
        assert "项目取消" in (await first.get(path)).text


async def test_an_experts_term_ends_and_his_filing_again_begins_another(app: WithState, pool: Pool) -> None:
    (buyer, home), kind = await a_pair(pool), a_specialty()
    experts = [await registered(app, pool, home, categories=kind) for _ in range(2)]
    await pool.execute("UPDATE expert SET good_until = $2 WHERE person_id = $1", experts[0].user_id, in_days(-1))
    async with at(app, pool, buyer) as first, at(app, pool, experts[0]) as own, at(app, pool, home) as finance:
        assert (await first.post("/draws", data=a_request(kind))).status_code == 422, "one is left"
        assert (await own.post("/experts/own", data=a_form(categories=kind))).status_code == 303
        path = f"/experts/{experts[0].user_id}"
        assert (await finance.post(path, data={"deed": "approve"})).status_code == 303
        await asked(first, a_request(kind))
    until = await pool.fetchval("SELECT good_until FROM expert WHERE person_id = $1", experts[0].user_id)
    assert until > in_days(0) + timedelta(days=360)
