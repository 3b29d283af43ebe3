"""资金: the money of a case that carries out a plan. Frozen at the last approval, the last moment a person hears no.

The bridge to the intranet; cases ask here and nowhere else. A case without a plan of ours goes its way without money,
where the place asks for none (``plan.needed``).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts.model import Actor
from auction.case import params
from auction.case.records import decode_rules
from auction.lot.model import PriceBasis
from intranet.budget.model import Source
from intranet.plans import carrying
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem


def parts_of(case: Record, lots: Sequence[Record]) -> dict[UUID, int]:
    """What is frozen for each lot, in fen: the budget for a single one, else each one's ceiling.

    Raises ``Problem`` 422 for several lots of which one has no ceiling in money.
    """
    if len(lots) == 1:
        return {lots[0]["id"]: case["budget_fen"]}
    found = {}
    for lot in lots:
        rules = decode_rules(lot["rules"])
        if rules.basis is PriceBasis.DISCOUNT_RATE or not rules.ceiling:
            raise Problem(422, "plan_ceilings_needed", accept={"lot": lot["no"]}, lot=lot["no"])
        found[lot["id"]] = rules.ceiling
    return found


async def check(conn: Connection, case: Record, lots: Sequence[Record]) -> None:
    """Raises ``Problem`` 422 for a case whose plan would not carry it, or that lacks one where one is needed."""
    await _carried(conn, case, lots)


async def freeze(conn: Connection, case: Record, lots: Sequence[Record], actor: Actor, now_ms: int) -> None:
    """Freeze what the case may cost, all of it or none. Refused as ``check``, and 409 when an indicator is short."""
    found = await _carried(conn, case, lots)
    if found is not None:
        plan, left = found
        await carrying.freeze(conn, plan, case["id"], parts_of(case, lots), left, actor.user_id, now_ms)


async def give_back(conn: Connection, lot_id: UUID) -> None:
    """The lot came to nothing: its money is free again."""
    await carrying.give_back(conn, lot_id)


async def consume(conn: Connection, lot_id: UUID, contract_no: str, payee: str, now_ms: int) -> None:
    """The contract of the lot is signed with ``payee``: its money is consumed."""
    await carrying.consume(conn, lot_id, contract_no, payee, now_ms)


async def _carried(conn: Connection, case: Record, lots: Sequence[Record]) -> tuple[Record, list[Source]] | None:
    plan = await carrying.plan_of(conn, case["org_id"], case["plan_no"])
    if plan is None:
        if params.value(case, "plan.needed"):
            raise Problem(422, "plan_needed")
        return None
    fen = sum(parts_of(case, lots).values())
    given = {"category": case["category"], "legal_basis": case["legal_basis"], "fen": fen}
    return plan, await carrying.check(conn, plan, **given)
