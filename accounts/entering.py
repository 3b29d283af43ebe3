"""登录: the way in, step by step. The first factor (password, or an identity provider's word) makes somebody known; the
second, where he has one or must have one, lets him in. A passkey that verified him is both.

Between the two steps the browser holds a token of its own, good for ten minutes and for nothing else.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import audit, devices, passwords, records, rules, sessions, throttle
from accounts.factors import proving
from accounts.factors.records import Factors, factors_of
from accounts.model import Actor
from accounts.records import SQL
from accounts.web import Demand, demand_of
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.web import see_other

WAITING_S = 10 * 60
NOBODYS_SESSION = UUID(int=0)


class Known(Struct, frozen=True):
    """Somebody whose first factor is right 第一因素已通过: ``how``, on a device that knows him or not, on his way to
    ``target``.
    """

    person_id: UUID
    login: str
    how: str
    device: str = ""
    target: str = "/"


class Entry(NamedTuple):
    """Who has signed in, and the tokens for the cookies of his session and of his device."""

    actor: Actor
    session: str
    device: str

    def give_cookies(self, response: Response, settings: Any) -> None:
        """Hand both to the browser."""
        sessions.give_cookie(response, settings, self.session)
        devices.give_cookie(response, settings, self.device)


async def by_password(request: Request, login: str, password: str) -> Known:
    """Check a password.

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
        name = row["login"] if row else login
        await audit.audit(state.postgres, None, "account.login", f"login:{name}", "refused", {"how": "password"})
        await throttle.count(state.valkey, "address", address, most=rules.ATTEMPTS_PER_ADDRESS, window_s=window_s)
        raise Problem(401, "bad_login")
    await not_barred(request, row)
    await throttle.forget(state.valkey, *attempt)
    return Known(row["id"], row["login"], "password", device)


async def not_barred(request: Request, row: Record) -> None:
    """Refuse (403 ``barred``) whom the audit has barred: a row with ``login`` and ``bar``."""
    if row["bar"] == "barred":
        thing, detail = f"login:{row['login']}", {"why": "barred"}
        await audit.audit(request.state.postgres, None, "account.login", thing, "refused", detail)
        raise Problem(403, "barred")


class Second(NamedTuple):
    """What stands between somebody known and his session: what he has, and whether he must have something."""

    factors: Factors
    must: bool

    @property
    def wanted(self) -> bool:
        """Whether anything stands between."""
        return self.must or self.factors.any


async def _demand(request: Request, known: Known) -> Demand:
    """What is asked of him. Raises ``Problem`` 401 ``bad_login`` when he was switched off in between."""
    state = request.state
    actor = await records.actor(state.postgres, known.person_id, NOBODYS_SESSION, 0, state.clock.now_ms())
    if actor is None:
        raise Problem(401, "bad_login")
    return await demand_of(state, actor)


async def second_of(request: Request, known: Known) -> Second:
    """What is asked of him besides."""
    factors = await factors_of(request.state.postgres, known.person_id)
    return Second(factors, (await _demand(request, known)).second_factor)


async def enter(request: Request, known: Known, proof: str = "") -> Entry:
    """Let him in: a new session, in place of the one this browser had. ``proof``: the second factor that was right."""
    state = request.state
    before = await sessions.actor(request)
    if before is not None:  # a session that was there before the password is not carried on
        await sessions.end(state.postgres, before.session)
    now_ms, agent = state.clock.now_ms(), request.headers.get("user-agent", "")
    how = "+".join(part for part in (known.how, proof) if part)
    token = await sessions.begin(
        state.postgres,
        known.person_id,
        now_ms,
        address=request.client.host if request.client else "",
        agent=agent,
        how=how,
        proved=bool(proof) or known.how == "passkey",
        idle_s=(await _demand(request, known)).idle_s,
    )
    actor = await sessions.by_token(state.postgres, token, now_ms)
    if actor is None:
        raise Problem(401, "bad_login")
    await audit.audit(state.postgres, actor, "account.login", f"login:{actor.login}", "done", {"how": how})
    return Entry(actor, token, await devices.remember(state.valkey, known.login, known.device))


async def at_once(request: Request, login: str, password: str, code: str) -> Entry:
    """Sign in with everything in one request, as programs do.

    Raises what ``by_password`` and ``proving.by_code`` raise, 401 ``second_factor_needed`` without a code, and 403
    ``second_factor_missing`` when he must have one and has none yet: that is done on the page.
    """
    known = await by_password(request, login, password)
    second = await second_of(request, known)
    if not second.wanted:
        return await enter(request, known)
    if not second.factors.any:
        raise Problem(403, "second_factor_missing")
    if not code:
        raise Problem(401, "second_factor_needed")
    proof = await proving.by_code(request.state, known.person_id, known.login, known.device, code)
    return await enter(request, known, proof)


async def go_on(request: Request, known: Known) -> Response:
    """The next page of somebody known: where he wanted to go, or the second step first."""
    second = await second_of(request, known)
    if not second.wanted:
        return await let_in(request, known)
    token = secrets.token_urlsafe(24)
    await request.state.valkey.set(_key(token), msgspec.json.encode(known), ex=WAITING_S)
    response = see_other("/login/second" if second.factors.any else "/login/enrol")
    response.set_cookie(
        cookie_name(request.state.settings), token, max_age=WAITING_S, path="/", httponly=True, samesite="lax",
        secure=sessions.is_https(request.state.settings),
    )  # fmt: skip
    return response


async def let_in(request: Request, known: Known, proof: str = "", response: Response | None = None) -> Response:
    """``response`` (none: on to his target) with the cookies of his session; he waits no more."""
    entry = await enter(request, known, proof)
    response = response or see_other(known.target)
    entry.give_cookies(response, request.state.settings)
    await leave(request, response)
    return response


async def proved(request: Request, actor: Actor, how: str) -> None:
    """In his session he has proved anew that it is he."""
    state = request.state
    await sessions.prove(state.postgres, actor.session, state.clock.now_ms())
    await audit.audit(state.postgres, actor, "account.proved", f"login:{actor.login}", "done", {"how": how})


def cookie_name(settings: Any) -> str:
    """Beside the session's cookie, and like it."""
    return "__Host-yangcai-waiting" if sessions.is_https(settings) else "yangcai-waiting"


def _key(token: str) -> str:
    return "waiting:" + hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def waiting(request: Request) -> Known | None:
    """Who waits at the second step in this browser."""
    token = request.cookies.get(cookie_name(request.state.settings), "")
    kept = await request.state.valkey.get(_key(token)) if token else None
    return msgspec.json.decode(kept, type=Known) if kept else None


async def leave(request: Request, response: Response) -> None:
    """He waits no more."""
    name = cookie_name(request.state.settings)
    if token := request.cookies.get(name, ""):
        await request.state.valkey.delete(_key(token))
        response.delete_cookie(name, path="/", secure=sessions.is_https(request.state.settings), httponly=True)
