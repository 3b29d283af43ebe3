"""The pages of a case: everyone's next step, the forms that do it, refusals in words, and what nobody may see."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from accounts import sessions
from accounts.model import Actor, Role
from auction.case import access, deciding, drafting
from auction.case.gate import GateCode, Way
from auction.case.lowprice import Screen
from auction.doors import actpages, casepages, listpages, practicepages, resultpages, wizard
from auction.lot import live
from auction.lot.model import Alias, Barred, Conformity, FormatName, Stage, StepKind, Visibility
from auction.practice.rivals import Rivals
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.typed import moment_text
from plumbing.valkey import Valkey
from server import site
from tests.auction.people import a_supplier, an_actor, an_organisation
from tests.auction.walk import (
    MINUTE,
    Cast,
    a_cast,
    a_draft,
    bids,
    closed,
    no_notice,
    nothing,
    opened,
    published,
    run_due,
    settled,
    signed_up,
    stage,
    within,
)  # fmt: skip
from tests.site import WithState, a_client, a_site
from tests.support import ROOT

NOW = Clock().now_ms
PAGE = {"accept": "text/html"}
ROUTES = [
    *listpages.ROUTES, *casepages.ROUTES, *actpages.ROUTES, *resultpages.ROUTES, *practicepages.ROUTES,
]  # fmt: skip


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


@pytest_asyncio.fixture
async def app(pool: Pool, valkey: Valkey, clock: Clock) -> AsyncIterator[WithState]:
    made, rivals = a_site(pool, valkey, clock, ROUTES), Rivals(valkey, clock)
    made.state |= {"on_deal": nothing, "rivals": rivals}
    yield made
    await rivals.close()


class Browser:
    """A browser of one person: pages as text, forms as posts."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def see(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text[:300]
        return answer.text

    async def send(self, path: str, **fields: Any) -> str:
        """Where the form led to; refused forms fail the test."""
        answer = await self.client.post(path, data={"sent": "1", **fields})
        assert answer.status_code == 303, (answer.status_code, refusal(answer.text))
        return str(answer.headers["location"])

    async def refused(self, path: str, **fields: Any) -> tuple[int, str, str]:
        """The status, what the page says was wrong, and the whole page."""
        answer = await self.client.post(path, data={"sent": "1", **fields})
        return answer.status_code, refusal(answer.text), answer.text


def refusal(page: str) -> str:
    found = re.search(r'id="refused".*?<li>(.*?)</li>', page, re.S)
    return found[1] if found else ""


async def as_(app: WithState, pool: Pool, actor: Actor | None) -> Browser:
    client = a_client(app, headers=PAGE)
    if actor is not None:
        token = await sessions.begin(pool, actor.user_id, NOW(), address="", agent="")
        client.cookies.set("yangcai", token)
    return Browser(client)


async def test_a_draft_is_submitted_sent_back_and_approved_on_its_page(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool)
    auction_id = await within(pool, drafting.create, cast.buyer, a_draft(NOW() + MINUTE), NOW())
    await no_notice(pool, auction_id)
    buyer, head = await as_(app, pool, cast.buyer), await as_(app, pool, cast.head)
    case = f"/auctions/{auction_id}"
    assert "下一步：提交审批" in await buyer.see(case)
    await buyer.send(f"{case}/submit")
    assert "等待审批：单位负责人" in await buyer.see(case)
    assert (await buyer.refused(f"{case}/decide", yes="1"))[:2] == (403, "现在轮到其他岗位审批。")
    await buyer.send(f"{case}/recall")
    assert "下一步：提交审批" in await buyer.see(case)
    assert (await head.refused(f"{case}/decide", yes="1"))[0] == 409, "nothing waits for him any more"
    assert (await buyer.refused(f"{case}/recall"))[0] == 409
    await buyer.send(f"{case}/submit")
    assert (await head.refused(f"{case}/decide", yes="0"))[:2] == (422, "请填写理由。")
    await head.send(f"{case}/decide", yes="0", reason="请补充技术要求")
    assert "请补充技术要求" in await buyer.see(case)
    await buyer.send(f"{case}/submit")
    assert "待审批" in await head.see("/todo")
    await head.send(f"{case}/decide", yes="1")
    status, words, _ = await head.refused(f"{case}/decide", yes="1")
    assert (status, words) == (409, "当前阶段（待发布）不能办理此事项。")
    await (await as_(app, pool, None)).see(case, 404)


async def test_a_supplier_signs_up_and_a_refused_offer_keeps_what_was_typed(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool, 1)
    auction_id, lot_id = await published(pool, valkey, cast)
    case, offer = f"/auctions/{auction_id}", f"/lots/{lot_id}/offer"
    public = await as_(app, pool, None)
    assert "供应商登录后即可报名" in await public.see(case)
    supplier = await as_(app, pool, cast.suppliers[0])
    status, words, page = await supplier.refused(f"{case}/signup", small="1", small_share="abc")
    assert status == 422
    assert 'value="abc"' in page
    await supplier.send(f"{case}/signup", small="1")
    answer = {"required": "办公桌", "offered": "实木", "deviation": "better", "brand": "甲牌", "model": "M-1"}
    for typed, said in (("１００", "半角"), ("-1", "大于零"), ("NaN", "具体的数"), ("100001", "不得高于最高限价")):
        status, words, page = await supplier.refused(offer, **answer, opening_price=typed)
        assert status == 422
        assert said in words, words
        assert f'value="{typed}"' in page
        assert 'value="甲牌"' in page
        assert '<option value="better" selected>' in page
    assert (await supplier.refused(offer, **answer | {"offered": ""}))[1].startswith("请完整填写")
    assert await pool.fetchval("SELECT count(*) FROM offer WHERE lot_id = $1", lot_id) == 0
    await supplier.send(offer, **answer, opening_price="99,000.00")
    row = await pool.fetchrow("SELECT opening_price, declarations FROM offer WHERE lot_id = $1", lot_id)
    assert row is not None
    assert row["opening_price"] == 9_900_000
    assert row["declarations"]["independent"] is True
    assert 'value="99000.00"' in await supplier.see(case)
    await supplier.send(f"/lots/{lot_id}/ask", text="交货地点在哪里？")
    assert "交货地点在哪里？" in await supplier.see(case)
    assert "交货地点在哪里？" not in await public.see(case)
    await supplier.send(f"{case}/withdraw")
    assert "下一步：报名" in await supplier.see(case)


async def test_strangers_meet_a_case_that_does_not_exist(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast, other = await a_cast(pool, 1), await a_cast(pool, 1)
    auction_id = await within(pool, drafting.create, cast.buyer, a_draft(NOW() + MINUTE), NOW())
    lot_id = await pool.fetchval("SELECT id FROM lot WHERE auction_id = $1", auction_id)
    for stranger in (other.buyer, other.head, cast.suppliers[0]):
        browser = await as_(app, pool, stranger)
        await browser.see(f"/auctions/{auction_id}", 404)
        for path in (f"/auctions/{auction_id}/submit", f"/lots/{lot_id}/cancel", f"/lots/{lot_id}/confirm"):
            status, _, page = await browser.refused(path, reason="x")
            assert status == 404
            assert "办公设备采购" not in page
    nobody = await as_(app, pool, None)
    assert (await nobody.client.post(f"/auctions/{auction_id}/submit", data={})).status_code == 401


async def settled_case(pool: Pool, valkey: Valkey, **changed: Any) -> tuple[Cast, UUID, UUID, dict[UUID, str]]:
    """Three suppliers have bid 90,000.00, 88,000.00 and 89,000.00."""
    cast = await a_cast(pool)
    lot_id, aliases = await opened(pool, valkey, cast, **changed)
    one, two, three = (aliases[supplier.org_id] for supplier in cast.suppliers)
    await bids(valkey, lot_id, {one: 9_000_000, two: 8_800_000, three: 8_900_000})
    await closed(pool, valkey, lot_id)
    auction_id = await pool.fetchval("SELECT auction_id FROM lot WHERE id = $1", lot_id)
    return cast, auction_id, lot_id, aliases


async def test_the_award_is_confirmed_and_published_with_the_winners_data_alone(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast, auction_id, lot_id, aliases = await settled_case(pool, valkey)
    loser, winner = await as_(app, pool, cast.suppliers[0]), await as_(app, pool, cast.suppliers[1])
    buyer, public = await as_(app, pool, cast.buyer), await as_(app, pool, None)
    case = f"/auctions/{auction_id}"
    page = await winner.see(case)
    assert "确认成交 ¥88,000.00" in page
    assert "捌万捌仟元整" in page
    assert 'id="award"' not in await loser.see(case)
    assert (await winner.refused(f"/lots/{lot_id}/award", yes="0"))[:2] == (422, "请填写理由。")
    assert (await loser.refused(f"/lots/{lot_id}/award", yes="1"))[0] == 404
    await winner.send(f"/lots/{lot_id}/award", yes="1")
    assert "请确认结果" in await buyer.see(case)
    assert "待确认结果" in await buyer.see("/todo")
    assert "结果尚未公布" in await public.see(f"/lots/{lot_id}/result")
    await buyer.send(f"/lots/{lot_id}/confirm")
    names = {
        s.org_id: await pool.fetchval("SELECT name FROM organisation WHERE id = $1", s.org_id) for s in cast.suppliers
    }
    page = await public.see(f"/lots/{lot_id}/result")
    assert names[cast.suppliers[1].org_id] in page
    assert not any(names[cast.suppliers[n].org_id] in page for n in (0, 2))
    assert all(alias in page for alias in aliases.values())
    assert (await buyer.refused(f"/lots/{lot_id}/contract", contract_no=" "))[:2] == (422, "请填写合同编号。")
    await buyer.send(f"/lots/{lot_id}/contract", contract_no="HT-2026-1")
    assert await stage(pool, lot_id) == "contracted"


async def test_nobody_but_hosts_and_supervisors_sees_the_effective_prices_of_others(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast, _, lot_id, _ = await settled_case(pool, valkey)
    await pool.execute("UPDATE standing SET effective = 7777777 WHERE lot_id = $1 AND rank = 1", lot_id)
    await pool.execute("UPDATE standing SET effective = 6666666 WHERE lot_id = $1 AND rank = 2", lot_id)
    result = f"/lots/{lot_id}/result"
    first, second = cast.suppliers[1], cast.suppliers[2]
    own = await (await as_(app, pool, second)).see(result)
    assert "66,666.66" in own
    assert "77,777.77" not in own
    assert "77,777.77" in await (await as_(app, pool, first)).see(result)
    for insider in (cast.buyer, cast.supervisor):
        page = await (await as_(app, pool, insider)).see(result)
        assert "77,777.77" in page
        assert "66,666.66" in page


async def test_conformity_after_the_close_is_decided_on_the_page(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast, auction_id, lot_id, aliases = await settled_case(pool, valkey, conformity=Conformity.AFTER_CLOSE)
    buyer = await as_(app, pool, cast.buyer)
    page = await buyer.see(f"/auctions/{auction_id}")
    assert all(alias in page for alias in aliases.values())
    one, two, three = (aliases[supplier.org_id] for supplier in cast.suppliers)
    status, words, page = await buyer.refused(f"/lots/{lot_id}/conformity", alias=two, yes="0")
    assert (status, words) == (422, "请填写理由。")
    await buyer.send(f"/lots/{lot_id}/conformity", alias=two, yes="0", reason="不满足承重要求")
    await buyer.send(f"/lots/{lot_id}/conformity", alias=one, yes="1")
    await buyer.send(f"/lots/{lot_id}/conformity", alias=three, yes="1")
    assert await stage(pool, lot_id) == "failed"
    told = await (await as_(app, pool, cast.suppliers[1])).see(f"/auctions/{auction_id}")
    assert "不满足承重要求" in told
    later = moment_text(NOW() + 10 * 24 * 60 * MINUTE)
    assert (await buyer.refused(f"/lots/{lot_id}/rerun", opens_at="2020-01-01T09:00"))[1].startswith("开始时间已过")
    where = await buyer.send(f"/lots/{lot_id}/rerun", opens_at=later)
    assert where != f"/auctions/{auction_id}"
    assert "第 2 次" in await buyer.see(where)
    assert f'href="{where}"' in await buyer.see(f"/auctions/{auction_id}")


async def test_who_is_excluded_is_told_why_and_nobody_else(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, suppliers=4)
    lot_id, aliases = await opened(pool, valkey, cast)
    one, two, three, four = aliases.values()
    await bids(valkey, lot_id, {one: 7_800_000, two: 8_000_000, three: 8_900_000, four: 3_000_000})
    await live.bar(valkey, lot_id, Alias(three), Barred.BANNED, {"reason": "与采购人有利害关系"})
    await closed(pool, valkey, lot_id)
    await within(pool, deciding.explain, cast.suppliers[3], lot_id, "库存清仓", NOW())
    await within(pool, deciding.low_price, cast.buyer, lot_id, four, False, "成本说明缺少依据", NOW())
    path = f"/auctions/{await pool.fetchval('SELECT auction_id FROM lot WHERE id = $1', lot_id)}"
    told = [await (await as_(app, pool, supplier)).see(path) for supplier in cast.suppliers]
    assert [("有利害关系" in page, "缺少依据" in page) for page in told] == [
        (False, False), (False, False), (True, False), (False, True),
    ]  # fmt: skip


async def test_cancelling_takes_two_persons_and_names_its_consequences(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool, 1)
    auction_id, lot_id = await published(pool, valkey, cast)
    buyer, head = await as_(app, pool, cast.buyer), await as_(app, pool, cast.head)
    case = f"/auctions/{auction_id}"
    assert "不产生结果，不可恢复" in await buyer.see(case)
    assert (await buyer.refused(f"/lots/{lot_id}/cancel"))[:2] == (422, "请填写理由。")
    await buyer.send(f"/lots/{lot_id}/cancel", reason="预算调整")
    assert await stage(pool, lot_id) == "signup"
    motion = await pool.fetchval("SELECT id FROM motion WHERE lot_id = $1", lot_id)
    assert "等待单位负责人同意" in await buyer.see(case)
    assert (await buyer.client.post(f"/motions/{motion}", data={"yes": "1"})).status_code == 403
    assert "待附议" in await head.see("/todo")
    assert await head.send(f"/motions/{motion}", yes="1") == case
    assert await stage(pool, lot_id) == "cancelled"
    assert "终止公告" in await (await as_(app, pool, None)).see(case)


async def test_the_supervisor_suspends_and_releases_a_lot(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, 1)
    auction_id, lot_id = await published(pool, valkey, cast)
    supervisor, buyer = await as_(app, pool, cast.supervisor), await as_(app, pool, cast.buyer)
    for days in ("", "0", "31", "many"):
        status, words, _ = await supervisor.refused(f"/lots/{lot_id}/suspend", reason="受理投诉", days=days)
        assert (status, words) == (422, "暂停期限须为 1 至 30 天（政府采购法第五十七条）。")
    await supervisor.send(f"/lots/{lot_id}/suspend", reason="受理投诉", days="10")
    assert "受理投诉" in await buyer.see(f"/auctions/{auction_id}")
    assert (await buyer.refused(f"/lots/{lot_id}/release"))[0] == 404
    await supervisor.send(f"/lots/{lot_id}/release")
    assert await stage(pool, lot_id) == "signup"


async def test_amending_needs_words_and_time_enough(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, 1)
    auction_id, _ = await published(pool, valkey, cast)
    buyer, path = await as_(app, pool, cast.buyer), f"/auctions/{auction_id}/amend"
    assert (await buyer.refused(path, opens_at="soon", text="x"))[1].startswith("日期时间无法识别")
    assert (await buyer.refused(path, opens_at="2020-01-01T09:00", text="x"))[1].startswith("公告期不足")
    later = moment_text(NOW() + 9 * 24 * 60 * MINUTE)
    assert (await buyer.refused(path, opens_at=later))[1] == "请填写理由。"
    await buyer.send(path, opens_at=later, text="延长报名")
    assert "延长报名" in await (await as_(app, pool, None)).see(f"/auctions/{auction_id}")


async def test_the_list_finds_by_view_group_words_and_category(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast, idle = await a_cast(pool, 1), await a_supplier(pool)
    mark = f"专用{NOW()}"
    auction_id, lot_id = await published(pool, valkey, cast, a_draft(NOW() + 10 * MINUTE, title=mark))
    draft_id = await within(pool, drafting.create, cast.buyer, a_draft(NOW() + MINUTE, title=mark + "草稿"), NOW())
    await signed_up(pool, cast, auction_id, lot_id)
    public, buyer = await as_(app, pool, None), await as_(app, pool, cast.buyer)
    supplier, other = await as_(app, pool, cast.suppliers[0]), await as_(app, pool, idle)
    find = f"/auctions?words={mark}"
    assert f'data-case="{auction_id}"' in await public.see(find)
    assert str(draft_id) not in await public.see(find)
    assert str(draft_id) in await buyer.see(find + "&group=preparing")
    assert "没有找到项目" in await public.see(find + "&group=running")
    assert "已报名" in await supplier.see(find + "&view=mine")
    assert "还没有与您有关的项目" in await other.see(find + "&view=mine")
    assert str(auction_id) in await other.see(find + "&view=open")
    assert str(auction_id) in await public.see(find + "&category=A02000000 设备")
    assert "没有找到项目" in await public.see(find + "&category=C")
    for odd in ("&at=0", "&at=-1", "&at=99999999999", "&group=nonsense", "&view=mine", "&category=%25", "&words=%00"):
        await public.see("/auctions?x=1" + odd)


async def test_pages_of_a_case_are_whole_in_english(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast, auction_id, lot_id, _ = await settled_case(pool, valkey)
    for actor in (cast.buyer, cast.head, cast.suppliers[1], cast.supervisor):
        browser = await as_(app, pool, actor)
        browser.client.cookies.set("lang", "en")
        for path in (f"/auctions/{auction_id}", f"/lots/{lot_id}/result", "/todo", "/auctions?words=none-such"):
            page = (await browser.see(path)).split("<main", 1)[1]
            page = re.sub(r'<(datalist|script)\b.*?</\1>|<p[^>]* lang="zh-CN">[^<]*', "", page, flags=re.S)
            for ours in ("办公设备采购", "液晶电视机", "台"):
                page = page.replace(ours, "")
            page = re.sub("单位\\d+", "", page)
            assert not re.findall("[\u4e00-\u9fff]+", page), path


async def test_motions_of_another_unit_cannot_be_seconded(app: WithState, pool: Pool, valkey: Valkey) -> None:
    cast = await a_cast(pool, 1)
    _, lot_id = await published(pool, valkey, cast)
    await (await as_(app, pool, cast.buyer)).send(f"/lots/{lot_id}/cancel", reason="预算调整")
    motion = await pool.fetchval("SELECT id FROM motion WHERE lot_id = $1", lot_id)
    stranger = await as_(app, pool, await an_actor(pool, await an_organisation(pool), Role.HEAD))
    assert (await stranger.client.post(f"/motions/{motion}", data={"yes": "1"})).status_code == 404
    assert await stage(pool, lot_id) == "signup"
    await run_due(pool, valkey, lot_id, NOW())


async def test_a_supplier_practises_alone_by_the_same_engine_and_nothing_comes_of_it(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool, 2)
    supplier, other = await as_(app, pool, cast.suppliers[0]), await as_(app, pool, cast.suppliers[1])
    for typed, said in (("", "请填写金额"), ("十万", "只能包含数字"), ("1", "不得低于"), ("NaN", "具体的数")):
        status, _, page = await supplier.refused("/practice", ceiling=typed, minutes="3")
        assert status == 422
        assert said in page
    room = await supplier.send("/practice", ceiling="50000", minutes="3", visibility="lead_price")
    lot_id = UUID(room.split("/")[2])
    place = await access.seat(pool, cast.suppliers[0], lot_id, {})
    assert place is not None
    assert (place.kind, await access.seat(pool, cast.suppliers[1], lot_id, {})) == ("bidder", None)
    assert (await live.read_tally(valkey, lot_id)) is not None
    assert str(lot_id) in await supplier.see("/practice")
    assert str(lot_id) in await supplier.see("/auctions?view=mine")
    assert str(lot_id) not in await other.see("/auctions?view=mine")
    assert str(lot_id) not in await supplier.see("/auctions")
    await other.see(f"/lots/{lot_id}/result", 404)
    await supplier.send("/practice", ceiling="50000", minutes="3")
    assert (await supplier.refused("/practice", ceiling="50000", minutes="3"))[0] == 409
    buyer = await as_(app, pool, cast.buyer)
    await buyer.see("/practice", 403)


async def test_another_supplier_joins_a_practice_by_its_link_while_there_are_seats(
    app: WithState, pool: Pool, valkey: Valkey
) -> None:
    cast = await a_cast(pool, 6)
    host, *guests = [await as_(app, pool, one) for one in cast.suppliers]
    room = await host.send("/practice", ceiling="50000", minutes="3")
    lot_id = UUID(room.split("/")[2])
    auction_id = await pool.fetchval("SELECT auction_id FROM lot WHERE id = $1", lot_id)
    link = f"/practice/{auction_id}/join"
    assert "邀请您一起练习" in await guests[0].see(link)
    for guest, actor in zip(guests[:3], cast.suppliers[1:], strict=False):
        assert await guest.send(link) == room
        place = await access.seat(pool, actor, lot_id, {})
        assert place is not None
        assert place.kind == "bidder"
    assert await guests[0].send(link) == room, "who sits there already is led in again"
    full = await guests[3].client.post(link)
    assert full.status_code == 409
    assert "席位已满" in full.text
    await live.steer(valkey, lot_id, "close", {"by": "host"})
    await settled(pool, valkey, lot_id)
    assert "已经结束" in await guests[4].see(link)
    published_id, _ = await published(pool, valkey, cast)
    await guests[4].see(f"/practice/{published_id}/join", 404)


def test_every_sentence_a_page_names_is_in_the_catalogue() -> None:
    texts = site.load_texts()
    pages = [*(ROOT / "auction" / "doors" / "pages").glob("*.html"), *(ROOT / "server" / "pages").glob("*.html")]
    named = {
        key for page in pages for key in re.findall(r"\bt\(\"([a-z_.0-9]+[a-z0-9])\"[,)]", page.read_text("utf-8"))
    }
    assert len(named) > 300
    assert sorted(key for key in named if key not in texts) == []


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("live.stage", [stage.value for stage in Stage]),
        ("case.phase", list(casepages.PHASES)),
        ("list.group", list(listpages.GROUPS)),
        ("list.view", list(listpages.VIEWS)),
        ("wizard.step", list(wizard.STEPS)),
        ("wizard.format", [name.value for name in FormatName]),
        ("wizard.visible", [name.value for name in Visibility]),
        ("wizard.step_of", [name.value for name in StepKind]),
        ("gate.refused", [code.value for code in GateCode]),
        ("gate.way", [way.value for way in Way]),
        ("lowprice", [screen.value for screen in Screen]),
    ],
)
def test_every_word_that_may_come_has_a_sentence(prefix: str, words: list[str]) -> None:
    texts = site.load_texts()
    assert [word for word in words if f"{prefix}.{word}" not in texts] == []


def test_every_form_of_a_case_says_what_was_done() -> None:
    texts = site.load_texts()
    source = "".join(
        (ROOT / "auction" / "doors" / "pages" / name).read_text("utf-8") for name in ("case.html", "case_lot.html")
    )
    acts = set(re.findall(r'~ "/([a-z-]+)"|/(?:lots|auctions)/\{\{ [a-z.]+ \}\}/([a-z-]+)"', source))
    names = {one or two for one, two in acts} - {"room", "watch", "result", "edit", "quote", "opening", "offices"}
    assert {"signup", "offer", "award", "low-price", "rerun"} <= names
    assert sorted(name for name in names if f"note.{name.replace('-', '_')}" not in texts) == []
