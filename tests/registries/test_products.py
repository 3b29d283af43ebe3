"""商品信息库: files that are judged line by line, doubles in disguise, what is found, history, the reviewer's word."""

from __future__ import annotations

import csv
import io
import random
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from accounts.model import Actor, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.products import doors, words
from registries.suppliers import records as suppliers
from registries.suppliers.model import Status, SupplierFacts
from tests.accounts.admin.people import at
from tests.auction.people import an_actor, an_organisation
from tests.registries.firms import a_browser, a_reviewer
from tests.site import WithState, a_site

COLUMNS = ("kind", "sku", "category", "brand", "model", "name", "price", "ram_gb")
LAPTOP = ("good", "S1", "A02010108", "联想", "T14", "联想 ThinkPad T14 笔记本电脑", "5999.00", "16")


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, doors.ROUTES)


async def a_seller(pool: Pool, scope: str = "A02010000") -> Actor:
    """Somebody of a firm registered for a scope."""
    org_id = await an_organisation(pool, "supplier", "330106")
    async with pool.acquire() as conn, conn.transaction():
        facts = SupplierFacts(
            org_id=org_id, name="", uscc="", region="330106", status=Status.ACTIVE, categories=(scope,)
        )
        await suppliers.put(conn, facts)
    return await an_actor(pool, org_id, Role.SUPPLIER)


def a_file(*lines: tuple[str, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *lines])
    return out.getvalue().encode()


def a_line(**changed: str) -> tuple[str, ...]:
    known = dict(zip(COLUMNS, LAPTOP, strict=True)) | changed
    return tuple(known[name] for name in COLUMNS)


async def judged(browser: httpx.AsyncClient, raw: bytes) -> str:
    """The page of a file that is judged to its end."""
    answer = await browser.post("/api/products/imports?name=a.csv", content=raw)
    assert answer.status_code == 201, answer.text
    path = str(answer.json()["path"])
    while (told := (await browser.post(f"/api{path}/step")).json())["stage"] == "judging":
        assert told["judged"] < told["lines"]
    return path


async def loaded(browser: httpx.AsyncClient, *lines: tuple[str, ...]) -> None:
    path = await judged(browser, a_file(*lines))
    answer = await browser.post(path, data={"what": "all"})
    assert answer.status_code == 303, answer.text


async def of(pool: Pool, actor: Actor, sku: str) -> Any:
    return await pool.fetchrow("SELECT * FROM product WHERE org_id = $1 AND sku = $2", actor.org_id, sku)


async def test_a_file_with_faults_writes_nothing_until_its_firm_wants_the_good_lines(
    app: WithState, pool: Pool
) -> None:
    firm = await a_seller(pool)
    mark = uuid4().hex[:8]
    lines = [
        a_line(model=f"M{mark}"),
        a_line(sku="S2", model=f"m-{mark}", name="全新 联想 笔记本 特价", price="4999.00"),
        a_line(sku="S3", model="X1", price="1e4"), a_line(sku="S4", model="X2", category="A0201"),
        a_line(sku="S5", model="X3", category="B01000000"), a_line(sku="S6", model="X4", ram_gb="十六"),
        a_line(sku="S7", model="X5", brand=""), ("too", "short"), a_line(sku="S8", model="X6"),
        a_line(sku="S8", model="X7"),
    ]  # fmt: skip
    async with at(app, pool, firm) as browser:
        path = await judged(browser, a_file(*lines))
        page = (await browser.get(path)).text
        told = dict(re.findall(r'<tr data-line="(\d+)">.*?class="title">([^<]+)<', page))
        assert sorted(map(int, told)) == [3, 4, 5, 6, 7, 8, 9, 11]
        assert told["3"] == "与第 2 行是同一件商品"
        assert (await browser.post(path, data={"what": "all"})).status_code == 409
        assert await pool.fetchval("SELECT count(*) FROM product WHERE org_id = $1", firm.org_id) == 0
        assert (await browser.post(path, data={"what": "good"})).status_code == 303
        assert (await browser.post(path, data={"what": "good"})).status_code == 409
        again = await judged(browser, a_file(a_line(sku="S9", model=f"M {mark}", name="另一个名字")))
        assert "与已上架的货号 S1 是同一件商品" in (await browser.get(again)).text
    found = await pool.fetch("SELECT sku FROM product WHERE org_id = $1 ORDER BY sku", firm.org_id)
    assert [row["sku"] for row in found] == ["S1", "S8"]
    rival = await a_seller(pool)
    async with at(app, pool, rival) as other:
        assert (await other.get(path)).status_code == 404
        assert (await other.post(f"/api{path}/step")).status_code == 404


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "import_empty"), (b"sku,name\n1,2\n", "import_header"), (b"\xff\xff\x00\x81", "import_encoding"),
        (a_file(("good", 'a"b')).replace(b'"a""b"', b'"a"b'), "import_quotes"), (a_file(), "import_empty"),
    ],
)  # fmt: skip
async def test_what_is_no_file_of_products_is_refused(app: WithState, pool: Pool, raw: bytes, word: str) -> None:
    async with at(app, pool, await a_seller(pool)) as browser:
        answer = await browser.post("/api/products/imports?name=a.csv", content=raw)
    assert (answer.status_code, answer.json()["code"]) == (422, word)


async def test_a_file_of_some_megabytes_is_taken_and_one_beyond_the_limit_is_not(app: WithState, pool: Pool) -> None:
    lines = (a_line(sku=f"S{n}", name="笔" * 300) for n in range(2_500))
    raw = a_file(*lines)
    assert len(raw) > 2 << 20
    async with at(app, pool, await a_seller(pool)) as browser:
        answer = await browser.post("/api/products/imports?name=a.csv", content=raw)
        assert (answer.status_code, answer.json()["lines"]) == (201, 2_500)
        answer = await browser.post("/api/products/imports?name=a.csv", content=b"a" * ((32 << 20) + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_product_is_found_by_words_pinyin_and_with_a_slip(app: WithState, pool: Pool) -> None:
    firm, mark = await a_seller(pool), "q" + uuid4().hex[:9]
    async with at(app, pool, firm) as browser:
        name = f"华硕灵耀轻薄笔记本电脑 {mark}"
        await loaded(
            browser, a_line(brand="华硕", model=mark, name=name), a_line(sku="S2", model=f"{mark}z", price="99")
        )
    async with a_browser(app) as anybody:

        async def found(query: str) -> list[str]:
            rows = (await anybody.get(f"/api/products?words={query}")).json()["products"]
            return [each["model"] for each in rows if each["model"].startswith(mark)]

        assert await found(mark) == [mark]
        assert await found(f"灵耀 {mark}") == [mark]
        assert await found(f"零要 {mark}") == [mark]  # another character of the same sound
        assert await found(f"{mark[:4]}{mark[5]}{mark[4]}{mark[6:]}") == [mark] or mark[4] == mark[5]
        assert await found("lingyaoqingbo") == [mark]
        assert await found(f"{mark}&least=6000") == []
        assert await found(f"{mark}&category=A02010000") == [mark]
        assert await found(f"{mark}&category=A02021000") == []
        assert await found("%25%25%25") == []
        page = await anybody.get(f"/products?words={mark}&order=price")
        ident = (await anybody.get(f"/api/products?words={mark}")).json()["products"][0]["id"]
        side_by_side = await anybody.get(f"/products/compare?id={ident}&id=nonsense&id={ident}")
        assert (side_by_side.status_code, side_by_side.text.count("data-compared")) == (200, 1)
        assert (await anybody.get("/products/compare")).status_code == 200
        assert name in page.text


async def test_what_is_found_stands_in_the_order_of_its_price(app: WithState, pool: Pool) -> None:
    """Prices from a cent to the most there may be, some of them equal, some changed since: each in its place."""
    firm, mark, dice = await a_seller(pool), "r" + uuid4().hex[:9], random.Random(6)
    prices = [dice.choice([1, 100, 12_345, 10**13]) * dice.randrange(1, 90) // 100 or 1 for _ in range(150)]
    lines = [
        a_line(sku=f"S{n}", model=f"m{n}", name=f"{mark} 笔记本 {n}", price=f"{fen // 100}.{fen % 100:02d}",
               category=dice.choice(["A02010108", "A02010104"]))
        for n, fen in enumerate(min(each, 9 * 10**11) for each in prices)
    ]  # fmt: skip
    async with at(app, pool, firm) as browser:
        await loaded(browser, *lines)
        await pool.execute(
            "UPDATE product SET price_fen = price_fen * 3 WHERE org_id = $1 AND sku LIKE 'S1_'", firm.org_id
        )

    async def found(query: str) -> list[tuple[int, str]]:
        told: list[tuple[int, str]] = []
        async with a_browser(app) as anybody:
            for at in (1, 2, 3, 4, 5, 6, 7, 8):
                rows = (await anybody.get(f"/api/products?words={mark} 笔记本&at={at}{query}")).json()["products"]
                told += [(each["price_fen"], each["model"]) for each in rows]
        return told

    rows = await pool.fetch("SELECT price_fen, model, category FROM product WHERE org_id = $1", firm.org_id)
    assert len({row["price_fen"] for row in rows}) > 50
    for asked, kept in (
        ("", lambda row: True), ("&category=A02010108", lambda row: row["category"] == "A02010108"),
        ("&least=1&most=123", lambda row: 100 <= row["price_fen"] <= 12_300),
    ):  # fmt: skip
        expected = sorted((row["price_fen"], row["model"]) for row in rows if kept(row))
        assert sorted(await found(asked)) == expected
        cheapest = await found(f"{asked}&order=price")
        assert [fen for fen, _ in cheapest] == [fen for fen, _ in expected]
        assert sorted(cheapest) == expected
        assert [fen for fen, _ in await found(f"{asked}&order=dear")] == [fen for fen, _ in reversed(expected)]


async def test_every_price_and_every_change_stays_on_record(app: WithState, pool: Pool) -> None:
    firm, mark = await a_seller(pool), uuid4().hex[:8]
    async with at(app, pool, firm) as browser:
        await loaded(browser, a_line(model=mark))
        await loaded(browser, a_line(model=mark))
        await loaded(browser, a_line(model=mark, price="5499.00"))
        ident = (await of(pool, firm, "S1"))["id"]
        own = (await browser.get(f"/products/{ident}")).text
    async with a_browser(app) as anybody:
        prices = (await anybody.get(f"/api/products/{ident}")).json()["prices"]
        public = (await anybody.get(f"/products/{ident}")).text
    assert [each["price_fen"] for each in prices] == [549_900, 599_900]
    assert ('id="changes"' in own, 'id="changes"' in public) == (True, False)
    assert await pool.fetchval("SELECT count(*) FROM product_change WHERE product_id = $1", ident) == 1


async def test_a_standard_product_is_listed_when_finance_at_home_says_so(app: WithState, pool: Pool) -> None:
    firm, mark = await a_seller(pool), uuid4().hex[:8]
    home, far = await a_reviewer(pool, "3301"), await a_reviewer(pool, "3302")
    async with at(app, pool, firm) as browser:
        await loaded(browser, a_line(kind="standard", model=mark))
    ident: UUID = (await of(pool, firm, "S1"))["id"]
    path = f"/products/{ident}"
    async with a_browser(app) as anybody, at(app, pool, far) as other, at(app, pool, home) as finance:
        assert (await anybody.get(path)).status_code == 404
        assert (await other.post(f"{path}/decision", data={"decision": "list"})).status_code == 404
        assert str(ident) in (await finance.get("/products/waiting")).text
        assert (await finance.post(f"{path}/decision", data={"decision": "return"})).status_code == 409
        assert (await finance.post(f"{path}/decision", data={"decision": "list"})).status_code == 303
        assert (await finance.post(f"{path}/decision", data={"decision": "list"})).status_code == 409
        assert (await anybody.get(path)).status_code == 200


async def test_a_spreadsheet_takes_no_product_for_a_formula(app: WithState, pool: Pool) -> None:
    firm, mark = await a_seller(pool), uuid4().hex[:8]
    async with at(app, pool, firm) as browser:
        await loaded(browser, a_line(model=mark, name=f"=HYPERLINK {mark}"))
        answer = await browser.get(f"/products/export.csv?words={mark}")
    rows = list(csv.reader(answer.content.decode("utf-8-sig").splitlines()))
    assert [row[0] for row in rows[1:]] == [f"'=HYPERLINK {mark}"]


def test_one_product_has_one_identity_however_it_is_worded() -> None:
    one = words.identity("DELL", "XPS-13", "Dell XPS 13", {"ram_gb": "16"})
    assert words.identity("ｄｅｌｌ", "xps 13", "特价 轻薄本", {"ram_gb": "16"}) == one
    assert words.identity("DELL", "XPS-13", "Dell XPS 13", {"ram_gb": "32"}) != one
    assert words.identity("某", "", "打印纸 A4 500张", {}) == words.identity("某", "", "500张／A4／打印纸", {})
