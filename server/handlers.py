"""Who reacts to what 响应表: the whole system's flow on one screen.

Each reaction runs on the connection of the transaction that brought the value, so that it stands or falls with it.
What lies outside Postgres is written as a row there, never done here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from accounts.audit import audit
from intranet.plans.carrying import keep_what_is_owed, tell_result
from plumbing.postgres import Connection
from standards.deal import Deal

Reaction: TypeAlias = Callable[[Connection, Deal], Awaitable[None]]


async def note_deal(conn: Connection, deal: Deal) -> None:
    """The trail says that a deal was made and handed on."""
    await audit(conn, None, "deal.made", f"lot:{deal.lot_id}", detail={"contract_fen": deal.contract_fen})


ON_DEAL: tuple[Reaction, ...] = (note_deal, keep_what_is_owed, tell_result)
"""成交 → the trail, the budget (the saving is given back), the fiscal system: each later room adds its line here."""


async def on_deal(conn: Connection, deal: Deal) -> None:
    """Hand a deal 成交 to everyone who reacts to it, in order; one that fails undoes the deal's transaction."""
    for reaction in ON_DEAL:
        await reaction(conn, deal)
