"""评审之后的页面: attendance, fees and appraisals of a draw, for whoever hosted it and whoever oversees it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import Act
from accounts.audit import audit
from accounts.records import millis
from accounts.web import require
from plumbing import lists
from plumbing.postgres import Record
from plumbing.problems import Problem, language
from plumbing.spreadsheets import csv_file
from plumbing.typed import moment_text
from plumbing.web import collect, page, read_form, see_other
from registries.experts import after, reading
from registries.experts.drawpages import NAMES_SHOWN
from registries.experts.model import ASPECTS, Presence, Side
from registries.experts.records import SQL, holds
from registries.parameters import records as parameters
from standards import regions
from standards.money import plain

COLUMNS = ("name", "employer", "presence", "from", "until", "time", "overtime", "travel", "total", "fee")


async def _draw(request: Request) -> Record:
    """The draw of the path, if the reader holds it; ``Problem`` 404 otherwise."""
    actor, state = await require(request), request.state
    row: Record | None = await state.postgres.fetchrow(SQL["draw"], request.path_params["draw_id"])
    if row is None or not holds(actor, row, state.clock.now_ms()):
        raise Problem(404, "draw_unknown")
    return row


async def _came(request: Request, row: Record) -> list[Record]:
    """Who accepted, once the names are open; nobody before."""
    if row["stage"] not in NAMES_SHOWN:
        return []
    rows: list[Record] = await request.state.postgres.fetch(after.SQL["came"], row["id"])
    return rows


async def _show(request: Request, refused: str = "", sent: dict[str, str] | None = None) -> Response:
    """The page; ``sent``: what was typed of one expert and refused, to stand there again."""
    actor, state, row = await require(request), request.state, await _draw(request)
    in_force = await parameters.rule_set(state.postgres, row["region"], millis(row["review_at"]))
    began = millis(row["review_at"])
    response: Response = state.templates.page(
        request,
        "draw_after.html",
        409 if refused else 200,
        row=row,
        came=await _came(request, row),
        hosts=actor.org_id == row["org_id"],
        begun=state.clock.now_ms() >= began,
        aspects=ASPECTS,
        presences=[one.value for one in Presence],
        best=in_force.number("experts.appraisal_best"),
        began=moment_text(began),
        place=regions.full_name,
        refused=refused,
        sent_id=request.path_params.get("person_id"),
        sent=sent or {},
    )
    return response


@page("GET", "/draws/{draw_id:uuid}/after", act=Act.DRAW_HOLD, name="draw_after")
async def show(request: Request) -> Response:
    """Who came, what each is due, and what both sides said; what experts said of the host only to who oversees it."""
    return await _show(request)


@page("POST", "/draws/{draw_id:uuid}/after/{person_id:uuid}", act=Act.DRAW_HOLD, name="draw_after_step")
async def step(request: Request) -> Response:
    """The host records attendance, marks a confirmed fee as paid, or appraises an expert."""
    actor, state, form = await require(request), request.state, await read_form(request)
    draw_id, person_id = request.path_params["draw_id"], request.path_params["person_id"]
    deed, now_ms = form.get("deed", ""), state.clock.now_ms()
    try:
        async with state.postgres.acquire() as conn, conn.transaction():
            if deed == "paid":
                await after.pay(conn, actor, draw_id, person_id, now_ms)
            elif deed == "appraise":
                marks, words = reading.read_marks(form, Side.HOST), form.get("words", "").strip()[:500]
                await after.appraise_expert(conn, actor, draw_id, person_id, marks, words, now_ms)
            else:
                await after.hosted(conn, actor, draw_id, now_ms)
                await after.attend(conn, actor, draw_id, person_id, reading.read_attendance(form), now_ms)
    except Problem as problem:
        if problem.status in (403, 404):
            raise
        return await _show(request, lists.in_words(request, problem), form)
    return see_other(f"/draws/{draw_id}/after", f"note.draw_{deed if deed in ('paid', 'appraise') else 'attend'}")


@page("GET", "/draws/{draw_id:uuid}/fees.csv", act=Act.DRAW_HOLD, name="draw_fees")
async def fees(request: Request) -> Response:
    """The fee sheet as a file; written down."""
    actor, state, lang = await require(request), request.state, language(request)
    row, say = await _draw(request), state.texts.say
    came = await _came(request, row)
    await audit(state.postgres, actor, "draw.fees_exported", f"draw:{row['id']}", detail={"rows": len(came)})
    cells = [
        (
            one["name"], one["employer"], say(f"draw.presence.{one['presence']}", lang),
            moment_text(millis(one["from_at"])) if one["from_at"] else "",
            moment_text(millis(one["until_at"])) if one["until_at"] else "", plain(one["time_fen"]),
            plain(one["overtime_fen"]), plain(one["travel_fen"]), plain(one["total_fen"]),
            say(f"draw.fee.{one['stage']}", lang),
        )
        for one in came
        if one["stage"]
    ]  # fmt: skip
    return csv_file("fees.csv", [say(f"draw.label.{name}", lang) for name in COLUMNS], cells)


ROUTES = collect(globals())
