"""统一身份认证: an identity that was linked replaces the password; whatever else comes back is refused."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
import pytest_asyncio
from joserfc import jwk, jwt

from accounts.model import Role
from accounts.oidc.client import Metadata, NotBelieved, Provider
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.settings import SettingsError, load
from tests.accounts.provider import a_provider
from tests.accounts.test_second_factors import with_a_phone
from tests.site import PASSWORD, LaterClock, Person, WithState, a_client, a_person, a_site, log_in

NOW_MS = 1_790_000_000_000
_address = itertools.count(1)


@pytest_asyncio.fixture(scope="module")
async def issuer() -> AsyncIterator[str]:
    async with a_provider() as running:
        yield running


@pytest.fixture
def later(clock: Clock) -> LaterClock:
    return LaterClock(clock)


@pytest.fixture
def app(pool: Pool, valkey_client: Valkey, later: LaterClock, issuer: str) -> WithState:
    return a_site(pool, valkey_client, later, oidc_issuer=issuer)


def a_browser(app: WithState) -> httpx.AsyncClient:
    headers = {"Origin": "http://yangcai.test", "Accept": "text/html"}
    return a_client(app, f"10.93.1.{next(_address)}", headers=headers)


async def there(address: str, subject: str) -> str:
    """What a person does at the provider: he says who he is. Where it sends him back to."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(address, data={"sub": subject} if subject else {"action": "deny"})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


async def linked(client: httpx.AsyncClient, person: Person, subject: str) -> httpx.Response:
    await log_in(client, person.login)
    await client.post("/prove", data={"password": PASSWORD})
    back = await there((await client.get("/account/identity")).headers["location"], subject)
    shown = await client.get(back)
    assert (shown.status_code, subject in shown.text) == (200, True), "asked once more before it is linked"
    return await client.post("/account/identity")


async def test_a_linked_identity_signs_in_and_an_unlinked_one_does_not(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    subject = f"zhe-{person.login}"
    async with a_browser(app) as client:
        begun = await client.get("/login/oidc?next=/account")
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        assert (asked["code_challenge_method"], asked["redirect_uri"]) == (
            ["S256"],
            ["http://yangcai.test/login/oidc/return"],
        )
        refused = await client.get(await there(begun.headers["location"], subject))
        assert (refused.status_code, "尚未绑定账号" in refused.text) == (401, True)
        assert (await linked(client, person, subject)).headers["location"] == "/account"
        assert "已绑定" in (await client.get("/account")).text
    async with a_browser(app) as client:
        begun = await client.get("/login/oidc?next=/account")
        back = await there(begun.headers["location"], subject)
        done = await client.get(back)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert (await client.get("/api/me")).json()["login"] == person.login
        assert (await client.get(back)).status_code == 401, "an answer is good once"
        await client.post("/prove", data={"password": PASSWORD})
        assert (await client.post("/account/identity/removal")).status_code == 303
        begun = await client.get("/login/oidc")
        assert (await client.get(await there(begun.headers["location"], subject))).status_code == 401


async def test_the_second_factor_is_asked_for_here_as_ever(app: WithState, pool: Pool, later: LaterClock) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as client:
        await linked(client, person, person.login)
    phone, _ = await with_a_phone(app, person, later)
    async with a_browser(app) as client:
        begun = await client.get("/login/oidc?next=/account")
        done = await client.get(await there(begun.headers["location"], person.login))
        assert done.headers["location"] == "/login/second"
        assert (await client.post("/login/second", data={"code": phone.code()})).headers["location"] == "/account"
    assert pyotp.TOTP(phone.secret).digits == 6


async def test_an_answer_of_another_browser_or_a_denial_lets_nobody_in(app: WithState, pool: Pool) -> None:
    person = await a_person(pool, Role.BUYER)
    async with a_browser(app) as client, a_browser(app) as other:
        await linked(client, person, person.login)
        begun = await other.get("/login/oidc")
        back = await there(begun.headers["location"], person.login)
        async with a_browser(app) as victim:
            assert (await victim.get(back)).status_code == 401
        denied = await there((await other.get("/login/oidc")).headers["location"], "")
        assert (await other.get(denied)).status_code == 401
        assert (await other.get("/login/oidc/return?state=made-up&code=x")).status_code == 401
        assert (await other.get("/api/me")).status_code == 401


async def test_an_identity_opens_one_account_only(app: WithState, pool: Pool) -> None:
    one, two = await a_person(pool, Role.BUYER), await a_person(pool, Role.BUYER)
    async with a_browser(app) as first, a_browser(app) as second:
        assert (await linked(first, one, one.login)).status_code == 303
        assert (await linked(second, two, one.login)).status_code == 409
        assert (await second.post("/account/identity")).status_code == 409, "it was offered once"


async def test_a_provider_that_is_away_or_is_another_leaves_the_password(
    pool: Pool, valkey_client: Valkey, later: LaterClock, issuer: str
) -> None:
    for away in ("http://127.0.0.1:9", issuer + "/"):
        async with a_browser(a_site(pool, valkey_client, later, oidc_issuer=away)) as client:
            answer = await client.get("/login/oidc")
            assert (answer.status_code, 'name="password"' in answer.text) == (503, True), away
    async with a_browser(a_site(pool, valkey_client, later)) as client:
        assert (await client.get("/login/oidc")).status_code == 404, "none is set"


@pytest.mark.parametrize(
    ("changed", "header"),
    [
        ({"iss": "https://another.example"}, {}),
        ({"aud": "somebody else"}, {}),
        ({"aud": ["yangcai", "other"], "azp": "other"}, {}),
        ({"nonce": "of another question"}, {}),
        ({"exp": NOW_MS // 1_000 - 120}, {}),
        ({"sub": ""}, {}),
        ({"sub": 7}, {}),
        ({}, {"alg": "none"}),
        ({}, {"alg": "HS256"}),
        ({}, {"kid": "stranger"}),
    ],
)
async def test_a_token_that_is_not_the_providers_for_us_and_now_is_not_believed(
    changed: dict[str, Any], header: dict[str, str]
) -> None:
    key, stranger = jwk.RSAKey.generate_key(2048, {"kid": "ours"}), jwk.RSAKey.generate_key(2048, {"kid": "ours"})
    provider = Provider("https://id.example", "yangcai", "secret", "认证")
    about = Metadata("https://id.example", "https://id.example/a", "https://id.example/t", "https://id.example/k")
    provider._kept = (NOW_MS, about, jwk.KeySet([key]).as_dict())
    now = NOW_MS // 1_000
    claims = {"iss": "https://id.example", "aud": "yangcai", "sub": "7", "nonce": "n", "iat": now, "exp": now + 300}
    good = jwt.encode({"alg": "RS256", "kid": "ours"}, claims, key)
    assert (await provider.believed(good, "n", NOW_MS)).subject == "7"
    if header.get("alg") == "none":
        bad = ".".join(["eyJhbGciOiJub25lIn0", good.split(".")[1], ""])
    elif header.get("alg") == "HS256":
        shared = jwk.OctKey.generate_key(256, {"kid": "ours"})
        bad = jwt.encode({"alg": "HS256", "kid": "ours"}, claims, shared)
    else:
        bad = jwt.encode({"alg": "RS256", "kid": "ours"}, claims | changed, stranger if header else key)
    with pytest.raises(NotBelieved):
        await provider.believed(bad, "n", NOW_MS)


def test_a_provider_needs_https_and_what_it_knows_us_by() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"YANGCAI_OIDC_ISSUER": "http://id.example.gov.cn"})
    assert [fault.split(":")[0] for fault in refused.value.faults] == [
        "YANGCAI_OIDC_ISSUER", "YANGCAI_OIDC_CLIENT_ID", "YANGCAI_OIDC_CLIENT_SECRET",
    ]  # fmt: skip
    known = {"YANGCAI_OIDC_CLIENT_ID": "yangcai", "YANGCAI_OIDC_CLIENT_SECRET": "ours"}
    assert load({"YANGCAI_OIDC_ISSUER": "https://id.example.gov.cn/realms/zj", **known}).oidc_client_id == "yangcai"
