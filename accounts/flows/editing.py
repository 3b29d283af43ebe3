"""The editing page's form: steps as typed, moved about, read; and a version published."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from accounts.audit import audit
from accounts.flows import rules
from accounts.flows.engine import SQL
from accounts.flows.model import Kind, Needs, Post, Step
from accounts.model import Actor
from accounts.records import moment
from plumbing.postgres import Connection
from plumbing.problems import Problem
from plumbing.typed import Typed
from plumbing.web import Form
from standards.money import plain


class Row(Struct):
    """A step as typed: everything is text still."""

    posts: list[str] = msgspec.field(default_factory=list)
    needs: str = Needs.ALL.value
    from_yuan: str = ""
    categories: str = ""
    when: str = ""


def rows_of(steps: Sequence[Step]) -> list[Row]:
    """Steps as they are typed."""
    return [
        Row(
            [post.value for post in step.posts], step.needs.value, plain(step.from_fen) if step.from_fen else "",
            ",".join(step.categories), step.when,
        )
        for step in steps
    ]  # fmt: skip


def typed_rows(form: Form) -> list[Row]:
    """The rows of a form, in order; one whose every field was left empty is kept, for it is being filled in."""
    found = []
    for n in range(1, rules.STEPS_MAX + 2):
        if f"step-{n}-needs" in form:
            found.append(
                Row(
                    form.all.get(f"step-{n}-post", []), form.get(f"step-{n}-needs", ""),
                    form.get(f"step-{n}-from", "").strip(), form.get(f"step-{n}-categories", "").strip(),
                    form.get(f"step-{n}-when", "").strip(),
                )
            )  # fmt: skip
    return found


def rearranged(rows: list[Row], act: str) -> list[Row] | None:
    """The rows after a button that only changes them (``add``, ``up-2``, ``down-1``, ``drop-3``); None for others."""
    what, _, number = act.partition("-")
    at = int(number) - 1 if number.isdecimal() and len(number) < 3 else -1
    if what == "add":
        return [*rows, Row()] if len(rows) < rules.STEPS_MAX else rows
    if what not in ("up", "down", "drop"):
        return None
    if not 0 <= at < len(rows):
        return rows
    if what == "drop":
        return rows[:at] + rows[at + 1 :]
    to = at + (1 if what == "down" else -1)
    if 0 <= to < len(rows):
        rows[at], rows[to] = rows[to], rows[at]
    return rows


def read(kind: Kind, rows: Sequence[Row]) -> tuple[Step, ...]:
    """The flow that was typed. Raises ``Problem`` 422 ``flow_<fault>`` with the number of the step."""
    steps = []
    for n, row in enumerate(rows, 1):
        if set(row.posts) - set(Post):
            raise Problem(422, "flow_post_unknown", step=n)
        typed = Typed({"from": row.from_yuan})
        fen = typed.money("from") if row.from_yuan else 0
        if fen is None:
            raise Problem(422, "flow_amount", step=n)
        codes = tuple(code.strip().upper() for code in row.categories.replace("，", ",").split(",") if code.strip())
        needs = Needs.ANY if row.needs == Needs.ANY else Needs.ALL
        steps.append(Step(tuple(Post(post) for post in row.posts), needs, fen, codes, row.when))
    wrong = rules.judge(kind, steps)
    if wrong is not None:
        raise Problem(422, f"flow_{wrong.fault}", step=wrong.step, said=wrong.said)
    return tuple(steps)


async def publish(
    conn: Connection,
    actor: Actor | None,
    kind: Kind,
    region: str,
    steps: Sequence[Step],
    seen: int,
    note: str,
    now_ms: int,
) -> UUID:
    """Put a version in force for a place (a beginning of codes); no steps: its own flow ends. The version's id.

    ``actor``: None for a province pack.

    Raises ``Problem`` 409 ``flow_stale`` when another published since version ``seen`` was looked at.
    """
    await conn.execute(SQL["lock_place"], kind, region)
    newest = await conn.fetchval(SQL["newest"], kind, region) or 0
    if newest != seen:
        raise Problem(409, "flow_stale", accept={"version": newest})
    given = (kind, region, msgspec.to_builtins(tuple(steps)), note, actor and actor.user_id, moment(now_ms))
    row = await conn.fetchrow(SQL["add_version"], *given)
    assert row is not None
    detail = {"kind": kind, "region": region, "version": row["version"], "steps": msgspec.to_builtins(tuple(steps))}
    await audit(conn, actor, "flow.published" if steps else "flow.ended", f"flow:{row['id']}", detail=detail)
    flow_id: UUID = row["id"]
    return flow_id
