"""审批要点: what a room lays before whoever approves, and how his decision is carried out there.

The composition gives a desk for each kind of business (``request.state.desks``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

from msgspec import Struct, field

from accounts.flows.model import Kind
from accounts.model import Actor
from plumbing.postgres import Connection, Pool


class Line(Struct, frozen=True):
    """An amount by name: ``key`` is a text with ``params``, ``note`` a text's key or empty; ``over``: over a limit."""

    key: str
    fen: int
    params: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    over: bool = False


class Paid(Struct, frozen=True):
    """A price paid before 历史成交价: what, by whom, when (epoch ms), in fen; by the unit where it was asked so."""

    name: str
    org_name: str
    at_ms: int
    fen: int
    unit: str = ""


class Look(Struct, frozen=True):
    """What to look at before deciding: amounts, what the checks watch (a text's key and its amount), prices paid."""

    lines: tuple[Line, ...] = ()
    watches: tuple[tuple[str, int], ...] = ()
    paid: tuple[Paid, ...] = ()


class Desk(Struct, frozen=True):
    """``look(pool, object_id, now_ms)`` reads; ``decide(conn, actor, object_id, approve, remark, now_ms)`` decides, and
    raises ``Problem`` where it may not be.
    """

    look: Callable[[Pool, UUID, int], Awaitable[Look]]
    decide: Callable[[Connection, Actor, UUID, bool, str, int], Awaitable[object]]


Desks: TypeAlias = Mapping[Kind, Desk]
