"""审批: a draft is submitted, its posts approve in order, and it is scheduled for publication."""

from __future__ import annotations

from uuid import UUID

from accounts.model import Actor, Role
from auction.case import cases, drafting, lawful, money, offices, publishing
from auction.case.records import SQL, millis_or_0, moment
from auction.lot.model import Stage, Turn
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem


async def submit(conn: Connection, actor: Actor, auction_id: UUID, now_ms: int) -> None:
    """Submit a draft for approval. Refused when the opening leaves less than the notice period, the gate shut, the
    plan would not carry it, or an office of a sealed inquiry without a key.
    """
    row = await drafting.ours(conn, actor, auction_id, now_ms, Role.BUYER, Role.AGENCY)
    lots = await drafting.still_draft(conn, auction_id)
    await lawful.check_notice(conn, row, now_ms)
    await lawful.check_again(conn, row, lots, now_ms)
    await money.check(conn, row, lots)
    if any(publishing.is_sealed(lot) for lot in lots):
        await offices.pin(conn, row)
    for lot in lots:
        await cases.move(conn, lot, Turn.SUBMIT, actor=actor)
    await conn.fetchval(SQL["submitted"], auction_id)


async def decide(conn: Connection, actor: Actor, auction_id: UUID, approve: bool, remark: str, now_ms: int) -> str:
    """One post's decision; "scheduled" after the last approval, "draft" after a rejection, else "approving".

    A post is another person's than the drafter's and than the other posts'; the head's post is the head's alone.
    The last approval freezes the money of the case's plan; refused where it is short.
    """
    row = await drafting.ours(conn, actor, auction_id, now_ms, Role.BUYER, Role.HEAD)
    lots = await publishing.lots_locked(conn, auction_id)
    for lot in lots:
        cases.stage_after(lot, Turn.APPROVE)
    post = await next_post(conn, row, actor)
    decision = "approved" if approve else "rejected"
    await conn.execute(SQL["add_approval"], auction_id, row["submission"], post, decision, remark, actor.user_id)
    detail = {"post": post, "remark": remark}
    if not approve:
        for lot in lots:
            await cases.move(conn, lot, Turn.REJECT, actor=actor, why=remark, detail=detail)
        return Stage.DRAFT.value
    if post != row["posts"][-1]:
        return Stage.APPROVING.value
    await lawful.check_notice(conn, row, now_ms)
    await money.freeze(conn, row, lots, actor, now_ms)
    due_at = moment(max(now_ms, millis_or_0(row["signup_from"])))
    for lot in lots:
        await cases.move(conn, lot, Turn.APPROVE, actor=actor, due_at=due_at, detail=detail)
    return Stage.SCHEDULED.value


async def next_post(conn: Connection, row: Record, actor: Actor) -> str:
    """The post that must decide now. Raises ``Problem`` 403 when it is not the actor's to decide."""
    done = [v for v in await conn.fetch(SQL["approvals_of"], row["id"]) if v["submission"] == row["submission"]]
    waiting = [post for post in row["posts"] if post not in {v["post"] for v in done}]
    if not waiting:
        raise Problem(409, "stage_passed", stage=Stage.APPROVING.value)
    wanted = Role.HEAD if waiting[0] == "head" else Role.BUYER
    if not actor.has(wanted):
        raise Problem(403, "post_not_yours")
    if actor.user_id == row["created_by"] or actor.user_id in {v["decided_by"] for v in done}:
        raise Problem(403, "second_person_needed")
    return str(waiting[0])
