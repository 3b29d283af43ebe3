"""The pages around sealed quotes: what each person is led to, in both languages, and nothing before its time."""

from __future__ import annotations

import re

import pytest_asyncio

from accounts.model import Role
from auction.case import offices
from auction.doors import actpages, casepages, listpages, livepages, sealedpages
from auction.sealed.model import Office
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.doors.test_casepages import as_
from tests.auction.people import an_actor, an_organisation
from tests.auction.sealed.walk import DAY, a_sealed_cast, at_the_deadline, drafted, entered, published, quote
from tests.auction.walk import within
from tests.site import WithState, a_site

ROUTES = [*listpages.ROUTES, *casepages.ROUTES, *actpages.ROUTES, *livepages.ROUTES, *sealedpages.ROUTES]


@pytest_asyncio.fixture
async def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, ROUTES)


async def test_who_is_seated_without_a_key_is_asked_to_make_one(app: WithState, pool: Pool) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, _ = await drafted(pool, cast, Clock().now_ms() + DAY)
    expert = await an_actor(pool, await an_organisation(pool, "expert"), Role.EXPERT)
    await within(pool, offices.seat, cast.buyer, auction_id, Office.GROUP, expert.login, True, Clock().now_ms())
    page = await as_(app, pool, expert)
    assert 'href="/opening-key"' in await page.see("/todo")
    assert "尚未生成开启密钥" in await page.see(f"/auctions/{auction_id}/offices")
    buyer = await as_(app, pool, cast.buyer)
    assert 'id="submit"' not in await buyer.see(f"/auctions/{auction_id}/offices"), "not before everyone has a key"
    await buyer.send(f"/auctions/{auction_id}/offices", act="remove", person=str(expert.user_id))
    assert 'id="submit"' in await buyer.see(f"/auctions/{auction_id}/offices")


async def test_everyone_is_led_to_his_page_and_others_know_of_none(
    app: WithState, pool: Pool, valkey_client: Valkey
) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, lot_id = await published(pool, valkey_client, cast, Clock().now_ms() + DAY)
    await entered(pool, cast, auction_id, lot_id)
    supplier, buyer = await as_(app, pool, cast.suppliers[0]), await as_(app, pool, cast.buyer)
    member = await as_(app, pool, cast.of(Office.GROUP).actor)
    case = await supplier.see(f"/auctions/{auction_id}")
    assert f'href="/lots/{lot_id}/quote"' in case
    assert 'name="opening_price"' not in case, "no price outside the sealed quote"
    assert "您的别名" in await supplier.see(f"/lots/{lot_id}/quote")
    assert (await supplier.client.get(f"/lots/{lot_id}/room")).headers["location"] == f"/lots/{lot_id}/quote"
    assert (await buyer.client.get(f"/lots/{lot_id}/watch")).headers["location"] == f"/lots/{lot_id}/opening"
    for seated in (buyer, member):
        assert f'href="/lots/{lot_id}/opening"' in await seated.see(f"/auctions/{auction_id}")
        assert "截止时间未到" in await seated.see(f"/lots/{lot_id}/opening")
    await supplier.see(f"/lots/{lot_id}/opening", 404)
    await buyer.see(f"/lots/{lot_id}/quote", 403)
    for one in cast.suppliers:
        await quote(pool, one, lot_id, 90_000_000)
    await at_the_deadline(pool, valkey_client, lot_id)
    assert f'href="/lots/{lot_id}/opening"' in await member.see("/todo")
    assert "不在报价时间内" in await supplier.see(f"/lots/{lot_id}/quote")


async def test_the_pages_speak_english(app: WithState, pool: Pool, valkey_client: Valkey) -> None:
    cast = await a_sealed_cast(pool)
    auction_id, lot_id = await published(pool, valkey_client, cast, Clock().now_ms() + DAY)
    await entered(pool, cast, auction_id, lot_id)
    paths = {
        f"/lots/{lot_id}/quote": cast.suppliers[0],
        f"/lots/{lot_id}/opening": cast.of(Office.AGENCY).actor,
        f"/auctions/{auction_id}/offices": cast.buyer,
        "/opening-key": cast.head,
    }
    for path, actor in paths.items():
        page = await as_(app, pool, actor)
        page.client.cookies.set("lang", "en")
        main = (await page.see(path)).split("<main", 1)[1]
        given = ("办公设备采购", "液晶电视机", "单位", "台")
        for word in given:
            main = main.replace(word, "")
        assert not re.findall("[\u4e00-\u9fff]+", main), path
