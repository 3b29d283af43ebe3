"""The JSON doors of accounts: log in, log out, who am I, a ticket for a socket."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from accounts import entering, rules, sessions, throttle, tickets
from accounts.acts import OPEN, SIGNED_IN
from accounts.model import Actor, Role
from accounts.web import log_out, require
from plumbing.web import collect, op

TICKETS_PER_MINUTE = 120
NO_CONTROL = r"^[^\x00-\x1f]+$"
Login = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=NO_CONTROL, examples=["buyer"])]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=rules.PASSWORD_LENGTH_MAX)]
Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_CONTROL)]


class LoginBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A login 登录."""

    login: Login
    password: Password
    code: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """Of an authenticator 动态口令, or a recovery code 恢复码, where a second factor is wanted."""


class Me(msgspec.Struct, frozen=True):
    """Who is logged in 当前用户."""

    user_id: UUID
    login: str
    name: str
    org_id: UUID
    org_name: str
    region: str
    roles: list[Role]
    expires_at_ms: int


class TicketBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the ticket 入场票 is for. With ``lot:<id>`` it opens that lot alone."""

    purpose: Purpose


class Ticket(msgspec.Struct, frozen=True):
    """A ticket 入场票: good once, for ``seconds``."""

    ticket: str
    seconds: int


def me_of(actor: Actor) -> Me:
    """What an actor is told of himself."""
    return Me(
        user_id=actor.user_id,
        login=actor.login,
        name=actor.name,
        org_id=actor.org_id,
        org_name=actor.org_name,
        region=actor.region,
        roles=sorted(actor.roles),
        expires_at_ms=actor.expires_at_ms,
    )


@op(
    "POST",
    "/api/session",
    tag="accounts",
    summary=("登录", "Log in"),
    errors=(401, 403, 429, 503),
    media="application/json",
    act=OPEN,
)
async def begin_session(request: Request, body: LoginBody) -> Me:
    """Check login, password and second factor, set the session cookie. Few attempts in 15 minutes."""
    entry = await entering.at_once(request, body.login, body.password, body.code)
    response = Response(msgspec.json.encode(me_of(entry.actor)), media_type="application/json")
    entry.give_cookies(response, request.state.settings)
    return response  # type: ignore[return-value]  # Me, with a cookie on it


@op("DELETE", "/api/session", tag="accounts", summary=("退出", "Log out"), status=204, act=OPEN)
async def end_session(request: Request) -> None:
    """End the session and take the cookie back. Without a session nothing happens."""
    await log_out(request)
    response = Response(status_code=204)
    sessions.take_cookie(response, request.state.settings)
    return response  # type: ignore[return-value]  # nothing, with a cookie taken


@op("GET", "/api/me", tag="accounts", summary=("当前用户", "Who am I"), act=SIGNED_IN)
async def me(request: Request) -> Me:
    """The person behind the session, his organisation, region and roles."""
    return me_of(await require(request))


@op("POST", "/api/tickets", tag="accounts", summary=("入场票", "A ticket"), act=SIGNED_IN, status=201, errors=(429,))
async def issue_ticket(request: Request, body: TicketBody) -> Ticket:
    """A way into one socket without the cookie: good once, within 30 seconds."""
    actor = await require(request)
    state = request.state
    await throttle.count(state.valkey, "ticket", str(actor.user_id), most=TICKETS_PER_MINUTE, window_s=60)
    payload = {"user_id": str(actor.user_id), "session": str(actor.session), "purpose": body.purpose}
    return Ticket(await tickets.issue(state.valkey, payload), tickets.TICKET_S)


ROUTES = collect(globals())
