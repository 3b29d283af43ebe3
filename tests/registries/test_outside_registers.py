"""外部登记: what registers say is taken over and not asked again; doubts stop no one but must be looked into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import uvicorn

from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.joining import pages as joining
from registries.outside import connector, rules
from registries.outside.connector import Gateway, Silent
from registries.outside.model import (
    Answer,
    CreditEntry,
    CreditExtract,
    CreditKind,
    Extract,
    FirmExtract,
    FirmState,
    Holder,
    Outcome,
    Register,
    SocialExtract,
    Stated,
    TaxExtract,
)
from registries.outside.simulator import Played
from registries.outside.world import DEBTOR, OWES, REVOKED, UNKNOWN, World
from registries.suppliers import checking, doors, records
from standards import uscc
from standards.workdays import day_of
from tests.accounts.admin.people import at
from tests.registries.firms import HEAD, a_browser, a_form, a_reviewer, registered, waiting
from tests.site import WithState, a_site
from tests.support import eventually, free_port

TOKEN = "what the gateway knows us by"
TODAY = date(2026, 11, 20)


def a_code(trouble: str = "1", region: str = "330106") -> str:
    body = f"91{region}MA{uuid4().int % 10**6:06d}{trouble}"
    return body + uscc.check_character(body)


@asynccontextmanager
async def a_gateway(world: World) -> AsyncIterator[tuple[Played, str]]:
    played, port = Played(world, TOKEN), free_port()
    server = uvicorn.Server(
        uvicorn.Config(played.site(), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started, within_s=10)
    try:
        yield played, f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = server.should_exit = True
        await task


class Scene:
    """A site connected over HTTP to a gateway that is played."""

    def __init__(self, app: WithState, played: Played) -> None:
        self.app, self.played, self.world = app, played, played.world


@asynccontextmanager
async def a_scene(pool: Pool, valkey: Valkey, clock: Clock) -> AsyncIterator[Scene]:
    async with a_gateway(World(lambda: day_of(clock.now_ms()))) as (played, url):
        routes = [*joining.ROUTES, *doors.ROUTES]
        yield Scene(a_site(pool, valkey, clock, routes, registers_url=url, registers_token=TOKEN), played)


@pytest.fixture
async def scene(pool: Pool, valkey_client: Valkey, clock: Clock) -> AsyncIterator[Scene]:
    async with a_scene(pool, valkey_client, clock) as found:
        yield found


def a_bare_form(code: str, **changed: Any) -> dict[str, str]:
    """The form of /register without what the company register tells."""
    form = a_form(uscc=code, **changed)
    return {name: value for name, value in form.items() if name not in ("name", "region", "head_name")}


OURS = Stated("杭州甲有限公司", "330106", "陈立新", frozenset({"陈立新"}))
FIRM = FirmExtract(name="杭州甲有限公司", region="330106", head_name="陈立新", holders=(Holder("陈立新", "", 6_000),))
DEBT = CreditEntry(CreditKind.DEBTOR, "1", "法院", TODAY - timedelta(days=9), TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("extract", "found"),
    [
        (FIRM, []),
        (FirmExtract(name="杭州甲 有限公司", region="330106", head_name="陈立新"), []),
        (FirmExtract(name="杭州乙有限公司", region="330106"), ["name"]),
        (FirmExtract(name="杭州甲有限公司", region="330108", head_name="林文静"), ["region", "head"]),
        (FirmExtract(name="杭州甲有限公司", region="330106", state=FirmState.REVOKED), ["gone"]),
        (
            FirmExtract(name="杭州甲有限公司", region="330106", holders=(Holder("丙", "91330100MA0000001R", 5_001),)),
            ["holder"],
        ),
        (FirmExtract(name="杭州甲有限公司", region="330106", holders=(Holder("丙", "", 5_000),)), []),
        (TaxExtract("D", 1), ["tax_owed", "tax_grade"]),
        (TaxExtract("C", 0), []),
        (SocialExtract(0, None), ["social_none"]),
        (SocialExtract(3, TODAY - timedelta(days=93)), ["social_late"]),
        (SocialExtract(3, TODAY - timedelta(days=92)), []),
        (CreditExtract((DEBT,)), ["barred"]),
        (CreditExtract((CreditEntry(CreditKind.DEBTOR, "1", "法院", TODAY, TODAY),)), []),
        (CreditExtract((CreditEntry(CreditKind.ABNORMAL, "1", "局", TODAY),)), ["abnormal"]),
    ],
)
def test_what_does_not_fit_or_speaks_against_a_firm_is_a_doubt(extract: Extract, found: list[str]) -> None:
    register = next(each for each, shape in connector.SHAPES.items() if isinstance(extract, shape))
    assert rules.doubts(OURS, [Answer(register, Outcome.FOUND, extract)], TODAY) == found


def test_a_firm_that_is_not_known_is_a_doubt_and_a_silent_register_is_none() -> None:
    said = [Answer(each, Outcome.SILENT) for each in Register]
    assert rules.doubts(OURS, said, TODAY) == []
    assert rules.doubts(OURS, [Answer(Register.FIRM, Outcome.UNKNOWN)], TODAY) == ["unknown"]
    assert rules.doubts(OURS, [Answer(Register.TAX, Outcome.UNKNOWN)], TODAY) == []


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b'{"name": 7}', b'{"name": "x"}', b"\xff", b"{" * 9_000])
def test_what_is_no_extract_is_not_half_read(raw: bytes) -> None:
    with pytest.raises(Silent):
        connector.read(Register.FIRM, raw)


async def test_the_gateway_answers_knows_nothing_or_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "TIMEOUT_S", 0.3)
    async with a_gateway(World(lambda: TODAY)) as (played, url):
        asked = Gateway(url, TOKEN)
        for register in Register:
            assert await asked.ask(register, a_code()) is not None
            assert await asked.ask(register, a_code(UNKNOWN)) is None
        for fault, why in (("busy", "503"), ("garbled", "shape"), ("slow", "Timeout")):
            played.fault = fault
            with pytest.raises(Silent, match=why):
                await asked.ask(Register.FIRM, a_code())
        with pytest.raises(Silent, match="401"):
            await Gateway(url, "another").ask(Register.FIRM, a_code())
    with pytest.raises(Silent):
        await Gateway(url, TOKEN).ask(Register.FIRM, a_code())


async def test_what_the_register_tells_is_not_asked(scene: Scene, pool: Pool) -> None:
    code = a_code()
    firm = scene.world.extract(Register.FIRM, code)
    assert isinstance(firm, FirmExtract)
    async with a_browser(scene.app) as new:
        page = (await new.post("/register", data={"kind": "supplier", "uscc": code, "what": "lookup"})).text
    assert firm.name in page
    assert 'name="name"' not in page
    assert 'name="head_name"' not in page
    actor = await registered(scene.app, pool, a_bare_form(code))
    facts = await records.facts(pool, actor.org_id)
    assert facts is not None
    assert (facts.name, facts.region, facts.head_name, facts.status) == (
        firm.name,
        firm.region,
        firm.head_name,
        "provisional",
    )
    assert facts.head_key in facts.controllers, "the head holds more than half: taken over with his own number"
    asked = scene.played.asked
    async with at(scene.app, pool, actor) as own:
        page = (await own.get("/suppliers/own")).text
        assert 'data-told="address"' in page
        assert HEAD not in page
    assert scene.played.asked == asked, "a page asks nobody"


async def test_who_files_under_a_code_he_read_somewhere_learns_nothing_that_is_not_public(
    scene: Scene, pool: Pool
) -> None:
    actor = await registered(scene.app, pool, a_bare_form(a_code(OWES)))
    pages = ("/suppliers/own", f"/suppliers/{actor.org_id}")
    async with at(scene.app, pool, actor) as own:
        for path in pages:
            page = (await own.get(path)).text
            seen = [f'data-register="{each}"' in page for each in ("firm", "credit", "tax", "social")]
            assert (seen, "tax_owed" in page) == ([True, True, False, False], False), path
        assert await decided(scene, pool, await waiting(pool, actor.org_id), proven="1") == 303
        for path in pages:
            assert 'data-register="tax"' in (await own.get(path)).text, "its home has looked at it"


async def test_a_name_that_was_typed_otherwise_gives_way_to_the_register(scene: Scene, pool: Pool) -> None:
    code = a_code()
    actor = await registered(scene.app, pool, a_form(uscc=code, name="杭州别家有限公司", head_name="别人"))
    facts, firm = await records.facts(pool, actor.org_id), scene.world.extract(Register.FIRM, code)
    assert facts is not None
    assert isinstance(firm, FirmExtract)
    assert (facts.name, facts.head_name) == (firm.name, firm.head_name)


@pytest.mark.parametrize("fault", ["busy", "garbled", "slow"])
async def test_a_silent_register_keeps_nobody_out(
    scene: Scene, pool: Pool, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "TIMEOUT_S", 0.3)
    scene.played.fault = fault
    form = a_form(uscc=a_code())
    actor = await registered(scene.app, pool, form)
    facts = await records.facts(pool, actor.org_id)
    assert facts is not None
    assert (facts.name, facts.status) == (form["name"], "provisional")
    async with at(scene.app, pool, await a_reviewer(pool)) as reviewer:
        page = (await reviewer.get(f"/suppliers/filings/{await waiting(pool, actor.org_id)}")).text
        assert page.count('data-outcome="silent"') == 4


async def decided(scene: Scene, pool: Pool, filing: UUID, **form: str) -> int:
    async with at(scene.app, pool, await a_reviewer(pool)) as reviewer:
        return (await reviewer.post(f"/suppliers/filings/{filing}", data={"decision": "approve", **form})).status_code


@pytest.mark.parametrize(("trouble", "doubt"), [(OWES, "tax_owed"), (DEBTOR, "barred"), (REVOKED, "gone")])
async def test_doubts_are_shown_and_must_be_looked_into(scene: Scene, pool: Pool, trouble: str, doubt: str) -> None:
    actor = await registered(scene.app, pool, a_bare_form(a_code(trouble)))
    filing = await waiting(pool, actor.org_id)
    async with at(scene.app, pool, await a_reviewer(pool)) as reviewer:
        assert f'data-doubt="outside.doubt.{doubt}"' in (await reviewer.get(f"/suppliers/filings/{filing}")).text
    assert await decided(scene, pool, filing) == 409
    assert await decided(scene, pool, filing, proven="1") == 303
    seen = await checking.open_doubts(pool, actor.org_id)
    assert [(row["doubt"], row["seen_at"] is None) for row in seen] == [(doubt, False)]


async def test_a_firm_unknown_to_the_register_files_by_hand_and_is_looked_at(scene: Scene, pool: Pool) -> None:
    form = a_form(uscc=a_code(UNKNOWN))
    async with a_browser(scene.app) as new:
        page = (await new.post("/register", data={**form, "what": "lookup"})).text
        assert 'data-outcome="unknown"' in page
        assert 'name="name"' in page
    actor = await registered(scene.app, pool, form)
    assert await decided(scene, pool, await waiting(pool, actor.org_id)) == 409


async def test_everybody_sees_the_credit_record_and_only_the_reviewer_the_taxes(scene: Scene, pool: Pool) -> None:
    actor = await registered(scene.app, pool, a_bare_form(a_code(DEBTOR)))
    assert await decided(scene, pool, await waiting(pool, actor.org_id), proven="1") == 303
    async with a_browser(scene.app) as nobody:
        page = (await nobody.get(f"/suppliers/{actor.org_id}")).text
        assert "杭州市中级人民法院" in page
        assert 'data-register="tax"' not in page
        told = (await nobody.get(f"/api/suppliers/{actor.org_id}", headers={"Accept": "application/json"})).json()
        assert [one["kind"] for one in told["credit"]] == ["debtor"]
    async with at(scene.app, pool, await a_reviewer(pool)) as reviewer:
        assert 'data-register="tax"' in (await reviewer.get(f"/suppliers/{actor.org_id}")).text


async def asked_again(scene: Scene, pool: Pool, clock: Any) -> None:
    """All that are due are asked again."""
    state = scene.app.state
    while await checking.once(pool, state["registers"], clock):
        pass


class Later(Clock):
    """The clock a number of days on."""

    def __init__(self, days: int) -> None:
        super().__init__()
        self.days = days

    def now_ms(self) -> int:
        return super().now_ms() + self.days * 86_400_000


async def test_what_changes_outside_waits_for_the_reviewer_until_it_is_looked_into_or_over(
    fresh_pool: Pool, valkey_client: Valkey, clock: Clock
) -> None:
    async with a_scene(fresh_pool, valkey_client, clock) as scene:
        await what_changes(scene, fresh_pool)


async def what_changes(scene: Scene, pool: Pool) -> None:
    code = a_code()
    actor = await registered(scene.app, pool, a_bare_form(code))
    assert await decided(scene, pool, await waiting(pool, actor.org_id)) == 303
    before = scene.played.asked
    await asked_again(scene, pool, Later(29))
    assert scene.played.asked == before, "not due yet"
    firm = scene.world.extract(Register.FIRM, code)
    assert isinstance(firm, FirmExtract)
    scene.world.stated[code] = FirmExtract(name=firm.name + "（集团）", region=firm.region, state=FirmState.REVOKED)
    await asked_again(scene, pool, Later(31))
    todo = "SELECT count(*) FROM todo_of_doubts WHERE object_id = $1"
    assert await pool.fetchval(todo, actor.org_id) == 1
    found = {row["doubt"]: row["id"] for row in await checking.open_doubts(pool, actor.org_id)}
    assert set(found) == {"gone", "name"}
    async with at(scene.app, pool, await a_reviewer(pool, "3302")) as elsewhere:
        assert (await elsewhere.post(f"/suppliers/doubts/{found['gone']}", data={"remark": "看过"})).status_code == 404
    async with at(scene.app, pool, await a_reviewer(pool)) as reviewer:
        assert (await reviewer.post(f"/suppliers/doubts/{found['gone']}", data={"remark": " "})).status_code == 422
        for doubt in found.values():
            assert (await reviewer.post(f"/suppliers/doubts/{doubt}", data={"remark": "已通知变更"})).status_code == 303
        assert (await reviewer.post(f"/suppliers/doubts/{found['gone']}", data={"remark": "再看"})).status_code == 409
    assert await pool.fetchval(todo, actor.org_id) == 0
    scene.world.stated[code] = firm
    await asked_again(scene, pool, Later(62))
    assert await checking.open_doubts(pool, actor.org_id) == []
    history = "SELECT count(*) FROM outside_answer WHERE code = $1 AND register = 'firm'"
    assert await pool.fetchval(history, code) == 3, "each different answer is kept, the same one once"


async def test_the_firm_asks_again_itself_and_a_stranger_may_not_for_ever(scene: Scene, pool: Pool) -> None:
    actor = await registered(scene.app, pool, a_bare_form(a_code()))
    asked = scene.played.asked
    async with at(scene.app, pool, actor) as own:
        assert (await own.post("/suppliers/own/registers", data={})).status_code == 303
        assert scene.played.asked == asked + 4
        statuses = [(await own.post("/suppliers/own/registers", data={})).status_code for _ in range(10)]
    assert statuses == [303] * 9 + [429]
    async with a_browser(scene.app) as stranger:
        form = {"kind": "supplier", "uscc": a_code(), "what": "lookup"}
        statuses = [(await stranger.post("/register", data=form)).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
