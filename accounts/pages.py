"""The pages of accounts: log in, log out, change the language. Plain forms, POST-redirect-GET."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from accounts import entering, sessions
from accounts.acts import OPEN, SIGNED_IN
from accounts.audit import audit
from accounts.audit.records import SQL as TRAIL
from accounts.oidc.pages import linked_since, show_login
from accounts.records import SQL
from accounts.web import change_password, log_out, require
from plumbing.problems import Problem
from plumbing.web import collect, local_path, page, read_form, see_other

HISTORY_SHOWN = 20
LANG_COOKIE_S = 365 * 24 * 3600


@page("GET", "/login", act=OPEN)
async def login_page(request: Request) -> Response:
    """The login form. Whoever is logged in is sent on."""
    target = local_path(request.query_params.get("next"))
    if await sessions.actor(request) is not None:
        return RedirectResponse(target, 303)
    return show_login(request, target)


@page("POST", "/login", name="login_form", act=OPEN)
async def login_form(request: Request) -> Response:
    """Check the form: on to ``next`` or to the second step, or the form again with what is wrong above it."""
    form = await read_form(request)
    target = local_path(form.get("next"))
    login, password = form.get("login", "")[:64], form.exact.get("password", "")[:201]
    try:
        if not login or not password:
            raise Problem(422, "login_incomplete")
        known = await entering.by_password(request, login, password)
    except Problem as problem:
        return show_login(request, target, login, problem)
    return await entering.go_on(request, msgspec.structs.replace(known, target=target))


@page("POST", "/logout", act=OPEN)
async def logout_form(request: Request) -> Response:
    """End the session and say so."""
    await log_out(request)
    response = see_other("/login", "note.logged_out")
    sessions.take_cookie(response, request.state.settings)
    return response


async def _account(request: Request, problem: Problem | None = None) -> Response:
    actor = await require(request)
    pool = request.state.postgres
    found: Response = request.state.templates.page(
        request,
        "account.html",
        problem.status if problem else 200,
        sessions=await pool.fetch(SQL["sessions_of"], actor.user_id),
        history=await pool.fetch(TRAIL["sign_ins"], actor.login, HISTORY_SHOWN),
        own=actor.session,
        provider=request.state.oidc.name if request.state.oidc else "",
        linked=await linked_since(request, actor.user_id),
        problem=problem,
    )
    return found


@page("GET", "/account", act=SIGNED_IN)
async def account(request: Request) -> Response:
    """The own account: where one is logged in, and another password."""
    return await _account(request)


@page("POST", "/account/password", act=SIGNED_IN)
async def password_form(request: Request) -> Response:
    """Change the password: the old one, and the new one twice. Ends the other sessions."""
    typed = (await read_form(request)).exact
    try:
        if typed.get("new", "") != typed.get("again", ""):
            raise Problem(422, "passwords_differ")
        await change_password(request, await require(request), typed.get("old", "")[:201], typed.get("new", "")[:201])
    except Problem as problem:
        return await _account(request, problem)
    return see_other("/account", "note.password_changed")


@page("POST", "/account/sessions", act=SIGNED_IN)
async def end_other_sessions(request: Request) -> Response:
    """End every other session of the person."""
    actor = await require(request)
    await sessions.end_others(request.state.postgres, actor)
    await audit(request.state.postgres, actor, "account.sessions_ended", f"login:{actor.login}")
    return see_other("/account", "note.sessions_ended")


@page("POST", "/account/sessions/{session_id:uuid}/end", act=SIGNED_IN)
async def end_session(request: Request) -> Response:
    """End one session of the person: a device left behind."""
    actor = await require(request)
    if not await sessions.end_own(request.state.postgres, actor, request.path_params["session_id"]):
        raise Problem(404, "not_found")
    await audit(request.state.postgres, actor, "account.session_ended", f"login:{actor.login}")
    return see_other("/account", "note.session_ended")


@page("GET", "/lang/{lang}", act=OPEN)
async def change_language(request: Request) -> Response:
    """Keep the language for a year and go back to the page (``next``)."""
    lang = request.path_params["lang"]
    if lang not in ("zh", "en"):
        raise Problem(404, "not_found")
    response = RedirectResponse(local_path(request.query_params.get("next")), 303)
    response.set_cookie("lang", lang, max_age=LANG_COOKIE_S, path="/", samesite="lax", httponly=True)
    return response


ROUTES = collect(globals())
