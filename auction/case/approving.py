"""审批: a draft is submitted, the posts of its flow approve, and it is scheduled for publication."""

from __future__ import annotations

from uuid import UUID

from accounts.flows import engine
from accounts.flows.model import Facts, Filing, Kind, Outcome, Post, Step
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
    lots = await _going_on(conn, auction_id)
    for lot in lots:
        cases.stage_after(lot, Turn.SUBMIT)
    await drafting.check_agency_still(conn, row["agency_org_id"], now_ms)
    await lawful.check_notice(conn, row, now_ms)
    await lawful.check_again(conn, row, lots, now_ms)
    await money.check(conn, row, lots)
    if any(publishing.is_sealed(lot) for lot in lots):
        await offices.pin(conn, row)
    for lot in lots:
        await cases.move(conn, lot, Turn.SUBMIT, actor=actor)
    await conn.fetchval(SQL["submitted"], auction_id)
    await engine.begin(conn, _filing(row), actor, now_ms, own=tuple(Step((Post(post),)) for post in row["posts"]))


async def end_with_its_lots(conn: Connection, auction_id: UUID, now_ms: int) -> None:
    """Nobody is waited for any more in a case whose last lot was cancelled."""
    if await engine.is_running(conn, Kind.CASE, auction_id):
        lots = await conn.fetch(SQL["lots_of"], auction_id)
        if all(lot["stage"] == Stage.CANCELLED for lot in lots):
            await engine.withdraw(conn, Kind.CASE, auction_id, now_ms)


async def _going_on(conn: Connection, auction_id: UUID) -> list[Record]:
    """The case's lots but for cancelled ones, locked. Raises ``Problem`` 409 when none is left."""
    lots = await publishing.lots_locked(conn, auction_id)
    found = [lot for lot in lots if lot["stage"] != Stage.CANCELLED]
    if not found:
        raise Problem(409, "stage_passed", accept={"stage": lots[0]["stage"]}, stage=lots[0]["stage"])
    return found


def _filing(row: Record) -> Filing:
    facts = Facts(row["budget_fen"], row["category"], row["legal_basis"], row["region"])
    named = (row["title"], row["number"], f"/auctions/{row['id']}")
    return Filing(Kind.CASE, row["id"], row["region"], row["org_id"], *named, facts, row["created_by"])


async def recall(conn: Connection, actor: Actor, auction_id: UUID, now_ms: int) -> None:
    """Take a case back from its approval 撤回审批: a draft again, which must go the whole way anew."""
    await drafting.ours(conn, actor, auction_id, now_ms, Role.BUYER, Role.AGENCY)
    for lot in await _going_on(conn, auction_id):
        await cases.move(conn, lot, Turn.RECALL, actor=actor)
    await engine.withdraw(conn, Kind.CASE, auction_id, now_ms)


async def decide(conn: Connection, actor: Actor, auction_id: UUID, approve: bool, remark: str, now_ms: int) -> str:
    """One post's decision; "scheduled" after the last approval, "draft" after a rejection, else "approving".

    The posts are those of the place's flow, or the ones the draft names. The last approval freezes the money of the
    case's plan; refused where it is short.
    """
    row = await drafting.ours(conn, actor, auction_id, now_ms, Role.BUYER, Role.HEAD)
    lots = await _going_on(conn, auction_id)
    for lot in lots:
        cases.stage_after(lot, Turn.APPROVE)
    done = await engine.decide(conn, actor, Kind.CASE, auction_id, approve, remark, now_ms)
    detail = {"post": done.post, "remark": remark}
    if not approve:
        for lot in lots:
            await cases.move(conn, lot, Turn.REJECT, actor=actor, why=remark, detail=detail)
        return Stage.DRAFT.value
    if done.outcome is Outcome.RUNNING:
        return Stage.APPROVING.value
    await lawful.check_notice(conn, row, now_ms)
    await money.freeze(conn, row, lots, actor, now_ms)
    due_at = moment(max(now_ms, millis_or_0(row["signup_from"])))
    for lot in lots:
        await cases.move(conn, lot, Turn.APPROVE, actor=actor, due_at=due_at, detail=detail)
    return Stage.SCHEDULED.value
