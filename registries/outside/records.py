"""The tables of what outside registers said, and their only caller."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import msgspec

from accounts.records import millis, moment
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from registries.outside.model import SHAPES, Answer, Outcome, Register

SQL = sql.load(Path(__file__).with_name("records.sql"))


def _answer(row: Record) -> Answer:
    register = Register(row["register"])
    extract = None if row["content"] is None else msgspec.convert(row["content"], SHAPES[register])
    return Answer(register, Outcome(row["outcome"]), extract, millis(row["since"]), millis(row["seen"]))


async def known(conn: Connection | Pool, code: str) -> dict[Register, Answer]:
    """The last answer of each register; one that was silent when it was last tried and never spoke is silent."""
    found = {each.register: each for each in map(_answer, await conn.fetch(SQL["last"], code))}
    for row in await conn.fetch(SQL["tried"], code):
        register = Register(row["register"])
        if row["silent"] and register not in found:
            found[register] = Answer(register, Outcome.SILENT, None, millis(row["tried"]), millis(row["tried"]))
    return {each: found[each] for each in Register if each in found}


async def keep(conn: Connection, code: str, answers: Iterable[Answer]) -> None:
    """Keep what was answered just now, in the caller's transaction. One that was silent leaves what was known."""
    for each in sorted(answers, key=lambda answer: answer.register):
        silent = each.outcome is Outcome.SILENT
        if not silent:
            content = None if each.extract is None else msgspec.to_builtins(each.extract)
            await conn.execute(SQL["hear"], code, each.register, each.outcome, content, moment(each.seen_ms))
        await conn.execute(SQL["note_try"], code, each.register, moment(each.seen_ms), silent)


async def claim(
    conn: Connection, before_ms: int, silent_before_ms: int, now_ms: int, most: int
) -> list[tuple[UUID, str]]:
    """Suppliers whose registers are due to be asked, and their codes; another process does not get them meanwhile."""
    given = (moment(before_ms), moment(silent_before_ms), moment(now_ms), most, list(Register))
    return [(row["org_id"], row["code"]) for row in await conn.fetch(SQL["claim"], *given)]
