"""Pages of second factors: the second step of a sign-in, a proof anew, and what one has (登录安全)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from accounts import devices, entering, passwords, rules, sessions, throttle
from accounts.acts import OPEN, SIGNED_IN
from accounts.audit import audit
from accounts.entering import Known
from accounts.factors import enrolling, kept, passkeys, proving
from accounts.factors.records import SQL, factors_of
from accounts.model import Actor
from accounts.records import SQL as PEOPLE
from accounts.web import demand_of, require, stepped_up
from plumbing.problems import Problem
from plumbing.web import Form, collect, local_path, page, read_form, see_other

CODE_CHARS_MAX = 40


def _page(request: Request, name: str, problem: Problem | None = None, **context: Any) -> Response:
    status = problem.status if problem else 200
    found: Response = request.state.templates.page(request, name, status, problem=problem, **context)
    found.headers.update(problem.headers if problem else {})
    return found


async def _waiting(request: Request) -> Known:
    known = await entering.waiting(request)
    if known is None:
        raise Problem(401, "login_over")
    return known


async def _second(request: Request, known: Known, problem: Problem | None = None) -> Response:
    factors = await factors_of(request.state.postgres, known.person_id)
    return _page(
        request, "second.html", problem, factors=factors, action="/login/second", purpose="second", target="", back="",
        passkey=bool(factors.passkeys) and passkeys.usable(request),
    )  # fmt: skip


@page("GET", "/login/second", act=OPEN)
async def second_page(request: Request) -> Response:
    """The second step: a code of the authenticator, a passkey, or a recovery code; without the first, back to it."""
    known = await entering.waiting(request)
    return await _second(request, known) if known else see_other("/login")


@page("POST", "/login/second", name="second_form", act=OPEN)
async def second_form(request: Request) -> Response:
    """Check the code, and let him in."""
    form, known = await read_form(request), await _waiting(request)
    try:
        code = form.get("code", "")[:CODE_CHARS_MAX]
        proof = await proving.by_code(request.state, known.person_id, known.login, known.device, code)
    except Problem as problem:
        return await _second(request, known, problem)
    return await entering.let_in(request, known, proof)


async def _enrol(request: Request, known: Known, problem: Problem | None = None) -> Response:
    begun = await enrolling.begin(request.state, known.person_id, known.login)
    return _page(
        request, "enrol.html", problem, begun=begun, action="/login/enrol", login=known.login,
        passkey=passkeys.usable(request),
    )  # fmt: skip


@page("GET", "/login/enrol", act=OPEN)
async def enrol_page(request: Request) -> Response:
    """For somebody who must have a second factor and has none: an authenticator is added before he is let in."""
    known = await entering.waiting(request)
    if known is None:
        return see_other("/login")
    factors = await factors_of(request.state.postgres, known.person_id)
    return see_other("/login/second") if factors.any else await _enrol(request, known)


@page("POST", "/login/enrol", name="enrol_form", act=OPEN)
async def enrol_form(request: Request) -> Response:
    """The authenticator shows a code: it is his, he is let in, and his recovery codes are shown, once."""
    form, known = await read_form(request), await _waiting(request)
    state = request.state
    if (await factors_of(state.postgres, known.person_id)).any:
        return see_other("/login/second")
    try:
        sealed, step = await enrolling.check(state, known.person_id, form.get("code", "")[:CODE_CHARS_MAX])
    except Problem as problem:
        return await _enrol(request, known, problem)
    shown, hashed = await enrolling.new_codes()
    async with state.postgres.acquire() as conn, conn.transaction():
        await conn.execute(SQL["set_totp"], known.person_id, sealed, step)
        await enrolling.put_codes(conn, known.person_id, hashed)
        await audit(conn, None, "account.totp_added", f"login:{known.login}")
    response = _page(request, "recovery_codes.html", codes=shown, onward=known.target)
    return await entering.let_in(request, known, "code", response)


async def _prove(request: Request, target: str, back: str, problem: Problem | None = None) -> Response:
    actor = await require(request)
    factors = await factors_of(request.state.postgres, actor.user_id)
    return _page(
        request, "second.html" if factors.any else "prove.html", problem, factors=factors, action="/prove",
        purpose="prove", target=target, back=back, passkey=bool(factors.passkeys) and passkeys.usable(request),
    )  # fmt: skip


@page("GET", "/prove", act=SIGNED_IN)
async def prove_page(request: Request) -> Response:
    """A proof that it is he, before an act that binds: what he has as a second factor, or else his password."""
    target = local_path(request.query_params.get("next"))
    return await _prove(request, target, local_path(request.query_params.get("back"), target))


@page("POST", "/prove", act=SIGNED_IN, name="prove_form")
async def prove_form(request: Request) -> Response:
    """Check the proof, and back to where it was asked for."""
    actor, form = await require(request), await read_form(request)
    target, state = local_path(form.get("next")), request.state
    try:
        if (await factors_of(state.postgres, actor.user_id)).any:
            from_here = await devices.known(request, actor.login)
            code = form.get("code", "")[:CODE_CHARS_MAX]
            how = await proving.by_code(state, actor.user_id, actor.login, from_here, code)
        else:
            how = await _by_password(request, actor, form)
    except Problem as problem:
        return await _prove(request, target, local_path(form.get("back"), target), problem)
    await entering.proved(request, actor, how)
    return see_other(target)


@page("GET", "/prove/kept", act=SIGNED_IN, name="kept_form")
async def kept_page(request: Request) -> Response:
    """The form that was sent before the proof, once: the page sends it on, without scripts one presses the button."""
    actor = await require(request)
    form = await kept.take(request, actor.session, request.query_params.get("key", "")[:100])
    if form is None:
        raise Problem(410, "kept_form_over")
    return _page(request, "kept.html", form=form)


async def _by_password(request: Request, actor: Actor, form: Form) -> str:
    state = request.state
    await throttle.count(
        state.valkey, "password", str(actor.user_id), most=rules.ATTEMPTS_PER_LOGIN, window_s=rules.ATTEMPTS_WINDOW_S
    )
    typed, stored = (
        form.exact.get("password", "")[:201],
        await state.postgres.fetchval(PEOPLE["password_of"], actor.user_id),
    )
    if not await passwords.verify_password(stored, typed, known=True):
        await audit(state.postgres, actor, "account.proved", f"login:{actor.login}", "refused", {"how": "password"})
        raise Problem(403, "password_wrong")
    await throttle.forget(state.valkey, "password", str(actor.user_id))
    return "password"


async def _show(request: Request, actor: Actor, problem: Problem | None = None) -> Response:
    state = request.state
    return _page(
        request,
        "factors.html",
        problem,
        factors=await factors_of(state.postgres, actor.user_id),
        must=(await demand_of(state, actor)).second_factor,
        passkeys=[
            {**row, "key": base64.urlsafe_b64encode(row["id"]).decode()}
            for row in await state.postgres.fetch(SQL["passkeys_of"], actor.user_id)
        ],
        usable=passkeys.usable(request),
    )


@page("GET", "/account/factors", act=SIGNED_IN)
async def factors_page(request: Request) -> Response:
    """What one has to sign in with besides the password."""
    return await _show(request, await require(request))


@page("GET", "/account/factors/totp", act=SIGNED_IN)
async def totp_page(request: Request) -> Response:
    """The QR code of an authenticator to be added; in place of the one there is."""
    return await _totp(request, await stepped_up(request, always=True))


async def _totp(request: Request, actor: Actor, problem: Problem | None = None) -> Response:
    begun = await enrolling.begin(request.state, actor.user_id, actor.login)
    return _page(
        request, "enrol.html", problem, begun=begun, action="/account/factors/totp", login=actor.login, passkey=False
    )


@page("POST", "/account/factors/totp", act=SIGNED_IN, name="totp_form")
async def totp_form(request: Request) -> Response:
    """The authenticator shows a code: it is his. With the first factor come recovery codes, shown once."""
    actor, form, state = await stepped_up(request, always=True), await read_form(request), request.state
    first = not (await factors_of(state.postgres, actor.user_id)).recovery_codes
    try:
        sealed, step = await enrolling.check(state, actor.user_id, form.get("code", "")[:CODE_CHARS_MAX])
    except Problem as problem:
        return await _totp(request, actor, problem)
    shown, hashed = await enrolling.new_codes() if first else ([], [])
    async with state.postgres.acquire() as conn, conn.transaction():
        await conn.execute(SQL["set_totp"], actor.user_id, sealed, step)
        if first:
            await enrolling.put_codes(conn, actor.user_id, hashed)
        await sessions.end_others(conn, actor)
        await sessions.prove(conn, actor.session, state.clock.now_ms())
        await audit(conn, actor, "account.totp_added", f"login:{actor.login}")
    if first:
        return _page(request, "recovery_codes.html", codes=shown, onward="/account/factors")
    return see_other("/account/factors", "note.totp_added")


async def _last(request: Request, actor: Actor) -> bool:
    """Whether he must keep what he has left: one factor, where one is demanded of him."""
    factors = await factors_of(request.state.postgres, actor.user_id)
    return factors.totp + factors.passkeys == 1 and (await demand_of(request.state, actor)).second_factor


async def _take(request: Request, statement: str, *given: Any, event: str) -> Response:
    actor, state = await stepped_up(request, always=True), request.state
    if await _last(request, actor):
        return await _show(request, actor, Problem(409, "last_factor"))
    async with state.postgres.acquire() as conn, conn.transaction():
        if await conn.fetchval(SQL[statement], actor.user_id, *given) is None:
            raise Problem(404, "not_found")
        await audit(conn, actor, event, f"login:{actor.login}")
        if not (await factors_of(conn, actor.user_id)).any:
            await conn.execute(SQL["drop_recovery_codes"], actor.user_id)
        await sessions.end_others(conn, actor)
    return see_other("/account/factors", "note.factor_removed")


@page("POST", "/account/factors/totp/removal", act=SIGNED_IN)
async def remove_totp(request: Request) -> Response:
    """The authenticator is his no more; other sessions end."""
    return await _take(request, "drop_totp", event="account.totp_removed")


@page("POST", "/account/factors/passkeys/removal", act=SIGNED_IN)
async def remove_passkey(request: Request) -> Response:
    """One passkey is his no more; other sessions end."""
    form = await read_form(request)
    try:
        key = base64.urlsafe_b64decode(form.get("key", "")[:2_000])
    except (binascii.Error, ValueError):
        raise Problem(404, "not_found") from None
    return await _take(request, "drop_passkey", key, event="account.passkey_removed")


@page("POST", "/account/factors/recovery", act=SIGNED_IN)
async def new_recovery_codes(request: Request) -> Response:
    """Ten new recovery codes in place of those before, shown once."""
    actor, state = await stepped_up(request, always=True), request.state
    if not (await factors_of(state.postgres, actor.user_id)).any:
        return await _show(request, actor, Problem(409, "no_factor"))
    shown, hashed = await enrolling.new_codes()
    async with state.postgres.acquire() as conn, conn.transaction():
        await enrolling.put_codes(conn, actor.user_id, hashed)
        await audit(conn, actor, "account.recovery_made", f"login:{actor.login}")
    return _page(request, "recovery_codes.html", codes=shown, onward="/account/factors")


ROUTES = collect(globals())
