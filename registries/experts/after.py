"""评审之后: who came and what he is due 劳务费, and what both sides say of each other 评价.

Each in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import millis, moment
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.experts import rules
from registries.experts.model import Attendance, Fee, FeeStage, Presence, Side
from registries.experts.records import holds, locked
from registries.parameters import records as parameters

SQL = sql.load(Path(__file__).with_name("after.sql"))
DAY_MS = 86_400_000
SERVED_MS_MAX = 3 * DAY_MS
APPRAISED_WITHIN_MS = 2 * 366 * DAY_MS
"""Appraisals older than that weigh no more."""


async def _over(conn: Connection, draw_id: UUID, now_ms: int) -> Record:
    """The draw, held, once its names are open and its review has begun; ``Problem`` 404, 409."""
    row = await locked(conn, draw_id)
    if row["stage"] not in ("opened", "published") or now_ms < millis(row["review_at"]):
        raise Problem(409, "draw_not_over")
    return row


async def hosted(conn: Connection, actor: Actor, draw_id: UUID, now_ms: int) -> Record:
    """The draw of the actor's own unit; ``Problem`` 404 outside of his draws, 403 who oversees, 409 early."""
    row = await locked(conn, draw_id)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    if actor.org_id != row["org_id"]:
        raise Problem(403, "draw_no_hand")
    return await _over(conn, draw_id, now_ms)


async def _home(conn: Connection, draw_id: UUID, person_id: UUID) -> str:
    home: str | None = await conn.fetchval(SQL["home"], draw_id, person_id)
    if home is None:
        raise Problem(404, "expert_unknown")
    return home


async def attend(conn: Connection, actor: Actor, draw_id: UUID, person_id: UUID, told: Attendance, now_ms: int) -> Fee:
    """Record who came and propose his fee by the rates of the day; again until he has confirmed it.

    Raises ``Problem`` 404, 403, 409 before the review or once confirmed, 422 for times that do not fit.
    """
    row = await hosted(conn, actor, draw_id, now_ms)
    home, old = await _home(conn, draw_id, person_id), await conn.fetchrow(SQL["fee"], draw_id, person_id)
    if old is not None and old["stage"] in (FeeStage.CONFIRMED, FeeStage.PAID):
        raise Problem(409, "fee_stage")
    served, came = 0, told.presence is Presence.CAME
    if came:
        if told.from_ms is None or told.until_ms is None:
            raise Problem(422, "fee_times")
        served = told.until_ms - told.from_ms
        early = told.from_ms < millis(row["review_at"]) - DAY_MS
        if not 0 < served <= SERVED_MS_MAX or told.until_ms > now_ms or early:
            raise Problem(422, "fee_times")
    rates = rules.rates_of(await parameters.rule_set(conn, row["region"], millis(row["review_at"])))
    far = home[: rules.CITY_DIGITS] != row["region"][: rules.CITY_DIGITS]
    fee = rules.fee_of(told.presence, served, told.travel_fen, far, rates)
    stage = FeeStage.PROPOSED if fee.total_fen else FeeStage.NOTHING
    times = (_moment(told.from_ms), _moment(told.until_ms)) if came else (None, None)
    parts = (fee.time_fen, fee.overtime_fen, fee.travel_fen)
    given = (draw_id, person_id, stage, told.presence, *times, *parts, actor.user_id, moment(now_ms))
    await conn.execute(SQL["put_fee"], *given)
    detail = {"expert": str(person_id), "presence": told.presence, "fen": fee.total_fen}
    await audit(conn, actor, "draw.attended", f"draw:{draw_id}", detail=detail)
    return fee


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else moment(ms)


async def answer_fee(conn: Connection, actor: Actor, draw_id: UUID, yes: bool, remark: str, now_ms: int) -> None:
    """The expert confirms his fee, or objects with a reason. ``Problem`` 404, 409 where none waits, 422."""
    row = await conn.fetchrow(SQL["fee"], draw_id, actor.user_id)
    if row is None:
        raise Problem(404, "draw_unknown")
    if row["stage"] != FeeStage.PROPOSED:
        raise Problem(409, "fee_stage")
    if not yes and not remark:
        raise Problem(422, "reason_missing")
    stage = FeeStage.CONFIRMED if yes else FeeStage.OBJECTED
    await conn.execute(SQL["answer_fee"], draw_id, actor.user_id, stage, "" if yes else remark, moment(now_ms))
    await audit(conn, actor, "draw.fee_answered", f"draw:{draw_id}", detail={"stage": stage, "remark": remark})


async def pay(conn: Connection, actor: Actor, draw_id: UUID, person_id: UUID, now_ms: int) -> None:
    """Mark a confirmed fee as paid. ``Problem`` 404, 403, 409 where it is not confirmed."""
    await hosted(conn, actor, draw_id, now_ms)
    row = await conn.fetchrow(SQL["fee"], draw_id, person_id)
    if row is None or row["stage"] != FeeStage.CONFIRMED:
        raise Problem(409, "fee_stage")
    await conn.execute(SQL["pay_fee"], draw_id, person_id, actor.user_id, moment(now_ms))
    await audit(conn, actor, "draw.fee_paid", f"draw:{draw_id}", detail={"expert": str(person_id)})


async def appraise_expert(
    conn: Connection, actor: Actor, draw_id: UUID, person_id: UUID, marks: Mapping[str, int], words: str, now_ms: int
) -> None:
    """What the unit that asked for the draw says of an expert. ``Problem`` 404, 403, 409, 422."""
    row = await hosted(conn, actor, draw_id, now_ms)
    await _home(conn, draw_id, person_id)
    await _appraise(conn, actor, row, person_id, Side.HOST, marks, words, now_ms)


async def appraise_host(
    conn: Connection, actor: Actor, draw_id: UUID, marks: Mapping[str, int], words: str, now_ms: int
) -> None:
    """What an expert says of the unit he served. ``Problem`` 404 for whoever did not, 409, 422."""
    row = await locked(conn, draw_id)
    if await conn.fetchval(SQL["home"], draw_id, actor.user_id) is None:
        raise Problem(404, "draw_unknown")
    row = await _over(conn, draw_id, now_ms)
    await _appraise(conn, actor, row, actor.user_id, Side.EXPERT, marks, words, now_ms)


async def _appraise(
    conn: Connection, actor: Actor, row: Record, person_id: UUID, side: Side, marks: Mapping[str, int], words: str,
    now_ms: int,
) -> None:  # fmt: skip
    """One of a draw, an expert and a side; changed for some days, every version kept."""
    in_force = await parameters.rule_set(conn, row["region"], millis(row["review_at"]))
    before = await conn.fetch(SQL["versions"], row["id"], person_id, side)
    begun = millis(before[0]["given_at"] if before else row["review_at"])
    days = in_force.number("experts.appraisal_edit_days" if before else "experts.appraisal_days")
    if now_ms >= begun + days * DAY_MS:
        raise Problem(409, "appraisal_over")
    best = in_force.number("experts.appraisal_best")
    wrong = rules.judge_appraisal(side, marks, best, words)
    if wrong:
        raise Problem(422, f"appraisal_{wrong}", best=best)
    mean, no = rules.mean_bp(marks, best), len(before) + 1
    given = (row["id"], person_id, side, no, dict(marks), mean, words, actor.user_id, moment(now_ms))
    await conn.execute(SQL["add_appraisal"], *given)
    detail = {"expert": str(person_id), "side": side, "no": no, "marks": dict(marks)}
    await audit(conn, actor, "draw.appraised", f"draw:{row['id']}", detail=detail)


async def told_before(conn: Connection | Pool, region: str, now_ms: int) -> datetime:
    """An expert is told what was said of reviews before then, whether he has spoken himself or not."""
    in_force = await parameters.rule_set(conn, region, now_ms)
    return moment(now_ms - in_force.number("experts.appraisal_days") * DAY_MS)


async def state(conn: Connection, actor: Actor, draw_id: UUID, words: str, now_ms: int) -> None:
    """What an expert answers to what was said of him 说明 (198号 §21); a later answer takes its place.

    Raises ``Problem`` 404 where he was told nothing, 422 without words.
    """
    if not await conn.fetchval(SQL["heard"], draw_id, actor.user_id, await told_before(conn, actor.region, now_ms)):
        raise Problem(404, "draw_unknown")
    if not words:
        raise Problem(422, "reason_missing")
    await conn.execute(SQL["state"], draw_id, actor.user_id, words)
    await audit(conn, actor, "draw.stated", f"draw:{draw_id}", detail={"words": words})


async def means(conn: Connection, people: Iterable[UUID], now_ms: int) -> dict[UUID, tuple[int, int]]:
    """The mean of the appraisals of each in basis points, and of how many, of about two years."""
    rows = await conn.fetch(SQL["means"], list(people), moment(now_ms - APPRAISED_WITHIN_MS))
    return {row["person_id"]: (row["mean"], row["many"]) for row in rows}
