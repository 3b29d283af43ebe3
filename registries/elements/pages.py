"""数据元: the elements in force; staff ask for another, the operator approves or rejects it with a reason."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import rules, sessions
from accounts.acts import OPEN, Act
from accounts.audit import audit
from accounts.model import Actor, Role
from accounts.web import require
from plumbing import sql
from plumbing.problems import Problem, language
from plumbing.web import collect, page, read_form, see_other
from registries.elements.model import BUILT_IN, NAME_MAX, REASON_MAX, Element, Fault, fault_of

SQL = sql.load(Path(__file__).with_name("records.sql"))
HOME = "/standards/elements"
ASKERS = (Role.BUYER, Role.AGENCY, Role.SUPERVISOR)


@page("GET", "/standards/elements", act=OPEN)
async def elements(request: Request) -> Response:
    """The elements in force; below them the requests of one's own organisation, all of them for the operator."""
    return await _shown(request, {}, "")


async def _shown(request: Request, given: dict[str, str], refused: str, status: int = 200) -> Response:
    actor, pool = await sessions.actor(request), request.state.postgres
    found = [
        *BUILT_IN,
        *(Element(row["code"], row["name"], row["format"]) for row in await pool.fetch(SQL["approved"])),
    ]
    decides = actor is not None and actor.has(Role.OPERATOR)
    asks = actor is not None and actor.has(*ASKERS)
    mine = None if decides or actor is None else actor.org_id
    requests = await pool.fetch(SQL["requests"], mine) if decides or asks else []
    response: Response = request.state.templates.page(
        request, "elements.html", status, found=found, requests=requests, decides=decides, asks=asks, given=given,
        refused=refused, name_max=NAME_MAX, reason_max=REASON_MAX,
    )  # fmt: skip
    return response


async def _refused(request: Request, form: dict[str, str], problem: Problem) -> Response:
    said = request.state.texts.say(problem.text, language(request), **problem.params)
    return await _shown(request, form, said, problem.status)


@page("POST", "/standards/elements", act=Act.STANDARDS_EXTEND)
async def ask(request: Request) -> Response:
    """Ask for an element; what is refused is told on the page, with what was typed."""
    actor, form = await require(request, *ASKERS), dict(await read_form(request))
    asked = Element(*(form.get(field, "").strip() for field in ("code", "name", "format")))
    reason = form.get("reason", "").strip()
    fault = fault_of(asked, reason)
    if fault is None:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            given = (asked.code, asked.name, asked.format, reason, actor.region, actor.org_id, actor.user_id)
            if await conn.fetchval(SQL["ask"], *given):
                await audit(conn, actor, "element.asked", f"element:{asked.code}", detail={"reason": reason})
                return see_other(HOME, "note.element_asked")
        fault = Fault.TAKEN
    return await _refused(request, form, Problem(422, f"element_{fault}"))


@page("POST", "/standards/elements/{request_id:uuid}", act=Act.STANDARDS_SET)
async def decide(request: Request) -> Response:
    """Approve or reject a request, once, with a reason; nobody decides his own."""
    actor, form = await require(request, Role.OPERATOR), dict(await read_form(request))
    try:
        await _decide(request, actor, request.path_params["request_id"], form)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _refused(request, form, problem)
    return see_other(HOME, "note.element_decided")


async def _decide(request: Request, actor: Actor, request_id: UUID, form: dict[str, str]) -> None:
    remark, now_ms = form.get("remark", "").strip(), request.state.clock.now_ms()
    if form.get("yes") not in ("0", "1") or not 1 <= len(remark) <= REASON_MAX or not remark.isprintable():
        raise Problem(422, "element_reason")
    stage = "approved" if form["yes"] == "1" else "rejected"
    async with request.state.postgres.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(SQL["request"], request_id)
        if row is None:
            raise Problem(404, "not_found")
        if not rules.may(actor, (Role.OPERATOR,), region=row["region"], now_ms=now_ms):
            raise Problem(403, "forbidden")
        if row["stage"] != "asked":
            raise Problem(409, "element_decided")
        if row["asked_by"] == actor.user_id:
            raise Problem(403, "element_own")
        await conn.execute(SQL["decide"], request_id, stage, remark, actor.user_id)
        await audit(conn, actor, f"element.{stage}", f"element:{row['code']}", detail={"remark": remark})


ROUTES = collect(globals())
