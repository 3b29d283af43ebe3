"""The opening wizard 立项向导: five steps of plain forms, kept as typed on the server until the case is submitted."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from accounts import sessions
from accounts.acts import Act
from accounts.model import Actor, Role
from auction.case import approving, drafting, gate, lawful
from auction.case.gate import Gate
from auction.case.records import SQL as CASES
from auction.case.records import decode_rules
from auction.doors import wizard
from auction.doors.wizardrules import FIELD_OF as FIELD_OF_RULE
from auction.doors.wizardrules import read_few
from auction.doors.wizardsheet import CONTEXT, SQL, Sheet, is_sealed, read_rules
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.typed import Fault
from plumbing.web import Form, collect, page, read_form, see_other
from registries.suppliers import records as suppliers

HOSTS = (Role.BUYER, Role.AGENCY)
"""Who may change a draft; only the purchaser's own people begin one."""
FIELDS_MAX = 2_000
TEXT_MAX = 20_000


FIELD_OF = {
    "opening_passed": "opens_at", "opens_too_soon": "opens_at", "signup_after_opening": "signup_from",
    "ceiling_over_budget": "ceiling-1", "rules_refused": "format", "gate_refused": "basis_step",
    "category_wrong": "category", "suppliers_too_few": "suppliers_min", "agency_unfit": "agency",
    "invited_missing": "invited", "quantity_wrong": "line-1-quantity", "posts_twice": "post_head",
}  # fmt: skip
_IN_NEED = (
    "title", "category", "budget", "line", "plan_no", "notice", "agreement", "in_framework", "uniform", "urgent_small",
)  # fmt: skip
_IN_PEOPLE = ("opens_at", "closes_at", "signup_from", "invit", "post_", "agency", "find")


def step_of(field: str) -> str:
    """The step in which a field is typed."""
    if field == "basis_step":
        return "basis"
    if field.startswith(_IN_NEED):
        return "need"
    return "people" if field.startswith(_IN_PEOPLE) else "rules"


def as_typed(form: Form, step: str) -> dict[str, str]:
    """What is kept of a sent step; ticked boxes of one name are joined by blanks.

    The pressed button ``act`` may give a lot its own rules, or take them away.
    """
    kept = {name: " ".join(form.all[name]) if name == "invited" else value for name, value in form.items()}
    word, _, no = kept.pop("act", "").partition("-")
    if no.isdigit() and word == "own":
        kept[f"own-{no}"] = "1"
    elif no.isdigit() and word == "common":
        kept.pop(f"own-{no}", None)
    return {"_": step} | {name[:60]: value[:TEXT_MAX] for name, value in kept.items()}


def flat(steps: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The fields of all steps as one."""
    return {name: value for step in wizard.STEPS for name, value in steps.get(step, {}).items() if name != "_"}


async def _actor(request: Request) -> Actor:
    actor = await sessions.actor(request)
    assert actor is not None
    return actor


async def sheet_of(request: Request, actor: Actor, row: Record | None) -> Sheet:
    """The form under way with what follows from it: the need, and what the law says to it."""
    pool, now_ms = request.state.postgres, request.state.clock.now_ms()
    auction_id = row["auction_id"] if row else None
    case = await pool.fetchrow(CASES["auction_by_id"], auction_id) if auction_id else None
    rule_set = lawful.pinned(case) if case else await lawful.rule_set(pool, actor.region, now_ms)
    sheet = Sheet(row["id"] if row else None, auction_id, flat(row["fields"]) if row else {}, rule_set)
    if row is None:
        return sheet
    sheet.need, sheet.need_faults = wizard.read_need(sheet.fields)
    if sheet.need is not None:
        org_id, region = (case["org_id"], case["region"]) if case else (actor.org_id, actor.region)
        facts = await lawful.facts_of(pool, org_id, region, auction_id, sheet.need, now_ms)
        sheet.verdict = gate.derive(facts, rule_set)
    return sheet


async def loaded(request: Request) -> tuple[Actor, Sheet]:
    """The actor's own form behind the address. Raises ``Problem`` 404 for another's or none."""
    actor = await _actor(request)
    row = await request.state.postgres.fetchrow(SQL["form_of"], request.path_params["form_id"], actor.user_id)
    if row is None:
        raise Problem(404, "not_found")
    return actor, await sheet_of(request, actor, row)


async def show(
    request: Request, actor: Actor, sheet: Sheet, step: str, faults: list[Fault], status: int = 0
) -> Response:
    """One step, with what is wrong named above and beside each field, everything typed still there."""
    more = await CONTEXT[step](request, actor, sheet)
    seen: dict[str, Fault] = {}
    for fault in faults:
        seen.setdefault(fault.field, fault)
    response: Response = request.state.templates.page(
        request,
        f"wizard_{step}.html",
        status=status or (422 if faults else 200),
        sheet=sheet,
        step=step,
        steps=wizard.STEPS,
        f=more.pop("defaults", {}) | sheet.fields,
        faults=faults,
        fault_of=seen,
        step_of=step_of,
        where=f"/auctions/new/{sheet.id}" if sheet.id else "/auctions/new",
        action=f"/auctions/new/{sheet.id}/{step}" if sheet.id else "/auctions/new",
        **more,
    )
    return response


async def faults_of(request: Request, sheet: Sheet, step: str) -> list[Fault]:
    """What is wrong with one step as it is typed now."""
    if step == "need":
        return sheet.need_faults
    if step in ("basis", "check") or not isinstance(sheet.verdict, Gate) or sheet.need is None:
        return []
    if step == "rules":
        return await _rules_faults(sheet)
    now_ms = request.state.clock.now_ms()
    people, faults = wizard.read_people(sheet.fields, now_ms, sheet.rule_set.ms("auction.duration_minutes"))
    if people is None or not people.invitation_only:
        return faults
    matching = set(await suppliers.matching(request.state.postgres, sheet.need.category))
    if not set(people.invited) <= matching:
        return [Fault("invited", "typed.choice", "wizard.label.invited")]
    if sheet.verdict.invite_all and set(people.invited) != matching:
        return [Fault("invited", "wizard.fault.invite_all", "wizard.label.invited")]
    return faults


async def _rules_faults(sheet: Sheet) -> list[Fault]:
    assert isinstance(sheet.verdict, Gate)
    found, faults = read_rules(sheet)
    few, wrong = read_few(sheet.fields)
    faults += wrong
    least = lawful.fewest(sheet.verdict, sheet.rule_set, approved=few is not None)
    try:
        lawful.check_lots(sheet.verdict, list(found.values()), least)
    except Problem as problem:
        faults.append(fault_from(problem))
    return faults


def fault_from(problem: Problem) -> Fault:
    """A refusal of an operation as a fault of the field it is about."""
    told = problem.accept or {}
    field = FIELD_OF.get(problem.code, "title")
    if problem.code == "rules_refused":
        field = FIELD_OF_RULE.get(told["rule"], "format")
        return Fault(field, f"rules.{told['rule']}", f"wizard.label.{field.partition('-')[0]}")
    label = f"wizard.label.{field.partition('-')[0]}"
    if problem.code == "gate_refused":
        field = "format" if told["code"].startswith("format") else field
        return Fault(field, f"gate.refused.{told['code']}", "wizard.label.basis_step", {"limit_fen": told["limit_fen"]})
    return Fault(field, problem.text, label, problem.params)


def allowed_step(sheet: Sheet, step: str) -> str:
    """The step itself, or the earlier one that must be right first."""
    if step != "need" and sheet.need is None:
        return "need"
    if step in ("rules", "people", "check") and not isinstance(sheet.verdict, Gate):
        return "basis"
    return step


@page("GET", "/auctions/new", act=Act.CASE_OPEN)
async def new_case(request: Request) -> Response:
    """The first step, empty, and the forms not finished yet."""
    actor = await _actor(request)
    return await show(request, actor, await sheet_of(request, actor, None), "need", [])


@page("POST", "/auctions/new", act=Act.CASE_OPEN)
async def begin(request: Request) -> Response:
    """Keep the first step as a form of its own; right or wrong, nothing typed is lost."""
    actor = await _actor(request)
    form = await read_form(request, fields_max=FIELDS_MAX)
    async with request.state.postgres.acquire() as conn, conn.transaction():
        given = (actor.region, actor.org_id, actor.user_id, None, {"need": as_typed(form, "need")})
        form_id = await conn.fetchval(SQL["add_form"], *given)
        await conn.execute(SQL["drop_old_forms"], actor.user_id)
        row = await conn.fetchrow(SQL["form_of"], form_id, actor.user_id)
    return await onward(request, actor, await sheet_of(request, actor, row), "need", form)


@page("GET", "/auctions/new/{form_id:uuid}/{step}", act=Act.CASE_PREPARE)
async def step_page(request: Request) -> Response:
    """A step as it was typed; ``?check=1`` names its faults at once."""
    actor, sheet = await loaded(request)
    step = request.path_params["step"]
    if step not in wizard.STEPS:
        raise Problem(404, "not_found")
    first = allowed_step(sheet, step)
    if first != step:
        return see_other(f"/auctions/new/{sheet.id}/{first}")
    faults = await faults_of(request, sheet, step) if request.query_params.get("check") else []
    if step == "check":
        for each in ("rules", "people"):
            faults += await faults_of(request, sheet, each)
    return await show(request, actor, sheet, step, faults, status=200)


@page("POST", "/auctions/new/{form_id:uuid}/{step}", act=Act.CASE_PREPARE)
async def keep_step(request: Request) -> Response:
    """Keep a step and go where the pressed button leads; the last one submits the case."""
    actor, sheet = await loaded(request)
    step = request.path_params["step"]
    form = await read_form(request, fields_max=FIELDS_MAX)
    if step not in wizard.STEPS:
        raise Problem(404, "not_found")
    if step == "check":
        return await finish(request, actor, sheet, form)
    if step != "basis":
        pool = request.state.postgres
        await pool.fetchval(SQL["keep_step"], sheet.id, actor.user_id, step, as_typed(form, step))
        _, sheet = await loaded(request)
    return await onward(request, actor, sheet, step, form)


async def onward(request: Request, actor: Actor, sheet: Sheet, step: str, form: Form) -> Response:
    """Where the pressed button leads: back, on when the step is right, or here again."""
    where, at = f"/auctions/new/{sheet.id}", wizard.STEPS.index(step)
    act = form.get("act", "next")
    if act == "back":
        return see_other(f"{where}/{wizard.STEPS[max(0, at - 1)]}")
    if act == "save":
        return see_other(f"{where}/{step}", "note.form_saved")
    if act == "more":
        numbers = wizard.line_numbers(sheet.fields)
        return see_other(f"{where}/need?lines={max([*numbers, wizard.EMPTY_LINES]) + 5}#lines")
    if act == "find" or act.startswith(("own-", "common-")):
        return see_other(f"{where}/{step}#{'invited' if act == 'find' else act}")
    faults = await faults_of(request, sheet, step)
    if act == "look":
        return await show(request, actor, sheet, step, faults, status=200)
    if faults:
        return await show(request, actor, sheet, step, faults)
    return see_other(f"{where}/{allowed_step(sheet, wizard.STEPS[at + 1])}")


async def finish(request: Request, actor: Actor, sheet: Sheet, form: Form) -> Response:
    """Write the case, and submit it unless it is only to be kept: all in one transaction, or nothing."""
    if form.get("act") == "back":
        return see_other(f"/auctions/new/{sheet.id}/people")
    first = allowed_step(sheet, "check")
    if first != "check":
        return see_other(f"/auctions/new/{sheet.id}/{first}?check=1")
    faults = [fault for step in ("rules", "people") for fault in await faults_of(request, sheet, step)]
    if faults:
        return await show(request, actor, sheet, "check", faults)
    sealed = is_sealed(read_rules(sheet)[0])
    submit = form.get("act") != "draft" and not sealed
    try:
        async with request.state.postgres.acquire() as conn, conn.transaction():
            auction_id = await _write(conn, request, actor, sheet, submit)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return await show(request, actor, sheet, "check", [fault_from(problem)], problem.status)
    if sealed:
        return see_other(f"/auctions/{auction_id}/offices", "note.drafted")
    return see_other(f"/auctions/{auction_id}", "note.submitted" if submit else "note.drafted")


async def _write(conn: Connection, request: Request, actor: Actor, sheet: Sheet, submit: bool) -> UUID:
    now_ms = request.state.clock.now_ms()
    if await conn.fetchval(SQL["drop_form"], sheet.id, actor.user_id) is None:
        raise Problem(404, "not_found")  # another tab has just sent it
    rules, _ = read_rules(sheet)
    people, _ = wizard.read_people(sheet.fields, now_ms, sheet.rule_set.ms("auction.duration_minutes"))
    assert people is not None
    assert sheet.need is not None
    few, _ = read_few(sheet.fields)
    draft = wizard.draft_of(sheet.need, rules, people, few)
    if sheet.auction_id is None:
        auction_id = await drafting.create(conn, actor, draft, now_ms)
    else:
        auction_id = sheet.auction_id
        await drafting.edit(conn, actor, auction_id, draft, now_ms)
    if submit:
        await approving.submit(conn, actor, auction_id, now_ms)
    return auction_id


@page("POST", "/auctions/new/{form_id:uuid}/drop", act=Act.CASE_PREPARE)
async def drop_form(request: Request) -> Response:
    """Throw away a form that was not finished; the draft it changes, if any, stays."""
    actor = await _actor(request)
    given = (request.path_params["form_id"], actor.user_id)
    if await request.state.postgres.fetchval(SQL["drop_form"], *given) is None:
        raise Problem(404, "not_found")
    return see_other("/auctions/new", "note.form_dropped")


@page("GET", "/auctions/{auction_id:uuid}/edit", act=Act.CASE_PREPARE)
async def edit_case(request: Request) -> Response:
    """Open a stored draft in the wizard. Raises ``Problem`` 404 for others' cases, 409 once it was submitted."""
    actor, auction_id = await _actor(request), request.path_params["auction_id"]
    async with request.state.postgres.acquire() as conn, conn.transaction():
        case = await drafting.ours(conn, actor, auction_id, request.state.clock.now_ms(), *HOSTS)
        rows = await drafting.still_draft(conn, auction_id)
        form_id = await conn.fetchval(SQL["form_of_case"], auction_id, actor.user_id)
        if form_id is None:
            lots = [(decode_rules(row["rules"]), await conn.fetch(CASES["lines_of"], row["id"])) for row in rows]
            invited = [one["org_id"] for one in await conn.fetch(CASES["invited_to"], auction_id)]
            times = await conn.fetchrow(SQL["draft_of"], auction_id)
            fields = wizard.fields_of(times, lots, invited)
            steps: dict[str, dict[str, str]] = {step: {} for step in wizard.STEPS}
            for name, value in fields.items():
                steps[step_of(name)][name] = value
            given = (case["region"], case["org_id"], actor.user_id, auction_id, steps)
            form_id = await conn.fetchval(SQL["add_form"], *given)
    return see_other(f"/auctions/new/{form_id}/need")


ROUTES = collect(globals())
