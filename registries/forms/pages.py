"""格式文本: the versions in force in a place and their history; the operator adds a version from a coming day on."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from accounts import rules, sessions
from accounts.acts import OPEN, Act
from accounts.audit import audit
from accounts.model import Role
from accounts.web import require
from plumbing.problems import Problem, language
from plumbing.web import collect, page, read_form, see_other
from registries.forms import records
from registries.forms.model import BLANKS, BODY_MAX, Fault, Form, Kind, in_force
from standards import regions
from standards.workdays import day_of

HOME = "330000"


@page("GET", "/standards/forms", act=OPEN)
async def forms(request: Request) -> Response:
    """The text of each kind in force in a place, and every version there was and will be."""
    return await _shown(request, {}, "")


async def _shown(request: Request, given: dict[str, str], refused: str, status: int = 200) -> Response:
    asked, today = request.query_params.get("region", ""), day_of(request.state.clock.now_ms())
    place = asked if regions.find(asked) else HOME
    every = await records.forms_of(request.state.postgres, place)
    actor = await sessions.actor(request)
    response: Response = request.state.templates.page(
        request, "forms.html", status, place=place, kinds=list(Kind), held=in_force(every, place, today), today=today,
        versions=sorted(every, key=lambda one: (one.valid_from, one.version), reverse=True), blanks=BLANKS,
        where=lambda prefix: regions.full_name(prefix.ljust(6, "0")), body_max=BODY_MAX, given=given, refused=refused,
        earliest=today + timedelta(days=1), prefix=regions.prefix_of(place),
        may_add=actor is not None and actor.has(Role.OPERATOR),
    )  # fmt: skip
    return response


@page("POST", "/standards/forms", act=Act.STANDARDS_SET)
async def add(request: Request) -> Response:
    """Add a version; what is refused is told on the page, with what was typed."""
    actor, form, state = await require(request, Role.OPERATOR), dict(await read_form(request)), request.state
    now_ms = state.clock.now_ms()
    try:
        given = _read(form)
        if not rules.may(actor, (Role.OPERATOR,), region=given.region, now_ms=now_ms):
            raise Problem(403, "forbidden")
        async with state.postgres.acquire() as conn, conn.transaction():
            done = await records.add(conn, given, day_of(now_ms) + timedelta(days=1), actor.user_id)
            if isinstance(done, Fault):
                raise Problem(422, f"form_{done}")
            detail = {"region": done.region, "version": done.version, "source": done.source}
            await audit(conn, actor, "form.added", f"form:{done.kind}", detail=detail)
    except Problem as problem:
        said = state.texts.say(problem.text, language(request), **problem.params)
        return await _shown(request, form, said, problem.status)
    return see_other(f"/standards/forms?region={given.region.ljust(6, '0')}", "note.form_added")


def _read(form: dict[str, str]) -> Form:
    """The version a form describes. Raises ``Problem`` 422."""
    if form.get("kind") not in list(Kind):
        raise Problem(422, "form_kind")
    if not regions.is_code(form.get("place", "")):
        raise Problem(422, "form_region")
    try:
        begins = date.fromisoformat(form.get("valid_from", ""))
    except ValueError:
        raise Problem(422, "form_period") from None
    body = form.get("body", "").replace("\r\n", "\n").strip()
    prefix = regions.prefix_of(form["place"])
    return Form(None, Kind(form["kind"]), prefix, 0, begins, body, form.get("source", "").strip())


ROUTES = collect(globals())
