"""代理机构自己的页面与属地核验: the agency files, corrects, closes; finance at home checks and publishes or returns."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts import records as accounts
from accounts.acts import Act
from accounts.model import Actor, Role
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.typed import Fault
from plumbing.web import collect, page, read_form, see_other
from registries.agencies import reading, records, rules
from registries.agencies.model import Standing, Status
from registries.agencies.records import BOOK
from registries.filing import doors
from registries.filing.doors import rows_of, told
from registries.filing.model import Stage
from registries.parameters import records as parameters
from standards import regions
from standards.workdays import day_of

OWN, REVIEWS = "/agencies/own", "/agencies/filings"


async def _own(
    request: Request, actor: Actor, f: dict[str, str] | None, faults: list[Fault], refused: str = ""
) -> Response:
    state = request.state
    known = await records.facts(state.postgres, actor.org_id)
    row, dossier = await BOOK.last(state.postgres, actor.org_id)
    if f is None and dossier is not None:
        f = reading.as_typed(dossier)
    elif f is None:
        home = await accounts.organisation(state.postgres, actor.org_id)
        f = {name: home[name] or "" for name in ("name", "region", "uscc")} if home else {}
    returned = row is not None and row["stage"] == Stage.RETURNED
    response: Response = state.templates.page(
        request,
        "agency_own.html",
        422 if faults or refused else 200,
        kind="agency",
        row=row,
        known=known,
        word=(rules.standing(known, day_of(state.clock.now_ms())) if known else Standing.DRAFT).value,
        name=known.name if known else actor.org_name,
        changes=known is not None and known.status is Status.ACTIVE,
        history=await BOOK.history(state.postgres, actor.org_id),
        f=f,
        open_form=bool(faults or refused) or row is None or returned,
        place=regions.full_name,
        regions=[(code, regions.full_name(code)) for code in sorted(regions.NAMES)],
        numbers={
            "staff": rows_of(f, "staff", reading.STAFF_MAX),
            "room": rows_of(f, "room", reading.ROOMS_MAX),
        },
        **told(faults, refused),
    )
    return response


@page("GET", "/agencies/own", act=Act.AGENCY_FILE, name="agency_own")
async def own(request: Request) -> Response:
    """The agency's own registration."""
    return await _own(request, await require(request, Role.AGENCY), None, [])


@page("POST", "/agencies/own", act=Act.AGENCY_FILE, name="agency_file")
async def file_own(request: Request) -> Response:
    """File the dossier: for the first time, corrected, or changed."""
    actor, state, form = await require(request, Role.AGENCY), request.state, await read_form(request)
    now_ms = state.clock.now_ms()
    rule_set = await parameters.rule_set(state.postgres, form.get("region", "") or actor.region, now_ms)
    dossier, faults = reading.read_dossier(form, rule_set.number("agencies.staff_min"))
    known, today = await records.facts(state.postgres, actor.org_id), day_of(now_ms)
    since = reading.read_change(form, faults, today) if known and known.status is Status.ACTIVE else None
    if faults:
        return await _own(request, actor, form, faults)
    late = 0
    if since is not None:
        since, first = await records.told_before(state.postgres, actor.org_id, since, today)
        calendar = await parameters.calendar(state.postgres)
        late = rules.late_by(calendar, since, first, int(rule_set.number("agencies.update_workdays")))
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            await records.file(conn, actor, dossier, now_ms, since, late)
    except Problem as problem:
        return await _own(request, actor, form, [], lists.in_words(request, problem))
    return see_other(OWN, "note.agency_filed")


@page("POST", "/agencies/own/closing", act=Act.AGENCY_FILE, name="agency_close")
async def close_own(request: Request) -> Response:
    """Close the registration."""
    actor = await require(request, Role.AGENCY)
    return await doors.closed(request, BOOK, actor, lambda refused: _own(request, actor, None, [], refused))


@page("GET", "/agencies/filings", act=Act.AGENCY_REVIEW, name="agency_filings")
async def waiting(request: Request) -> Response:
    """What waits for a check in the reader's places, the longest first."""
    return await doors.waiting(request, BOOK, REVIEWS)


@page("GET", "/agencies/filings/{filing_id:uuid}", act=Act.AGENCY_REVIEW, name="agency_filing")
async def filing(request: Request) -> Response:
    """One filing: what it changes, and the decision while it waits."""
    return await doors.show(request, BOOK, reading.as_lines)


@page("POST", "/agencies/filings/{filing_id:uuid}", act=Act.AGENCY_REVIEW, name="agency_decide")
async def decide(request: Request) -> Response:
    """Publish what was filed, return it or reject it."""
    thing, now_ms = request.path_params["filing_id"], request.state.clock.now_ms()

    async def do(conn: Connection, actor: Actor, decision: Stage, remark: str, proven: bool) -> None:
        await records.decide(conn, actor, thing, decision, remark, proven, now_ms)

    async def again(refused: str) -> Response:
        return await doors.show(request, BOOK, reading.as_lines, refused)

    return await doors.decided(request, "agency", REVIEWS, do, again)


ROUTES = collect(globals())
