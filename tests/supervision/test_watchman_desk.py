"""旁路审计台: the watchman's site. Other accounts, live warnings, one bars, two release; and its command line."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import pytest_asyncio
import uvicorn
from typer.testing import CliRunner

from accounts import sessions
from accounts.audit import audit
from accounts.audit.chain import Chain
from accounts.model import Role
from ledger.note import Signer
from plumbing.clock import Clock
from plumbing.postgres import Pool
from server import watchman
from server.watchman import LIMITS, Places, WatchmanRefused, limits_of, put_admin
from supervision.watchman.pages import ATTEMPTS_MAX
from tests.auction.people import an_actor, an_organisation
from tests.support import eventually, free_port
from yangcai import cli

SECRET = "a password of nine words"
CHAIN = Chain([Signer(b"\x07" * 32)], "yangcai.test")


class Desk:
    """A watchman who serves, and his two administrators."""

    def __init__(self, origin: str, main: Pool, url: str, folder: Path, secrets: dict[str, str]) -> None:
        self.origin, self.main, self.url, self.folder, self.secrets = origin, main, url, folder, secrets

    def form(self, login: str, steps_ahead: int = 0) -> dict[str, str]:
        """What an administrator types to come in."""
        code = pyotp.TOTP(self.secrets[login]).at(Clock().now_ms() // 1_000 + 30 * steps_ahead)
        return {"login": login, "password": SECRET, "code": code}

    @asynccontextmanager
    async def admin(self, login: str = "") -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Origin": self.origin, "Accept": "text/html"}
        async with httpx.AsyncClient(base_url=self.origin, headers=headers, trust_env=False) as client:
            if login:
                answer = await client.post("/login", data=self.form(login))
                assert answer.status_code == 303, answer.text
            yield client


@pytest_asyncio.fixture
async def desk(fresh_pool: Pool, fresh_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    await fresh_pool.execute("INSERT INTO transcript_key (public) VALUES ($1)", Signer(b"\x07" * 32).public)
    await fresh_pool.execute("DROP ROLE IF EXISTS desk_watchman")
    await fresh_pool.execute("CREATE ROLE desk_watchman LOGIN IN ROLE yangcai_watchman")
    secrets = {login: await put_admin(tmp_path, login, SECRET) for login in ("audit1", "audit2")}
    theirs, port = fresh_url.replace("yangcai@", "desk_watchman@"), free_port()
    app = watchman.create(Places(tmp_path, theirs, port=port))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started, within_s=15)
    yield Desk(f"http://127.0.0.1:{port}", fresh_pool, fresh_url, tmp_path, secrets)
    server.should_exit = True
    await task


async def a_reader_of_many(pool: Pool) -> Any:
    """A purchaser's handler who reads sixty cases within a moment."""
    person = await an_actor(pool, await an_organisation(pool), Role.BUYER)
    for i in range(60):
        await audit(pool, person, "door.read", f"auction:{i}")
    await CHAIN.look(pool)
    return person


async def panel(client: httpx.AsyncClient) -> str:
    answer = await client.get("/panel")
    assert answer.status_code == 200
    return answer.text


async def test_a_warning_appears_as_it_happens_and_one_takes_note_of_it(desk: Desk) -> None:
    async with desk.admin("audit1") as admin:
        assert "没有预警" in await panel(admin)
        person = await a_reader_of_many(desk.main)
        text = await eventually(lambda: says(admin, 'data-kind="bulk_read"'))
        assert person.login in text
        found = re.search(r'data-warning="(\d+)" data-kind="bulk_read"', text)
        assert found
        assert (await admin.post(f"/warnings/{found[1]}")).status_code == 303
        assert "audit1 已知悉" in await panel(admin)


async def says(client: httpx.AsyncClient, what: str) -> str:
    text = await panel(client)
    return text if what in text else ""


async def test_one_bars_and_two_release(desk: Desk) -> None:
    person, now = await an_actor(desk.main, await an_organisation(desk.main), Role.BUYER), Clock().now_ms()
    token = await sessions.begin(desk.main, person.user_id, now)
    async with desk.admin("audit1") as one, desk.admin("audit2") as two:
        assert (await one.post("/bar", data={"person": "nobody", "reason": "越权访问"})).status_code == 404
        assert (await one.post("/bar", data={"person": person.login, "reason": ""})).status_code == 422
        assert await sessions.by_token(desk.main, token, now)
        assert (await one.post("/bar", data={"person": person.login, "reason": "越权访问"})).status_code == 303
        assert await sessions.by_token(desk.main, token, now) is None
        release = re.search(r'href="(/release/[^"]+)"', await panel(one))
        assert release
        assert (await one.post(release[1], data={"reason": "核查无误"})).status_code == 303
        alone = await one.post(release[1], data={"what": "agree"})
        assert (alone.status_code, "须由另一名管理员同意" in alone.text) == (403, True)
        assert "同意解除" in (await two.get(release[1])).text
        assert (await two.post(release[1], data={"what": "agree"})).status_code == 303
        assert "没有停用的账号" in await panel(two)
        assert (await two.post(release[1], data={"what": "agree"})).status_code == 404
    again = await sessions.begin(desk.main, person.user_id, now)
    assert await sessions.by_token(desk.main, again, now)


async def test_a_release_that_is_declined_must_be_asked_for_anew(desk: Desk) -> None:
    person = await an_actor(desk.main, await an_organisation(desk.main), Role.BUYER)
    async with desk.admin("audit1") as one, desk.admin("audit2") as two:
        await one.post("/bar", data={"person": str(person.user_id), "reason": "越权访问"})
        release = re.search(r'href="(/release/[^"]+)"', await panel(one))
        assert release
        await one.post(release[1], data={"reason": "核查无误"})
        assert (await two.post(release[1], data={"what": "decline"})).status_code == 303
        assert (await two.post(release[1], data={"what": "agree"})).status_code == 422, "a reason is wanted anew"
        assert await desk.main.fetchval("SELECT count(*) FROM audit_release") == 0


async def test_his_accounts_are_his_own_and_guessing_is_stopped(desk: Desk) -> None:
    async with desk.admin() as stranger:
        for path in ("/panel", "/bar"):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")
        assert (await stranger.post("/bar", data={"person": "x", "reason": "越权访问"})).status_code == 401
        answers = [
            (await stranger.post("/login", data={"login": "audit1", "password": "guess"})).status_code
            for _ in range(ATTEMPTS_MAX + 1)
        ]
        assert answers == [401] * ATTEMPTS_MAX + [429]
        assert (await stranger.post("/login", data=desk.form("audit1"))).status_code == 429


async def test_nobody_comes_in_without_a_code_good_once(desk: Desk) -> None:
    good = desk.form("audit1")
    async with desk.admin() as client:
        assert 'name="code"' in (await client.get("/login")).text
        for wrong in ({"code": ""}, {"code": "12345"}, {"code": desk.form("audit2")["code"]}, {"password": "guess"}):
            assert (await client.post("/login", data=good | wrong)).status_code == 401
        assert (await client.post("/login", data=good)).status_code == 303
    async with desk.admin() as replayer:
        assert (await replayer.post("/login", data=good)).status_code == 401
        assert (await replayer.post("/login", data=desk.form("audit1", 1))).status_code == 303


async def test_an_account_from_before_the_codes_is_opened_anew(desk: Desk) -> None:
    with sqlite3.connect(desk.folder / "watchman.db") as db:
        db.execute("UPDATE admin SET secret = '' WHERE login = 'audit2'")
    async with desk.admin() as client:
        answer = await client.post("/login", data=desk.form("audit2"))
        assert (answer.status_code, "重新开户" in answer.text) == (403, True)


async def test_the_cookie_is_out_of_reach_and_pages_carry_strict_headers(desk: Desk) -> None:
    async with desk.admin() as client:
        answer = await client.post("/login", data=desk.form("audit2"))
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        page = await client.get("/")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert (await client.post("/bar", data={"person": "x", "reason": "越权访问"}, headers=evil)).status_code == 403
        await client.post("/logout")
        assert (await client.get("/panel")).status_code == 303
    assert (desk.folder / "watchman.db").stat().st_mode & 0o077 == 0
    assert (desk.folder / "watchman.keys").stat().st_mode & 0o077 == 0


def test_limits_are_written_once_and_nonsense_in_them_is_refused(tmp_path: Path) -> None:
    assert limits_of(tmp_path) == limits_of(tmp_path)
    for wrong in ("objects_per_minute = 0", "no_such = 1", 'auto_block = ["no_such"]', "nonsense"):
        (tmp_path / LIMITS).write_text(wrong)
        with pytest.raises(WatchmanRefused, match=r"rules\.toml"):
            limits_of(tmp_path)


def test_an_administrator_is_opened_from_the_command_line(tmp_path: Path) -> None:
    def opened(password: str) -> int:
        given = ["watchman", "admin", "audit1", "--folder", str(tmp_path)]
        return CliRunner().invoke(cli.app, given, input=password + "\n").exit_code

    assert opened("short") == 1
    assert opened(SECRET) == 0
