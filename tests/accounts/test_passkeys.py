"""通行密钥: what a passkey opens, and every answer that opens nothing."""

from __future__ import annotations

import itertools
import random
from typing import Any

import httpx
import pytest

from accounts.model import Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.accounts.authenticator import PRESENT, Authenticator, b64
from tests.accounts.test_second_factors import demand
from tests.site import PASSWORD, LaterClock, Person, WithState, a_client, a_person, a_site

HERE = "http://localhost"
_address = itertools.count(1)


@pytest.fixture
def later(clock: Clock) -> LaterClock:
    return LaterClock(clock)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, later: LaterClock) -> WithState:
    return a_site(pool, valkey_client, later)


class Browser:
    """A browser at a host with a name, where passkeys are made."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def post(self, path: str, body: Any = None, form: Any = None) -> httpx.Response:
        headers = {"Origin": HERE, "Accept": "text/html" if form is not None else "application/json"}
        return await self.client.post(
            HERE + path, headers=headers, **({"data": form} if form is not None else {"json": body})
        )

    async def log_in(self, person: Person, target: str = "/account") -> httpx.Response:
        return await self.post("/login", form={"login": person.login, "password": PASSWORD, "next": target})

    async def add(self, key: Authenticator, **lies: Any) -> httpx.Response:
        await self.post("/prove", form={"password": PASSWORD})
        asked = (await self.post("/api/passkeys/making", {})).json()
        made = {"ceremony": asked["ceremony"], "name": "钥匙", "credential": key.make(asked["options"], **lies)}
        return await self.post("/api/passkeys", made)

    async def ask(self, purpose: str, target: str = "/account") -> dict[str, Any]:
        found: dict[str, Any] = (await self.post("/api/passkeys/asking", {"purpose": purpose, "next": target})).json()
        return found

    async def answer(self, asked: dict[str, Any], credential: dict[str, Any]) -> httpx.Response:
        return await self.post("/api/passkeys/answer", {"ceremony": asked["ceremony"], "credential": credential})

    async def use(self, key: Authenticator, purpose: str = "login", **lies: Any) -> httpx.Response:
        asked = await self.ask(purpose)
        return await self.answer(asked, key.answer(asked["options"], **lies))

    async def me(self) -> str:
        answer = await self.client.get(HERE + "/api/me")
        return str(answer.json().get("login", ""))


def a_browser(app: WithState) -> Browser:
    return Browser(a_client(app, f"10.94.1.{next(_address)}"))


async def test_whoever_must_have_a_factor_may_enrol_with_a_passkey_and_nobody_else(app: WithState, pool: Pool) -> None:
    await demand(pool, "staff", "650103")
    operator = await a_person(pool, Role.OPERATOR, kind="operator", region="650103")
    browser, key = a_browser(app), Authenticator()
    assert (await browser.post("/api/passkeys/asking", {"purpose": "enrol"})).status_code == 401
    assert (await browser.log_in(operator, "/operations")).headers["location"] == "/login/enrol"
    asked = await browser.ask("enrol")
    made = {"ceremony": asked["ceremony"], "name": "钥匙", "credential": key.make(asked["options"])}
    assert (await a_browser(app).post("/api/passkeys/enrolment", made)).status_code == 401
    answer = await browser.post("/api/passkeys/enrolment", made)
    assert (answer.status_code, answer.json()["next"], len(answer.json()["recovery_codes"])) == (201, "/operations", 10)
    assert await browser.me() == operator.login
    again = a_browser(app)
    assert (await again.log_in(operator)).headers["location"] == "/login/second"
    assert (await again.post("/api/passkeys/asking", {"purpose": "enrol"})).status_code == 409, "he has one"


async def with_a_key(app: WithState, person: Person) -> Authenticator:
    browser, key = a_browser(app), Authenticator()
    await browser.log_in(person)
    answer = await browser.add(key)
    assert answer.status_code == 201
    assert len(answer.json()["recovery_codes"]) == 10
    return key


async def test_a_passkey_that_verified_its_user_is_a_whole_sign_in(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    key, browser = await with_a_key(app, person), a_browser(app)
    assert (await browser.use(key)).json() == {"next": "/account"}
    assert await browser.me() == person.login


async def test_one_that_did_not_is_a_second_step_only(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    key, browser = await with_a_key(app, person), a_browser(app)
    assert (await browser.use(key, flags=PRESENT)).status_code == 401
    assert (await browser.log_in(person)).headers["location"] == "/login/second"
    assert (await browser.use(key, "second", flags=PRESENT)).json() == {"next": "/account"}
    assert await browser.me() == person.login


@pytest.mark.parametrize(
    "lies",
    [{"origin": "http://localhost.evil.example"}, {"host": "evil.example"}, {"flags": 0}],
    ids=lambda lie: min(lie),
)
async def test_an_answer_given_to_another_site_or_by_nobody_present_opens_nothing(
    app: WithState, pool: Pool, lies: dict[str, Any]
) -> None:
    person = await a_person(pool, Role.BUYER)
    key, browser = await with_a_key(app, person), a_browser(app)
    assert (await browser.use(key, **lies)).json()["code"] == "passkey_refused"
    assert await browser.me() == ""


async def test_one_made_for_another_site_is_not_kept(app: WithState, pool: Pool) -> None:
    person, browser = await a_person(pool, Role.BUYER), a_browser(app)
    await browser.log_in(person)
    for lies in ({"origin": "https://localhost"}, {"host": "evil.example"}):
        assert (await browser.add(Authenticator(), **lies)).json()["code"] == "passkey_refused"
    assert (await browser.add(Authenticator())).status_code == 201


async def test_a_challenge_is_good_once_for_its_purpose_and_for_whom_it_was_made(app: WithState, pool: Pool) -> None:
    one, two = await a_person(pool, Role.BUYER), await a_person(pool, Role.BUYER)
    key, other = await with_a_key(app, one), await with_a_key(app, two)
    browser = a_browser(app)
    asked = await browser.ask("login")
    answer = key.answer(asked["options"])
    assert (await browser.answer(asked, answer)).status_code == 200
    assert (await browser.answer(asked, answer)).json()["code"] == "passkey_over"
    stolen = a_browser(app)
    await stolen.log_in(one)
    assert (await stolen.use(other, "second")).json()["code"] == "passkey_refused", "of the other person"
    assert (await stolen.use(key, "second")).status_code == 200
    making = (await stolen.post("/api/passkeys/making", {})).json()
    assert (await stolen.answer(making, key.answer(making["options"]))).json()["code"] == "passkey_over"
    assert (await stolen.use(other, "prove")).json()["code"] == "passkey_refused"


async def test_a_counter_that_does_not_grow_is_a_copy(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    key, browser = await with_a_key(app, person), a_browser(app)
    assert (await browser.use(key)).status_code == 200
    key.count -= 1
    assert (await browser.use(key)).status_code == 401


async def test_who_is_switched_off_comes_in_by_no_passkey(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    key, browser = await with_a_key(app, person), a_browser(app)
    await pool.execute("UPDATE person SET active = false WHERE id = $1", person.user_id)
    assert (await browser.use(key)).status_code == 401


async def test_a_passkey_known_already_is_not_added_for_another(app: WithState, pool: Pool) -> None:
    one, two = await a_person(pool, Role.BUYER), await a_person(pool, Role.BUYER)
    key, browser = await with_a_key(app, one), a_browser(app)
    await browser.log_in(two)
    assert (await browser.add(key)).json()["code"] == "passkey_known"
    assert await pool.fetchval("SELECT count(*) FROM recovery_code WHERE person_id = $1", two.user_id) == 0


async def test_noise_in_place_of_an_answer_is_refused_and_breaks_nothing(app: WithState, pool: Pool) -> None:
    person, dice = await a_person(pool, Role.BUYER), random.Random(7)
    key, browser = await with_a_key(app, person), a_browser(app)
    for _ in range(60):
        asked = await browser.ask("login")
        credential = key.answer(asked["options"])
        noise = ["", None, 7, [], "é", b64(dice.randbytes(dice.randrange(200))), b64(b"{}"), b64(b"\xff" * 40)]
        where = dice.choice([credential, credential["response"]])
        where[dice.choice(list(where))] = dice.choice(noise)
        answer = await browser.answer(asked, credential)
        assert answer.status_code == 401, (credential, answer.text)


async def test_where_the_host_has_no_name_no_passkey_is_offered(app: WithState, pool: Pool) -> None:
    async with a_client(app, "10.94.2.1") as client:
        body = {"purpose": "login"}
        for host in ("http://127.0.0.1:8000", "http://yangcai.test", "http://[::1]"):
            answer = await client.post(host + "/api/passkeys/asking", json=body, headers={"Origin": host})
            assert answer.json()["code"] == "passkeys_not_here", host
