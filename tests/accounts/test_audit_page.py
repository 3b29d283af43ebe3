"""审计查询: who finds what, by which filters, by the hour, as a file; and what nobody finds while a case is open."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from accounts import records
from accounts.audit import Here, audit, here, pages
from accounts.audit.chain import Chain
from accounts.audit.searching import HOUR_MS, per_bar, search, wanted
from accounts.model import Actor, Grant, Role
from ledger.note import Signer
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.spreadsheets import harmless
from plumbing.valkey import Valkey
from server import site
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import MINUTE, a_cast, a_draft, published, signed_up
from tests.site import PASSWORD, WithState, a_client, a_person, a_site, log_in
from tests.support import ROOT


@pytest.fixture
def app(fresh_pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(fresh_pool, valkey_client, clock)


async def an_auditor(pool: Pool, region: str = "33") -> Actor:
    org = await an_organisation(pool, "supervisor", "330000")
    return await an_actor(pool, org, Role.AUDITOR, region="330000", grant_region=region)


@asynccontextmanager
async def a_reader(pool: Pool, app: WithState, role: Role = Role.AUDITOR) -> AsyncIterator[httpx.AsyncClient]:
    person = await a_person(pool, kind="supervisor", region="330000")
    await records.add_grant(pool, person.user_id, Grant(role, "33"))
    async with a_client(app, headers={"Origin": "http://yangcai.test"}) as client:
        assert (await log_in(client, person.login, PASSWORD)).status_code == 200
        yield client


@pytest_asyncio.fixture
async def client(fresh_pool: Pool, app: WithState) -> AsyncIterator[httpx.AsyncClient]:
    async with a_reader(fresh_pool, app) as client:
        yield client


async def found(pool: Pool, actor: Actor, **asked: str) -> list[dict[str, Any]]:
    return await search(pool, actor, wanted(asked, Clock().now_ms()), 1_000)


async def test_every_filter_finds_what_it_names_and_nothing_else(fresh_pool: Pool) -> None:
    auditor = await an_auditor(fresh_pool)
    org = await records.add_organisation(fresh_pool, name="西湖区某局", kind="buyer", region="330106")
    one, two = await an_actor(fresh_pool, org, Role.BUYER), await an_actor(fresh_pool, org, Role.HEAD)
    thing = str(uuid4())
    token = here.set(Here("10.1.2.3", "POST /x"))
    await audit(fresh_pool, one, "lot.hold", f"lot:{thing}")
    here.reset(token)
    await audit(fresh_pool, two, "lot.release", f"lot:{uuid4()}", "refused")
    only = {"who": one.login, "object": thing, "event": "lot.ho", "result": "done", "address": "10.1.2.3"}
    for name, value in only.items():
        rows = await found(fresh_pool, auditor, org="西湖区", **{name: value})
        assert [row["login"] for row in rows] == [one.login], name
    assert len(await found(fresh_pool, auditor, org="西湖区")) == 2
    assert await found(fresh_pool, auditor, org="西湖区", since="2031-01-01T00:00", until="2031-01-02T00:00") == []
    assert len(await found(fresh_pool, auditor, org="西湖区", result="no such", since="not a time")) == 2


async def test_supervisors_see_their_region_and_auditors_also_what_belongs_to_none(fresh_pool: Pool) -> None:
    org = await an_organisation(fresh_pool, "supervisor", "330000")
    auditor = await an_auditor(fresh_pool)
    supervisor = await an_actor(fresh_pool, org, Role.SUPERVISOR, region="330000", grant_region="33")
    far = await an_actor(fresh_pool, org, Role.SUPERVISOR, grant_region="11")
    operator = await an_actor(fresh_pool, await an_organisation(fresh_pool, "operator"), Role.OPERATOR)
    await audit(fresh_pool, operator, "test.act", "k:1")
    await audit(fresh_pool, None, "test.act", "k:2")
    assert {row["object"] for row in await found(fresh_pool, auditor, event="test.act")} == {"k:1", "k:2"}
    assert {row["object"] for row in await found(fresh_pool, supervisor, event="test.act")} == {"k:1"}
    assert await found(fresh_pool, far, event="test.act") == []


async def test_nobody_finds_who_or_how_many_signed_up_while_the_case_is_open(
    fresh_pool: Pool, valkey_client: Valkey
) -> None:
    cast, now = await a_cast(fresh_pool, suppliers=2), Clock().now_ms()
    auction_id, lot_id = await published(fresh_pool, valkey_client, cast, a_draft(now + 60 * MINUTE))
    await signed_up(fresh_pool, cast, auction_id, lot_id)
    await audit(fresh_pool, None, "lot.start", f"lot:{lot_id}", detail={"entrants": 2})
    auditor = await an_auditor(fresh_pool)
    suppliers = {one.login for one in cast.suppliers}
    rows = await found(fresh_pool, auditor)
    assert cast.buyer.login in {row["login"] for row in rows}
    assert not suppliers & {row["login"] for row in rows}
    start = next(row for row in rows if row["event"] == "lot.start")
    assert (start["detail"], start["case_open"]) == ({}, True)
    bars = await per_bar(fresh_pool, auditor, wanted({}, now))
    assert sum(sum(counts.values()) for _, counts in bars) == len(rows)
    await fresh_pool.execute("UPDATE lot SET stage = 'published' WHERE id = $1", lot_id)
    rows = await found(fresh_pool, auditor)
    assert suppliers <= {row["login"] for row in rows}
    assert next(row for row in rows if row["event"] == "lot.start")["detail"] == {"entrants": 2}


async def test_pages_follow_each_other_without_gap_or_repeat(fresh_pool: Pool, client: httpx.AsyncClient) -> None:
    for i in range(120):
        await audit(fresh_pool, None, "test.act", f"k:{i}")
    seen, address = [], "/audit?event=test.act"
    while address:
        text = (await client.get(address)).text
        seen += re.findall(r'title="k:(\d+)"', text)
        further = re.search(r'rel="next" href="([^"]+)"', text)
        address = further[1].replace("&amp;", "&") if further else ""
    assert seen == [str(i) for i in reversed(range(120))]


async def test_the_page_says_green_and_a_changed_act_shows_red(fresh_pool: Pool, client: httpx.AsyncClient) -> None:
    signer = Signer(b"\x05" * 32)
    await fresh_pool.execute("INSERT INTO transcript_key (public) VALUES ($1)", signer.public)
    await audit(fresh_pool, None, "test.act", "k:1")
    chain = Chain([signer], "yangcai.test")
    await chain.look(fresh_pool)
    text = (await client.get("/audit?event=test.act")).text
    assert 'data-state="good"' in text
    assert "✓ 已入链" in text
    assert 'data-good="true"' in (await client.get("/audit/chain")).text
    async with fresh_pool.acquire() as conn:
        await conn.execute("SET session_replication_role = replica")
        await conn.execute("UPDATE audit_event SET result = 'failed' WHERE object = 'k:1'")
        await conn.execute("RESET session_replication_role")
    assert "✕ 与链不符" in (await client.get("/audit?event=test.act")).text
    told = (await client.get("/audit/chain")).text
    assert 'data-good="false"' in told
    assert "内容与入链时不符" in told


async def test_searches_exports_and_checks_are_themselves_in_the_trail(
    fresh_pool: Pool, client: httpx.AsyncClient
) -> None:
    for path in ("/audit?who=somebody", "/audit/export.csv?event=lot", "/audit/chain"):
        assert (await client.get(path)).status_code == 200
    rows = await fresh_pool.fetch("SELECT event, detail FROM audit_event WHERE event LIKE 'audit.%' ORDER BY id")
    assert [row["event"] for row in rows] == ["audit.searched", "audit.exported", "audit.checked"]
    assert rows[0]["detail"]["who"] == "somebody"


async def test_the_whole_chain_is_not_checked_more_than_six_times_an_hour(client: httpx.AsyncClient) -> None:
    answers = [(await client.get("/audit/chain")).status_code for _ in range(pages.CHECKS_PER_HOUR + 1)]
    assert answers == [200] * pages.CHECKS_PER_HOUR + [429]


async def test_an_export_is_no_formula_in_any_cell(fresh_pool: Pool, client: httpx.AsyncClient) -> None:
    nasty = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://evil")', '"quoted", 逗号\n新行']
    for text in nasty:
        await audit(fresh_pool, None, "test.act", text)
    answer = await client.get("/audit/export.csv?event=test.act")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["对象"] for row in rows] == [harmless(text) for text in reversed(nasty)]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_only_supervisors_and_auditors_come_in(fresh_pool: Pool, app: WithState) -> None:
    for role in set(Role) - {Role.SUPERVISOR, Role.AUDITOR}:
        async with a_reader(fresh_pool, app, role) as client:
            for path in ("/audit", "/audit/export.csv", "/audit/chain"):
                assert (await client.get(path)).status_code == 403, (role, path)
    async with a_client(app) as client:
        assert (await client.get("/audit")).status_code == 401


async def test_nonsense_in_the_address_is_left_out(client: httpx.AsyncClient) -> None:
    for query in (
        "since=%00",
        "since=9999-99-99",
        "until=0001-01-01T00:00",
        "before=x",
        "who=%27%3B--&org=%25",
        "at=1",
    ):
        assert (await client.get(f"/audit?{query}")).status_code == 200, query


def test_long_times_are_counted_by_the_day() -> None:
    asked = wanted({"since": "2026-01-01T00:00", "until": "2026-02-01T00:00"}, 0)
    assert asked.until_ms - asked.since_ms == 31 * 24 * HOUR_MS
    bars = pages.bars_of([(0, {"done": 3, "refused": 1, "failed": 0}), (1, {"done": 0, "refused": 0, "failed": 0})])
    assert [part["height"] for part in bars[0]["parts"]] == [24.0, 72.0]
    assert bars[1]["parts"] == []


def test_every_act_that_the_product_writes_has_words() -> None:
    """Literal events; composed ones are the turns of a lot and the ways an award is passed on."""
    catalogue = site.load_texts()
    from auction.lot.model import Turn

    events = {f"lot.{turn}" for turn in Turn} | {"award.refused", "award.expired"}
    call = re.compile(r"\b(?:audit|by_hand|_note|write|refuse)\(.{0,120}?\"([a-z]+\.[a-z_]+)\"", re.DOTALL)
    for room in ("accounts", "auction", "intranet", "registries", "server", "yangcai"):
        for path in (ROOT / room).rglob("*.py"):
            events |= set(call.findall(path.read_text(encoding="utf-8")))
    assert {"account.login", "parameter.set", "schema.migrated", "door.acted", "sealed.refused"} <= events
    assert sorted(event for event in events if f"act.{event}" not in catalogue) == []
