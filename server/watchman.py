"""The composition of the watchman 旁路审计: his store, key, rules and site, as a process of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from accounts import pages as accounts_pages
from accounts import passwords, rules
from accounts.factors import codes
from ledger import keys
from plumbing import postgres
from plumbing.clock import Clock
from plumbing.faults import until_there
from plumbing.logs import RequestLog
from plumbing.notices import Notices
from plumbing.security import BodyLimit, CrossOriginProtection, SecurityHeaders
from plumbing.templates import Templates
from plumbing.web import together
from server import errors, site
from standards.workdays import seed
from supervision.watchman.following import Follower
from supervision.watchman.model import KINDS, Limits
from supervision.watchman.pages import ROUTES, Desk
from supervision.watchman.rules import Rules
from supervision.watchman.store import Store, StoreBroken

STORE, KEYS, LIMITS = "watchman.db", "watchman.keys", "rules.toml"


class WatchmanRefused(Exception):
    """The watchman cannot start; the sentence is for his administrator."""


class Places(msgspec.Struct, frozen=True):
    """Where the watchman lives and whom he watches. ``source_url``: the main Postgres, as a login of his role."""

    folder: Path
    source_url: str
    host: str = "127.0.0.1"
    port: int = 8100
    public_origin: str = ""


def limits_of(folder: Path) -> Limits:
    """The limits in the folder's ``rules.toml``, which is made when missing. Raises ``WatchmanRefused``."""
    path = folder / LIMITS
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        given = msgspec.to_builtins(Limits())
        lines = [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in given.items()]
        path.write_text("# What the watchman warns of (docs/audit.md).\n" + "\n".join(lines) + "\n", encoding="utf-8")
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Limits)
    except msgspec.MsgspecError as error:
        raise WatchmanRefused(f"{path}: {error}") from None
    if strange := set(found.auto_block) - set(KINDS):
        raise WatchmanRefused(f"{path}: auto_block names no warning: {', '.join(sorted(strange))}")
    return found


async def put_admin(folder: Path, login: str, password: str) -> str:
    """Open an account of the watchman's, or give it another password; the secret for its authenticator, a new one.

    Raises ``ValueError`` for a password that is not fit.
    """
    if not rules.password_is_fit(password, login) or not login.strip():
        raise ValueError(login)
    store = Store(folder / STORE)
    secret = codes.new_secret()
    store.put_admin(login, await passwords.hash_password(password), secret)
    store.close()
    return secret


def create(places: Places) -> Starlette:
    """The watchman's application. Raises ``WatchmanRefused`` when his own copy or his rules cannot be used."""
    limits, clock, https = limits_of(places.folder), Clock(), places.public_origin.startswith("https://")
    catalogue = site.load_texts()
    folders = [room / "pages" for room in site.rooms()]
    templates = Templates(folders, catalogue, site.STATIC, {"mode": "watchman"})
    store = Store(places.folder / STORE)
    try:
        store.start()
    except StoreBroken as error:
        raise WatchmanRefused(str(error)) from None
    signer = keys.load(places.folder / KEYS)[-1]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            pool = await until_there("postgres", lambda: postgres.open_pool(
                places.source_url, size_max=3, application_name="yangcai-watchman"))  # fmt: skip
            stack.push_async_callback(pool.close)
            stack.callback(store.close)
            follower = Follower(pool, store, Rules(limits, seed()), signer, clock.now_ms)
            notices = Notices(places.source_url, {"audit": follower.wake})
            tasks = [asyncio.create_task(follower.run(), name="follow"), asyncio.create_task(notices.run())]
            desk = Desk(store, follower, pool, clock.now_ms, https, limits.second_factor)
            yield {"desk": desk, "texts": catalogue, "templates": templates}
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    middleware = [
        Middleware(RequestLog, now_ms=clock.now_ms),
        Middleware(SecurityHeaders, https=https),
        Middleware(errors.Unbroken),
        Middleware(CrossOriginProtection, public_origin=places.public_origin),
        Middleware(BodyLimit, bytes_max=64 * 1024),
    ]
    language = [route for route in accounts_pages.ROUTES if getattr(route, "path", "") == "/lang/{lang}"]
    doors = [*together([*ROUTES, *language]), Mount("/static", site.Static(directory=site.STATIC), name="static")]
    return Starlette(routes=doors, middleware=middleware, exception_handlers=errors.HANDLERS, lifespan=lifespan)


def run(places: Places) -> int:
    """Serve until told to stop."""
    os.umask(0o077)
    config = uvicorn.Config(
        create(places), host=places.host, port=places.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    uvicorn.Server(config).run()
    return 0
