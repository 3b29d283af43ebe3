"""计划执行: the money of a plan, as the trading rooms ask for it, on their transaction; each call may come twice."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from accounts.records import moment
from intranet.budget import holds, records
from intranet.budget.model import Hold, HoldState, Refusal, Source
from intranet.budget.rules import shared
from intranet.outbox import writing
from intranet.plans.model import METHOD_OF_BASIS, State
from intranet.plans.operations import SQL, refuse
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from standards.deal import Deal


def request_of(lot_id: UUID) -> str:
    """The name under which the money of a lot is held."""
    return f"lot:{lot_id}"


async def plan_of(conn: Connection, org_id: UUID, number: str) -> Record | None:
    """The unit's own plan of that number, locked; None if it has none."""
    return await conn.fetchrow(SQL["plan_by_number"], number, org_id) if number else None


async def check(conn: Connection, plan: Record, *, category: str, legal_basis: str, fen: int) -> list[Source]:
    """What is left of a plan for a case, source by source.

    Raises ``Problem`` 422 for a plan that is not approved, of another item or method, or with less than ``fen`` left.
    """
    if plan["state"] != State.APPROVED:
        raise Problem(422, "plan_not_approved")
    if plan["category"] != category:
        raise Problem(422, "plan_other_item", accept={"category": plan["category"]}, category=plan["category"])
    if plan["method"] not in METHOD_OF_BASIS.get(legal_basis, ()):
        raise Problem(422, "plan_other_method", accept={"method": plan["method"]})
    sources = await conn.fetch(SQL["sources_of"], plan["id"])
    left = [Source(each["indicator_id"], max(0, each["amount_fen"] - each["used_fen"])) for each in sources]
    free = sum(each.fen for each in left)
    if fen > free:
        raise Problem(422, "plan_exceeded", accept={"fen_max": free}, free_fen=free)
    return left


async def freeze(
    conn: Connection, plan: Record, case_id: UUID, parts: Mapping[UUID, int], left: list[Source], who: UUID, now_ms: int
) -> None:
    """Freeze the money of every lot of a case: ``parts`` is fen by lot, ``left`` what ``check`` gave.

    Raises ``Problem`` 409 when an indicator has not so much free; then nothing is frozen.
    """
    for (lot_id, _), sources in zip(parts.items(), shared(left, list(parts.values())), strict=True):
        held = await holds.reserve(conn, request_of(lot_id), sources, None, now_ms, who)
        if isinstance(held, Refusal):
            raise refuse(held)
        await conn.execute(SQL["add_use"], held.request_id, plan["id"], case_id, moment(now_ms))


async def give_back(conn: Connection, lot_id: UUID) -> None:
    """A lot came to nothing 失败、取消: its money is free again. Without money held: nothing happens."""
    outcome = await holds.release(conn, request_of(lot_id), await conn.fetchval(SQL["now_ms"]))
    if outcome is Refusal.HOLD_OVER:
        raise RuntimeError(f"lot {lot_id} failed after its money was consumed")


async def keep_what_is_owed(conn: Connection, deal: Deal) -> None:
    """成交: the saving 节约 of a lot goes back to its indicators, the last first; the contract's cost stays held."""
    held = await holds.reduce(conn, request_of(deal.lot_id), deal.contract_fen, deal.awarded_at_ms)
    if isinstance(held, Refusal) and held is not Refusal.HOLD_UNKNOWN:
        raise RuntimeError(f"the money of lot {deal.lot_id} does not fit its deal: {held}")


async def tell_result(conn: Connection, deal: Deal) -> None:
    """成交: the fiscal system of the place hears of the result, with the plan it carries out."""
    told = {"number": deal.number, "title": deal.title, "plan": deal.plan_no, "supplier": deal.supplier_uscc}
    await writing.tell(
        conn, deal.region, writing.Kind.RESULT, f"lot:{deal.lot_id}", deal.contract_fen, told, deal.awarded_at_ms
    )


async def consume(conn: Connection, lot_id: UUID, contract_no: str, payee: str, now_ms: int) -> Hold | None:
    """The contract 合同 is signed: what is held for the lot is consumed. None where no money is held."""
    held = await records.hold(conn, request_of(lot_id))
    if held is None or held.state is not HoldState.HELD:
        return held
    done = await holds.confirm(conn, held.request_id, held.fen, now_ms)
    if isinstance(done, Refusal):
        raise RuntimeError(f"the money of lot {lot_id} cannot be consumed: {done}")
    row = await conn.fetchrow(SQL["contracted"], held.request_id, contract_no, payee)
    if row is not None:
        told = {"contract": contract_no, "payee": payee, "plan": row["plan_number"]}
        await writing.tell(conn, row["region"], writing.Kind.CONTRACT, held.request_id, held.fen, told, now_ms)
    return done
