"""The opening wizard through its pages: a case is typed, refused where it is wrong, kept, submitted; all or nothing."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest
import pytest_asyncio

from accounts import sessions
from accounts.flows import editing
from accounts.flows.model import Kind as FlowKind
from accounts.flows.model import Post
from accounts.flows.model import Step as FlowStep
from accounts.model import Role
from auction.case import reruns
from auction.case.records import decode_rules
from auction.doors import casepages, sealedpages, wizardpages, wizardsheet
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from plumbing.valkey import Valkey
from registries.agencies import records as agencies
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.auction.walk import a_cast, opened, within
from tests.site import WithState, a_client, a_person, a_site, log_in

DAY = 24 * 3_600_000
NOW = Clock().now_ms
ROUTES = [*wizardpages.ROUTES, *sealedpages.ROUTES, *casepages.ROUTES]
PAGE = {"accept": "text/html"}


@pytest_asyncio.fixture
async def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, ROUTES)


@pytest_asyncio.fixture
async def client(app: WithState, pool: Pool) -> Any:
    buyer = await a_person(pool, Role.BUYER)
    async with a_client(app, headers=PAGE) as client:
        await log_in(client, buyer.login)
        yield client


def need(**changed: str) -> dict[str, str]:
    return {
        "title": "会议椅采购", "category": "A05010301 办公椅", "budget": "80,000.00", "line-1-name": "会议椅",
        "line-1-spec": "承重 ≥120 kg", "line-1-quantity": "60", "line-1-unit": "把", "line-1-lot": "1", **changed,
    }  # fmt: skip


def rules(**changed: str) -> dict[str, str]:
    return {
        "format": "live_reverse", "basis": "total", "ceiling-1": "80000", "step_kind": "absolute", "step_amount": "400",
        "step_against": "own", "overtime": "1", "overtime_window": "180", "overtime_extend": "120",
        "overtime_rank": "3", "visibility": "rank_only", "host_view": "aliases", "suppliers_min": "3",
        "big_drop": "20", "conformity": "before_start", "award_confirm": "72", **changed,
    }  # fmt: skip


def people(**changed: str) -> dict[str, str]:
    opens = NOW() // 60_000 * 60_000 + 20 * DAY
    times = {"opens_at": moment_text(opens), "closes_at": moment_text(opens + 1_800_000)}
    return {**times, "invitation": "0", "post_head": "1", **changed}


async def typed(client: httpx.AsyncClient, *steps: dict[str, str]) -> str:
    """The address of a form with its first steps sent."""
    answer = await client.post("/auctions/new", data=steps[0])
    assert answer.status_code == 303, said(answer)
    where = answer.headers["location"].rsplit("/", 1)[0]
    await client.post(f"{where}/basis", data={"act": "next"})
    for name, step in zip(("rules", "people"), steps[1:], strict=False):
        answer = await client.post(f"{where}/{name}", data=step)
        assert answer.status_code == 303, said(answer)
    return str(where)


def said(answer: httpx.Response) -> str:
    """The words of the error summary."""
    found = re.search(r'id="faults".*?</ul>', answer.text, re.S)
    return html.unescape(re.sub(r"<[^>]+>", " ", found[0])) if found else answer.text[:400]


async def test_five_steps_make_a_case_that_waits_for_approval(client: httpx.AsyncClient, pool: Pool) -> None:
    where = await typed(client, need(), rules(), people())
    check = await client.get(f"{where}/check")
    assert "¥80,000.00" in check.text
    assert "每次至少比自己上次低 ¥400.00" in check.text
    sent = await client.post(f"{where}/check", data={"act": "next"})
    assert sent.status_code == 303, said(sent)
    auction_id = sent.headers["location"].rsplit("/", 1)[1]
    row = await pool.fetchrow("SELECT stage, rules FROM lot WHERE auction_id = $1::text::uuid", auction_id)
    assert row is not None
    assert row["stage"] == "approving"
    kept = decode_rules(row["rules"])
    assert (kept.ceiling, kept.decrement.amount, kept.duration_ms) == (8_000_000, 40_000, 1_800_000)
    assert (kept.overtime.extend_ms, kept.overtime.extensions_max) == (120_000, None)
    again = await client.post(f"{where}/check", data={"act": "next"})
    assert again.status_code == 404
    assert await pool.fetchval("SELECT count(*) FROM case_form WHERE id = $1::text::uuid", where.rsplit("/", 1)[1]) == 0


async def test_a_statutory_inquiry_is_sealed_and_leads_to_its_offices(client: httpx.AsyncClient, pool: Pool) -> None:
    goods = need(category="A02091001 普通电视设备（电视机）", budget="1,500,000.00", uniform="1")
    live = await typed(client, goods)
    refused = await client.post(f"{live}/rules", data=rules(**{"ceiling-1": "1500000"}))
    assert refused.status_code == 422, "only one sealed price is lawful"
    sealed = {"format": "sealed_one_shot", "ceiling-1": "1500000", "suppliers_min": "3", "award_confirm": "72"}
    where = await typed(client, goods, sealed, people(closes_at=""))
    check = await client.get(f"{where}/check")
    assert "一次报出不得更改的总价" in check.text
    sent = await client.post(f"{where}/check", data={"act": "next"})
    assert sent.status_code == 303, said(sent)
    assert sent.headers["location"].endswith("/offices")
    page = await client.get(sent.headers["location"])
    assert page.status_code == 200
    assert "询价小组" in page.text
    auction_id = sent.headers["location"].split("/")[2]
    row = await pool.fetchrow("SELECT stage, rules FROM lot WHERE auction_id = $1::text::uuid", auction_id)
    assert row is not None
    assert (row["stage"], row["rules"]["format"], row["rules"]["conformity"]) == (
        "draft",
        "sealed_one_shot",
        "after_close",
    )
    alone = await client.post(sent.headers["location"], data={"act": "submit"})
    assert alone.status_code == 409
    assert "开启人" in alone.text
    nobody = await client.post(sent.headers["location"], data={"office": "group", "login": "nobody-of-that-name"})
    assert nobody.status_code == 404
    assert "没有该账号" in nobody.text


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "请填写金额"),
        ("八万", "只能包含数字"),
        ("-5", "大于零"),
        ("0", "不能为零"),
        ("0.00", "不能为零"),
        ("NaN", "具体的数"),
        ("1e5", "科学计数法"),
        ("８００００", "半角数字"),
        ("9999999999999", "过大"),
        ("80000.001", "两位小数"),
        ("80001", "不得超过预算"),
    ],
)
async def test_a_ceiling_that_is_no_price_is_refused_in_words(
    client: httpx.AsyncClient, written: str, words: str
) -> None:
    where = await typed(client, need())
    answer = await client.post(f"{where}/rules", data=rules(**{"ceiling-1": written}))
    assert answer.status_code == 422
    assert "最高限价" in said(answer)
    assert words in said(answer)
    assert f'value="{written}"' in answer.text, "what was typed stays"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"opens_at": "2020-01-01T09:00"}, "开始时间已过"),
        ({"opens_at": "2026-02-30T09:00"}, "日期时间无法识别"),
        ({"opens_at": "明天"}, "日期时间无法识别"),
        ({"closes_at": "2020-01-01T09:00"}, "计划结束须晚于竞价开始"),
        ({"signup_from": "2099-01-01T09:00"}, "报名开始须早于竞价开始"),
        ({"invitation": "1"}, "须指定受邀供应商"),
        ({"invitation": "1", "invited": "nobody"}, "从所列选项中选择"),
        ({"post_head": ""}, "审批岗位"),
    ],
)
async def test_times_and_guests_that_cannot_be_are_refused_in_words(
    client: httpx.AsyncClient, changed: dict[str, str], words: str
) -> None:
    where = await typed(client, need(), rules())
    answer = await client.post(f"{where}/people", data=people(**changed))
    assert answer.status_code == 422
    assert words in said(answer)


async def test_the_first_step_names_every_empty_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/auctions/new", data={"title": "", "line-1-quantity": "１０"})
    assert answer.status_code == 422
    assert all(word in said(answer) for word in ("项目名称", "采购品目", "预算金额", "标的名称", "数量"))
    assert 'value="１０"' in answer.text


async def test_what_the_law_does_not_allow_is_refused_with_the_clause_and_the_lawful_way(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/auctions/new", data=need(budget="3000000"))
    where = answer.headers["location"].rsplit("/", 1)[0]
    basis = await client.get(f"{where}/basis")
    assert "公开招标" in basis.text
    assert "《政府采购法》第二十七条" in basis.text
    assert (await client.post(f"{where}/rules", data=rules())).headers["location"].endswith("/basis")
    assert (await client.get(f"{where}/check")).headers["location"].endswith("/basis")


async def test_nothing_is_written_when_the_notice_period_is_too_short(client: httpx.AsyncClient, pool: Pool) -> None:
    soon = NOW() // 60_000 * 60_000 + 600_000
    short = people(opens_at=moment_text(soon), closes_at=moment_text(soon + 1_800_000))
    where = await typed(client, need(title="公告期不足"), rules(), short)
    sent = await client.post(f"{where}/check", data={"act": "next"})
    assert sent.status_code == 422
    assert "公告期不足：最早可于" in said(sent)
    assert await pool.fetchval("SELECT count(*) FROM auction WHERE title = '公告期不足'") == 0
    assert (await client.get(f"{where}/people")).status_code == 200, "the form is still there"


async def test_a_draft_can_be_kept_and_changed_in_the_wizard(client: httpx.AsyncClient, pool: Pool) -> None:
    where = await typed(client, need(title="先存草稿"), rules(), people())
    sent = await client.post(f"{where}/check", data={"act": "draft"})
    case = sent.headers["location"]
    edit = await client.get(f"{case}/edit")
    assert edit.status_code == 303
    where = edit.headers["location"].rsplit("/", 1)[0]
    assert (await client.get(f"{case}/edit")).headers["location"] == f"{where}/need"
    page = await client.get(f"{where}/need")
    assert 'value="先存草稿"' in page.text
    assert (await client.get(f"{where}/rules")).text.count('value="80000.00"') == 1
    await client.post(f"{where}/need", data=need(title="改了名字"))
    sent = await client.post(f"{where}/check", data={"act": "next"})
    assert sent.headers["location"] == case, said(sent)
    title = "SELECT title FROM auction WHERE id = $1::text::uuid"
    assert await pool.fetchval(title, case.rsplit("/", 1)[1]) == "改了名字"
    assert (await client.get(f"{case}/edit")).status_code == 409


async def test_lots_lines_bands_and_guests_all_reach_the_draft(client: httpx.AsyncClient, pool: Pool) -> None:
    guest = await a_supplier(pool, categories=("A05010301",))
    two = need(**{"line-2-name": "茶几", "line-2-quantity": "2.5", "line-2-lot": "2", "line-2-ceiling": "900"})
    more = rules(**{"ceiling-1": "60000", "ceiling-2": "20000", "step_kind": "bands", "band-1-from": "0"})
    more |= {"band-1-amount": "50", "band-2-from": "30000", "band-2-amount": "200", "hard_stop": "20"}
    asked = people(invitation="1", invited=str(guest.org_id), post_department="1")
    where = await typed(client, two, more, asked)
    sent = await client.post(f"{where}/check", data={"act": "next"})
    auction_id = sent.headers["location"].rsplit("/", 1)[1]
    rows = await pool.fetch("SELECT id, rules FROM lot WHERE auction_id = $1::text::uuid ORDER BY no", auction_id)
    first, second = (decode_rules(row["rules"]) for row in rows)
    assert (first.ceiling, second.ceiling) == (6_000_000, 2_000_000)
    assert [(band.at_or_above, band.amount) for band in first.decrement.bands] == [(0, 5_000), (3_000_000, 20_000)]
    assert first.overtime.hard_stop_ms == 3_000_000
    assert str(await pool.fetchval("SELECT quantity FROM line WHERE lot_id = $1", rows[1]["id"])) == "2.500"
    case = await pool.fetchrow("SELECT invitation_only, posts FROM auction WHERE id = $1::text::uuid", auction_id)
    assert case is not None
    assert (case["invitation_only"], case["posts"]) == (True, ["department", "head"])


async def test_a_form_is_seen_by_its_writer_alone(app: WithState, client: httpx.AsyncClient, pool: Pool) -> None:
    where = await typed(client, need(title="只有我看"))
    assert "只有我看" in (await client.get("/auctions/new")).text
    other = await a_person(pool, Role.BUYER)
    async with a_client(app, headers=PAGE) as stranger:
        await log_in(stranger, other.login)
        assert (await stranger.get(f"{where}/need")).status_code == 404
        assert (await stranger.post(f"{where}/need", data=need())).status_code == 404
        assert (await stranger.post(f"{where}/drop")).status_code == 404
    assert (await client.post(f"{where}/drop")).status_code == 303
    assert (await client.get(f"{where}/need")).status_code == 404


async def test_suppliers_open_no_auctions(app: WithState, pool: Pool) -> None:
    supplier = await a_person(pool, Role.SUPPLIER, kind="supplier")
    async with a_client(app, headers=PAGE) as client:
        await log_in(client, supplier.login)
        assert (await client.get("/auctions/new")).status_code == 403
        assert (await client.post("/auctions/new", data=need())).status_code == 403


async def test_the_wizard_speaks_english(client: httpx.AsyncClient) -> None:
    plain = {"title": "Chairs", "category": "A05010301", "line-1-name": "Chair", "line-1-spec": "", "line-1-unit": ""}
    where = await typed(client, need(**plain), rules(), people())
    client.cookies.set("lang", "en")
    for step in ("need", "basis", "rules", "people", "check"):
        page = await client.get(f"{where}/{step}")
        assert page.status_code == 200
        ours = re.sub(
            r'<datalist.*?</datalist>|<div class="choices two">.*?</div>|<select.*?</select>', "", page.text, flags=re.S
        )
        assert not re.findall("[\u4e00-\u9fff]+", ours.split("<main", 1)[1]), step


async def test_a_rerun_is_changed_in_the_wizard_and_stays_one_lot(
    app: WithState, pool: Pool, valkey_client: Valkey
) -> None:
    await live.load(valkey_client)
    cast = await a_cast(pool, 1)
    lot_id, _ = await opened(pool, valkey_client, cast)  # one supplier of three: failed at the start
    auction_id = await within(pool, reruns.rerun, cast.buyer, lot_id, NOW() + 20 * DAY, NOW())
    token = await sessions.begin(pool, cast.buyer.user_id, NOW())
    async with a_client(app, headers=PAGE, cookies={"yangcai": token}) as client:
        edit = await client.get(f"/auctions/{auction_id}/edit")
        where = edit.headers["location"].rsplit("/", 1)[0]
        assert 'value="100000.00"' in (await client.get(f"{where}/rules")).text
        await client.post(f"{where}/rules", data=rules(**{"ceiling-1": "99000"}))
        await client.post(f"{where}/people", data=people())
        sent = await client.post(f"{where}/check", data={"act": "draft"})
        assert sent.status_code == 303, said(sent)
    rows = await pool.fetch("SELECT rules, rerun_of, id FROM lot WHERE auction_id = $1", auction_id)
    assert [(decode_rules(row["rules"]).ceiling, row["rerun_of"]) for row in rows] == [(9_900_000, lot_id)]
    assert await pool.fetchval("SELECT count(*) FROM line WHERE lot_id = $1", rows[0]["id"]) == 1


def two_lots(**changed: str) -> dict[str, str]:
    return need(**{"line-2-name": "茶几", "line-2-quantity": "2", "line-2-lot": "2"}, **changed)


async def test_a_lot_may_open_its_own_rules_and_go_back_to_the_common_ones(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    common = rules(**{"ceiling-1": "60000", "ceiling-2": "20000"})
    where = await typed(client, two_lots())
    assert (await client.get(f"{where}/rules")).text.count('name="visibility"') == 4, "one set for all lots"
    opened_own = await client.post(f"{where}/rules", data=common | {"act": "own-2"})
    assert opened_own.headers["location"] == f"{where}/rules#own-2"
    page = (await client.get(f"{where}/rules")).text
    assert re.search(r'name="own-2-step_amount"[^>]*value="400"', page), "its own rules begin as the common ones"
    own = {f"own-2-{name}": value for name, value in rules(step_amount="", visibility="lead_price").items()}
    wrong = await client.post(f"{where}/rules", data=common | own | {"own-2": "1"})
    assert "2 包 每次至少降低" in " ".join(said(wrong).split())
    own |= {"own-2-step_amount": "77", "own-2-basis": "unit_prices"}
    assert (await client.post(f"{where}/rules", data=common | own | {"own-2": "1"})).status_code == 303
    await client.post(f"{where}/people", data=people())
    assert "2 包" in (await client.get(f"{where}/check")).text
    sent = await client.post(f"{where}/check", data={"act": "draft"})
    case = sent.headers["location"]
    rows = await pool.fetch("SELECT rules FROM lot WHERE auction_id = $1::text::uuid ORDER BY no", case.rsplit("/")[-1])
    first, second = (decode_rules(row["rules"]) for row in rows)
    assert (first.decrement.amount, first.visibility, first.ceiling) == (40_000, "rank_only", 6_000_000)
    assert (second.decrement.amount, second.visibility, second.ceiling) == (7_700, "lead_price", 2_000_000)
    assert second.basis == "unit_prices"
    where = (await client.get(f"{case}/edit")).headers["location"].rsplit("/", 1)[0]
    assert 'name="own-2" value="1"' in (await client.get(f"{where}/rules")).text
    await client.post(f"{where}/rules", data=common | own | {"own-2": "1", "act": "common-2"})
    assert 'name="own-2-format"' not in (await client.get(f"{where}/rules")).text


async def test_fewer_suppliers_than_required_need_an_approval_that_stays_on_record(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    where = await typed(client, need())
    refused = await client.post(f"{where}/rules", data=rules(suppliers_min="2"))
    assert "不得少于 3 家" in said(refused)
    empty = await client.post(f"{where}/rules", data=rules(suppliers_min="2", few_approved="1"))
    assert "批准文号" in said(empty)
    approved = {"few_approved": "1", "few_document": "杭财采〔2026〕8号", "few_reason": "本地仅两家供应商有货"}
    assert "不得少于 2 家" in said(await client.post(f"{where}/rules", data=rules(suppliers_min="1", **approved)))
    assert (await client.post(f"{where}/rules", data=rules(suppliers_min="2", **approved))).status_code == 303
    await client.post(f"{where}/people", data=people())
    assert "杭财采〔2026〕8号" in (await client.get(f"{where}/check")).text
    sent = await client.post(f"{where}/check", data={"act": "next"})
    assert sent.status_code == 303, said(sent)
    case = sent.headers["location"]
    assert "本地仅两家供应商有货" in (await client.get(case)).text, "who approves the case reads it"
    kept = await pool.fetchval("SELECT gate FROM auction WHERE id = $1::text::uuid", case.rsplit("/", 1)[1])
    assert kept["few_suppliers"] == {"document_no": "杭财采〔2026〕8号", "reason": "本地仅两家供应商有货"}


async def test_an_agency_that_may_host_is_chosen_and_named(client: httpx.AsyncClient, pool: Pool) -> None:
    agency = await a_person(pool, Role.AGENCY, kind="agency")
    far = await a_person(pool, Role.AGENCY, kind="agency", region="650100")
    unchecked = await a_person(pool, Role.AGENCY, kind="agency")
    async with pool.acquire() as conn, conn.transaction():
        for one in (agency, far):
            await agencies.put(conn, one.org_id, "330100", agencies.Status.ACTIVE)
    where = await typed(client, need(), rules())
    page = (await client.get(f"{where}/people")).text
    assert f'value="{agency.org_id}"' in page
    assert f'value="{far.org_id}"' not in page
    assert f'value="{unchecked.org_id}"' not in page
    await client.post(f"{where}/people", data=people(agency=str(agency.org_id)))
    assert f"单位 {agency.login}" in (await client.get(f"{where}/check")).text
    sent = await client.post(f"{where}/check", data={"act": "draft"})
    assert f"单位 {agency.login}" in (await client.get(sent.headers["location"])).text
    where = await typed(client, need(), rules(), people(agency=str(far.org_id)))
    sent = await client.post(f"{where}/check", data={"act": "draft"})
    assert "没有可主持项目的人员" in said(sent)


async def test_guests_are_found_by_name_or_code_instead_of_one_long_list(client: httpx.AsyncClient, pool: Pool) -> None:
    guests = [await a_supplier(pool, categories=("A05010301",)) for _ in range(14)]
    name = await pool.fetchval("SELECT name FROM organisation WHERE id = $1", guests[3].org_id)
    where = await typed(client, need(), rules())
    page = (await client.get(f"{where}/people")).text
    assert page.count('name="invited"') == wizardsheet.FOUND_MAX
    chosen = people(invitation="1", invited=str(guests[0].org_id), find=name, act="find")
    found = await client.post(f"{where}/people", data=chosen)
    assert found.headers["location"] == f"{where}/people#invited"
    page = (await client.get(f"{where}/people")).text
    assert re.search(f'value="{guests[0].org_id}" checked', page), "who was chosen stays"
    assert f'value="{guests[3].org_id}"' in page
    assert f'value="{guests[5].org_id}"' not in page
    assert "没有符合的供应商" in (await client.get(f"{where}/people?find=无此供应商")).text


async def test_where_the_place_has_a_flow_its_posts_are_named_and_none_is_chosen(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    admin = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.ADMIN)
    steps = (FlowStep((Post.FINANCE,)), FlowStep((Post.HEAD,), from_fen=10**14))
    for seen, given in enumerate((steps, ())):
        await within(pool, editing.publish, admin, FlowKind.CASE, "330100", given, seen, "", Clock().now_ms())
        where = await typed(client, need(), rules())
        page = (await client.get(f"{where}/people")).text
        assert ("本地区已设定审批流程" in page, 'name="post_department"' in page) == (bool(given), not given)
        assert ("<b>单位负责人</b>" in page) is False, "this case does not come to that step"
        await client.post(f"{where}/people", data=people(post_head="1"))
        assert ("单位财务" in (await client.get(f"{where}/check")).text) is bool(given)
