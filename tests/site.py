"""The web side of the product for tests: the real middleware, pages and doors, on the real engines."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple
from uuid import UUID, uuid4

import httpx
from jinja2.bccache import Bucket, BytecodeCache
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts import passwords, records
from accounts.model import Grant, Role
from plumbing.clock import Clock
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server import site
from server.things import find_case
from tests.support import SECRET

ORIGIN = "http://yangcai.test"
PASSWORD = "a password of nine words"


class LaterClock:
    """The product's clock, moved on by ``ahead_ms``: what a test that waits for hours uses."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return self.clock.now_ms() + self.ahead_ms


class Compiled(BytecodeCache):
    """Templates are compiled once for all sites of a run."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


class WithState:
    """Hands each request the lifespan state, as uvicorn does."""

    def __init__(self, app: ASGIApp, state: dict[str, Any]) -> None:
        self.app, self.state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "state": dict(self.state)}, receive, send)


def settings(**changes: Any) -> Any:
    known = {
        "mode": "demo", "public_origin": "", "secret_key": SECRET, "secret_key_before": "",
        "oidc_issuer": "", "oidc_client_id": "yangcai", "oidc_client_secret": "ours", "oidc_name": "浙里认证",
        "registers_url": "none", "registers_token": "",
    }  # fmt: skip
    return SimpleNamespace(**{**known, **changes})


def a_site(pool: Pool, valkey: Valkey, clock: Any, routes: Sequence[BaseRoute] = (), **changes: Any) -> WithState:
    """The site with ``routes`` beside those of accounts."""
    chosen = settings(**changes)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        yield {}

    app = site.build(chosen, routes, lifespan=lifespan, now_ms=clock.now_ms, version="0.0.0")
    state = {
        "settings": chosen,
        "clock": clock,
        "postgres": pool,
        "valkey": valkey,
        "find_case": find_case,
        **site.state(chosen),
    }
    state["find_case"] = find_case
    state["templates"].env.bytecode_cache = Compiled()
    return WithState(app, state)


def a_client(app: ASGIApp, address: str = "127.0.0.1", **options: Any) -> httpx.AsyncClient:
    """A program at ``address`` that talks to ``app`` and keeps cookies."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, **options)


class Person(NamedTuple):
    user_id: UUID
    org_id: UUID
    login: str


async def a_person(pool: Pool, *roles: Role, kind: str = "buyer", region: str = "330100") -> Person:
    """A person with these roles in an organisation of his own; the password is ``PASSWORD``."""
    login = "u" + uuid4().hex[:12]
    org_id = await records.add_organisation(pool, name=f"单位 {login}", kind=kind, region=region)
    hashed = await passwords.hash_password(PASSWORD)
    user_id = await records.add_person(pool, org_id=org_id, login=login, name="李经办", password_hash=hashed)
    for role in roles:
        await records.add_grant(pool, user_id, Grant(role, region, org_id))
    return Person(user_id, org_id, login)


async def log_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/session", json={"login": login, "password": password})
