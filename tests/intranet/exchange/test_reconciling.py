"""日对账 with a fiscal system that errs: of many days with faults at random each is found, and nothing else."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from accounts.model import Actor, Role
from accounts.todo.waiting import steps_of
from intranet.exchange import pages, reconciling, routes
from intranet.exchange.model import Fault, Heard, Statement
from intranet.exchange.records import SQL
from intranet.simulator.store import FAULTS, HEARD, TOLD, UNKNOWN
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from standards.workdays import day_of, end_of_day_ms
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import a_cast
from tests.intranet.linked import Linked, a_link
from tests.intranet.money import NOW
from tests.intranet.test_pages import at
from tests.site import WithState, a_client, a_site

DAYS, EACH_WAY, SILENT = 12, 14, (3, 7)
HOUR_MS = 3_600_000
SHOWN = {
    "lost": Fault.MISSING_THERE, "doubled": Fault.DOUBLED_THERE, "amount": Fault.AMOUNT, "order": Fault.ORDER,
    "late": Fault.LATE, "unknown": Fault.MISSING_HERE,
}  # fmt: skip
SIDES = {HEARD: "statement.heard", TOLD: "statement"}
Expected = set[tuple[date, str, Fault, str]]


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock, [*routes.ROUTES, *pages.ROUTES])


@pytest_asyncio.fixture
async def us(app: WithState) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(app) as client:
        yield client


@pytest_asyncio.fixture
async def linked(pool: Pool) -> AsyncIterator[Linked]:
    async with a_link(pool) as made:
        yield made


class Month:
    """Days of messages both ways, every other of them spoilt in the fiscal system's book; what must be found of it."""

    def __init__(self, linked: Linked, us: httpx.AsyncClient, dice: random.Random) -> None:
        self.linked, self.us, self.dice = linked, us, dice
        self.first = day_of(NOW()) - timedelta(days=DAYS + 6)
        self.silent = {self.day(n) for n in SILENT}
        self.expected: Expected = set()

    def day(self, n: int) -> date:
        return self.first + timedelta(days=n)

    async def play(self) -> None:
        for n in range(DAYS):
            await self.messages(self.day(n))
        for n in range(DAYS + 1):  # one more, for what is booked late
            if self.day(n) not in self.silent:
                await self.linked.day_ends(str(self.day(n)))
                await self.linked.carried(self.us)

    async def messages(self, day: date) -> None:
        noon_ms, store = end_of_day_ms(day) - 12 * HOUR_MS, self.linked.simulator.store
        faults = [self.dice.choice((*FAULTS, *["none"] * len(FAULTS))) for _ in range(2 * EACH_WAY)]
        for fault in faults[:EACH_WAY]:
            store.inject(fault, HEARD)
        keys = await self.linked.tell(EACH_WAY, now_ms=noon_ms)
        self.linked.line.drops = [self.dice.choice(("", "", "before", "after")) for _ in range(EACH_WAY)]
        while await self.linked.pool.fetchval(
            "SELECT count(*) FROM fiscal_out WHERE peer = $1 AND outcome IS NULL", self.linked.name
        ):
            await self.linked.send()
        for fault, key in zip(faults[:EACH_WAY], keys, strict=True):
            self.expect(day, HEARD, fault, key)
        for fault in faults[EACH_WAY:]:
            store.inject(fault, TOLD)
            key, seen = f"ADJ-{uuid4().hex[:12]}", store.last("told")
            data = {"indicator": "of-no-document", "fen": 100, "about": "杭财〔2026〕2号"}
            store.tell("indicator.adjusted", key, 100, str(day), noon_ms, data)
            if self.dice.random() < 0.3:  # sent before its turn: refused, and sent again in its turn
                body = store.rows("SELECT body FROM told WHERE seq = ?", seen + 1)[0]["body"]
                early = await self.linked.post(
                    self.us, body.replace(b'"seq":%d' % (seen + 1), b'"seq":%d' % (seen + 9))
                )
                assert early.status_code == 409
            await self.linked.carried(self.us)
            if self.dice.random() < 0.5:  # replayed: the same answer, and nothing in any book
                body = store.rows("SELECT body FROM told WHERE seq = ?", seen + 1)[0]["body"]
                assert (await self.linked.post(self.us, body)).json()["outcome"] == "indicator_unknown"
            self.expect(day, TOLD, fault, key)
            if fault != "lost" and not (fault == "late" and day + timedelta(days=1) in self.silent):
                self.expect_one(day + timedelta(days=int(fault == "late")), TOLD, Fault.REFUSED, key)

    def expect(self, day: date, side: str, fault: str, key: str) -> None:
        """What must be found of a line on whose day, or the next, there may be no statement."""
        if day in self.silent:
            self.expected.add((day, SIDES[side], Fault.SILENT, key))
        if fault == "late" and day + timedelta(days=1) in self.silent:
            self.expect_one(day, side, Fault.MISSING_THERE, key)
        elif fault == "late":
            self.expect_one(day + timedelta(days=1), side, Fault.LATE, key)
        elif fault in FAULTS:
            self.expect_one(day, side, SHOWN[fault], f"{UNKNOWN}{key}" if fault == "unknown" else key)

    def expect_one(self, day: date, side: str, fault: Fault, key: str) -> None:
        if day not in self.silent:
            self.expected.add((day, SIDES[side], fault, key))


async def found_of(pool: Pool, peer: str) -> list[tuple[date, str, Fault, str]]:
    """What the comparison says of every day there is a statement for, or none."""
    found = []
    for row in await pool.fetch(SQL["days"], [""], 10_000):
        if row["peer"] != peer:
            continue
        if row["body"] is None:
            differences = await reconciling.of_a_silent_day(pool, peer, row["type"], row["day"])
        else:
            statement = msgspec.convert(row["body"]["data"], Statement | Heard)
            differences = await reconciling.reconcile(pool, peer, statement)
        assert row["differences"] == len(differences), (row["day"], row["type"])
        found += [(row["day"], row["type"], each.fault, each.biz_key) for each in differences]
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_of_many_days_with_faults_at_random_every_one_is_found_and_no_other(
    linked: Linked, us: httpx.AsyncClient, pool: Pool, seed: int
) -> None:
    month = Month(linked, us, random.Random(seed))
    await month.play()
    await reconciling.note_silence(pool, NOW())
    found = await found_of(pool, linked.name)
    assert len(found) == len(set(found))
    assert set(found) == month.expected
    assert {fault for _, _, fault, _ in found} >= {*SHOWN.values(), Fault.SILENT, Fault.REFUSED}


async def test_differences_are_shown_with_what_to_do_wait_for_finance_and_are_settled_once(
    linked: Linked, app: WithState, us: httpx.AsyncClient, pool: Pool
) -> None:
    cast = await a_cast(pool, suppliers=0)
    yesterday = day_of(NOW()) - timedelta(days=1)
    noon_ms = end_of_day_ms(yesterday) - 12 * HOUR_MS
    for fault in FAULTS:
        linked.simulator.store.inject(fault)
    await linked.tell(len(FAULTS), now_ms=noon_ms)
    await linked.send()
    await linked.day_ends(str(yesterday))
    await linked.carried(us)
    assert await waiting(pool, cast.supervisor, linked) == 1
    form = {"peer": linked.name, "day": str(yesterday), "type": "statement.heard", "remark": "跨日记账，余项已更正"}
    async with at(app, pool, cast.supervisor) as finance:
        shown = card(await finance.get("/reconciliation"), linked.name)
        assert shown.count("data-fault=") == len(FAULTS)
        assert "请财政系统冲销多记的一笔" in shown
        assert (await finance.post("/reconciliation", data=form | {"remark": " "})).status_code == 422
        assert (await finance.post("/reconciliation", data=form | {"day": "2026-02-30"})).status_code == 422
        assert (await finance.post("/reconciliation", data=form)).status_code == 303
        assert "跨日记账，余项已更正" in card(await finance.get("/reconciliation"), linked.name)
        assert (await finance.post("/reconciliation", data=form)).status_code == 422
    assert await waiting(pool, cast.supervisor, linked) == 0
    far = await an_actor(pool, await an_organisation(pool, "supervisor"), Role.SUPERVISOR, grant_region="11")
    async with at(app, pool, far) as stranger:
        assert (await stranger.post("/reconciliation", data=form)).status_code == 404
    await linked.day_ends(str(yesterday))  # a statement that says the same leaves it settled
    await linked.carried(us)
    assert await waiting(pool, cast.supervisor, linked) == 0
    linked.simulator.store.rows("DELETE FROM book WHERE biz_key LIKE 'unknown-%'")
    await linked.day_ends(str(yesterday))  # one that says something else opens it again
    await linked.carried(us)
    assert await waiting(pool, cast.supervisor, linked) == 1


async def waiting(pool: Pool, actor: Actor, linked: Linked) -> int:
    steps = await steps_of(pool, actor.user_id, NOW())
    return sum(step.kind == "reconcile" and step.title == linked.name for step in steps)


def card(answer: httpx.Response, peer: str) -> str:
    """What the page shows of the day's messages that the system heard."""
    assert answer.status_code == 200
    parts = answer.text.split("</section>")
    return next(each for each in parts if f'data-peer-day="{peer}"' in each and 'data-direction="out"' in each)
