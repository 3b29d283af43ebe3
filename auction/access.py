"""Who may sit where 席位: which view of a lot a person gets, and who may do what to a case. Deny by default.

(The founder wrote the signatures that auction/sockets.py and auction/bidding.py call; helper D owns and completes this file.)
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from accounts.model import Actor
from auction.bidding import Terms
from auction.model import Refusal
from plumbing.postgres import Connection, Pool


class Seat(Struct, frozen=True):
    """A place at a lot. ``kind``: bidder, host, supervisor, public. A bidder has an alias and the lot's terms."""

    kind: str
    alias: str = ""
    terms: Terms | None = None


def kind_of(actor: Actor | None, payload: dict[str, Any]) -> str:
    """The word the socket's welcome uses for this person: supplier, host, supervisor, public."""
    raise NotImplementedError


def why_no_seat(actor: Actor) -> Refusal:
    """NOT_REGISTERED for a supplier without a seat, ROLE for everyone else."""
    raise NotImplementedError


async def seat(conn: Connection | Pool, actor: Actor | None, lot_id: UUID, payload: dict[str, Any]) -> Seat | None:
    """The seat of ``actor`` (or of a practice ticket's ``payload``) at the lot; None when he may not know the lot.

    Bidders get ``terms``: LotRules and, for unit-price lots, quantities in thousandths by line number.
    """
    raise NotImplementedError
