"""docs/security.md: every test it names exists, no requirement is left out; and what its tables promise in passing."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from accounts.model import Role
from auction.lot import live
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server import app, worker
from server.settings import Settings
from tests.flows import test_who_may_do_what as doors
from tests.live import a_live_site
from tests.site import a_client, a_person, a_site, log_in
from tests.support import ROOT

DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
STATES = {"yes", "part", "not yet", "n/a"}
# OWASP ASVS 5.0.0: the levels of the requirements of each section, in their order.
SECTIONS = """
    1.1 22|1.2 1111122223|1.3 112222222223|1.4 222|1.5 123|2.1 122|2.2 112|2.3 12223|2.4 23|3.1 3|3.2 113|3.3 12223
    3.4 11222233|3.5 11122333|3.6 3|3.7 22333|4.1 12233|4.2 23333|4.3 22|4.4 1222|5.1 2|5.2 112333|5.3 113|5.4 222
    6.1 122|6.2 111111112222|6.3 11223333|6.4 112233|6.5 22222333|6.6 2223|6.7 33|6.8 2222|7.1 222|7.2 1111|7.3 22
    7.4 11222|7.5 223|7.6 22|8.1 1233|8.2 1123|8.3 133|8.4 23|9.1 111|9.2 1222|10.1 22|10.2 223|10.3 22223
    10.4 1111122222233333|10.5 22222|10.6 22|10.7 222|11.1 2233|11.2 22233|11.3 11233|11.4 1222|11.5 23|11.6 23|11.7 33
    12.1 12233|12.2 11|12.3 22223|13.1 2333|13.2 222223|13.3 2233|13.4 1222233|14.1 22|14.2 12223333|14.3 122
    15.1 12233|15.2 12233|15.3 1222222|15.4 3333|16.1 2|16.2 22222|16.3 2222|16.4 222|16.5 2223|17.1 23|17.2 22223333
    17.3 22
"""
LEVELS = {
    f"{section}.{i}": level
    for section, levels in (pair.split() for line in SECTIONS.split("\n") for pair in line.split("|") if pair.strip())
    for i, level in enumerate(levels, 1)
}
AS_A_WHOLE = ("10.3.", "10.4.", "10.6.", "10.7.", "17.")
GB_CLAUSES = {
    1: "abcd",
    2: "abcdefg",
    3: "abcd",
    4: "abcdef",
    5: "",
    6: "",
    7: "ab",
    8: "ab",
    9: "abc",
    10: "ab",
    11: "ab",
}


def rows(pattern: str) -> list[list[str]]:
    """The cells of every table row whose first cell fits."""
    lines = [line.strip("| ").split(" | ") for line in DOCUMENT.splitlines() if line.startswith("| ")]
    return [cells for cells in lines if re.fullmatch(pattern, cells[0])]


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOCUMENT))
    assert len(named) > 150
    there: dict[str, set[str]] = {}
    for path, _ in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        there[path] = {node.name for node in tree.body if isinstance(node, functions)}
    assert sorted(f"{path}::{name}" for path, name in named if name not in there[path]) == []


def test_no_requirement_of_asvs_of_level_1_or_2_is_left_out() -> None:
    assert [list(LEVELS.values()).count(level) for level in "123"] == [70, 183, 92]
    found = {cells[0][1:]: cells[1] for cells in rows(r"V\d+\.\d+\.\d+")}
    assert len(found) == len(rows(r"V\d+\.\d+\.\d+")), "each once"
    assert {id_: level for id_, level in found.items() if LEVELS.get(id_) != level} == {}
    wanted = {id_ for id_, level in LEVELS.items() if level in "12" and not id_.startswith(AS_A_WHOLE)}
    assert sorted(wanted - set(found)) == []
    for chapter in AS_A_WHOLE:
        many = sum(1 for id_, level in LEVELS.items() if id_.startswith(chapter) and level in "12")
        assert re.search(rf"\*\*V{chapter[:-1]}\*\* \([^)]*\b{many}\b", DOCUMENT), chapter


def test_every_clause_of_the_national_standard_has_its_row() -> None:
    wanted = [f"8.1.4.{n} {letter}".strip() for n, letters in GB_CLAUSES.items() for letter in letters or [""]]
    assert [cells[0] for cells in rows(r"8\.1\.4\.\d+( [a-g])?")] == wanted


def test_every_row_says_what_was_found_and_shows_a_test_or_a_reason() -> None:
    for cells in [*rows(r"V\d+\.\d+\.\d+"), *rows(r"8\.1\.4\.\d+( [a-g])?")]:
        assert cells[2] in STATES, cells
        assert len(cells[3]) > 5, cells


@pytest_asyncio.fixture
async def client(pool: Pool, valkey_client: Valkey, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is logged in."""
    person = await a_person(pool, Role.BUYER)
    headers = {"Origin": "http://yangcai.test", "Accept": "text/html"}
    async with a_client(a_site(pool, valkey_client, clock), "10.88.0.1", headers=headers) as client:
        await log_in(client, person.login)
        yield client


async def test_the_headers_that_the_tables_promise_are_sent(client: httpx.AsyncClient) -> None:
    for path in ("/login", "/account", "/api/me", "/static/css/base.css", "/nope"):
        headers = (await client.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    assert worker.configuration(app.create(Settings()), 1).server_header is False


async def test_pages_of_people_are_not_kept(client: httpx.AsyncClient) -> None:
    for path in ("/account", "/api/me", "/login", "/nope", "/api/nothing"):
        assert (await client.get(path)).headers["cache-control"] == "no-store", path


async def test_folders_are_not_listed_and_trace_is_not_answered(client: httpx.AsyncClient) -> None:
    for path in ("/static/", "/static/css/", "/static/css", "/static/../pyproject.toml", "/static/%2e%2e/app.py"):
        assert (await client.get(path)).status_code == 404, path
    for path in ("/login", "/api/me", "/static/css/base.css"):
        assert (await client.request("TRACE", path)).status_code == 405, path


async def test_every_page_of_somebody_who_is_logged_in_lets_him_out(client: httpx.AsyncClient) -> None:
    for path in ("/account", "/nope"):
        assert 'action="/logout"' in (await client.get(path)).text
    own_head = {"base.html", "watchman_base.html"}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if page.name not in own_head and "<html" in text:
            pytest.fail(f"{page.name} has a head of its own: where is its way out?")


def pages() -> list[Path]:
    return sorted(
        path for room in ("server", "supervision", "auction", "accounts") for path in (ROOT / room).rglob("*.html")
    )


def test_password_fields_hide_what_is_typed_and_let_managers_fill_it() -> None:
    fields = [
        tag
        for page in pages()
        for tag in re.findall(r"<input[^>]*>", page.read_text(encoding="utf-8"))
        if re.search(r'name="(password|old|new|again|passphrase)"', tag) and 'type="hidden"' not in tag
    ]
    assert len(fields) >= 5
    assert [tag for tag in fields if 'type="password"' not in tag or 'autocomplete="' not in tag] == []
    scripts = (ROOT / "server" / "static" / "js").glob("*.js")
    assert not [path.name for path in scripts if re.search(r"[\"']paste[\"']", path.read_text(encoding="utf-8"))]


def test_cryptography_is_used_where_the_table_says() -> None:
    using = {
        str(path.parent.relative_to(ROOT))
        for room in ("server", "supervision", "auction", "registries", "accounts", "ledger", "plumbing", "standards")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"^\s*(from|import) (cryptography|argon2)\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert using == {"accounts", "accounts/factors", "auction/sealed", "ledger"}


async def test_no_door_that_reads_is_a_door_that_changes(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str
) -> None:
    await live.load(valkey_client)
    people = await doors.the_people(pool)
    scene = await doors.a_scene(pool, valkey_client, people)
    before = await doors.trace(pool, scene)
    async with a_live_site(pool, valkey_url, postgres_url) as site, httpx.AsyncClient(trust_env=False) as program:
        for name, actor in people.by_name.items():
            visitor = doors.Visitor(site, name, actor, program)
            for route in doors.doors():
                if route.startswith("GET") and not route.endswith("/stream"):
                    assert await visitor.knock(route, scene) < 500, (name, route)
    assert await doors.trace(pool, scene) == before
