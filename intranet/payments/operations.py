"""Payments filed, approved, paid and returned. Each for a transaction of the caller; a refusal is a ``Problem``."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from accounts.audit import audit
from accounts.flows import engine
from accounts.flows.model import Facts, Filing, Outcome
from accounts.flows.model import Kind as Flow
from accounts.model import Actor, Role
from accounts.records import moment
from intranet.access import of_unit
from intranet.budget import records as budget
from intranet.budget.model import Kind, Posting, Refusal
from intranet.outbox import writing
from intranet.payments.model import LIFE, Application, State, Step
from plumbing import sql
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from plumbing.texts import local

SQL = sql.load(Path(__file__).with_name("records.sql"))
Unpaid: TypeAlias = str
"""Why a message of the treasury cannot be carried out."""


async def file(conn: Connection, actor: Actor, asked: Application, now_ms: int) -> UUID:
    """File an application 支付申请 for an instalment of a contract; its id.

    Raises ``Problem`` 404 for a contract that is not the unit's, 422 for more than is left of it.
    """
    row = await _contract(conn, asked.request_id)
    if row is None or not of_unit(actor, Role.BUYER, now_ms, row["region"], row["org_id"]):
        raise Problem(404, "payment_contract_unknown")
    left = row["fen"] - row["asked_fen"]
    if asked.fen > left:
        raise Problem(422, "payment_over_contract", accept={"fen_max": left}, left_fen=left)
    number = f"ZF{local(now_ms).year}{row['region'][:4]}{await conn.fetchval(SQL['next_number']):06d}"
    given = (number, asked.request_id, row["region"], row["org_id"], asked.fen, asked.acceptance_no, asked.about)
    made: UUID = await conn.fetchval(SQL["add"], *given, actor.user_id, moment(now_ms))
    facts = Facts(asked.fen, row["category"], row["method"], row["region"])
    named = (row["title"], number, f"/payments/{made}")
    await engine.begin(conn, Filing(Flow.PAYMENT, made, row["region"], row["org_id"], *named, facts), actor, now_ms)
    await audit(conn, actor, "payment.filed", f"payment:{made}", detail={"fen": asked.fen, "number": number})
    told = {"contract": row["contract_no"], "plan": row["plan_number"], "fen": asked.fen}
    await writing.tell(
        conn, row["region"], writing.Kind.ACCEPTANCE, f"{number}:{asked.acceptance_no}", asked.fen, told, now_ms
    )
    return made


async def decide(conn: Connection, actor: Actor, payment_id: UUID, approve: bool, why: str, now_ms: int) -> State:
    """One post of the payment's flow approves or declines; never his own.

    At the last approval the money is under way 支付在途 and the treasury is told.
    """
    given = (Step.APPROVE if approve else Step.DECLINE, now_ms, Role.BUYER, Role.HEAD)
    row, state = await _step(conn, actor, payment_id, *given)
    if not approve and not why:
        raise Problem(422, "plan_remark_needed")
    done = await engine.decide(conn, actor, Flow.PAYMENT, payment_id, approve, why, now_ms)
    if done.outcome is Outcome.RUNNING:
        await audit(
            conn, actor, "payment.post_approved", f"payment:{payment_id}", detail={"post": done.post, "why": why}
        )
        return State.FILED
    await conn.execute(SQL["decide"], payment_id, state, actor.user_id, moment(now_ms), why)
    await audit(conn, actor, f"payment.{state}", f"payment:{payment_id}", detail={"why": why})
    if approve:
        await _apply(conn, row, actor, now_ms)
    return state


async def withdraw(conn: Connection, actor: Actor, payment_id: UUID, now_ms: int) -> None:
    """Take back an application that is not decided."""
    _, state = await _step(conn, actor, payment_id, Step.WITHDRAW, now_ms, Role.BUYER)
    await conn.execute(SQL["end"], payment_id, state, moment(now_ms), None, None)
    await engine.withdraw(conn, Flow.PAYMENT, payment_id, now_ms)
    await audit(conn, actor, "payment.withdrawn", f"payment:{payment_id}")


async def pay(conn: Connection, number: str, fen: int, voucher: str, now_ms: int) -> Unpaid | None:
    """The treasury paid 支付凭证 all of an application; or why that cannot be taken."""
    return await _treasury(conn, number, fen, Step.PAY, voucher, now_ms)


async def take_back(conn: Connection, number: str, fen: int, why: str, now_ms: int) -> Unpaid | None:
    """The treasury did not pay 支付退回, or the bank sent it back 退汇: the money is under contract again."""
    return await _treasury(conn, number, fen, Step.RETURN, why, now_ms)


async def _contract(conn: Connection, request_id: str) -> Record | None:
    """A contract's money, nobody else at it until the transaction ends."""
    await conn.execute(budget.SQL["books_shared"])
    await conn.execute(budget.SQL["lock_request"], request_id)
    return await conn.fetchrow(SQL["contract"], request_id)


async def _step(
    conn: Connection, actor: Actor, payment_id: UUID, step: Step, now_ms: int, *roles: Role
) -> tuple[Record, State]:
    row = await conn.fetchrow(SQL["payment"], payment_id)
    if row is None or not any(of_unit(actor, role, now_ms, row["region"], row["org_id"]) for role in roles):
        raise Problem(404, "payment_unknown")
    await _contract(conn, row["request_id"])
    row = await conn.fetchrow(SQL["locked"], payment_id)
    assert row is not None
    then = LIFE.get((State(row["state"]), step))
    if then is None:
        raise Problem(409, "payment_passed", accept={"state": row["state"]})
    return row, then


async def _apply(conn: Connection, row: Record, actor: Actor, now_ms: int) -> None:
    left, parts = row["fen"], []
    for source in await conn.fetch(SQL["sources_left"], row["request_id"]):
        fen = min(left, source["fen"])
        left -= fen
        if fen:
            parts.append((row["id"], source["no"], source["indicator_id"], fen))
    if left:
        raise RuntimeError(f"the payments of {row['request_id']} are above its contract")
    await conn.executemany(SQL["add_part"], parts)
    postings = [Posting(indicator_id, Kind.APPLY, fen) for _, _, indicator_id, fen in parts]
    refusal = await budget.enter(conn, postings, about=row["number"], person_id=actor.user_id, now_ms=now_ms)
    if refusal is not None:
        raise Problem(409, f"budget_{refusal}")
    sources = [{"indicator": await conn.fetchval(SQL["indicator_key"], each[2]), "fen": each[3]} for each in parts]
    contract = await conn.fetchrow(SQL["contract"], row["request_id"])
    assert contract is not None
    told = {"contract": contract["contract_no"], "payee": contract["payee"], "sources": sources,
            "acceptance": row["acceptance_no"], "about": row["about"]}  # fmt: skip
    await writing.tell(conn, row["region"], writing.Kind.PAYMENT, row["number"], row["fen"], told, now_ms)


async def _treasury(conn: Connection, number: str, fen: int, step: Step, said: str, now_ms: int) -> Unpaid | None:
    payment_id = await conn.fetchval(SQL["id_of"], number)
    if payment_id is None:
        return "payment_unknown"
    await conn.execute(budget.SQL["books_shared"])
    row = await conn.fetchrow(SQL["locked"], payment_id)
    assert row is not None
    was = State(row["state"])
    then = LIFE.get((was, step))
    if then is None:
        return "payment_passed"
    if fen != row["fen"]:
        return "payment_other_amount"
    kind = Kind.PAY if step is Step.PAY else Kind.TURN_DOWN if was is State.APPLIED else Kind.REFUND
    postings = [Posting(part["indicator_id"], kind, part["fen"]) for part in await conn.fetch(SQL["parts"], payment_id)]
    refusal: Refusal | None = await budget.enter(conn, postings, about=number, person_id=None, now_ms=now_ms)
    if refusal is not None:
        return refusal
    voucher, why = (said, None) if step is Step.PAY else (None, said)
    await conn.execute(SQL["end"], payment_id, then, moment(now_ms), voucher, why)
    await audit(conn, None, f"payment.{then}", f"payment:{payment_id}", detail={"number": number, "said": said})
    return None
