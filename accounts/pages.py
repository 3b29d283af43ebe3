"""The pages of accounts: log in, log out, change the language. Plain forms, POST-redirect-GET."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from accounts import sessions
from accounts.web import log_in, log_out
from plumbing.problems import Problem
from plumbing.web import collect, local_path, page, read_form, see_other

LANG_COOKIE_S = 365 * 24 * 3600


@page("GET", "/login")
async def login_page(request: Request) -> Response:
    """The login form. Whoever is logged in is sent on."""
    target = local_path(request.query_params.get("next"))
    if await sessions.actor(request) is not None:
        return RedirectResponse(target, 303)
    page: Response = request.state.templates.page(request, "login.html", login="", target=target, problem=None)
    return page


@page("POST", "/login", name="login_form")
async def login_form(request: Request) -> Response:
    """Check the form: on to ``next``, or the form again with what is wrong above it."""
    form = await read_form(request)
    target = local_path(form.get("next"))
    login, password = form.get("login", "")[:64], form.get("password", "")[:200]
    try:
        if not login or not password:
            raise Problem(422, "login_incomplete")
        _, token = await log_in(request, login, password)
    except Problem as problem:
        again: Response = request.state.templates.page(
            request, "login.html", problem.status, login=login, target=target, problem=problem
        )
        again.headers.update(problem.headers)
        return again
    response = see_other(target)
    sessions.give_cookie(response, request.state.settings, token)
    return response


@page("POST", "/logout")
async def logout_form(request: Request) -> Response:
    """End the session and say so."""
    await log_out(request)
    response = see_other("/login", "note.logged_out")
    sessions.take_cookie(response, request.state.settings)
    return response


@page("GET", "/lang/{lang}")
async def change_language(request: Request) -> Response:
    """Keep the language for a year and go back to the page (``next``)."""
    lang = request.path_params["lang"]
    if lang not in ("zh", "en"):
        raise Problem(404, "not_found")
    response = RedirectResponse(local_path(request.query_params.get("next")), 303)
    response.set_cookie("lang", lang, max_age=LANG_COOKIE_S, path="/", samesite="lax", httponly=True)
    return response


ROUTES = collect(globals())
