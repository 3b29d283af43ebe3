"""The JSON doors of passkeys: what the pages' script asks the server before and after it asks the authenticator."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import devices, entering, sessions, throttle
from accounts.acts import OPEN, SIGNED_IN
from accounts.audit import audit
from accounts.entering import Known
from accounts.factors import passkeys
from accounts.factors.enrolling import new_codes, put_codes
from accounts.factors.passkeys import Ceremony
from accounts.factors.records import factors_of
from accounts.web import require, stepped_up
from plumbing.problems import Problem
from plumbing.web import collect, local_path, op

ASKED_PER_MINUTE = 300
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
Token = Annotated[str, Meta(min_length=1, max_length=100)]


class AskBody(Struct, forbid_unknown_fields=True, frozen=True):
    """What a passkey is asked for: to sign in, as the second step, for a proof anew, or to be made by somebody who must
    have one before he is let in; and where to go then.
    """

    purpose: Literal["login", "second", "prove", "enrol"]
    next: Annotated[str, Meta(max_length=2_000)] = "/"


class AskedOut(Struct, frozen=True):
    """A challenge 质询: its name, and the options for ``navigator.credentials``."""

    ceremony: str
    options: dict[str, Any]


class AnswerBody(Struct, forbid_unknown_fields=True, frozen=True):
    """What the authenticator answered, in the JSON of WebAuthn."""

    ceremony: Token
    credential: dict[str, Any]


class Onward(Struct, frozen=True):
    """Where to go now."""

    next: str


class NewBody(AnswerBody, frozen=True):
    """A new passkey under a name of one's own."""

    name: Name


class Added(Struct, frozen=True):
    """It was added. With somebody's first factor come recovery codes, shown once."""

    recovery_codes: list[str]


def _here(request: Request) -> None:
    if not passkeys.usable(request):
        raise Problem(409, "passkeys_not_here")


@op(
    "POST",
    "/api/passkeys/asking",
    tag="accounts",
    summary=("请求通行密钥", "Ask for a passkey"),
    errors=(401, 409, 429),
    act=OPEN,
)
async def ask(request: Request, body: AskBody) -> AskedOut:
    """A challenge, good once and for five minutes. To sign in with a passkey alone it must verify its user."""
    _here(request)
    address = request.client.host if request.client else ""
    await throttle.count(request.state.valkey, "passkey", address, most=ASKED_PER_MINUTE, window_s=60)
    person_id, target = None, local_path(body.next)
    if body.purpose == "enrol":
        newcomer = await _newcomer(request)
        asked = await passkeys.ask_to_add(request, newcomer.person_id, newcomer.login, "enrol")
        return AskedOut(asked.ceremony, asked.options)
    if body.purpose == "second":
        known = await entering.waiting(request)
        if known is None:
            raise Problem(401, "login_over")
        person_id, target = known.person_id, known.target
    elif body.purpose == "prove":
        person_id = (await require(request)).user_id
    asked = await passkeys.ask(request, body.purpose, person_id, target)
    return AskedOut(asked.ceremony, asked.options)


@op(
    "POST",
    "/api/passkeys/answer",
    tag="accounts",
    summary=("通行密钥应答", "A passkey answers"),
    errors=(401, 403, 409),
    act=OPEN,
)
async def answer(request: Request, body: AnswerBody) -> Onward:
    """The passkey's answer: it signs in, or proves anew. The cookies of the session come with it."""
    _here(request)
    ceremony = await passkeys.taken(request, body.ceremony)
    if ceremony.purpose not in ("login", "second", "prove"):
        raise Problem(409, "passkey_over")
    try:
        row = await passkeys.answered(request, ceremony, body.credential)
    except Problem:
        what = "account.proved" if ceremony.purpose == "prove" else "account.login"
        await audit(request.state.postgres, None, what, "", "refused", {"how": "passkey"})
        raise
    await entering.not_barred(request, row)
    onward = Response(msgspec.json.encode(Onward(ceremony.target)), media_type="application/json")
    if ceremony.purpose == "prove":
        actor = await require(request)
        if actor.user_id != row["person_id"]:
            raise Problem(401, "passkey_refused")
        await entering.proved(request, actor, "passkey")
        return onward  # type: ignore[return-value]  # as all doors that set a cookie
    device = await devices.known(request, row["login"])
    known = Known(row["person_id"], row["login"], "passkey", device, ceremony.target)
    if ceremony.purpose == "second":
        waiting = await entering.waiting(request)
        if waiting is None or waiting.person_id != row["person_id"]:
            raise Problem(401, "login_over")
        return await entering.let_in(request, waiting, "passkey", onward)  # type: ignore[return-value]
    return await entering.let_in(request, known, response=onward)  # type: ignore[return-value]


@op(
    "POST",
    "/api/passkeys/making",
    tag="accounts",
    summary=("新建通行密钥", "Begin a passkey"),
    act=SIGNED_IN,
    errors=(403, 409),
)
async def make(request: Request) -> AskedOut:
    """A challenge for a new passkey of one's own. Needs a fresh proof that it is he."""
    _here(request)
    actor = await stepped_up(request, always=True)
    asked = await passkeys.ask_to_add(request, actor.user_id, actor.login, "add")
    return AskedOut(asked.ceremony, asked.options)


@op(
    "POST",
    "/api/passkeys",
    tag="accounts",
    summary=("保存通行密钥", "Keep a passkey"),
    act=SIGNED_IN,
    status=201,
    errors=(403, 409),
)
async def keep(request: Request, body: NewBody) -> Added:
    """Keep the passkey just made; other sessions end."""
    _here(request)
    actor, state = await stepped_up(request, always=True), request.state
    ceremony: Ceremony = await passkeys.taken(request, body.ceremony)
    if ceremony.purpose != "add" or ceremony.person_id != actor.user_id:
        raise Problem(409, "passkey_over")
    first = not (await factors_of(state.postgres, actor.user_id)).recovery_codes
    shown, hashed = await new_codes() if first else ([], [])
    async with state.postgres.acquire() as conn, conn.transaction():
        await passkeys.add(request, conn, ceremony, body.name, body.credential)
        if first:
            await put_codes(conn, actor.user_id, hashed)
        await sessions.end_others(conn, actor)
        await sessions.prove(conn, actor.session, state.clock.now_ms())
        await audit(conn, actor, "account.passkey_added", f"login:{actor.login}")
    return Added(shown)


class Enrolled(Added, frozen=True):
    """He is let in; where he wanted to go."""

    next: str


async def _newcomer(request: Request) -> Known:
    """Who waits at the second step without having any factor. Raises ``Problem`` 401, 409."""
    known = await entering.waiting(request)
    if known is None:
        raise Problem(401, "login_over")
    if (await factors_of(request.state.postgres, known.person_id)).any:
        raise Problem(409, "passkey_over")
    return known


@op(
    "POST",
    "/api/passkeys/enrolment",
    tag="accounts",
    summary=("以通行密钥登记", "Enrol with a passkey"),
    act=OPEN,
    status=201,
    errors=(401, 409),
)
async def enrol(request: Request, body: NewBody) -> Enrolled:
    """Keep the first factor of somebody who must have one, and let him in. The cookies of the session come with it."""
    _here(request)
    known, state = await _newcomer(request), request.state
    ceremony = await passkeys.taken(request, body.ceremony)
    if ceremony.purpose != "enrol" or ceremony.person_id != known.person_id:
        raise Problem(409, "passkey_over")
    shown, hashed = await new_codes()
    async with state.postgres.acquire() as conn, conn.transaction():
        await passkeys.add(request, conn, ceremony, body.name, body.credential)
        await put_codes(conn, known.person_id, hashed)
        await audit(conn, None, "account.passkey_added", f"login:{known.login}")
    said = Response(msgspec.json.encode(Enrolled(shown, known.target)), 201, media_type="application/json")
    return await entering.let_in(request, known, "passkey", said)  # type: ignore[return-value]


ROUTES = collect(globals())
