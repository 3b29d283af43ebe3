"""Doors' helpers: who is behind a request, and what he must be to come in."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts import audit, devices, passwords, rules, sessions, throttle
from accounts.model import Actor
from accounts.records import SQL
from plumbing.problems import Problem


async def require(conn: HTTPConnection, *roles: str) -> Actor:
    """The actor of this request, who must hold one of ``roles`` (none given: any). Raises ``Problem`` 401 or 403.

    This opens the door; whether his grant covers the object behind it is for ``rules.may`` and the room. Behind a door
    that declares an act he comes with the grants alone that bear it.
    """
    actor = await sessions.actor(conn)
    if actor is None:
        raise Problem(401, "login_needed")
    if roles and not actor.has(*roles):
        raise Problem(403, "forbidden")
    act: str = getattr(conn.state, "act", "")
    return rules.bearing(actor, act) if act else actor


async def stepped_up(request: Request, *, always: bool = False) -> Actor:
    """The actor, who has proved that it is he within the last minutes 再次验证 (parameter ``signin.step_up_minutes``).

    For acts that bind: money, opening, award. Asked of whoever has a second factor or must have one; ``always``: of
    everybody. Raises ``Problem`` 403 ``step_up_needed``; a page then leads to ``/prove`` and back.
    """
    actor, state = await require(request), request.state
    now_ms = state.clock.now_ms()
    demands = await state.rule_set(state.postgres, actor.region, now_ms)
    if 0 <= now_ms - actor.proved_at_ms < demands.ms("signin.step_up_minutes"):
        return actor
    production = str(state.settings.mode) == "production"
    wanted = always or rules.second_factor_demanded(actor.roles, demands.choice("signin.second_factor"), production)
    if wanted or await state.postgres.fetchval(SQL["has_second_factor"], actor.user_id):
        raise Problem(403, "step_up_needed")
    return actor


async def guard(request: Request, wanted: str | tuple[str, ...]) -> Actor:
    """What ``plumbing.web`` calls before a door that needs a login, with its act or roles; ``request.state.guard``."""
    if isinstance(wanted, tuple):
        return await require(request, *wanted)
    actor = await require(request)
    if wanted and wanted not in rules.compiled(actor.grants):
        raise Problem(403, "forbidden")
    request.state.act = wanted
    return actor


class Who:
    """Finds the actor before pages are drawn, so that every page can greet him. Static files ask nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and not scope["path"].startswith(("/static/", "/healthz")):
            await sessions.actor(HTTPConnection(scope))
        await self.app(scope, receive, send)


class Entry(NamedTuple):
    """Who has signed in, and the tokens for the cookies of his session and of his device."""

    actor: Actor
    session: str
    device: str

    def give_cookies(self, response: Response, settings: Any) -> None:
        """Hand both to the browser."""
        sessions.give_cookie(response, settings, self.session)
        devices.give_cookie(response, settings, self.device)


async def log_in(request: Request, login: str, password: str) -> Entry:
    """Check a password and open a session.

    Raises ``Problem`` 401 ``bad_login`` (the same for an unknown login, in the same time), 429 after 5 attempts in 15
    minutes on a login from one address, or from a device that knows it, and after 50 failures from an address; 503 when
    too many wait, 403 ``barred`` by the audit. What others try counts for no device that knows the login.
    """
    state = request.state
    address = request.client.host if request.client else ""
    window_s = rules.ATTEMPTS_WINDOW_S
    device = await devices.known(request, login)
    attempt = ("device", f"{login}\n{device}") if device else ("login", f"{login}\n{address}")
    if not device:
        await throttle.check(state.valkey, "address", address, most=rules.ATTEMPTS_PER_ADDRESS)
    await throttle.count(state.valkey, *attempt, most=rules.ATTEMPTS_PER_LOGIN, window_s=window_s)
    row = await state.postgres.fetchrow(SQL["person_by_login"], login)
    try:
        fits = await passwords.verify_password(row["password_hash"] if row else None, password, known=bool(device))
    except passwords.TooBusy:
        raise Problem(503, "unavailable", headers={"Retry-After": "5"}) from None
    if row is None or not fits:
        await audit.audit(state.postgres, None, "account.login", f"login:{login}", "refused")
        await throttle.count(state.valkey, "address", address, most=rules.ATTEMPTS_PER_ADDRESS, window_s=window_s)
        raise Problem(401, "bad_login")
    if row["bar"] == "barred":
        await audit.audit(state.postgres, None, "account.login", f"login:{login}", "refused", {"why": "barred"})
        raise Problem(403, "barred")
    await throttle.forget(state.valkey, *attempt)
    before = await sessions.actor(request)
    if before is not None:  # a session that was there before the password is not carried on
        await sessions.end(state.postgres, before.session)
    now_ms, agent = state.clock.now_ms(), request.headers.get("user-agent", "")
    token = await sessions.begin(state.postgres, row["id"], now_ms, address=address, agent=agent)
    actor = await sessions.by_token(state.postgres, token, now_ms)
    if actor is None:
        raise Problem(401, "bad_login")
    await audit.audit(state.postgres, actor, "account.login", f"login:{login}", "done")
    return Entry(actor, token, await devices.remember(state.valkey, login, device))


async def change_password(request: Request, actor: Actor, old: str, new: str) -> None:
    """Give the actor another password, and end his other sessions.

    Raises ``Problem`` 403 ``bad_password`` when ``old`` is not his, 422 ``password_unfit``, 429 after five attempts.
    """
    state = request.state
    await throttle.count(
        state.valkey, "password", str(actor.user_id), most=rules.ATTEMPTS_PER_LOGIN, window_s=rules.ATTEMPTS_WINDOW_S
    )
    if not await passwords.verify_password(await state.postgres.fetchval(SQL["password_of"], actor.user_id), old):
        await audit.audit(state.postgres, actor, "account.password", f"login:{actor.login}", "refused")
        raise Problem(403, "bad_password")
    if new == old or not rules.password_is_fit(new, actor.login):
        raise Problem(422, "password_unfit", least=rules.PASSWORD_LENGTH_MIN)
    hashed = await passwords.hash_password(new)
    async with state.postgres.acquire() as conn, conn.transaction():
        await conn.execute(SQL["set_password"], actor.user_id, hashed)
        await sessions.end_others(conn, actor)
        await audit.audit(conn, actor, "account.password", f"login:{actor.login}")


async def log_out(request: Request) -> None:
    """End the session behind the request, if there is one."""
    actor = await sessions.actor(request)
    if actor is not None:
        await sessions.end(request.state.postgres, actor.session)
        await audit.audit(request.state.postgres, actor, "account.logout", f"login:{actor.login}")
