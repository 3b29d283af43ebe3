"""The live pages: what the server draws, for whom, and that their modules find every sentence they say."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from auction.doors import livepages, wording
from auction.lot.model import Decrement, FormatName, LotRules, Overtime, PriceBasis, StepAgainst, StepKind
from plumbing import texts
from plumbing.postgres import Pool
from server import site as server_site
from tests.live import Site, a_live_site, a_program, a_started_lot, quick_rules
from tests.support import ROOT

SCRIPTS = sorted((ROOT / "server" / "static" / "js").glob("*.js"))


@pytest_asyncio.fixture(scope="module")
async def site(pool: Pool, valkey_url: str, postgres_url: str) -> AsyncIterator[Site]:
    async with a_live_site(pool, valkey_url, postgres_url) as running:
        yield running


@pytest.fixture(scope="module")
def catalogue() -> texts.Texts:
    return server_site.load_texts()


def facts_of(html: str) -> dict[str, object]:
    """What the page hands its module."""
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', html, re.DOTALL)
    assert found
    facts: dict[str, object] = json.loads(found[1])
    return facts


async def test_a_bidder_finds_rules_limits_and_his_alias_in_the_room(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    async with a_program(site, "supplier1") as program:
        page = await program.get(f"/lots/{lot_id}/room")
    assert page.status_code == 200
    assert "每次至少比自己上次低 ¥1.00。" in page.text
    facts = facts_of(page.text)
    assert (facts["lot"], facts["unit"], facts["ceiling"]) == (str(lot_id), "fen", 48_000_000)
    assert re.fullmatch("[A-Z][0-9]+", str(facts["alias"]))


async def test_hosts_and_supervisors_watch_and_bidders_are_led_to_their_room(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    for login, doors in (("buyer", True), ("supervisor", False)):
        async with a_program(site, login) as program:
            page = await program.get(f"/lots/{lot_id}/watch")
            assert page.status_code == 200
            assert ('data-act="pause"' in page.text) is doors
            assert (await program.get(f"/lots/{lot_id}/room")).headers["location"] == f"/lots/{lot_id}/watch"
    async with a_program(site, "supplier1") as program:
        assert (await program.get(f"/lots/{lot_id}/watch")).headers["location"] == f"/lots/{lot_id}/room"


async def test_who_has_no_seat_sees_neither_room_nor_watch_page(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000), bidders=4)
    async with a_program(site, "supplier6") as program:
        for place in ("room", "watch"):
            assert (await program.get(f"/lots/{lot_id}/{place}")).status_code == 303
        unknown = await program.get("/lots/00000000-0000-7000-8000-000000000000/room")
        assert unknown.status_code == 404
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as nobody:
        answer = await nobody.get(f"/lots/{lot_id}/room", headers={"Accept": "text/html"})
        assert answer.status_code in (303, 401)


async def test_the_board_shows_running_lots_to_those_who_may_watch_them(site: Site) -> None:
    lot_id = await a_started_lot(site, quick_rules(duration_ms=60_000))
    for login in ("buyer", "supervisor"):
        async with a_program(site, login) as program:
            assert f'data-lot="{lot_id}"' in (await program.get("/board")).text
    async with a_program(site, "operator") as program:
        assert f'data-lot="{lot_id}"' not in (await program.get("/board")).text
    async with a_program(site, "supplier1") as program:
        assert (await program.get("/board")).status_code == 403


async def test_the_preflight_page_needs_no_lot_and_no_login(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as nobody:
        page = await nobody.get("/preflight")
    assert page.status_code == 200
    assert page.text.count("data-check=") == 9


def test_facts_cannot_break_out_of_their_element() -> None:
    text = str(livepages.as_data({"title": "</script><b>&amp;"}))
    assert "<" not in text
    assert json.loads(text) == {"title": "</script><b>&amp;"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_sentence_a_module_says_is_in_the_catalogue(path: object, catalogue: texts.Texts) -> None:
    code = getattr(path, "read_text")(encoding="utf-8")  # noqa: B009
    for key in re.findall(r"""\bt\("([a-z_]+\.[a-zA-Z_.]+)\"""", code):
        assert key in catalogue, key
    for begin in re.findall(r"\bt\(`([a-z_.]+)\$\{", code):
        assert any(key.startswith(begin) for key in catalogue.keys()), begin  # noqa: SIM118


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_modules_use_nothing_newer_than_chromium_109(path: object) -> None:
    code = getattr(path, "read_text")(encoding="utf-8")  # noqa: B009
    for young in (r"Array\.fromAsync", r"\bwith\s*\{\s*type", r"Object\.groupBy", r"Promise\.withResolvers",
                  r"\.toSorted\(", r"\.toReversed\(", r"\.isWellFormed", r"URL\.canParse", r"innerHTML"):  # fmt: skip
        assert not re.search(young, code), young


def in_words(rules: LotRules, catalogue: texts.Texts) -> list[str]:
    return list(wording.rules_in_words(rules, lambda key, **params: catalogue.say(key, "zh", **params)))


def test_every_kind_of_rule_has_its_words(catalogue: texts.Texts) -> None:
    for against in StepAgainst:
        for kind in StepKind:
            if (kind, against) != (StepKind.MULTIPLE, StepAgainst.LEAD):
                rules = LotRules(decrement=Decrement(kind, 100, 50, (), against))
                assert len(in_words(rules, catalogue)) >= 5
    lot = LotRules(decrement=Decrement(StepKind.PERCENTAGE, bp=50))
    assert "每次至少比自己上次低 0.5%。" in in_words(lot, catalogue)


def test_rounds_and_lots_without_overtime_say_so(catalogue: texts.Texts) -> None:
    rounds = in_words(LotRules(format=FormatName.ROUND_REVERSE), catalogue)
    assert rounds[0] == "轮次竞价：共 3 轮，每轮按名次由后到前依次报价，每次 120 秒。"
    assert not any("延时" in sentence for sentence in rounds)
    assert "到时即止，不延时。" in in_words(LotRules(overtime=Overtime(extensions_max=0)), catalogue)


def test_amounts_of_discount_rate_lots_are_percentages() -> None:
    assert wording.amount_text(7_350, PriceBasis.DISCOUNT_RATE) == "73.50%"
    assert wording.amount_text(240_000, PriceBasis.TOTAL) == "¥2,400.00"
