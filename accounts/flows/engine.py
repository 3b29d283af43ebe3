"""The engine of approval flows. Each function for a transaction of the caller; a refusal is a ``Problem``.

The room says what is approved and acts on the outcome; who decides when is said here alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.flows import rules
from accounts.flows.model import ACT_OF, ROLE_OF, Filing, Kind, Outcome, Post, Step
from accounts.model import Actor, Role
from accounts.records import moment
from accounts.rules import may
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem

SQL = sql.load(Path(__file__).with_name("records.sql"))
BY_HEAD = (Step((Post.HEAD,)),)
"""Where no place has said otherwise: the head of the unit, alone."""


class Decided(msgspec.Struct, frozen=True):
    """A decision taken: in whose post, and where it led."""

    post: Post
    outcome: Outcome


class Progress(msgspec.Struct, frozen=True):
    """Where a case stands in its flow, for pages: ``version`` of the flow of ``place`` (0: the room's own)."""

    steps: tuple[Step, ...]
    at: int
    state: str
    waiting: tuple[Post, ...]
    decided: list[Record]
    version: int = 0
    place: str = ""


def _steps(row: Record) -> tuple[Step, ...]:
    return msgspec.convert(row["steps"], tuple[Step, ...])


async def flow_of(conn: Connection | Pool, kind: Kind, region: str) -> tuple[Record | None, tuple[Step, ...]]:
    """The flow in force at a place: its row and steps; (None, ()) where no place around it has one."""
    row = await conn.fetchrow(SQL["flow_for"], kind, region)
    return (row, _steps(row)) if row is not None else (None, ())


async def begin(
    conn: Connection, filing: Filing, actor: Actor | None, now_ms: int, own: Sequence[Step] = BY_HEAD
) -> None:
    """File a case: the steps it comes to are fixed, and the posts of the first are waited for.

    ``own``: the room's steps, where no place has a flow. Raises ``Problem`` 409 ``flow_runs`` for a case on its way.
    """
    if await is_running(conn, filing.kind, filing.object_id):
        raise Problem(409, "flow_runs")
    flow, steps = await flow_of(conn, filing.kind, filing.region)
    path = rules.path_of(steps, filing.facts) if flow is not None else tuple(own)
    row = await conn.fetchrow(
        SQL["begin"], filing.kind, filing.object_id, flow and flow["id"], msgspec.to_builtins(path), filing.region,
        filing.org_id, filing.title, filing.number, filing.path, msgspec.to_builtins(filing.facts),
        actor and actor.user_id, moment(now_ms), filing.author,
    )  # fmt: skip
    assert row is not None
    await _wait(conn, row, path[0].posts)


async def decide(
    conn: Connection, actor: Actor, kind: Kind, object_id: UUID, approve: bool, remark: str, now_ms: int
) -> Decided:
    """One post's decision. Two at once are decided one after the other, the second by what the first has left.

    Raises ``Problem`` 409 ``flow_passed`` when nothing is waited for, 403 ``post_not_yours``, 403
    ``second_person_needed`` for who filed it or has decided in another post.
    """
    row = await conn.fetchrow(SQL["running_locked"], kind, object_id)
    if row is None:
        raise Problem(409, "flow_passed")
    decided = await conn.fetch(SQL["decisions_of"], row["id"])
    post = _post_of(row, [each["post"] for each in await conn.fetch(SQL["waits_of"], row["id"])], actor, now_ms)
    if actor.user_id in {row["filed_by"], row["author"], *(each["decided_by"] for each in decided)}:
        raise Problem(403, "second_person_needed")
    word = "approved" if approve else "rejected"
    given = (row["id"], row["at"], post, word, remark, actor.user_id, moment(now_ms))
    await conn.execute(SQL["add_decision"], *given)
    by_step: dict[int, set[Post]] = {row["at"]: {post}}
    for each in decided:
        by_step.setdefault(each["step"], set()).add(Post(each["post"]))
    path = _steps(row)
    outcome, at = rules.after(path, row["at"], by_step, approve)
    ended = None if outcome is Outcome.RUNNING else moment(now_ms)
    await conn.execute(SQL["move"], row["id"], at, outcome, ended)
    await conn.execute(SQL["stop_waiting"], row["id"])
    if outcome is Outcome.RUNNING:
        await _wait(conn, row, rules.waiting(path[at], by_step.get(at, ())))
    return Decided(post, outcome)


async def is_running(conn: Connection, kind: Kind, object_id: UUID) -> bool:
    """Whether a case is on its way; if so it is locked until the transaction ends."""
    return await conn.fetchrow(SQL["running_locked"], kind, object_id) is not None


async def withdraw(conn: Connection, kind: Kind, object_id: UUID, now_ms: int) -> None:
    """Take back a case that is on its way; one that is not stays as it is."""
    row = await conn.fetchrow(SQL["running_locked"], kind, object_id)
    if row is not None:
        await conn.execute(SQL["move"], row["id"], row["at"], "withdrawn", moment(now_ms))
        await conn.execute(SQL["stop_waiting"], row["id"])


async def progress(conn: Connection | Pool, kind: Kind, object_id: UUID) -> Progress | None:
    """Where the case stands, or how its last round ended; None for one that was never filed."""
    row = await conn.fetchrow(SQL["last_round"], kind, object_id)
    if row is None:
        return None
    waiting = {each["post"] for each in await conn.fetch(SQL["waits_of"], row["id"])}
    return Progress(
        _steps(row), row["at"], row["state"], tuple(post for post in Post if post in waiting),
        await conn.fetch(SQL["decisions_of"], row["id"]), row["version"] or 0, row["flow_region"] or "",
    )  # fmt: skip


async def is_turn_of(conn: Connection | Pool, actor: Actor, kind: Kind, object_id: UUID, now_ms: int) -> bool:
    """Whether the actor may decide now."""
    row = await conn.fetchrow(SQL["last_round"], kind, object_id)
    if row is None or row["state"] != "running" or actor.user_id in (row["filed_by"], row["author"]):
        return False
    try:
        _post_of(row, [each["post"] for each in await conn.fetch(SQL["waits_of"], row["id"])], actor, now_ms)
    except Problem:
        return False
    return actor.user_id not in {each["decided_by"] for each in await conn.fetch(SQL["decisions_of"], row["id"])}


def _post_of(row: Record, waiting: Sequence[str], actor: Actor, now_ms: int) -> Post:
    """The post among those waited for that is the actor's. Raises ``Problem`` 403."""
    for post in (post for post in Post if post in waiting):
        role = ROLE_OF[post]
        own = role is Role.SUPERVISOR or actor.org_id == row["org_id"]
        where = {"region": row["region"], "org_id": row["org_id"], "object_id": row["object_id"]}
        if own and may(actor, (role,), now_ms=now_ms, **where):
            return post
    raise Problem(403, "post_not_yours")


async def _wait(conn: Connection, row: Record, posts: Sequence[Post]) -> None:
    roles = [ROLE_OF[post] for post in posts]
    await conn.execute(SQL["wait_for"], row["id"], list(posts), ACT_OF[Kind(row["kind"])], roles)
