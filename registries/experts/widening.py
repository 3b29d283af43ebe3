"""名单用尽: what may be widened when a list ran out, proposed by one officer with a reason, agreed by the other.

The draw that follows is a new one with its own secrets: with the old seed known, whoever chose the addition could
choose the result. Nothing here tells a name; the officers see numbers.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import millis, moment
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.experts import drawing, library
from registries.experts.draw import Answer
from registries.experts.model import Bidder, Need
from registries.experts.records import SQL, hand_of, holds, locked, note
from standards.categories import parent, stem
from standards.workdays import day_of


class Offer(Struct, frozen=True):
    """A way to go on 扩大范围: under which word, with which category and places, and how many would fit."""

    word: str
    near: str
    wide: bool
    fit: int


async def _need(conn: Connection | Pool, row: Record, near: str, wide: bool) -> tuple[Need, frozenset[str]]:
    """What the draw that follows would look for, and the units that send somebody already."""
    gone = await conn.fetch(SQL["chain"], row["id"])
    need = Need(
        specialty=row["specialty"],
        region=row["region"],
        on=day_of(millis(row["review_at"])),
        avoided=msgspec.convert(row["avoided"], tuple[Bidder, ...]),
        wide=wide,
        near=near,
        declined=frozenset(str(one["person_id"]) for one in gone),
    )
    came = [one for one in gone if one["answer"] == Answer.ACCEPTED]
    return need, frozenset(drawing.unit_key(str(one["person_id"]), library.dossier_of(one), need.on) for one in came)


def _ways(row: Record) -> list[tuple[str, str, bool]]:
    """What can be widened from where the draw stands: the same again, the neighbours of its category, all places."""
    above = parent(row["near"] or row["specialty"])
    nearer = above if len(stem(above)) > 1 else ""
    found = [("again", row["near"], row["wide"])]
    if nearer:
        found.append(("near", nearer, row["wide"]))
    if not row["wide"]:
        found.append(("wide", row["near"], True))
        found += [("both", nearer, True)] if nearer else []
    return found


async def offers(pool: Pool, row: Record, now_ms: int) -> list[Offer]:
    """The ways to go on, each with how many would be on its list."""
    made = []
    for word, near, wide in _ways(row):
        need, taken = await _need(pool, row, near, wide)
        fit = drawing.without(await drawing.possible(pool, need, now_ms), need, taken)
        made.append(Offer(word, near, wide, len(fit)))
    return made


async def _exhausted(conn: Connection, actor: Actor, draw_id: UUID, now_ms: int) -> Record:
    row = await locked(conn, draw_id)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    if hand_of(actor, row) is None:
        raise Problem(403, "draw_no_hand")
    if row["stage"] != "exhausted" or now_ms >= millis(row["review_at"]):
        raise Problem(409, "draw_stage")
    return row


async def propose(conn: Connection, actor: Actor, draw_id: UUID, word: str, reason: str, now_ms: int) -> None:
    """One officer's proposal, with a reason; a later one of either takes its place until one is agreed.

    Raises ``Problem`` 404, 403, 409 where the list has not run out or the review has begun, 422 for no such way or
    without a reason.
    """
    row = await _exhausted(conn, actor, draw_id, now_ms)
    way = next((one for one in _ways(row) if one[0] == word), None)
    if way is None:
        raise Problem(422, "decision_unknown")
    if not reason:
        raise Problem(422, "reason_missing")
    given = (draw_id, way[2], way[1], reason, actor.user_id, moment(now_ms))
    if await conn.execute(SQL["ask_widening"], *given) != "INSERT 0 1":
        raise Problem(409, "draw_stage")
    await audit(conn, actor, "draw.widening", f"draw:{draw_id}", detail={"way": word, "reason": reason})


async def agree(conn: Connection, actor: Actor, draw_id: UUID, settings: Any, now_ms: int) -> UUID:
    """The other officer agrees: the draw that follows is made, and the log of the old one names it.

    Raises ``Problem`` 404, 403, 409 where nothing is proposed, by its proposer, or where too few would fit.
    """
    row = await _exhausted(conn, actor, draw_id, now_ms)
    asked = await conn.fetchrow(SQL["widening"], draw_id)
    if asked is None or asked["agreed_by"] is not None or asked["asked_by"] == actor.user_id:
        raise Problem(409, "draw_stage")
    need, taken = await _need(conn, row, asked["near"], asked["wide"])
    next_id = await drawing.follow(conn, actor, row, need, taken, settings, now_ms)
    await conn.execute(SQL["agree_widening"], draw_id, actor.user_id, moment(now_ms))
    detail = {"next": str(next_id), "reason": asked["reason"], "near": asked["near"], "wide": asked["wide"]}
    await note(conn, draw_id, "widened", detail, now_ms)
    await audit(conn, actor, "draw.widened", f"draw:{draw_id}", detail={"next": str(next_id)})
    return next_id
