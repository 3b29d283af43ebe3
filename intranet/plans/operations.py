"""Plans filed, decided and withdrawn. Each for a transaction of the caller; a refusal is a ``Problem``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.audit import audit
from accounts.flows import engine
from accounts.flows.model import Facts as Judged
from accounts.flows.model import Filing, Kind, Outcome
from accounts.model import Actor, Role
from accounts.records import moment
from intranet.access import of_unit, sees
from intranet.budget import indicators
from intranet.budget import rules as budget_rules
from intranet.budget.model import Refusal
from intranet.budget.records import SQL as BUDGET
from intranet.outbox import writing
from intranet.plans import rules
from intranet.plans.model import LIFE, Code, Facts, Finding, PlanDraft, State, Step
from plumbing import sql
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.texts import local
from registries.parameters import records as parameters

SQL = sql.load(Path(__file__).with_name("records.sql"))


def refuse(refusal: Refusal) -> Problem:
    """A refusal of the budget as an answer."""
    return Problem(409, f"budget_{refusal}")


async def file(conn: Connection, actor: Actor, draft: PlanDraft, now_ms: int, plan_id: UUID | None = None) -> UUID:
    """File a plan 采购计划 for the actor's unit, or file a returned one again; its id.

    Raises ``Problem`` 422 ``plan_refused`` with what stops it, 404 and 409 for a plan that is not his to file again.
    """
    if not of_unit(actor, Role.BUYER, now_ms, actor.region, actor.org_id):
        raise Problem(403, "forbidden")
    row = await _step(conn, actor, plan_id, Step.FILE_AGAIN, now_ms) if plan_id else None
    region = row["region"] if row else actor.region
    findings = await findings_of(conn, actor.org_id, region, draft, now_ms, plan_id)
    _stop(findings)
    given = (
        draft.title, draft.category, draft.method, draft.project, draft.amount_fen, draft.small_share_bp,
        draft.small_reason, draft.approval_no, msgspec.to_builtins(findings), actor.user_id, moment(now_ms),
    )  # fmt: skip
    if row is None:
        number = f"CG{local(now_ms).year}{region[:4]}{await conn.fetchval(SQL['next_number']):06d}"
        plan_id = await conn.fetchval(SQL["add_plan"], number, region, actor.org_id, *given)
    else:
        await conn.execute(SQL["file_again"], plan_id, *given)
        await conn.execute(SQL["drop_sources"], plan_id)
    assert plan_id is not None
    sources = [(plan_id, no, source.indicator_id, source.fen) for no, source in enumerate(draft.sources, 1)]
    await conn.executemany(SQL["add_source"], sources)
    await _begin(conn, actor, plan_id, now_ms)
    await audit(conn, actor, "plan.filed", f"plan:{plan_id}", detail={"fen": draft.amount_fen, "method": draft.method})
    for watch in findings:
        if watch.code is Code.SPLIT:
            told = {"title": draft.title, "category": draft.category, "limit_fen": watch.fen}
            biz_key = f"split:{plan_id}:{now_ms}"
            await writing.tell(conn, region, writing.Kind.ALERT, biz_key, draft.amount_fen, told, now_ms)
    return plan_id


async def _begin(conn: Connection, actor: Actor, plan_id: UUID, now_ms: int) -> None:
    row = await conn.fetchrow(SQL["plan_locked"], plan_id)
    assert row is not None
    facts = Judged(row["amount_fen"], row["category"], row["method"], row["region"])
    named = (row["title"], row["number"], f"/plans/{plan_id}")
    await engine.begin(conn, Filing(Kind.PLAN, plan_id, row["region"], row["org_id"], *named, facts), actor, now_ms)


async def decide(conn: Connection, actor: Actor, plan_id: UUID, approve: bool, remark: str, now_ms: int) -> State:
    """One post of the plan's flow approves it or returns it with a remark; never his own (CHECK of the table, too).

    At the last approval the checks run once more: what was free when it was filed may be promised by now.
    """
    row = await conn.fetchrow(SQL["plan_locked"], plan_id)
    if row is None or not sees(actor, row, now_ms):
        raise Problem(404, "plan_unknown")
    if (State(row["state"]), Step.APPROVE if approve else Step.RETURN) not in LIFE:
        raise Problem(409, "plan_passed", accept={"state": row["state"]})
    if not approve and not remark:
        raise Problem(422, "plan_remark_needed")
    done = await engine.decide(conn, actor, Kind.PLAN, plan_id, approve, remark, now_ms)
    detail = {"post": done.post, "remark": remark}
    if done.outcome is Outcome.RUNNING:
        await audit(conn, actor, "plan.post_approved", f"plan:{plan_id}", detail=detail)
        return State.FILED
    if approve:
        draft = await draft_of(conn, row)
        _stop(await findings_of(conn, row["org_id"], row["region"], draft, now_ms, plan_id))
    state = State.APPROVED if approve else State.RETURNED
    await conn.execute(SQL["decide"], plan_id, state, actor.user_id, moment(now_ms), remark)
    event = "plan.approved" if approve else "plan.returned"
    await audit(conn, actor, event, f"plan:{plan_id}", detail=detail)
    return state


async def withdraw(conn: Connection, actor: Actor, plan_id: UUID, now_ms: int) -> None:
    """Take back a plan that is not approved."""
    await _step(conn, actor, plan_id, Step.WITHDRAW, now_ms)
    await conn.execute(SQL["withdraw"], plan_id)
    await engine.withdraw(conn, Kind.PLAN, plan_id, now_ms)
    await audit(conn, actor, "plan.withdrawn", f"plan:{plan_id}")


async def close_indicator(
    conn: Connection, indicator_id: UUID, *, carry: bool, actor: Actor | None, now_ms: int
) -> UUID | Refusal:
    """``indicators.close``; the plans that draw on the indicator draw on next year's from now on."""
    heir = await indicators.close(conn, indicator_id, carry=carry, actor=actor, now_ms=now_ms)
    if not isinstance(heir, Refusal):
        await conn.execute(SQL["hand_sources_on"], indicator_id, heir)
    return heir


async def findings_of(
    conn: Connection, org_id: UUID, region: str, draft: PlanDraft, now_ms: int, plan_id: UUID | None
) -> list[Finding]:
    """What speaks against ``draft`` today. Its indicators stay locked, so that two plans never promise the same fen."""
    wrong = budget_rules.judge_sources(draft.sources)
    if wrong is not None:
        raise refuse(wrong)
    ids = [source.indicator_id for source in draft.sources]
    await conn.fetch(BUDGET["balances_locked"], ids)
    free = {row["id"]: row["free_fen"] for row in await conn.fetch(SQL["free_of"], ids, plan_id, org_id)}
    if set(ids) - set(free):
        raise refuse(Refusal.INDICATOR_UNKNOWN)
    year_sum: int = await conn.fetchval(
        SQL["year_sum"], org_id, draft.category, draft.project, *year_of(now_ms), plan_id
    )
    facts = Facts(tuple(free[each] for each in ids), year_sum)
    return rules.judge(draft, facts, await parameters.rule_set(conn, region, now_ms))


def year_of(now_ms: int) -> tuple[datetime, datetime]:
    """The begin of the calendar year, and of the next."""
    begins = local(now_ms).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return begins, begins.replace(year=begins.year + 1)


async def draft_of(conn: Connection, row: Record) -> PlanDraft:
    """A plan's row as it was drafted."""
    sources = [
        {"indicator_id": each["indicator_id"], "fen": each["amount_fen"]}
        for each in await conn.fetch(SQL["sources_of"], row["id"])
    ]
    return msgspec.convert(dict(row) | {"sources": sources}, PlanDraft)


def _stop(findings: list[Finding]) -> None:
    stopped = rules.stops(findings)
    if stopped is not None:
        told = {"code": stopped.code.value, "fen": stopped.fen}
        raise Problem(422, "plan_refused", accept=told, text=f"plan.finding.{stopped.code}", limit_fen=stopped.fen)


async def _step(conn: Connection, actor: Actor, plan_id: UUID, step: Step, now_ms: int) -> Record:
    row = await conn.fetchrow(SQL["plan_locked"], plan_id)
    if row is None or not of_unit(actor, Role.BUYER, now_ms, row["region"], row["org_id"]):
        raise Problem(404, "plan_unknown")
    if (State(row["state"]), step) not in LIFE:
        raise Problem(409, "plan_passed", accept={"state": row["state"]})
    return row
