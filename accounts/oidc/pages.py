"""Pages of the identity provider: off to it and back, and the link between an identity there and an account here."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from accounts import devices, entering
from accounts.acts import OPEN, SIGNED_IN
from accounts.audit import audit
from accounts.entering import Known
from accounts.factors import passkeys
from accounts.oidc.client import Identity, NotBelieved, Provider, ProviderAway, Question
from accounts.sessions import is_https
from accounts.web import require, stepped_up
from plumbing import logs, sql
from plumbing.problems import Problem
from plumbing.web import collect, local_path, page, see_other

ASKED_S = 10 * 60
BACK = "/login/oidc/return"
SQL = sql.load(Path(__file__).with_name("records.sql"))

log = logs.get(__name__)


def _key(what: str, token: str) -> str:
    return f"oidc:{what}:{hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()}"


def _cookie(request: Request) -> str:
    return "__Host-yangcai-oidc" if is_https(request.state.settings) else "yangcai-oidc"


def _provider(request: Request) -> Provider:
    found: Provider | None = request.state.oidc
    if found is None:
        raise Problem(404, "not_found")
    return found


def _back(request: Request) -> str:
    return passkeys.place_of(request).origin + BACK


async def _off(request: Request, purpose: str, target: str) -> Response:
    """To the provider, with a question that only this browser can bring back."""
    state, question = request.state, Question.new(purpose, target)
    try:
        address = await _provider(request).address(question, _back(request), state.clock.now_ms())
    except ProviderAway as error:
        raise _away(error) from None
    await state.valkey.set(_key("asked", question.state), msgspec.json.encode(question), ex=ASKED_S)
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _cookie(request), question.state, max_age=ASKED_S, path="/", httponly=True, samesite="lax",
        secure=is_https(state.settings),
    )  # fmt: skip
    return response


def _away(error: ProviderAway) -> Problem:
    log.warning("oidc.away", why=str(error)[:300])
    return Problem(503, "oidc_away", headers={"Retry-After": "10"})


@page("GET", "/login/oidc", act=OPEN)
async def oidc_begin(request: Request) -> Response:
    """Off to the provider, to sign in."""
    target = local_path(request.query_params.get("next"))
    try:
        return await _off(request, "login", target)
    except Problem as problem:
        if problem.status != 503:
            raise
        return show_login(request, target, problem=problem)


@page("GET", "/account/identity", act=SIGNED_IN)
async def link_begin(request: Request) -> Response:
    """Off to the provider, to link the identity one has there. Needs a fresh proof that it is he.

    The proof leads back to the account, not here: a browser lets no form end at another site (CSP ``form-action``).
    """
    try:
        await stepped_up(request, always=True)
    except Problem as problem:
        if problem.code != "step_up_needed":
            raise
        return see_other("/prove?next=/account")
    return await _off(request, "link", "/account")


def show_login(request: Request, target: str, login: str = "", problem: Problem | None = None) -> Response:
    """The login page with every way in there is, and what was wrong with the last one."""
    provider: Provider | None = request.state.oidc
    found: Response = request.state.templates.page(
        request, "login.html", problem.status if problem else 200, login=login, target=target, problem=problem,
        passkey=passkeys.usable(request), provider=provider.name if provider else "",
    )  # fmt: skip
    found.headers.update(problem.headers if problem else {})
    return found


@page("GET", BACK, act=OPEN)
async def oidc_return(request: Request) -> Response:
    """Back from the provider. Whoever is linked goes on to the second step; whoever came to link is asked once more."""
    try:
        response = await _returned(request, _provider(request))
    except Problem as problem:
        if problem.status not in (401, 503):
            raise
        response = show_login(request, "/", problem=problem)
    response.delete_cookie(_cookie(request), path="/", secure=is_https(request.state.settings), httponly=True)
    return response


async def _returned(request: Request, provider: Provider) -> Response:
    state = request.state
    asked = request.query_params.get("state", "")
    kept = await state.valkey.getdel(_key("asked", asked)) if asked else None
    if kept is None or not hmac.compare_digest(request.cookies.get(_cookie(request), "").encode(), asked.encode()):
        raise Problem(401, "oidc_refused")
    question = msgspec.json.decode(kept, type=Question)
    if request.query_params.get("iss", provider.issuer) != provider.issuer or "code" not in request.query_params:
        raise Problem(401, "oidc_refused")
    try:
        code, now_ms = request.query_params["code"][:2_000], state.clock.now_ms()
        identity = await provider.identity(question, code, _back(request), now_ms)
    except ProviderAway as error:
        raise _away(error) from None
    except NotBelieved as error:
        log.warning("oidc.not_believed", why=str(error)[:300])
        raise Problem(401, "oidc_refused") from None
    if question.purpose == "link":
        return await _offer(request, identity)
    return await _come_in(request, provider, identity, question.target)


async def _come_in(request: Request, provider: Provider, identity: Identity, target: str) -> Response:
    row = await request.state.postgres.fetchrow(SQL["person_of"], provider.issuer, identity.subject)
    if row is None:
        await audit(request.state.postgres, None, "account.login", "", "refused", {"how": "oidc", "why": "not linked"})
        raise Problem(401, "oidc_not_linked", provider=provider.name)
    await entering.not_barred(request, row)
    device = await devices.known(request, row["login"])
    return await entering.go_on(request, Known(row["id"], row["login"], "oidc", device, target))


async def _offer(request: Request, identity: Identity) -> Response:
    actor, state = await require(request), request.state
    await state.valkey.set(_key("offered", str(actor.session)), msgspec.json.encode(identity), ex=ASKED_S)
    found: Response = state.templates.page(
        request, "identity.html", identity=identity, provider=_provider(request).name
    )
    return found


@page("POST", "/account/identity", act=SIGNED_IN, name="link_form")
async def link(request: Request) -> Response:
    """Link the identity just shown to the account."""
    actor, state, provider = await stepped_up(request, always=True), request.state, _provider(request)
    kept = await state.valkey.getdel(_key("offered", str(actor.session)))
    if kept is None:
        raise Problem(409, "oidc_over")
    identity = msgspec.json.decode(kept, type=Identity)
    async with state.postgres.acquire() as conn, conn.transaction():
        if await conn.fetchval(SQL["link"], provider.issuer, identity.subject, actor.user_id) is None:
            raise Problem(409, "oidc_linked")
        await audit(conn, actor, "account.identity_linked", f"login:{actor.login}")
    return see_other("/account", "note.identity_linked")


@page("POST", "/account/identity/removal", act=SIGNED_IN)
async def unlink(request: Request) -> Response:
    """The identity opens this account no more."""
    actor, state = await stepped_up(request, always=True), request.state
    async with state.postgres.acquire() as conn, conn.transaction():
        if await conn.fetchval(SQL["unlink"], actor.user_id, _provider(request).issuer) is None:
            raise Problem(404, "not_found")
        await audit(conn, actor, "account.identity_unlinked", f"login:{actor.login}")
    return see_other("/account", "note.identity_unlinked")


async def linked_since(request: Request, person_id: UUID) -> datetime | None:
    """Since when this person has an identity linked at the provider of the settings; None: none, or no provider."""
    provider: Provider | None = request.state.oidc
    if provider is None:
        return None
    found: datetime | None = await request.state.postgres.fetchval(SQL["linked"], person_id, provider.issuer)
    return found


ROUTES = collect(globals())
