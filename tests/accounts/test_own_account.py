"""我的账号: another password, the own sessions; and what a password may be."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from accounts import passwords, rules
from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.site import PASSWORD, WithState, a_client, a_person, a_site, log_in

NEW = "another phrase, quite long"
_address = itertools.count(1)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, clock: Clock) -> WithState:
    return a_site(pool, valkey_client, clock)


def a_browser(app: WithState, **options: Any) -> httpx.AsyncClient:
    headers = {"Origin": "http://yangcai.test", "Accept": "text/html"}
    return a_client(app, f"10.77.{next(_address)}.1", headers=headers, **options)


async def changed(client: httpx.AsyncClient, old: str, new: str, again: str = "") -> httpx.Response:
    return await client.post("/account/password", data={"old": old, "new": new, "again": again or new})


async def test_a_new_password_ends_the_other_sessions_and_is_the_only_one_from_now_on(
    app: WithState, pool: Pool
) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as one, a_browser(app) as other:
        await log_in(one, person.login)
        await log_in(other, person.login)
        assert (await changed(one, PASSWORD, NEW)).status_code == 303
        assert (await one.get("/api/me")).status_code == 200
        assert (await other.get("/api/me")).status_code == 401
        assert (await log_in(other, person.login)).status_code == 401
        assert (await log_in(other, person.login, NEW)).status_code == 200
    row = await pool.fetchrow("SELECT result FROM audit_event WHERE event = 'account.password' AND person_id = $1",
                              person.user_id)  # fmt: skip
    assert row is not None
    assert row["result"] == "done"


async def test_the_old_password_is_needed_and_guessing_it_is_stopped(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as client:
        await log_in(client, person.login)
        answers = [(await changed(client, "not the old one", NEW)).status_code for _ in range(6)]
        assert answers == [403] * rules.ATTEMPTS_PER_LOGIN + [429]


@pytest.mark.parametrize("new", ["short", "yangcai12345", PASSWORD, "x" * 201])
async def test_a_password_that_is_not_fit_is_refused_in_words(app: WithState, pool: Pool, new: str) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as client:
        await log_in(client, person.login)
        answer = await changed(client, PASSWORD, new)
        assert (answer.status_code, "新密码须与原密码不同" in answer.text) == (422, True)
        differ = await changed(client, PASSWORD, NEW, "something else")
        assert (differ.status_code, "不一致" in differ.text) == (422, True)


async def test_a_password_is_taken_exactly_as_it_was_typed(app: WithState, pool: Pool) -> None:
    typed = "  Blanks and 汉字 at both ends  "
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as client:
        await log_in(client, person.login)
        assert (await changed(client, PASSWORD, typed)).status_code == 303
    for given, status in ((typed, 303), (typed.strip(), 401), (typed.upper(), 401)):
        async with a_browser(app) as client:
            answer = await client.post("/login", data={"login": person.login, "password": given})
            assert answer.status_code == status, given


async def test_a_login_ends_the_session_that_was_there_before(app: WithState, pool: Pool) -> None:
    one, two = await a_person(pool, Role.BUYER), await a_person(pool, Role.BUYER)
    async with a_browser(app) as client, a_browser(app) as thief:
        await log_in(client, one.login)
        thief.cookies.update(client.cookies)
        assert (await thief.get("/api/me")).status_code == 200
        await log_in(client, two.login)
        assert (await client.get("/api/me")).json()["login"] == two.login
        assert (await thief.get("/api/me")).status_code == 401


async def test_a_person_sees_his_sessions_and_ends_the_others(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as one, a_browser(app) as other:
        await log_in(one, person.login)
        await log_in(other, person.login)
        text = (await one.get("/account")).text
        assert text.count("当前会话") == 1
        assert "结束其他会话" in text
        assert (await one.post("/account/sessions")).status_code == 303
        assert (await other.get("/api/me")).status_code == 401
        assert "结束其他会话</button>" not in (await one.get("/account")).text


async def test_under_https_every_cookie_travels_by_https_alone(pool: Pool, valkey_client: Valkey, clock: Clock) -> None:
    app = a_site(pool, valkey_client, clock, public_origin="https://yangcai.test")
    person = await a_person(pool, Role.BUYER)
    async with a_client(app, headers={"Origin": "https://yangcai.test"}) as client:
        answers = [await client.get("/lang/en"), await client.post("/logout"), await log_in(client, person.login)]
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    assert len(cookies) >= 3
    assert all("; secure" in cookie.lower() and "samesite=lax" in cookie.lower() for cookie in cookies)
    assert all("httponly" in cookie.lower() for cookie in cookies)


async def test_passwords_are_stored_by_argon2id_and_never_in_the_open() -> None:
    stored = await passwords.hash_password(NEW)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.hash_password(NEW) != stored, "salted"
