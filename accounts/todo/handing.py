"""转交与代理: a step goes to another's hands; somebody stands in for one who is away."""

from __future__ import annotations

from uuid import UUID

import asyncpg

from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from accounts.todo.rules import LENT, absence_fits
from accounts.todo.waiting import SQL, Step, steps_of
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem


async def step_of(conn: Connection | Pool, actor: Actor, key: str, now_ms: int) -> Step:
    """The step, his to do or handed on by him. Raises ``Problem`` 404 for another's or one that is done."""
    for step in await steps_of(conn, actor.user_id, now_ms):
        if step.key == key and (step.mine or step.by_person == actor.user_id):
            return step
    raise Problem(404, "todo_unknown")


async def takers(conn: Connection | Pool, actor: Actor, key: str, now_ms: int) -> list[Record]:
    """Who could do the step in his stead: id, name, login, organisation."""
    rows: list[Record] = await conn.fetch(SQL["may_take"], key, moment(now_ms), actor.user_id, None)
    return rows


async def hand_over(conn: Connection, actor: Actor, key: str, to: UUID, reason: str, now_ms: int) -> None:
    """Hand a step on to ``to``, who must be allowed to do it. Raises ``Problem`` 404, 422 when he is not."""
    step = await step_of(conn, actor, key, now_ms)
    if step.personal:
        raise Problem(409, "todo_personal")
    if await conn.fetchrow(SQL["may_take"], key, moment(now_ms), actor.user_id, to) is None:
        raise Problem(422, "todo_cannot_take")
    await conn.fetchrow(SQL["end_handover"], key, moment(now_ms))
    await conn.fetchval(SQL["hand_over"], key, to, actor.user_id, reason, moment(now_ms))
    await audit(conn, actor, "todo.handed_over", f"todo:{key}", detail={"to": str(to), "reason": reason})


async def take_back(conn: Connection, actor: Actor, key: str, now_ms: int) -> None:
    """Undo a hand-over: by whom it was made, or by whom it was made to. Raises ``Problem`` 404."""
    await step_of(conn, actor, key, now_ms)
    ended = await conn.fetchrow(SQL["end_handover"], key, moment(now_ms))
    if ended is None:
        raise Problem(404, "todo_unknown")
    await audit(conn, actor, "todo.taken_back", f"todo:{key}", detail={"from": str(ended["to_person"])})


async def stand_in(
    conn: Connection, actor: Actor, substitute: UUID, since_ms: int, until_ms: int, reason: str, now_ms: int
) -> UUID:
    """Somebody of his organisation stands in for the actor, with the business roles he himself holds, for that time.

    What was lent to the actor is not lent on. Raises ``Problem`` 422 for a time that does not fit or a stranger, 409
    when somebody stands in for him then already, or he has nothing to lend.
    """
    if not absence_fits(since_ms, until_ms, now_ms):
        raise Problem(422, "absence_unfit")
    if await conn.fetchrow(SQL["colleagues"], actor.org_id, actor.user_id, substitute) is None:
        raise Problem(422, "substitute_unknown")
    span = moment(max(since_ms, now_ms)), moment(until_ms)
    try:
        async with conn.transaction():
            made: UUID = await conn.fetchval(
                SQL["add_substitution"], actor.user_id, substitute, *span, reason, moment(now_ms)
            )
    except asyncpg.ExclusionViolationError:
        raise Problem(409, "substitute_there_is") from None
    lent = await conn.fetch(SQL["lend_grants"], made, [role.value for role in LENT])
    if not lent:
        raise Problem(409, "nothing_to_lend")
    detail = {"to": str(substitute), "until": until_ms, "roles": sorted({row["role"] for row in lent})}
    await audit(conn, actor, "todo.substitute_named", f"person:{actor.user_id}", detail=detail)
    return made


async def end_stand_in(conn: Connection, actor: Actor, substitution: UUID, now_ms: int) -> None:
    """He is back: the substitute's roles end now. Raises ``Problem`` 404."""
    ended = await conn.fetchval(SQL["end_substitution"], substitution, actor.user_id, moment(now_ms))
    if ended is None:
        raise Problem(404, "substitute_unknown")
    await audit(conn, actor, "todo.substitute_ended", f"person:{actor.user_id}", detail={"to": str(ended)})
