"""What a visitor gets when something is refused or breaks: a problem for programs, a designed page for people."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accounts import sessions
from accounts.factors import kept
from plumbing import logs, problems
from plumbing.faults import BROKEN_PIPES
from plumbing.problems import Problem
from plumbing.web import local_path

log = logs.get(__name__)
HEADINGS = frozenset({401, 403, 404, 405, 500, 503})
ADVICE = frozenset({401, 403, 404, 500, 503})


def wants_page(request: Request) -> bool:
    """Whether a person is reading: a browser's page load outside ``/api``."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _page_before(request: Request) -> str:
    """The page whose form was sent, or the one asked for."""
    if request.method == "GET":
        return request.url.path
    before = urlsplit(request.headers.get("referer", ""))
    return local_path(before.path if before.netloc == request.url.netloc else "")


def respond(request: Request, problem: Problem) -> Response:
    """Answer a problem in the form the visitor reads. A person who must log in is led to the login page and back."""
    if not wants_page(request):
        return problems.respond(request, problem)
    if problem.status == 401 and request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/login?next=" + quote(here, safe=""), 303)
    if problem.code == "second_factor_missing":
        return RedirectResponse("/account/factors", 303)
    if problem.code == "login_over":
        return RedirectResponse("/login", 303)
    lang = problems.language(request)
    texts = request.state.texts
    status = problem.status
    page: Response = request.state.templates.page(
        request,
        "error.html",
        status,
        heading=texts.say(f"error.e{status}" if status in HEADINGS else "error.other", lang),
        sentence=problems.body_of(problem, texts, lang).detail,
        advice=texts.say(f"error.what_{status}" if status in ADVICE else "error.what_other", lang),
        request_id=logs.request_id(),
        sign_in="/login?next=" + quote(_page_before(request), safe="") if status == 401 else "",
    )
    page.headers.update(problem.headers)
    return page


async def _to_the_proof(request: Request) -> Response:
    before, actor = _page_before(request), await sessions.actor(request)
    token = await kept.keep(request, actor.session, before) if actor is not None else ""
    onward = {"next": f"/prove/kept?key={token}", "back": before} if token else {"next": before}
    return RedirectResponse("/prove?" + urlencode(onward), 303)


async def on_problem(request: Request, error: Exception) -> Response:
    """A door refused. A person who must prove himself first is led to the proof, his form kept, and back."""
    assert isinstance(error, Problem)
    if error.code == "step_up_needed" and wants_page(request):
        return await _to_the_proof(request)
    return respond(request, error)


async def on_http(request: Request, error: Exception) -> Response:
    """The framework refused: no such path, no such method, too large."""
    assert isinstance(error, HTTPException)
    code = problems.STATUS_CODES.get(error.status_code, "bad_request")
    return respond(request, Problem(error.status_code, code, headers=error.headers))


async def on_broken_pipe(request: Request, error: Exception) -> Response:
    """Valkey or Postgres does not answer: it is on its way back, so the visitor is asked to try again."""
    log.warning("pipe.broken", path=request.url.path, error=type(error).__name__, said=str(error)[:200])
    return respond(request, Problem(503, "unavailable", headers={"Retry-After": "2"}))


async def on_error(request: Request, error: Exception) -> Response:
    """A bug, or a pipe that broke before the doors: recorded with its traceback, answered with its number."""
    if isinstance(error, BROKEN_PIPES):
        return await on_broken_pipe(request, error)
    log.error("unhandled", path=request.url.path, error=type(error).__name__, exc_info=True)
    return respond(request, Problem(500, "internal"))


class Unbroken:
    """Answers what nobody else caught, inside the request's own log context and behind the strict headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sender)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception as error:
            if started:
                raise
            response = await on_error(Request(scope, receive), error)
            await response(scope, receive, send)


HANDLERS = {
    Problem: on_problem,
    HTTPException: on_http,
    Exception: on_error,
    **dict.fromkeys(BROKEN_PIPES, on_broken_pipe),
}
