"""What a room was told, held against what stands in Postgres. Empty: never below zero, nothing lost or double."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from intranet.budget.records import SQL
from loadtests.money.room import FEN, HELD, LEFT_FEN, SHORT, end_of, indicator_of, lot_of, planned

AT_THE_END = {
    "held": ("held", FEN), "released": ("released", FEN), "reduced": ("held", LEFT_FEN), "consumed": ("confirmed", FEN),
}  # fmt: skip
_HOLDS = """
SELECT h.request_id, h.state, s.held_fen FROM budget_hold h JOIN budget_hold_source s USING (request_id)
WHERE s.indicator_id = $1
"""
_USES = "SELECT request_id FROM plan_use u JOIN plan_source s USING (plan_id) WHERE s.indicator_id = $1"
_FROZEN = "SELECT about FROM budget_posting WHERE indicator_id = $1 AND kind = 'freeze'"
_LOWEST = """
SELECT min(left_fen) FROM (
    SELECT sum(posted('available', p)) OVER (ORDER BY p.id) AS left_fen FROM budget_posting p WHERE indicator_id = $1
) AS each
"""


class Facts(NamedTuple):
    """One moment of Postgres. ``holds``: state and fen by request; ``uses``: the room's book; ``frozen``: how often.

    ``lowest``: what was free of the indicator, in fen, when it was least; ``disagreeing``: indicators whose balances
    are not the sum of their postings and holds.
    """

    holds: Mapping[str, tuple[str, int]]
    uses: frozenset[str]
    frozen: Mapping[str, int]
    lowest: int
    disagreeing: Sequence[str]


async def facts(conn: asyncpg.Connection, name: str) -> Facts:
    """What stands of a round, all of it at one moment."""
    indicator: UUID = indicator_of(name)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        holds = {row[0]: (row[1], row[2]) for row in await conn.fetch(_HOLDS, indicator)}
        uses = frozenset(row[0] for row in await conn.fetch(_USES, indicator))
        frozen = Counter(row[0] for row in await conn.fetch(_FROZEN, indicator))
        lowest = int(await conn.fetchval(_LOWEST, indicator))
        return Facts(holds, uses, frozen, lowest, [row["number"] for row in await conn.fetch(SQL["disagreeing"])])


def faults(told: Mapping[int, Sequence[str]], found: Facts, name: str, lots: int, *, over: bool) -> list[str]:
    """What is wrong. ``over``: the room has asked for everything again, so that nothing may be open."""
    wrong = [f"the book of {number} does not agree with itself" for number in found.disagreeing]
    if found.lowest < 0:
        wrong.append(f"below zero: {found.lowest} fen")
    numbers = {f"lot:{lot_of(name, n)}": n for n in range(lots)}
    if strange := set(found.holds) - set(numbers):
        wrong.append(f"held for nobody: {len(strange)}")
    for request, n in numbers.items():
        wrong += [f"lot {n}: {why}" for why in _of_lot(told.get(n, ()), found, request, n)]
        if over and not told.get(n):
            wrong.append(f"lot {n}: never answered")
        if over and request in found.holds and found.holds[request] != AT_THE_END[end_of(n)]:
            wrong.append(f"lot {n}: not at its end")
    return wrong


def _of_lot(told: Sequence[str], found: Facts, request: str, n: int) -> list[str]:
    """What is wrong with one lot."""
    there = request in found.holds
    wrong = [] if found.frozen.get(request, 0) == int(there) else ["not frozen exactly once"]
    if planned(n) and there != (request in found.uses):
        wrong.append("room and budget disagree")
    if HELD in told and not there:
        wrong.append("told and lost")
    if told and told[-1] == SHORT and there:
        wrong.append("held after a no")
    stands = found.holds.get(request)
    if there and stands not in (AT_THE_END[HELD], AT_THE_END[end_of(n)]):
        wrong.append(f"stands at {stands}")
    if end_of(n) in told and stands != AT_THE_END[end_of(n)] and there:
        wrong.append(f"{end_of(n)} was told and lost")
    return wrong


def spoilt(good: Facts) -> dict[str, Facts]:
    """Versions of a good moment that the checker must refuse, by what was done to them."""
    request = next(key for key in sorted(good.uses) if key in good.holds)
    others = {key: value for key, value in good.holds.items() if key != request}
    return {
        "a hold removed": good._replace(holds=others, frozen={**good.frozen, request: 0}),
        "a hold changed by one fen": good._replace(holds={**others, request: (good.holds[request][0], FEN - 1)}),
        "a hold that nobody asked for": good._replace(holds={**good.holds, "lot:other": ("held", FEN)}),
        "a freeze doubled": good._replace(frozen={**good.frozen, request: 2}),
        "a freeze missing": good._replace(frozen={**good.frozen, request: 0}),
        "the room's row missing": good._replace(uses=good.uses - {request}),
        "a fen below zero": good._replace(lowest=-1),
        "a sum that is not": good._replace(disagreeing=["ZB1"]),
    }
