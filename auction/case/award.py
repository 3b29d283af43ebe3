"""成交: the award offered in rank, the supplier's answer, the buyer's confirmation, and the deal."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from accounts.audit import audit
from accounts.model import Actor
from auction.case import cases, deals, lawful, money, params
from auction.case.records import SQL, decode_rules, millis, moment
from auction.lot.model import LotRules, Stage, Turn
from auction.lot.settlement import Candidate, next_in_rank
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from standards.deal import Deal

OnDeal: TypeAlias = Callable[[Connection, Deal], Awaitable[None]]


def json_text(value: object) -> str | None:
    """JSON text for a ``json`` column, None for nothing."""
    return None if value is None else msgspec.json.encode(value).decode()


async def offer_next(
    conn: Connection,
    row: Record,
    rules: LotRules,
    found: Sequence[Candidate],
    turn: Turn,
    *,
    after_rank: int,
    actor: Actor | None,
    now_ms: int,
) -> Stage:
    """Offer the award to the best valid offer behind ``after_rank`` with the announced time to answer."""
    best = next_in_rank(found, after_rank)
    if best is None:
        stage = await cases.move(conn, row, Turn.NOBODY_LEFT, actor=actor, why="nobody_left")
        await publish_failure(conn, row, "nobody_left", now_ms)
        return stage
    due_at = moment(now_ms + rules.award_confirm_ms)
    stage = await cases.move(conn, row, turn, actor=actor, due_at=due_at, detail={"rank": best.rank})
    await conn.execute(SQL["offer_award"], row["id"], best.rank, moment(now_ms), due_at)
    return stage


async def publish_failure(conn: Connection, row: Record, why: str, now_ms: int) -> None:
    """Tell the public that the lot failed 竞价失败."""
    await publish(conn, row, "failure", {"reason": why}, now_ms)


async def publish(conn: Connection, row: Record, kind: str, body: dict[str, Any], now_ms: int) -> None:
    """Publish a notice 公告: it is never changed afterwards, only followed by another."""
    whole = {
        "number": row["number"],
        "title": row["auction_title"],
        "lot": row["no"],
        "lot_title": row["title"],
        **body,
    }
    digest = hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()
    await conn.execute(
        SQL["add_publication"], row["auction_id"], row["id"], row["region"], kind, whole, digest, moment(now_ms)
    )


async def _current(conn: Connection, row: Record) -> Record:
    current = await conn.fetchrow(SQL["award_now"], row["id"])
    if current is None:
        raise Problem(404, "award_unknown")
    return current


async def answer(conn: Connection, actor: Actor, lot_id: UUID, confirm: bool, reason: str, now_ms: int) -> Stage:
    """The supplier in rank confirms 确认成交 or refuses. Others get 404; after the time the answer is not taken."""
    row = await cases.lot_locked(conn, lot_id)
    current = await _current(conn, row)
    if current["org_id"] != actor.org_id:
        raise Problem(404, "award_unknown")
    if row["stage"] != Stage.AWARD_PENDING or row["award_due_at"] is None or now_ms >= millis(current["due_at"]):
        raise Problem(409, "award_over")
    word = "confirmed" if confirm else "refused"
    given = (row["id"], current["rank"], word, reason, actor.user_id, moment(now_ms))
    if await conn.fetchval(SQL["answer_award"], *given) is None:
        raise Problem(409, "award_over")
    if not confirm:
        return await _pass_on(conn, row, "refused", actor, now_ms)
    due_at = moment(await lawful.buyer_silence_at(conn, row, now_ms))
    return await cases.move(conn, row, Turn.SUPPLIER_CONFIRM, actor=actor, due_at=due_at)


async def expire(conn: Connection, row: Record, now_ms: int) -> None:
    """The supplier in rank did not answer in time: the award is forfeited 视为放弃."""
    current = await _current(conn, row)
    await conn.fetchval(SQL["answer_award"], row["id"], current["rank"], "expired", "", None, moment(now_ms))
    await _pass_on(conn, row, "expired", None, now_ms)


async def _pass_on(conn: Connection, row: Record, why: str, actor: Actor | None, now_ms: int) -> Stage:
    """Next in rank where local rules say so; otherwise the purchaser chooses next or a rerun (条例 §49)."""
    await audit(conn, actor, "award." + why, f"lot:{row['id']}", detail={"rank": row["award_rank"]})
    if params.next_in_rank_by_itself(row):
        return await _offer_behind(conn, row, actor, now_ms)
    await conn.execute(SQL["await_choice"], row["id"])
    return Stage.AWARD_PENDING


async def _offer_behind(conn: Connection, row: Record, actor: Actor | None, now_ms: int) -> Stage:
    found = await standings(conn, row["id"])
    rules, rank = decode_rules(row["rules"]), row["award_rank"] or 0
    return await offer_next(conn, row, rules, found, Turn.NEXT_IN_RANK, after_rank=rank, actor=actor, now_ms=now_ms)


async def standings(conn: Connection, lot_id: UUID) -> list[Candidate]:
    """The settled standings of a lot, best first."""
    return [
        Candidate(
            rank=row["rank"],
            alias=row["alias"],
            price=row["price"],
            effective=row["effective"],
            n=row["n"],
            at=millis(row["at"]),
            valid=row["valid"],
            why_not=row["why_not"],
            low_price=row["low_price"],
        )
        for row in await conn.fetch(SQL["standings_of"], lot_id)
    ]


async def choose(conn: Connection, actor: Actor, row: Record, take_next: bool, reason: str, now_ms: int) -> Stage:
    """The purchaser's choice after a refusal: the next in rank, or none (the lot fails and may be rerun)."""
    if row["stage"] != Stage.AWARD_PENDING or row["award_due_at"] is not None:
        raise Problem(409, "award_not_open_to_choice")
    if take_next:
        return await _offer_behind(conn, row, actor, now_ms)
    stage = await cases.move(
        conn, row, Turn.NOBODY_LEFT, actor=actor, why="purchaser_reruns", detail={"reason": reason}
    )
    await publish_failure(conn, row, "purchaser_reruns", now_ms)
    return stage


async def buyer_confirm(conn: Connection, row: Record, actor: Actor | None, now_ms: int, on_deal: OnDeal) -> Stage:
    """The purchaser confirms the result 采购人确认 (or his silence does): published, and the deal handed on."""
    stage = await cases.move(conn, row, Turn.BUYER_CONFIRM, actor=actor)
    current = await _current(conn, row)
    made = await deals.make(conn, row, current, now_ms)
    body = await deals.winner_body(conn, row, current, made)
    await publish(conn, row, "result", body, now_ms)
    await on_deal(conn, made)
    return stage


async def silence(conn: Connection, row: Record, now_ms: int, on_deal: OnDeal) -> None:
    """The purchaser has not answered in his time: the first in rank counts as confirmed (74号令 §49)."""
    if params.silence_confirms(row):
        await buyer_confirm(conn, row, None, now_ms, on_deal)
    else:
        await conn.execute(SQL["clear_due"], row["id"])


async def contract(conn: Connection, actor: Actor, row: Record, contract_no: str, now_ms: int) -> Stage:
    """Mark the contract 合同 as signed, once; the money held for the lot is consumed."""
    stage = await cases.move(conn, row, Turn.CONTRACT, actor=actor, detail={"contract_no": contract_no})
    payee = await conn.fetchval(SQL["contracted"], row["id"], contract_no, moment(now_ms))
    await money.consume(conn, row["id"], contract_no, payee or "", now_ms)
    return stage
