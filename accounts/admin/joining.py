"""受邀: whoever was invited sets his password by the link he was given, once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts import passwords, rules, throttle
from accounts.acts import OPEN
from accounts.admin import organising
from accounts.admin.giving import SQL
from accounts.records import moment
from accounts.sessions import digest
from plumbing.postgres import Record
from plumbing.problems import Problem
from plumbing.web import collect, page, read_form, see_other

TRIES_PER_ADDRESS = 30


async def _invited(request: Request, key: str) -> Record:
    """Whom a key invites. Raises ``Problem`` 410, and 429 after thirty tries from one address in 15 minutes."""
    state = request.state
    address = request.client.host if request.client else ""
    await throttle.count(state.valkey, "invitation", address, most=TRIES_PER_ADDRESS, window_s=rules.ATTEMPTS_WINDOW_S)
    row: Record | None = await state.postgres.fetchrow(
        SQL["invitation"], digest(key[:100]), moment(state.clock.now_ms())
    )
    if row is None:
        raise Problem(410, "invitation_over")
    return row


def _form(request: Request, key: str, person: Record, problem: Problem | None = None) -> Response:
    response: Response = request.state.templates.page(
        request, "invitation.html", problem.status if problem else 200, key=key, person=person, problem=problem
    )
    return response


@page("GET", "/invitation", act=OPEN)
async def invitation(request: Request) -> Response:
    """Who is invited, and the form for his password."""
    key = request.query_params.get("key", "")
    return _form(request, key, await _invited(request, key))


@page("POST", "/invitation", name="take_up_invitation", act=OPEN)
async def take_up(request: Request) -> Response:
    """Set the password; then he signs in with it."""
    state, form = request.state, await read_form(request)
    key, new = form.get("key", ""), form.exact.get("new", "")[:201]
    person = await _invited(request, key)
    if new != form.exact.get("again", "")[:201]:
        return _form(request, key, person, Problem(422, "passwords_differ"))
    if not rules.password_is_fit(new, person["login"]):
        return _form(request, key, person, Problem(422, "password_unfit", least=rules.PASSWORD_LENGTH_MIN))
    hashed = await passwords.hash_password(new)
    async with state.postgres.acquire() as conn, conn.transaction():
        await organising.accept(conn, key[:100], hashed, state.clock.now_ms())
    return see_other("/login", "note.joined")


ROUTES = collect(globals())
