"""Logging in, staying in, getting out; who is refused, and how."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from accounts import rules, sessions, tickets
from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from registries.parameters.records import put_param
from standards.params import RuleParam
from tests.site import PASSWORD, LaterClock, WithState, a_client, a_person, a_site, log_in


@pytest.fixture
def later(clock: Clock) -> LaterClock:
    return LaterClock(clock)


@pytest_asyncio.fixture
async def app(pool: Pool, valkey_client: Valkey, later: LaterClock) -> WithState:
    return a_site(pool, valkey_client, later)


def an_address() -> str:
    """An address of its own for a test, so that the throttle of one does not meet that of another."""
    return f"test-{uuid4()}"


async def test_whoever_logs_in_is_known_until_he_logs_out(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_client(app) as client:
        assert (await client.get("/api/me")).status_code == 401
        answer = await log_in(client, person.login.upper())
        assert answer.status_code == 200
        assert answer.json()["roles"] == ["buyer"]
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("yangcai=")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        me = (await client.get("/api/me")).json()
        assert (me["login"], me["region"], me["org_id"]) == (person.login, "330100", str(person.org_id))
        assert (await client.delete("/api/session")).status_code == 204
        assert (await client.get("/api/me")).status_code == 401


async def test_the_token_is_kept_only_as_its_digest(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    async with a_client(app) as client:
        await log_in(client, person.login)
        token = client.cookies["yangcai"]
    kept = await pool.fetchval("SELECT token_sha256 FROM login_session WHERE person_id = $1", person.user_id)
    assert kept == sessions.digest(token)
    assert token.encode() not in kept


async def test_under_https_the_cookie_is_bound_to_the_host(pool: Pool, valkey_client: Valkey, clock: Clock) -> None:
    person = await a_person(pool)
    app = a_site(pool, valkey_client, clock, public_origin="https://yangcai.example")
    async with a_client(app) as client:
        answer = await log_in(client, person.login)
    assert answer.headers["set-cookie"].startswith("__Host-yangcai=")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize(
    ("ahead_ms", "status"),
    [(rules.SESSION_IDLE_S * 1000 - 1000, 200), (rules.SESSION_IDLE_S * 1000 + 1000, 401), (rules.SESSION_MS + 1, 401)],
)
async def test_a_session_ends_when_idle_and_after_its_time(
    app: WithState, pool: Pool, later: LaterClock, ahead_ms: int, status: int
) -> None:
    person = await a_person(pool)
    async with a_client(app) as client:
        await log_in(client, person.login)
        later.ahead_ms = ahead_ms
        assert (await client.get("/api/me")).status_code == status


async def test_a_region_may_have_a_shorter_idle_time(app: WithState, later: LaterClock, pool: Pool) -> None:
    async with pool.acquire() as conn, conn.transaction():
        await put_param(conn, RuleParam("signin.idle_minutes", "650105", date(2020, 1, 1), None, 15, "测试"), None)
    person = await a_person(pool, Role.BUYER, region="650105")
    async with a_client(app, "10.0.9.15") as client:
        await log_in(client, person.login)
        later.ahead_ms += 14 * 60_000
        assert (await client.get("/api/me")).status_code == 200
        later.ahead_ms += 16 * 60_000
        assert (await client.get("/api/me")).status_code == 401


async def test_a_session_in_use_still_ends_after_twelve_hours(app: WithState, pool: Pool, later: LaterClock) -> None:
    person = await a_person(pool)
    async with a_client(app) as client:
        await log_in(client, person.login)
        for hours in (3, 6, 9, 11):
            later.ahead_ms = hours * 3_600_000
            assert (await client.get("/api/me")).status_code == 200
        later.ahead_ms = rules.SESSION_MS + 1000
        assert (await client.get("/api/me")).status_code == 401


async def test_a_wrong_password_and_an_unknown_login_get_one_and_the_same_answer(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    async with a_client(app, an_address()) as client:
        wrong = await log_in(client, person.login, "not the password")
        unknown = await log_in(client, "nobody-" + uuid4().hex[:8], "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == unknown.json()["code"] == "bad_login"
    assert wrong.headers["content-type"] == "application/problem+json"


async def test_somebody_switched_off_is_out_at_once(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    async with a_client(app) as client:
        await log_in(client, person.login)
        await pool.execute("UPDATE person SET active = false WHERE id = $1", person.user_id)
        assert (await client.get("/api/me")).status_code == 401
    async with a_client(app, an_address()) as client:
        assert (await log_in(client, person.login)).status_code == 401


async def test_the_sixth_attempt_on_a_login_waits_even_with_the_right_password(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    async with a_client(app, an_address()) as client:
        for _ in range(rules.ATTEMPTS_PER_LOGIN):
            assert (await log_in(client, person.login, "wrong password")).status_code == 401
        answer = await log_in(client, person.login)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["code"] == "too_many"


async def test_a_success_forgets_the_failures_before_it(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    async with a_client(app, an_address()) as client:
        for _ in range(3):
            for _ in range(rules.ATTEMPTS_PER_LOGIN - 1):
                await log_in(client, person.login, "wrong password")
            assert (await log_in(client, person.login)).status_code == 200


async def test_what_others_try_on_a_login_locks_nobody_out(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.SUPPLIER, kind="supplier")
    here = an_address()
    async with a_client(app, here) as bidder, a_client(app, here) as neighbour, a_client(app, an_address()) as stranger:
        assert (await log_in(bidder, person.login)).status_code == 200
        for client in (stranger, neighbour):
            tried = [(await log_in(client, person.login, "wrong")).status_code for _ in range(8)]
            assert tried == [401] * rules.ATTEMPTS_PER_LOGIN + [429] * 3
        flood = [(await log_in(neighbour, f"guess-{n}", "wrong")).status_code for n in range(50)]
        assert flood[-1] == 429, "all of the neighbours' address is used up"
        await bidder.delete("/api/session")
        assert (await log_in(bidder, person.login)).status_code == 200, "his own device knows him"
    async with a_client(app, an_address()) as elsewhere:
        assert (await log_in(elsewhere, person.login)).status_code == 200, "so does any other address"


async def test_a_device_knows_one_login_and_has_its_own_five_attempts(app: WithState, pool: Pool) -> None:
    one, two = await a_person(pool), await a_person(pool)
    address = an_address()
    async with a_client(app, address) as client:
        await log_in(client, one.login)
        tried = [(await log_in(client, one.login, "wrong")).status_code for _ in range(6)]
        assert tried == [401] * rules.ATTEMPTS_PER_LOGIN + [429]
        tried = [(await log_in(client, two.login, "wrong")).status_code for _ in range(6)]
        assert tried == [401] * rules.ATTEMPTS_PER_LOGIN + [429]
    async with a_client(app, address) as other:
        assert (await log_in(other, two.login)).status_code == 429, "no device knows the second login"


async def test_an_address_that_guesses_many_logins_is_stopped(app: WithState) -> None:
    async with a_client(app, an_address()) as client:
        answers = [(await log_in(client, f"guess-{n}-{uuid4().hex[:6]}")).status_code for n in range(51)]
    assert answers == [401] * rules.ATTEMPTS_PER_ADDRESS + [429]


async def test_every_login_leaves_a_line_in_the_trail(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    async with a_client(app, an_address()) as client:
        await log_in(client, person.login, "wrong password")
        await log_in(client, person.login)
        await client.delete("/api/session")
    rows = await pool.fetch(
        "SELECT event, result FROM audit_event WHERE object = $1 ORDER BY at", f"login:{person.login}"
    )
    assert [(row["event"], row["result"]) for row in rows] == [
        ("account.login", "refused"),
        ("account.login", "done"),
        ("account.logout", "done"),
    ]


async def test_the_trail_cannot_be_changed(pool: Pool) -> None:
    await pool.execute("INSERT INTO audit_event (event, result) VALUES ('test.line', 'done')")
    for attempt in ("UPDATE audit_event SET result = 'failed'", "DELETE FROM audit_event"):
        with pytest.raises(Exception, match="append only"):
            await pool.execute(attempt)


async def test_a_ticket_is_good_once(valkey_client: Valkey) -> None:
    ticket = await tickets.issue(valkey_client, {"lot": "7"})
    assert await tickets.redeem(valkey_client, ticket) == {"lot": "7"}
    assert await tickets.redeem(valkey_client, ticket) is None
    assert await tickets.redeem(valkey_client, "never issued") is None


async def test_a_ticket_dies_after_thirty_seconds_and_is_kept_only_as_its_digest(valkey_client: Valkey) -> None:
    ticket = await tickets.issue(valkey_client, {"lot": "7"})
    assert 0 < await valkey_client.ttl(tickets._key(ticket)) <= 30
    assert ticket not in tickets._key(ticket)
    with pytest.raises(ValueError, match="2 KiB"):
        await tickets.issue(valkey_client, {"too": "much" * 1000})


async def test_a_ticket_of_the_api_names_the_session_and_the_purpose(
    app: WithState, pool: Pool, valkey_client: Valkey, clock: Clock
) -> None:
    person = await a_person(pool, Role.SUPPLIER, kind="supplier")
    async with a_client(app) as client:
        assert (await client.post("/api/tickets", json={"purpose": "lot:1"})).status_code == 401
        await log_in(client, person.login)
        answer = await client.post("/api/tickets", json={"purpose": "lot:1"})
    assert answer.status_code == 201
    assert answer.json()["seconds"] == 30
    payload: Any = await tickets.redeem(valkey_client, answer.json()["ticket"])
    assert payload["purpose"] == "lot:1"
    actor = await sessions.by_id(pool, payload["session"], clock.now_ms())
    assert actor is not None
    assert actor.login == person.login


async def test_the_login_page_leads_back_to_where_one_was_going_and_nowhere_else(app: WithState, pool: Pool) -> None:
    person = await a_person(pool)
    form = {"login": person.login, "password": PASSWORD}
    for target, ends in (("/auctions/1", "/auctions/1"), ("https://evil.example/", "/"), ("//evil.example", "/")):
        async with a_client(app) as client:
            answer = await client.post("/login", data={**form, "next": target})
            assert (answer.status_code, answer.headers["location"]) == (303, ends)


async def test_the_login_form_says_what_is_wrong_in_the_readers_language(app: WithState) -> None:
    async with a_client(app, an_address()) as client:
        page = await client.post("/login", data={"login": "nobody", "password": "wrong one"})
        assert page.status_code == 401
        assert "账号或密码不正确" in page.text
        assert (await client.get("/lang/en?next=/login")).headers["location"] == "/login"
        page = await client.post("/login", data={"login": "", "password": ""})
        assert page.status_code == 422
        assert "Fill in the login" in page.text
        assert 'lang="en"' in page.text
