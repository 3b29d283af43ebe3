"""Doors' helpers: who is behind a request, and what he must be to come in."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts import audit, passwords, rules, sessions, throttle
from accounts.factors.records import factors_of
from accounts.model import Actor
from accounts.records import SQL
from plumbing.problems import Problem
from plumbing.security import SAFE_METHODS


async def require(conn: HTTPConnection, *roles: str) -> Actor:
    """The actor of this request, who must hold one of ``roles`` (none given: any). Raises ``Problem`` 401 or 403.

    This opens the door; whether his grant covers the object behind it is for ``rules.may`` and the room.
    """
    actor = await sessions.actor(conn)
    if actor is None:
        raise Problem(401, "login_needed")
    if roles and not actor.has(*roles):
        raise Problem(403, "forbidden")
    return actor


class Demand(NamedTuple):
    """What the rules of somebody's region ask of him: a second factor or not, how long a proof is good, and how long
    his session may stay unused.
    """

    second_factor: bool
    step_up_ms: int
    idle_s: int


async def demand_of(state: Any, actor: Actor) -> Demand:
    """What is asked of this person today (``signin.*``)."""
    rules_in_force = await state.rule_set(state.postgres, actor.region, state.clock.now_ms())
    word, production = rules_in_force.choice("signin.second_factor"), str(state.settings.mode) == "production"
    must = rules.second_factor_demanded(actor.roles, word, production)
    return Demand(must, rules_in_force.ms("signin.step_up_minutes"), rules_in_force.ms("signin.idle_minutes") // 1_000)


async def stepped_up(request: Request, *, always: bool = False) -> Actor:
    """The actor, who has proved that it is he within the last minutes 再次验证 (parameter ``signin.step_up_minutes``).

    For acts that bind: money, opening, award. Asked of whoever has a second factor or must have one; ``always``: of
    everybody, with his password where he has none. Raises ``Problem`` 403 ``step_up_needed`` (a page leads to
    ``/prove`` and back), or ``second_factor_missing``.
    """
    actor, state = await require(request), request.state
    if actor.key:
        raise Problem(403, "key_may_not")
    demand, factors = await demand_of(state, actor), await factors_of(state.postgres, actor.user_id)
    if demand.second_factor and not factors.any and not always:
        raise Problem(403, "second_factor_missing")
    fresh = 0 <= state.clock.now_ms() - actor.proved_at_ms < demand.step_up_ms
    if not fresh and (always or factors.any):
        raise Problem(403, "step_up_needed")
    return actor


async def guard(request: Request, act: str) -> Actor:
    """What ``plumbing.web`` calls before a door that needs a login, with its act; ``request.state.guard``."""
    actor = await require(request)
    if actor.key and not act and request.method not in SAFE_METHODS:
        raise Problem(403, "key_may_not")
    if act and act not in rules.compiled(actor.grants):
        raise Problem(403, "forbidden")
    request.state.act = act
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
