"""使用与评价统计: what is looked at is counted, what purchasers say is shown, answered, hidden; each sees his part."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import pytest

from accounts.model import Actor, Role
from plumbing import postgres
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.products import doors
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.auction.people import an_actor, an_organisation
from tests.registries.firms import a_browser, a_reviewer
from tests.registries.test_products import a_line, a_seller, loaded, of
from tests.site import WithState, a_site

TODAY = day_of(Clock().now_ms())


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def a_good(app: WithState, pool: Pool) -> tuple[Actor, str]:
    """A listed good with its seller, and where it stands."""
    seller, mark = await a_seller(pool), uuid4().hex[:8]
    async with at(app, pool, seller) as firm:
        await loaded(firm, a_line(sku=mark, model=mark, name=f"联想 ThinkPad {mark}"))
    return seller, f"/products/{(await of(pool, seller, mark))['id']}"


async def a_buyer(pool: Pool) -> Actor:
    return await an_actor(
        pool, await an_organisation(pool, "buyer", "330106", f"杭州某局 {uuid4().hex[:8]}"), Role.BUYER
    )


async def counted(app: WithState, pool: Pool, path: str) -> tuple[int, int]:
    """Views and comparisons of today, written."""
    await app.state["usage"].write(pool)
    row = await pool.fetchrow("SELECT views, compares FROM product_day WHERE product_id = $1::text::uuid", path[10:])
    return (row["views"], row["compares"]) if row else (0, 0)


async def test_views_and_comparisons_are_counted_but_not_the_sellers_own(app: WithState, pool: Pool) -> None:
    (seller, one), (_, two) = await a_good(app, pool), await a_good(app, pool)
    async with at(app, pool, seller) as firm, a_browser(app) as anybody:
        await firm.get(one)
        assert await counted(app, pool, one) == (0, 0)
        for _ in range(3):
            await anybody.get(one)
        await anybody.get(f"/products/compare?id={one[10:]}&id={two[10:]}")
        await anybody.get(f"/products/compare?id={one[10:]}")
        assert await counted(app, pool, one) == (3, 1)
        assert await counted(app, pool, one) == (3, 1), "written once"
        assert 'id="months"' in (await anybody.get(one)).text
        page = (await firm.get("/products/own/statistics")).text
        assert f'href="{one}"' in page
        assert f'href="{two}"' not in page
    async with at(app, pool, await a_reviewer(pool)) as reviewer, at(app, pool, await a_reviewer(pool, "3205")) as far:
        assert (await reviewer.get("/products/statistics")).status_code == 200
        assert one not in (await far.get("/products/statistics")).text


async def test_what_cannot_be_written_is_counted_the_next_time(app: WithState, pool: Pool, postgres_url: str) -> None:
    _, path = await a_good(app, pool)
    away = await postgres.open_pool(postgres_url, application_name="tests", size_max=1)
    await away.close()
    app.state["usage"].viewed(UUID(path[10:]), TODAY)
    with pytest.raises(asyncpg.InterfaceError):
        await app.state["usage"].write(away)
    assert await counted(app, pool, path) == (1, 0)


async def test_a_purchaser_reviews_once_changes_and_takes_back_and_the_seller_answers(
    app: WithState, pool: Pool
) -> None:
    seller, path = await a_good(app, pool)
    buyer, rival = await a_buyer(pool), await a_seller(pool)
    review = {"stars": "4", "words": "运行稳定"}
    async with at(app, pool, buyer) as own, at(app, pool, seller) as firm, at(app, pool, rival) as other:
        assert (await firm.post(f"{path}/reviews", data=review)).status_code == 403, "a seller reviews nothing"
        for wrong in ({"stars": "0"}, {"stars": "6"}, {"stars": ""}, {"stars": "4.5"}, {"words": "长" * 501}):
            assert (await own.post(f"{path}/reviews", data=review | wrong)).status_code == 409
        assert (await own.post(f"{path}/reviews", data=review)).status_code == 303
        assert (await own.post(f"{path}/reviews", data=review | {"stars": "2", "words": "换了一台"})).status_code == 303
        page = (await own.get(path)).text
        assert ("2.0" in page, "换了一台" in page, "运行稳定" in page, buyer.org_name in page) == (
            True,
            True,
            False,
            True,
        )
        answer = f"{path}/reviews/{buyer.user_id}/answer"
        assert (await other.post(answer, data={"words": "我来答"})).status_code == 404
        assert (await firm.post(answer, data={"words": " "})).status_code == 409
        assert (await firm.post(answer, data={"words": "已安排更换"})).status_code == 303
        assert "已安排更换" in (await own.get(path)).text
        assert (await own.post(f"{path}/reviews", data={"what": "back"})).status_code == 303
        assert (await own.post(f"{path}/reviews", data={"what": "back"})).status_code == 409
        assert "换了一台" not in (await own.get(path)).text


async def test_a_review_is_hidden_with_a_reason_by_the_reviewer_of_the_place(app: WithState, pool: Pool) -> None:
    _, path = await a_good(app, pool)
    buyer, near, far = await a_buyer(pool), await a_reviewer(pool), await a_reviewer(pool, "3205")
    async with at(app, pool, buyer) as own, at(app, pool, near) as reviewer, at(app, pool, far) as elsewhere:
        assert (await own.post(f"{path}/reviews", data={"stars": "1", "words": "加微信优惠"})).status_code == 303
        hiding = f"{path}/reviews/{buyer.user_id}/hiding"
        assert (await elsewhere.post(hiding, data={"what": "hide", "why": "广告"})).status_code == 404
        assert (await reviewer.post(hiding, data={"what": "hide"})).status_code == 409, "without a reason"
        assert (await reviewer.post(hiding, data={"what": "hide", "why": "广告"})).status_code == 303
        async with a_browser(app) as anybody:
            page = (await anybody.get(path)).text
            assert ("加微信优惠" in page, 'id="mean"' in page) == (False, False)
        assert "广告" in (await own.get(path)).text, "its author is told why"
        assert (await own.post(f"{path}/reviews", data={"stars": "1", "words": "加微信"})).status_code == 303
        async with a_browser(app) as anybody:
            assert "加微信" not in (await anybody.get(path)).text, "changed, it stays hidden"
        assert (await reviewer.post(hiding, data={"what": "show"})).status_code == 303
    async with a_browser(app) as anybody:
        assert "加微信" in (await anybody.get(path)).text


async def test_each_reader_sees_of_a_product_what_is_his(app: WithState, pool: Pool) -> None:
    """遮蔽: what waits, remarks of reviewers, who changed what and who wrote are for the firm and its reviewer."""
    seller, mark = await a_seller(pool), uuid4().hex[:8]
    near, far, rival, buyer = (
        await a_reviewer(pool),
        await a_reviewer(pool, "3205"),
        await a_seller(pool),
        await a_buyer(pool),
    )
    async with at(app, pool, seller) as firm:
        await loaded(firm, a_line(kind="standard", sku=mark, model=mark, name=f"联想 ThinkPad {mark}"))
    row = await of(pool, seller, mark)
    path = f"/products/{row['id']}"
    readers = {"firm": seller, "near": near, "far": far, "rival": rival, "buyer": buyer}

    async def seen(words: str) -> set[str]:
        found = set()
        for name, actor in readers.items():
            async with at(app, pool, actor) as browser:
                if words in (await browser.get(path)).text:
                    found.add(name)
        async with a_browser(app) as anybody:
            page = await anybody.get(path)
            api = await anybody.get(f"/api{path}", headers={"Accept": "application/json"})
            if words in page.text or words in api.text:
                found.add("nobody")
        return found

    assert await seen(f"ThinkPad {mark}") == {"firm", "near"}, "it waits"
    async with at(app, pool, near) as reviewer, at(app, pool, seller) as firm:
        returned = {"decision": "return", "remark": f"请补充能效 {mark}"}
        assert (await reviewer.post(f"{path}/decision", data=returned)).status_code == 303
        assert await seen(f"请补充能效 {mark}") == {"firm", "near"}
        await loaded(firm, a_line(kind="standard", sku=mark, model=mark, name=f"联想 ThinkPad {mark}", price="5000"))
        assert (await reviewer.post(f"{path}/decision", data={"decision": "list"})).status_code == 303
    assert await seen(f"ThinkPad {mark}") == {*readers, "nobody"}
    assert await seen('id="changes"') == {"firm", "near"}
    async with at(app, pool, buyer) as own:
        assert (await own.post(f"{path}/reviews", data={"stars": "5", "words": "好"})).status_code == 303
    person = await pool.fetchval("SELECT name FROM person WHERE id = $1", buyer.user_id)
    await pool.execute("UPDATE person SET name = $2 WHERE id = $1", buyer.user_id, f"{person}{mark}")
    assert await seen(f"{person}{mark}") - {"buyer"} == {"firm", "near"}, "the person is named to those alone"
