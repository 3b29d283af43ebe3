"""The watchman's own site 旁路审计台, for administrators who have no account and no rights in the application.

They see warnings as they come, say that they took note, bar a person (one of them) and release him (two of them).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from accounts import passwords
from accounts.acts import OPEN
from accounts.factors import codes
from plumbing.faults import BROKEN_PIPES
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other
from supervision.watchman.following import SQL, Follower, bar
from supervision.watchman.store import Store

SESSION_MS = 8 * 3_600_000
IDLE_MS = 30 * 60_000
ATTEMPTS_MAX, CODE_CHARS_MAX = 5, 40
ATTEMPTS_WINDOW_MS = 15 * 60_000
WARNINGS_SHOWN = 200
REASON_MIN, REASON_MAX = 4, 500


class Seat(Struct):
    """A session of an administrator: who, until when, last seen (epoch ms)."""

    login: str
    until: int
    seen: int


class Desk:
    """What the doors share: the store, the follower, the main store as his role, and who is signed in. One process."""

    def __init__(
        self, store: Store, follower: Follower, pool: Pool, now_ms: Callable[[], int], https: bool, second_factor: bool
    ) -> None:
        self.store, self.follower, self.pool, self.now_ms = store, follower, pool, now_ms
        self.second_factor = second_factor
        self.cookie, self.https = ("__Host-watchman" if https else "watchman"), https
        self._seats: dict[str, Seat] = {}
        self._attempts: dict[str, list[int]] = {}

    def attempt(self, login: str) -> None:
        """Count one attempt to sign in. Raises ``Problem`` 429 beyond five in 15 minutes."""
        now, key = self.now_ms(), login.lower()
        recent = [at for at in self._attempts.get(key, ()) if now - at < ATTEMPTS_WINDOW_MS]
        if len(recent) >= ATTEMPTS_MAX:
            raise Problem(429, "too_many", seconds=ATTEMPTS_WINDOW_MS // 1000, headers={"Retry-After": "900"})
        self._attempts = {name: times for name, times in self._attempts.items() if now - times[-1] < ATTEMPTS_WINDOW_MS}
        self._attempts[key] = [*recent, now]

    def sit(self, login: str) -> str:
        """Open a session; its token."""
        now, token = self.now_ms(), secrets.token_urlsafe(32)
        self._seats[token] = Seat(login, now + SESSION_MS, now)
        self._attempts.pop(login.lower(), None)
        return token

    async def knows(self, login: str, password: str, code: str) -> bool:
        """Whether password and code are this administrator's. A code is good once; which of both was wrong is not told.

        Raises ``Problem`` 403 for one of whom a code is demanded and who has no authenticator.
        """
        row = self.store.admin(login)
        if not await passwords.verify_password(row["hash"] if row else None, password) or row is None:
            return False
        if not self.second_factor:
            return True
        if not row["secret"]:
            raise Problem(403, "watchman_authenticator")
        step = codes.step_of(row["secret"], code, self.now_ms(), row["last_step"])
        return step is not None and self.store.use_step(login, step)

    def who(self, request: Request) -> str:
        """Whose session it is; empty for nobody's."""
        now, token = self.now_ms(), request.cookies.get(self.cookie, "")
        seat = self._seats.get(token)
        if seat is None or now >= seat.until or now - seat.seen >= IDLE_MS:
            self._seats.pop(token, None)
            return ""
        seat.seen = now
        return seat.login

    def leave(self, request: Request) -> None:
        """End the session."""
        self._seats.pop(request.cookies.get(self.cookie, ""), None)

    def note(self, request: Request, login: str, what: str) -> None:
        """Write down what an administrator did."""
        self.store.note(self.now_ms(), login, request.client.host if request.client else "", what[:2_000])


def desk_of(request: Request) -> Desk:
    """The desk behind a door."""
    desk: Desk = request.state.desk
    return desk


def admin(request: Request) -> str:
    """The administrator behind a door. Raises ``Problem`` 401."""
    login = desk_of(request).who(request)
    if not login:
        raise Problem(401, "login_needed")
    return login


def _page(request: Request, name: str, status: int = 200, **about: Any) -> Response:
    response: Response = request.state.templates.page(request, name, status, me=desk_of(request).who(request), **about)
    return response


async def panel_facts(desk: Desk) -> dict[str, Any]:
    """What the desk shows now. Bars are missing (None) while the main store is away."""
    newest = desk.store.all("SELECT size, root FROM head ORDER BY size DESC LIMIT 1")
    warnings = desk.store.all(
        "SELECT w.*, s.by FROM warning w LEFT JOIN seen_to s ON s.warning = w.id "
        "ORDER BY s.by IS NOT NULL, w.id DESC LIMIT ?",
        WARNINGS_SHOWN,
    )
    try:
        blocks = [dict(row) for row in await desk.pool.fetch(SQL["blocks"], timeout=5)]
    except BROKEN_PIPES:
        blocks = None
    for block in blocks or ():
        asked = desk.store.release_asked(block["id"])
        block["asked_by"] = asked["asked_by"] if asked else ""
        block["asked_reason"] = asked["reason"] if asked else ""
    acts = desk.store.tree.size
    open_ = sum(1 for row in warnings if row["by"] is None)
    return {
        "state": desk.follower.state, "acts": acts, "size": newest[0]["size"] if newest else 0,
        "root": newest[0]["root"].hex() if newest else "", "warnings": warnings, "open": open_, "blocks": blocks,
        "now": desk.now_ms(),
    }  # fmt: skip


def _login(request: Request, problem: Problem | None, login: str = "") -> Response:
    about = {"problem": problem, "login": login, "second_factor": desk_of(request).second_factor}
    return _page(request, "watchman_login.html", problem.status if problem else 200, **about)


@page("GET", "/login", act=OPEN)
async def login_page(request: Request) -> Response:
    """The login form."""
    return _login(request, None)


@page("POST", "/login", name="login_form", act=OPEN)
async def login_form(request: Request) -> Response:
    """Check it: to the desk, or the form again."""
    form, desk = await read_form(request), desk_of(request)
    login, password = form.get("login", "")[:64], form.exact.get("password", "")[:201]
    try:
        desk.attempt(login)
        if not await desk.knows(login, password, form.get("code", "")[:CODE_CHARS_MAX]):
            desk.note(request, login, "login refused")
            raise Problem(401, "bad_login")
    except Problem as problem:
        return _login(request, problem, login)
    desk.note(request, login, "login")
    response = see_other("/")
    response.set_cookie(
        desk.cookie, desk.sit(login), max_age=SESSION_MS // 1000, path="/", secure=desk.https, httponly=True,
        samesite="strict",
    )  # fmt: skip
    return response


@page("POST", "/logout", act=OPEN)
async def logout(request: Request) -> Response:
    """End the session."""
    desk_of(request).leave(request)
    return see_other("/login")


@page("GET", "/", act=OPEN)
async def desk_page(request: Request) -> Response:
    """The desk: state, warnings, bars."""
    if not desk_of(request).who(request):
        return see_other("/login")
    return _page(request, "watchman.html", **await panel_facts(desk_of(request)))


@page("GET", "/panel", act=OPEN)
async def panel(request: Request) -> Response:
    """The moving part of the desk, asked for every two seconds."""
    admin(request)
    return _page(request, "watchman_panel.html", **await panel_facts(desk_of(request)))


@page("POST", "/warnings/{warning_id:int}", act=OPEN)
async def see_to(request: Request) -> Response:
    """Somebody took note of a warning; the first stands."""
    login, desk = admin(request), desk_of(request)
    desk.store.see_to(request.path_params["warning_id"], login, desk.now_ms())
    desk.note(request, login, f"took note of warning {request.path_params['warning_id']}")
    return see_other("/")


def _reason(text: str) -> str:
    """A reason of at least a few words. Raises ``Problem`` 422."""
    if not REASON_MIN <= len(text) <= REASON_MAX:
        raise Problem(422, "reason_needed", least=REASON_MIN, most=REASON_MAX)
    return text


@page("GET", "/bar", act=OPEN)
async def bar_page(request: Request) -> Response:
    """Whom to bar and why; what it will do is said before it is done."""
    admin(request)
    return _page(
        request, "watchman_bar.html", person=request.query_params.get("person", "")[:64], reason="", problem=None
    )


@page("POST", "/bar", name="bar_form", act=OPEN)
async def bar_form(request: Request) -> Response:
    """Bar a person: his sessions end at once, he cannot sign in until two administrators release him."""
    login, desk, form = admin(request), desk_of(request), await read_form(request)
    named, reason = form.get("person", "")[:64], form.get("reason", "")
    try:
        people = await desk.pool.fetch(SQL["people_named"], named)
        if len(people) != 1:
            raise Problem(404, "person_unknown")
        done = await bar(desk.pool, people[0]["id"], _reason(reason), login)
    except Problem as problem:
        return _page(request, "watchman_bar.html", problem.status, person=named, reason=reason, problem=problem)
    desk.note(request, login, f"barred {people[0]['login']}: {reason}" if done else f"{people[0]['login']} was barred")
    return see_other("/")


@page("GET", "/release/{block_id:uuid}", act=OPEN)
async def release_page(request: Request) -> Response:
    """Release a bar: the first asks with a reason, another agrees."""
    admin(request)
    return await _release_page(request, None)


async def _release_page(request: Request, problem: Problem | None) -> Response:
    desk, block_id = desk_of(request), request.path_params["block_id"]
    found = [row for row in await desk.pool.fetch(SQL["blocks"]) if row["id"] == block_id]
    if not found:
        raise Problem(404, "bar_unknown")
    about = {"block": found[0], "asked": desk.store.release_asked(block_id), "problem": problem}
    return _page(request, "watchman_release.html", problem.status if problem else 200, **about)


@page("POST", "/release/{block_id:uuid}", name="release_form", act=OPEN)
async def release_form(request: Request) -> Response:
    """The first asks, the second agrees or declines. Nobody agrees with himself."""
    login, desk, form = admin(request), desk_of(request), await read_form(request)
    block_id: UUID = request.path_params["block_id"]
    if await desk.pool.fetchrow(SQL["block_by_id"], block_id) is None:
        raise Problem(404, "bar_unknown")
    asked = desk.store.release_asked(block_id)
    try:
        if asked is None:
            desk.store.ask_release(block_id, _reason(form.get("reason", "")), login, desk.now_ms())
        elif form.get("what") == "decline":
            desk.store.drop_release(block_id)
        elif asked["asked_by"] == login:
            raise Problem(403, "second_admin_needed")
        else:
            await desk.pool.execute(SQL["release"], block_id, asked["reason"], asked["asked_by"], login)
            desk.store.drop_release(block_id)
    except Problem as problem:
        return await _release_page(request, problem)
    desk.note(request, login, f"release of {block_id}: {'asked' if asked is None else form.get('what') or 'agreed'}")
    return see_other("/")


ROUTES = collect(globals())
