"""Messages of a fiscal system: taken once and in order whatever the line does; every difference of the books found."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from accounts import records as accounts
from accounts.model import Role
from intranet.budget import holds, records
from intranet.budget.model import Balances, Source
from intranet.exchange import pages, routes
from intranet.exchange.model import Fault, Line
from intranet.exchange.rules import differences
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import within
from tests.intranet.exchange.fiscal import FiscalSystem
from tests.intranet.money import NOW, standing
from tests.intranet.test_pages import at
from tests.site import WithState, a_client, a_site

ROLES = (Role.SUPERVISOR,)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*routes.ROUTES, *pages.ROUTES])


@pytest_asyncio.fixture
async def us(app: WithState) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(app) as client:
        yield client


async def a_unit(pool: Pool, region: str = "330106") -> str:
    """The credit code of a purchasing unit."""
    code = uuid4().hex[:18].upper()
    await accounts.add_organisation(pool, name=f"单位{code}", kind="buyer", region=region, uscc=code)
    return code


async def indicator_of(pool: Pool, system: FiscalSystem, biz_key: str) -> UUID:
    sql = (
        "SELECT indicator_id FROM fiscal_message WHERE peer = $1 AND biz_key = $2 AND indicator_id IS NOT NULL LIMIT 1"
    )
    found: UUID = await pool.fetchval(sql, system.name, biz_key)
    return found


async def test_a_message_sent_again_gets_the_same_answer_and_does_nothing(us: httpx.AsyncClient, pool: Pool) -> None:
    system = await FiscalSystem.known(pool)
    system.granted(await a_unit(pool), 1_000, "YS-1")
    system.adjusted("YS-1", -300)
    for _ in range(3):
        await system.send_all(us)
    assert (await system.send(us, 1)).json() == {"seq": 1, "outcome": "taken"}
    indicator = await indicator_of(pool, system, "YS-1")
    assert await standing(pool, indicator) == Balances(indicator, granted=700, available=700)


async def test_no_one_else_speaks_for_a_system(us: httpx.AsyncClient, pool: Pool) -> None:
    system, other = await FiscalSystem.known(pool), await FiscalSystem.known(pool)
    system.granted(await a_unit(pool), 1_000)
    raw = system.messages[0]
    for changed in (
        {"raw": raw.replace(b"1000", b"9000"), "signature": system.signature(raw)},
        {"signature": other.signature(raw)},
        {"signature": system.key.sign(raw)},
        {"signature": b""},
        {"name": "nobody-known"},
    ):
        answer = await system.send(us, 1, **changed)
        assert (answer.status_code, answer.json()["code"]) == (401, "fiscal_signature")
    for words in (b"caf\xe9", b"===", b"%"):
        headers = {b"Fiscal-Peer": system.name.encode(), b"Fiscal-Signature": words}
        assert (await us.post("/api/fiscal/messages", content=raw, headers=headers)).status_code == 401
    wrong = b'{"seq": 1}'
    assert (await system.send(us, 1, raw=wrong)).status_code == 422
    assert (await system.send(us, 1)).status_code == 200


async def test_a_gap_is_refused_with_the_number_to_go_on_from_and_a_number_is_used_once(
    us: httpx.AsyncClient, pool: Pool
) -> None:
    system, uscc = await FiscalSystem.known(pool), await a_unit(pool)
    for _ in range(3):
        system.granted(uscc, 100)
    early = await system.send(us, 2)
    assert (early.status_code, early.json()["code"], early.json()["accept"]) == (409, "fiscal_gap", {"seq": 1})
    assert (await system.send(us, 1)).status_code == 200
    other = system.messages[0].replace(b"100", b"900")
    reused = await system.send(us, 1, raw=other)
    assert (reused.status_code, reused.json()["code"]) == (409, "fiscal_reused")


async def test_over_any_line_that_loses_doubles_and_reorders_each_message_is_done_once(
    us: httpx.AsyncClient, pool: Pool
) -> None:
    dice = random.Random(7)
    system, uscc = await FiscalSystem.known(pool), await a_unit(pool)
    system.granted(uscc, 10_000, "YS-1")
    changes = [dice.randint(-500, 500) or 1 for _ in range(30)]
    for change in changes:
        system.adjusted("YS-1", change)
    on_the_way = [seq for seq in range(1, 32) for _ in range(dice.choice((0, 1, 1, 2)))]
    dice.shuffle(on_the_way)
    for seq in on_the_way:
        assert (await system.send(us, seq)).status_code in (200, 409)
    told = (await system.send(us, 31)).json()
    await system.send_all(us, told.get("accept", {"seq": 32})["seq"])
    indicator = await indicator_of(pool, system, "YS-1")
    assert (await standing(pool, indicator)).available == 10_000 + sum(changes)


async def test_what_cannot_be_done_is_written_down_with_the_reason_and_the_next_goes_on(
    us: httpx.AsyncClient, pool: Pool
) -> None:
    system, uscc = await FiscalSystem.known(pool), await a_unit(pool)
    system.granted(await a_unit(pool, "330206"), 100)  # of a place it does not speak for
    system.granted(uscc, 100, "YS-1")
    system.granted(uscc, 100, "YS-1")
    system.adjusted("YS-1", -101)
    system.adjusted("YS-9", 1)
    system.adjusted("YS-1", 1)
    outcomes = [(await system.send(us, seq)).json()["outcome"] for seq in range(1, 7)]
    assert outcomes == ["unit_unknown", "taken", "biz_key_known", "short", "indicator_unknown", "taken"]
    assert (await standing(pool, await indicator_of(pool, system, "YS-1"))).available == 101


async def test_a_voucher_pays_what_is_under_contract_and_no_more(us: httpx.AsyncClient, pool: Pool) -> None:
    system = await FiscalSystem.known(pool)
    system.granted(await a_unit(pool), 1_000, "YS-1")
    await system.send_all(us)
    indicator, request = await indicator_of(pool, system, "YS-1"), uuid4().hex
    await within(pool, holds.reserve, request, [Source(indicator, 600)], None, NOW())
    await within(pool, holds.confirm, request, 600, NOW())
    for fen in (400, 201, 200):
        system.write({"type": "payment.paid", "indicator": "YS-1", "fen": fen, "about": f"凭证 {fen}"})
    outcomes = [(await system.send(us, seq)).json()["outcome"] for seq in (2, 3, 4)]
    assert outcomes == ["taken", "short", "taken"]
    assert await standing(pool, indicator) == Balances(indicator, granted=1_000, available=400, paid=600)
    assert await records.faults(pool) == []


def line(seq: int, fen: int = 100) -> Line:
    return Line(seq, "indicator.granted", f"YS-{seq}", fen)


def test_two_books_that_agree_have_no_difference_and_every_injected_fault_is_found() -> None:
    dice = random.Random(11)
    for _ in range(300):
        book = [line(seq, dice.randint(1, 999)) for seq in range(1, 21)]
        assert differences(book, book) == []
        ours, theirs, injected = list(book), list(book), set()
        spots = dice.sample(range(20), 6)
        for at_, fault in zip(spots, tuple(Fault)[:6], strict=True):
            one = book[at_]
            injected.add((fault, one.biz_key))
            if fault is Fault.MISSING_HERE:
                ours.remove(one)
            elif fault is Fault.MISSING_THERE:
                theirs.remove(one)
            elif fault is Fault.DOUBLED_HERE:
                ours.append(msgspec.structs.replace(one, seq=50))
            elif fault is Fault.DOUBLED_THERE:
                theirs.append(msgspec.structs.replace(one, seq=51))
            else:
                changed = {"fen": one.fen + 1} if fault is Fault.AMOUNT else {"seq": 52}
                theirs[theirs.index(one)] = msgspec.structs.replace(one, **changed)
        assert {(each.fault, each.biz_key) for each in differences(ours, theirs)} == injected


async def test_the_page_shows_finance_every_difference_of_the_day(
    app: WithState, us: httpx.AsyncClient, pool: Pool
) -> None:
    system, uscc = await FiscalSystem.known(pool), await a_unit(pool)
    for n in range(1, 5):
        system.granted(uscc, 100 * n, f"YS-{n}")
    system.adjusted("YS-1", -999, "ADJ-1")  # refused here
    book = system.book
    told: list[Any] = [book[0], msgspec.structs.replace(book[1], fen=201), book[3], book[3], book[4]]
    told.append(Line(9, "indicator.granted", "YS-9", 900))
    system.statement(told)
    await system.send_all(us)
    finance = await an_actor(pool, await an_organisation(pool, "supervisor"), *ROLES, grant_region="33")
    async with at(app, pool, finance) as browser:
        shown = (await browser.get("/reconciliation")).text
        card = shown[shown.index(f"· {system.name}</h2>") :].split("</section>")[0]
        for fault, key in (
            ("amount", "YS-2"), ("missing_there", "YS-3"), ("doubled_there", "YS-4"), ("missing_here", "YS-9"),
            ("refused", "ADJ-1"),
        ):  # fmt: skip
            assert f'data-fault="{fault}"' in card
            assert key in card
        assert card.count("data-fault") == 5
        system.statement()
        await system.send(us, len(system.messages))
        agreed = (await browser.get("/reconciliation")).text
        assert agreed[agreed.index(f"· {system.name}</h2>") :].split("</section>")[0].count("data-fault") == 1
    far = await an_actor(pool, await an_organisation(pool, "supervisor"), *ROLES, grant_region="11")
    async with at(app, pool, far) as browser:
        assert system.name not in (await browser.get("/reconciliation")).text
