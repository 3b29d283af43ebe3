"""第二因素: the second step of a sign-in, codes good once, recovery codes, a fresh proof before what binds."""

from __future__ import annotations

import itertools
import re
from datetime import date
from html import unescape
from types import SimpleNamespace
from typing import Any

import httpx
import pyotp
import pytest
from starlette.requests import Request
from starlette.responses import Response

from accounts import throttle
from accounts.factors import codes, vault
from accounts.factors.proving import by_code
from accounts.factors.records import SQL
from accounts.model import Role
from accounts.rules import second_factor_demanded
from accounts.web import stepped_up
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from plumbing.web import page
from registries.parameters.records import put_param
from standards.params import RuleParam
from tests.site import PASSWORD, LaterClock, Person, WithState, a_client, a_person, a_site, log_in, settings

STEP_MS, MINUTE_MS = 30_000, 60_000
_address = itertools.count(1)


@page("POST", "/binding", act="")
async def binding(request: Request) -> Response:
    """An act that binds."""
    return Response((await stepped_up(request)).login)


@pytest.fixture
def later(clock: Clock) -> LaterClock:
    return LaterClock(clock)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, later: LaterClock) -> WithState:
    return a_site(pool, valkey_client, later, [binding])


def a_browser(app: WithState, **options: Any) -> httpx.AsyncClient:
    number = next(_address)
    headers = {"Origin": "http://yangcai.test", "Accept": "text/html"}
    return a_client(app, f"10.91.{number // 250}.{number % 250 + 1}", headers=headers, **options)


class Phone:
    """An authenticator: shows the code of the moment, a new one at each look."""

    def __init__(self, secret: str, later: LaterClock) -> None:
        self.secret, self.later = secret, later

    def code(self) -> str:
        self.later.ahead_ms += STEP_MS
        return pyotp.TOTP(self.secret).at(self.later.now_ms() // 1_000)


def secret_on(answer: httpx.Response) -> str:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', answer.text)
    assert found, answer.text[:2_000]
    return found[1].replace(" ", "")


def codes_on(answer: httpx.Response) -> list[str]:
    return re.findall(r"<li><code>([0-9A-Z-]+)</code></li>", answer.text)


async def with_a_phone(app: WithState, person: Person, later: LaterClock) -> tuple[Phone, list[str]]:
    """Add an authenticator to his account; it, and the recovery codes shown."""
    async with a_browser(app) as client:
        await log_in(client, person.login)
        assert (await client.get("/account/factors/totp")).headers[
            "location"
        ] == "/prove?next=%2Faccount%2Ffactors%2Ftotp"
        await client.post("/prove", data={"password": PASSWORD, "next": "/account/factors/totp"})
        phone = Phone(secret_on(await client.get("/account/factors/totp")), later)
        answer = await client.post("/account/factors/totp", data={"code": phone.code()})
        assert len(codes_on(answer)) == 10
        return phone, codes_on(answer)


async def first_step(client: httpx.AsyncClient, person: Person, target: str = "/account") -> httpx.Response:
    return await client.post("/login", data={"login": person.login, "password": PASSWORD, "next": target})


async def test_password_and_code_let_him_in_and_the_password_alone_does_not(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    person = await a_person(pool, Role.BUYER)
    phone, _ = await with_a_phone(app, person, later)
    async with a_browser(app) as client:
        assert (await first_step(client, person)).headers["location"] == "/login/second"
        assert (await client.get("/api/me")).status_code == 401, "known, and not in"
        assert (await client.post("/login/second", data={"code": "000000"})).status_code == 401
        answer = await client.post("/login/second", data={"code": phone.code()})
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert (await client.get("/api/me")).json()["login"] == person.login
        assert (await client.post("/login/second", data={"code": phone.code()})).headers["location"] == "/login"


async def test_a_code_is_good_once(app: WithState, pool: Pool, later: LaterClock) -> None:
    person = await a_person(pool, Role.BUYER)
    phone, _ = await with_a_phone(app, person, later)
    code = phone.code()
    for status in (303, 401):
        async with a_browser(app) as client:
            await first_step(client, person)
            assert (await client.post("/login/second", data={"code": code})).status_code == status


async def test_a_recovery_code_replaces_a_lost_phone_once(app: WithState, pool: Pool, later: LaterClock) -> None:
    person = await a_person(pool, Role.BUYER)
    _, recovery = await with_a_phone(app, person, later)
    for status in (303, 401):
        async with a_browser(app) as client:
            await first_step(client, person)
            answer = await client.post("/login/second", data={"code": recovery[3].lower().replace("-", " ", 3)[1:]})
            assert answer.status_code == 401, "without its number it is none"
            assert (await client.post("/login/second", data={"code": recovery[3].lower()})).status_code == status
    kept = await pool.fetch("SELECT hash FROM recovery_code WHERE person_id = $1", person.user_id)
    assert len(kept) == 9
    assert all(row["hash"].startswith("$argon2id$") for row in kept)


async def test_programs_send_the_code_with_the_password(app: WithState, pool: Pool, later: LaterClock) -> None:
    person = await a_person(pool, Role.BUYER)
    phone, _ = await with_a_phone(app, person, later)
    async with a_browser(app) as client:
        assert (await log_in(client, person.login)).json()["code"] == "second_factor_needed"
        body = {"login": person.login, "password": PASSWORD, "code": phone.code()}
        assert (await client.post("/api/session", json=body)).status_code == 200
        assert (await client.post("/api/session", json=body)).json()["code"] == "bad_code"


async def test_guessing_codes_is_stopped_and_stops_no_device_that_knows_him(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    person = await a_person(pool, Role.SUPPLIER, kind="supplier")
    phone, _ = await with_a_phone(app, person, later)
    async with a_browser(app) as own, a_browser(app) as thief:
        await first_step(own, person)
        assert (await own.post("/login/second", data={"code": phone.code()})).status_code == 303
        await own.post("/logout")
        await first_step(thief, person)
        tried = [(await thief.post("/login/second", data={"code": f"{n:06}"})).status_code for n in range(12)]
        assert tried == [401] * 10 + [429] * 2
        await first_step(own, person)
        assert (await own.post("/login/second", data={"code": phone.code()})).status_code == 303, "his own device"


async def test_thirty_codes_a_day_are_tried_and_no_more(app: WithState, pool: Pool, valkey_client: Valkey) -> None:
    person = await a_person(pool, Role.BUYER)
    state = SimpleNamespace(valkey=valkey_client, postgres=pool)
    said = []
    for _ in range(32):
        await throttle.forget(valkey_client, "factor", str(person.user_id))  # as if the quarter of an hour were over
        with pytest.raises(Problem) as refused:
            await by_code(state, person.user_id, person.login, "", "000000")
        said.append(refused.value.status)
    assert said == [401] * 30 + [429] * 2


async def test_what_binds_asks_for_a_fresh_proof_of_whoever_has_a_second_factor(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    with_phone, without = await a_person(pool, Role.BUYER), await a_person(pool, Role.BUYER)
    phone, _ = await with_a_phone(app, with_phone, later)
    async with a_browser(app) as client:
        await log_in(client, without.login)
        assert (await client.post("/binding")).status_code == 200
    async with a_browser(app, follow_redirects=False) as client:
        await first_step(client, with_phone)
        await client.post("/login/second", data={"code": phone.code()})
        assert (await client.post("/binding")).status_code == 200, "the second step was a proof"
        later.ahead_ms += 11 * MINUTE_MS
        asked = await client.post("/binding", headers={"Referer": "http://yangcai.test/lots/7?x=1"})
        assert asked.headers["location"] == "/prove?next=%2Flots%2F7"
        refused = await client.post("/binding", headers={"Accept": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
        assert 'name="code"' in (await client.get("/prove?next=/lots/7")).text
        wrong = await client.post("/prove", data={"password": PASSWORD, "next": "/lots/7"})
        assert wrong.status_code == 401, "his password is no second factor"
        assert (await client.post("/prove", data={"code": phone.code(), "next": "/lots/7"})).headers[
            "location"
        ] == "/lots/7"
        assert (await client.post("/binding")).status_code == 200


async def test_a_form_sent_before_the_proof_is_kept_for_its_session_and_sent_on_once(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    person = await a_person(pool, Role.BUYER)
    phone, _ = await with_a_phone(app, person, later)
    typed = {"amount": "5,000.00", "why": "第一行\r\n<第二行>", "act": "approve"}
    async with a_browser(app, follow_redirects=False) as client, a_browser(app) as other:
        await first_step(other, person)
        await other.post("/login/second", data={"code": phone.code()})
        await first_step(client, person)
        await client.post("/login/second", data={"code": phone.code()})
        later.ahead_ms += 11 * MINUTE_MS

        async def refused() -> str:
            headers = {"Referer": "http://yangcai.test/lots/7"}
            asked = await client.post("/binding?n=1", data=typed, headers=headers)
            prove = await client.get(asked.headers["location"])
            assert 'href="/lots/7"' in prove.text
            target = re.search(r'name="next" value="(/prove/kept[?]key=[^"]+)"', prove.text)
            assert target
            return target[1]

        kept = await refused()
        wrong = await client.post("/prove", data={"code": "000000", "next": kept, "back": "/lots/7"})
        assert (wrong.status_code, kept in wrong.text, 'href="/lots/7"' in wrong.text) == (401, True, True)
        assert (await other.get(kept)).status_code == 410, "another session's"
        kept = await refused()
        assert (await client.post("/prove", data={"code": phone.code(), "next": kept})).headers["location"] == kept
        shown = await client.get(kept)
        assert 'action="/binding?n=1"' in shown.text
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.text)
        assert {name: unescape(value) for name, value in hidden} == typed
        assert (await client.get(kept)).status_code == 410, "once"
        stored = [await app.state["valkey"].get(key) for key in await app.state["valkey"].keys("kept-form:*")]
        assert not any(b"5,000" in each for each in stored)


async def demand(pool: Pool, word: str, region: str) -> None:
    async with pool.acquire() as conn, conn.transaction():
        param = RuleParam("signin.second_factor", region, date(2020, 1, 1), None, word, "测试")
        await put_param(conn, param, None)


async def test_where_it_is_demanded_he_adds_an_authenticator_before_he_is_let_in(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    await demand(pool, "staff", "650102")
    operator = await a_person(pool, Role.OPERATOR, kind="operator", region="650102")
    supplier = await a_person(pool, Role.SUPPLIER, kind="supplier", region="650102")
    async with a_browser(app) as client:
        assert (await first_step(client, supplier)).headers["location"] == "/account"
    async with a_browser(app) as client:
        assert (await log_in(client, operator.login)).json()["code"] == "second_factor_missing"
        assert (await first_step(client, operator, "/operations")).headers["location"] == "/login/enrol"
        phone = Phone(secret_on(await client.get("/login/enrol")), later)
        again = await client.post("/login/enrol", data={"code": "123"})
        assert (again.status_code, secret_on(again)) == (401, phone.secret), "the code already scanned stays"
        done = await client.post("/login/enrol", data={"code": phone.code()})
        assert len(codes_on(done)) == 10
        assert 'href="/operations"' in done.text
        assert (await client.get("/api/me")).json()["login"] == operator.login
        removal = await client.post("/account/factors/totp/removal")
        assert removal.status_code == 409, "the last one stays"
    async with a_browser(app) as client:
        assert (await first_step(client, operator)).headers["location"] == "/login/second"
        assert (await client.get("/login/enrol")).headers["location"] == "/login/second"


async def test_in_production_an_operator_without_one_is_not_let_in(
    pool: Pool, valkey_client: Valkey, later: LaterClock
) -> None:
    app = a_site(pool, valkey_client, later, mode="production")
    operator, supplier = await a_person(pool, Role.OPERATOR, kind="operator"), await a_person(pool, Role.SUPPLIER)
    async with a_browser(app) as client:
        assert (await first_step(client, operator)).headers["location"] == "/login/enrol"
        assert (await first_step(client, supplier)).headers["location"] == "/account"


async def test_a_session_from_before_the_demand_leads_to_adding_one(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.HEAD, region="650103")
    async with a_browser(app) as client:
        await log_in(client, person.login)
        await demand(pool, "officials", "650103")
        assert (await client.post("/binding")).headers["location"] == "/account/factors"
        await client.post("/prove", data={"password": PASSWORD})
        assert (await client.post("/binding")).status_code == 303, "a password is not what is demanded"


def test_the_staff_must_have_one_in_production_and_nobody_in_a_demonstration() -> None:
    assert second_factor_demanded([Role.OPERATOR], "by_mode", production=True)
    assert second_factor_demanded([Role.SUPPLIER, Role.AUDITOR], "by_mode", production=True)
    assert not second_factor_demanded([Role.SUPPLIER, Role.BUYER], "by_mode", production=True)
    assert not second_factor_demanded(list(Role), "by_mode", production=False)
    assert second_factor_demanded([Role.BUYER], "officials", production=False)
    assert not second_factor_demanded([Role.SUPPLIER], "officials", production=False)
    assert second_factor_demanded([Role.SUPPLIER], "all", production=False)


async def test_adding_and_removing_one_ends_the_other_sessions(app: WithState, pool: Pool, later: LaterClock) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as other:
        await log_in(other, person.login)
        phone, _ = await with_a_phone(app, person, later)
        assert (await other.get("/api/me")).status_code == 401
    async with a_browser(app) as client, a_browser(app) as other:
        for each in (client, other):
            await first_step(each, person)
            await each.post("/login/second", data={"code": phone.code()})
        new = await client.post("/account/factors/recovery")
        assert len(codes_on(new)) == 10
        assert (await client.post("/account/factors/totp/removal")).status_code == 303
        assert (await other.get("/api/me")).status_code == 401
        assert (await first_step(other, person)).headers["location"] == "/account"
    assert await pool.fetchval("SELECT count(*) FROM recovery_code WHERE person_id = $1", person.user_id) == 0


async def test_a_secret_is_stored_encrypted_and_is_read_while_the_key_is_changed(
    pool: Pool, valkey_client: Valkey, later: LaterClock
) -> None:
    old, new = "o" * 20 + "one key of two", "n" * 20 + "the other of two"
    person = await a_person(pool, Role.BUYER)
    before = a_site(pool, valkey_client, later, secret_key=old)
    phone, _ = await with_a_phone(before, person, later)
    stored = await pool.fetchval("SELECT secret FROM totp WHERE person_id = $1", person.user_id)
    assert phone.secret.encode() not in stored
    assert vault.unseal(settings(secret_key=new), person.user_id, stored) is None
    assert vault.unseal(settings(secret_key=old), (await a_person(pool)).user_id, stored) is None, "bound to the person"
    between = a_site(pool, valkey_client, later, secret_key=new, secret_key_before=old)
    after = a_site(pool, valkey_client, later, secret_key=new)
    for app, status in ((after, 401), (between, 303), (after, 303)):
        async with a_browser(app) as client:
            await first_step(client, person)
            assert (await client.post("/login/second", data={"code": phone.code()})).status_code == status


def test_an_authenticator_may_be_one_step_off_and_no_code_comes_twice() -> None:
    secret, now_ms = codes.new_secret(), 1_700_000_000_000
    step, otp = now_ms // STEP_MS, pyotp.TOTP(secret)
    assert [codes.step_of(secret, otp.generate_otp(step + off), now_ms, 0) for off in (-2, -1, 0, 1, 2)] == [
        None, step - 1, step, step + 1, None,
    ]  # fmt: skip
    assert codes.step_of(secret, otp.generate_otp(step), now_ms, step) is None
    assert codes.step_of(secret, f" {otp.generate_otp(step)[:3]} {otp.generate_otp(step)[3:]}", now_ms, 0) == step
    assert codes.step_of(secret, "１２３４５６", now_ms, 0) is None


async def test_of_two_who_send_one_code_at_once_one_comes_in(pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    await pool.execute(SQL["set_totp"], person.user_id, b"sealed", 41)
    assert await pool.fetchval(SQL["use_totp"], person.user_id, 42) == 1
    assert await pool.fetchval(SQL["use_totp"], person.user_id, 42) is None


async def test_his_account_shows_how_he_came_in_and_who_failed_to(
    app: WithState, pool: Pool, later: LaterClock
) -> None:
    person = await a_person(pool, Role.BUYER)
    phone, _ = await with_a_phone(app, person, later)
    async with a_browser(app) as thief:
        await first_step(thief, person)
        await thief.post("/login/second", data={"code": "123456"})
        await log_in(thief, person.login.upper(), "a wrong password")
    async with a_browser(app) as client:
        await first_step(client, person)
        await client.post("/login/second", data={"code": phone.code()})
        shown = (await client.get("/account")).text.partition('id="history"')[2]
    assert shown.count(">未成功<") == 2
    assert shown.count("已登录") == 2
    assert "密码 + 动态口令" in " ".join(re.sub(r"<[^>]+>", "", shown).split())


async def test_one_session_of_his_own_is_ended_from_elsewhere_and_no_other_person_s(app: WithState, pool: Pool) -> None:
    person, stranger = await a_person(pool, Role.BUYER), await a_person(pool, Role.BUYER)
    async with a_browser(app) as here, a_browser(app) as there, a_browser(app) as other:
        for client, login in ((here, person.login), (there, person.login), (other, stranger.login)):
            await log_in(client, login)
        theirs = await pool.fetchval("SELECT id FROM login_session WHERE person_id = $1", stranger.user_id)
        assert (await here.post(f"/account/sessions/{theirs}/end")).status_code == 404
        ends = re.findall(r"/account/sessions/[0-9a-f-]+/end", (await here.get("/account")).text)
        assert len(ends) == 1
        assert (await here.post(ends[0])).status_code == 303
        assert [(await each.get("/api/me")).status_code for each in (here, there, other)] == [200, 401, 200]
