"""代理机构库: filed, returned, corrected, published; chosen while published; marked, appraised, found, masked."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.model import Actor, Role
from accounts.todo.waiting import Step, steps_of
from auction.case import approving, drafting
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from registries.agencies import doors, records, rules
from registries.agencies.model import AgencyFacts, Dossier, Mark, MarkKind, Room, Staff, Status
from standards.workdays import day_of, seed
from tests.accounts.admin.people import at
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import MINUTE, a_cast, a_draft, within
from tests.registries.firms import a_browser, a_code, a_reviewer
from tests.site import WithState, a_site

PHONE = "13912345678"
TODAY = day_of(Clock().now_ms())


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


def a_form(staff: int = 5, **changed: Any) -> dict[str, str]:
    """The form of an agency with so many full-time people."""
    people = {f"staff-{n}-name": f"刘{n}员" for n in range(1, staff + 1)}
    return {
        "name": f"杭州正言代理有限公司 {uuid4().hex[:8]}", "uscc": a_code(), "region": "330106", "head_name": "刘一",
        "address": "文三路 1 号", "contact": "刘二", "phone": PHONE, "fee": "按成交金额 0.5%", "room-1-name": "开标室",
        "room-1-recording": "1", **people, **{f"{name[:-4]}full": "1" for name in people}, **changed,
    }  # fmt: skip


async def an_agent(pool: Pool) -> Actor:
    """Somebody of an agency that was let in and filed nothing yet."""
    org_id = await an_organisation(pool, "agency")
    await pool.execute("DELETE FROM agency WHERE org_id = $1", org_id)
    return await an_actor(pool, org_id, Role.AGENCY)


async def decided(app: WithState, pool: Pool, org_id: UUID, place: str = "3301", **form: str) -> int:
    filing = await pool.fetchval("SELECT id FROM agency_filing WHERE org_id = $1 AND stage = 'filed'", org_id)
    async with at(app, pool, await a_reviewer(pool, place)) as reviewer:
        return (await reviewer.post(f"/agencies/filings/{filing}", data=form)).status_code


async def a_published(app: WithState, pool: Pool, form: dict[str, str]) -> Actor:
    agent = await an_agent(pool)
    async with at(app, pool, agent) as own:
        assert (await own.post("/agencies/own", data=form)).status_code == 303
    assert await decided(app, pool, agent.org_id, decision="approve") == 303
    return agent


async def test_an_agency_files_is_returned_corrects_and_is_published(app: WithState, pool: Pool) -> None:
    agent, form = await an_agent(pool), a_form()
    async with at(app, pool, agent) as own:
        few = await own.post("/agencies/own", data=a_form(staff=4))
        assert (few.status_code, "不少于 5 人" in few.text) == (422, True)
        assert "录音录像" in (await own.post("/agencies/own", data=form | {"room-1-recording": ""})).text
        assert await pool.fetchval("SELECT count(*) FROM agency WHERE org_id = $1", agent.org_id) == 0
        assert (await own.post("/agencies/own", data=form)).status_code == 303
        assert await decided(app, pool, agent.org_id, "3302", decision="approve") == 404, "another city's"
        assert await decided(app, pool, agent.org_id, decision="return", remark="请补充培训证书") == 303
        assert "请补充培训证书" in (await own.get("/agencies/own")).text
        assert not await records.published(pool, agent.org_id, TODAY)
        assert (await own.post("/agencies/own", data=form | {"staff-1-paper": "PX-1"})).status_code == 303
    assert await decided(app, pool, agent.org_id, decision="approve") == 303
    assert await records.published(pool, agent.org_id, TODAY)
    assert [row["name"] for row in await records.choosable(pool, "330106", TODAY) if row["id"] == agent.org_id]
    stages = await pool.fetch("SELECT stage FROM agency_filing WHERE org_id = $1 ORDER BY no", agent.org_id)
    assert [row["stage"] for row in stages] == ["returned", "approved"]


async def test_a_ban_keeps_it_from_being_chosen_and_ends_what_has_not_begun(app: WithState, pool: Pool) -> None:
    agent, cast, now = await a_published(app, pool, a_form()), await a_cast(pool, suppliers=0), Clock().now_ms()
    draft = a_draft(now + 60 * 24 * MINUTE, agency_org_id=agent.org_id)
    case = await within(pool, drafting.create, cast.buyer, draft, now)
    home = await a_reviewer(pool)
    async with at(app, pool, home) as finance, at(app, pool, await a_reviewer(pool, "3302")) as far:
        path, ban = (
            f"/agencies/{agent.org_id}",
            {"mark": "ban", "points": "50", "reason": "串通", "authority": "财政局"},
        )
        assert (await far.post(f"{path}/marks", data=ban)).status_code == 404
        assert (await finance.post(f"{path}/marks", data=ban | {"ends": "2020-01-01"})).status_code == 409
        assert (await finance.post(f"{path}/marks", data=ban)).status_code == 303
        with pytest.raises(Problem, match="agency_unfit"):
            await within(pool, approving.submit, cast.buyer, case, now)
        with pytest.raises(Problem, match="agency_unfit"):
            await within(pool, drafting.create, cast.buyer, draft, now)
        api = (await finance.get(f"/api{path}")).json()
        assert (api["standing"], api["credit"], api["marks"][0]["kind"]) == ("banned", 50, "ban")
        mark = await pool.fetchval("SELECT id FROM agency_mark WHERE org_id = $1", agent.org_id)
        assert (await finance.post(f"/agencies/marks/{mark}/end", data={"reason": "复议撤销"})).status_code == 303
        ended = "SELECT during::text, ended_why FROM agency_mark WHERE id = $1"
        before = await pool.fetchrow(ended, mark)
        assert (await finance.post(f"/agencies/marks/{mark}/end", data={"reason": "又一次"})).status_code == 409
        assert await pool.fetchrow(ended, mark) == before, "ended once, for ever"
        violation = {"mark": "violation", "points": "10", "reason": "迟报", "authority": "财政局"}
        sent = await asyncio.gather(*(finance.post(f"{path}/marks", data=violation) for _ in range(2)))
        assert (await finance.post(f"{path}/marks", data=violation)).status_code == 409, "the same, once"
        assert sorted(one.status_code for one in sent) == [303, 409], "a double click"
        kept = await finance.post(f"{path}/marks", data=violation | {"reason": "另一件事", "points": "十"})
        assert ('value="另一件事"' in kept.text, 'value="十"' in kept.text) == (True, True), "what was typed stays"
        for wrong in ({"begins": "x"}, {"begins": "1900-01-01"}, {"points": "十"}, {"points": "101"}):
            assert (await finance.post(f"{path}/marks", data=violation | {"reason": "其他"} | wrong)).status_code == 409
        assert "复议撤销" in (await finance.get(path)).text
    assert await records.published(pool, agent.org_id, TODAY)


async def test_each_reader_sees_what_is_his_and_the_file_holds_no_formula(app: WithState, pool: Pool) -> None:
    mark = uuid4().hex[:8]
    agent = await a_published(app, pool, a_form(name=f"=杭州{mark}代理"))
    buyer = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    path, seen = f"/agencies/{agent.org_id}", {}
    for name, actor in (("buyer", buyer), ("own", agent), ("home", await a_reviewer(pool))):
        async with at(app, pool, actor) as browser:
            seen[name] = (await browser.get(path)).text
            exported = (await browser.get(f"/agencies/export.csv?words={mark}")).text
    async with a_browser(app) as anybody:
        seen["public"] = (await anybody.get(path)).text
        found = (await anybody.get("/api/agencies", params={"words": mark, "standing": "active"})).json()
        assert [one["name"] for one in found["agencies"]] == [f"=杭州{mark}代理"]
        assert f"杭州{mark}代理" not in (await anybody.get(f"/agencies?words={mark}&region=330200")).text
        assert (await anybody.get("/agencies/export.csv")).status_code == 303, "to sign in"
    assert {name: "刘2员" in page for name, page in seen.items()} == {
        "buyer": True, "own": True, "home": True, "public": False,
    }  # fmt: skip
    assert {name: PHONE in page for name, page in seen.items()} == {
        "buyer": False, "own": True, "home": True, "public": False,
    }  # fmt: skip
    assert f"'=杭州{mark}代理" in exported


async def test_a_purchaser_appraises_a_case_once_and_only_his_own(app: WithState, pool: Pool) -> None:
    agent, cast, now = await a_published(app, pool, a_form()), await a_cast(pool, suppliers=0), Clock().now_ms()
    draft = a_draft(now + 60 * 24 * MINUTE, agency_org_id=agent.org_id)
    case = await within(pool, drafting.create, cast.buyer, draft, now)
    scores = {"competence": "5", "speed": "4", "service": "4", "integrity": "5", "words": "专业", "case": str(case)}
    path = f"/agencies/{agent.org_id}"
    other = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    async with at(app, pool, cast.buyer) as buyer, at(app, pool, other) as elsewhere:
        assert (await buyer.post(f"{path}/appraisals", data=scores)).status_code == 409, "not over yet"
        for stage in ("published", "cancelled"):
            await pool.execute("UPDATE lot SET stage = $2 WHERE auction_id = $1", case, stage)
            assert (await buyer.post(f"{path}/appraisals", data=scores)).status_code == 409, stage
        await pool.execute("UPDATE lot SET stage = 'failed' WHERE auction_id = $1", case)
        assert [step.key for step in await to_appraise(pool, cast.buyer)] == [f"agency_appraise:{case}"]
        assert await to_appraise(pool, other) == []
        assert 'id="appraise"' in (await buyer.get(f"{path}?case={case}")).text
        assert (await elsewhere.post(f"{path}/appraisals", data=scores)).status_code == 409, "not his"
        assert (await buyer.post(f"{path}/appraisals", data=scores | {"speed": "6"})).status_code == 409
        assert (await buyer.post(f"{path}/appraisals", data=scores)).status_code == 303
        assert (await buyer.post(f"{path}/appraisals", data=scores)).status_code == 409, "once"
        page = (await buyer.get(path)).text
    assert ("专业" in page, 'id="appraise"' in page) == (True, False)
    assert await to_appraise(pool, cast.buyer) == []
    assert 'id="measured"' in page
    (row,) = [one for one in await pool.fetch(records.SQL["search"], TODAY, "", agent.org_name, "", 500, 0)
              if one["org_id"] == agent.org_id]  # fmt: skip
    assert (row["mean"], row["cases"]) == (4.5, 1)


async def to_appraise(pool: Pool, actor: Actor) -> list[Step]:
    found = await steps_of(pool, actor.user_id, Clock().now_ms())
    return [step for step in found if step.mine and step.kind == "agency_appraise"]


@pytest.mark.parametrize(
    ("changed_on", "filed_on", "late"),
    [
        (None, "2026-11-20", 0), ("2026-11-06", "2026-11-20", 0), ("2026-11-05", "2026-11-20", 1),
        ("2026-09-30", "2026-10-20", 0), ("2026-09-30", "2026-10-22", 2), ("2026-11-20", "2026-11-20", 0),
    ],
)  # fmt: skip
def test_a_change_is_late_after_ten_working_days(changed_on: str | None, filed_on: str, late: int) -> None:
    since = date.fromisoformat(changed_on) if changed_on else None
    assert rules.late_by(seed(), since, date.fromisoformat(filed_on), 10) == late


async def test_a_published_agency_says_since_when_a_change_holds_and_is_told_late(app: WithState, pool: Pool) -> None:
    mark = uuid4().hex[:8]
    form = a_form(name=f"杭州{mark}代理")
    agent = await a_published(app, pool, form)
    async with at(app, pool, agent) as own:
        for day in ("", "2026-02-30", str(TODAY + timedelta(days=1)), "2001-01-01"):
            answer = await own.post("/agencies/own", data=form | {"address": "新址", "changed_on": day})
            assert answer.status_code == 422, day
        filed = form | {"address": "新址", "changed_on": str(TODAY - timedelta(days=60))}
        assert (await own.post("/agencies/own", data=filed)).status_code == 303
    home = await a_reviewer(pool)
    filing = await pool.fetchval("SELECT id FROM agency_filing WHERE org_id = $1 AND stage = 'filed'", agent.org_id)
    async with at(app, pool, home) as finance:
        assert 'id="late"' in (await finance.get(f"/agencies/filings/{filing}")).text
        found = (await finance.get(f"/agencies?words={mark}&chosen=late")).text
        assert str(agent.org_id) in found
        assert 'id="late"' in (await finance.get(f"/agencies/{agent.org_id}")).text
    async with a_browser(app) as anybody:
        assert 'id="late"' not in (await anybody.get(f"/agencies/{agent.org_id}")).text
        everybody = (await anybody.get(f"/agencies?words={mark}&chosen=late")).text
        assert 'value="late"' not in everybody
    late = "SELECT late_workdays FROM agency_filing WHERE org_id = $1 AND stage = 'filed'"
    told = await pool.fetchval(late, agent.org_id)
    async with at(app, pool, agent) as own:  # filed once more with another day, it is as late as before
        assert (await own.post("/agencies/own", data=filed | {"changed_on": str(TODAY)})).status_code == 303
    assert await pool.fetchval(late, agent.org_id) == told
    assert await decided(app, pool, agent.org_id, decision="approve") == 303
    async with at(app, pool, agent) as own:  # what is approved is over: the next change counts for itself
        assert (await own.post("/agencies/own", data=filed | {"changed_on": str(TODAY)})).status_code == 303
    assert await pool.fetchval(late, agent.org_id) == 0


@pytest.mark.parametrize(
    ("status", "kind", "begins", "ends", "word", "credit"),
    [
        ("active", "ban", 0, None, "banned", 90), ("active", "ban", 1, 9, "active", 100),
        ("active", "ban", -9, 0, "active", 100),
        ("closed", "ban", 0, None, "closed", 90), ("active", "violation", 0, None, "active", 90),
        ("reviewing", "complaint", 0, None, "reviewing", 90),
    ],
)  # fmt: skip
async def test_where_an_agency_stands_is_one_thing_in_law_and_schema(
    pool: Pool, status: str, kind: str, begins: int, ends: int | None, word: str, credit: int
) -> None:
    org_id = await an_organisation(pool, "agency")
    until = None if ends is None else TODAY + timedelta(days=ends)
    found = Mark(MarkKind(kind), TODAY + timedelta(days=begins), until, "事由", "财政局", 10)
    async with pool.acquire() as conn, conn.transaction():
        await records.put(conn, org_id, "330106", Status(status))
        await records.mark(conn, await a_reviewer(pool), org_id, found)
    facts = await records.facts(pool, org_id)
    assert isinstance(facts, AgencyFacts)
    assert (rules.standing(facts, TODAY), rules.credit(facts.marks, TODAY)) == (word, credit)
    assert await pool.fetchval(records.SQL["standing_of"], org_id, TODAY) == word


def test_what_an_agency_lacks_is_named() -> None:
    whole = Dossier(
        name="某代理", uscc="", region="330106", address="某路", rooms=(Room("开标室", recording=True),),
        staff=tuple(Staff(f"员{n}", full=True) for n in range(5)),
    )  # fmt: skip
    assert rules.shortcomings(whole, 5) == []
    assert [str(one) for one in rules.shortcomings(whole, 6)] == ["staff"]
    bare = Dossier(name="某代理", uscc="", region="330106", staff=(Staff("甲"),), rooms=(Room("室"),))
    assert [str(one) for one in rules.shortcomings(bare, 1)] == ["staff", "room", "address"]
