"""同款建议: which standard product a good probably is. The matcher suggests, a person decides and may take it back.

Goods are looked at in steps, each a request of the reviewer's page; a good that changed, or whose standard product was
listed since, is looked at again. What a person said of a pair is never asked a second time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.products import matching, words
from standards.categories import stem

SQL = sql.load(Path(__file__).with_name("same.sql"))
STEP, SUGGESTED_MAX = 100, 3
DECISIONS = ("same", "other", "undo")


class Looked(NamedTuple):
    """A step of the matcher: goods looked at, pairs suggested, goods left."""

    looked: int
    suggested: int
    left: int


def _offered(row: Record) -> matching.Offered:
    return matching.Offered(row["name"], row["brand"], row["model"], float(row["price_fen"]))


def _had(found: Sequence[str], sign: str) -> str:
    return sign.join("'" + each.replace("'", "''") + "'" for each in found)


def likely(row: Record, kind: str) -> str:
    """The question to the words of the registry for products of ``kind`` that may be this one."""
    ways = [_had(sorted(_offered(row).models), " | ")]
    if brand := words.wanted(row["brand"]):
        ways.append(f"({_had([*brand, '#' + stem(row['category'])], ' & ')})")
    return f"'#{kind}' & ({' | '.join(each for each in ways if each)})" if any(ways) else ""


async def _rarity(conn: Connection, offered: Sequence[matching.Offered]) -> matching.Rarity:
    every = sorted(set(chain.from_iterable(each.words for each in offered)))
    heard = {row["word"]: row["heard"] for row in await conn.fetch(SQL["heard"], every)}
    return matching.rarity_in(await conn.fetchval(SQL["about_all"]), heard)


Pair = tuple[UUID, UUID, int]


def _pairs(goods: list[Record], found: dict[int, list[Record]], rarity: matching.Rarity) -> list[Pair]:
    """For each good the likeliest standard products of those found, at most ``SUGGESTED_MAX``."""
    told: list[Pair] = []
    for at, good in enumerate(goods, 1):
        one = _offered(good)
        scored = [(matching.score(one, _offered(each), rarity), each["id"]) for each in found[at]]
        best = sorted((each for each in scored if each[0] >= matching.SURE), reverse=True)[:SUGGESTED_MAX]
        told += [(good["id"], ident, round(sure * 100)) for sure, ident in best]
    return told


async def look(conn: Connection, places: Sequence[str]) -> Looked:
    """Look at the next ``STEP`` goods of some places, in the caller's transaction."""
    goods = await conn.fetch(SQL["unlooked"], list(places), STEP)
    queries = [likely(each, "standard") for each in goods]
    found: dict[int, list[Record]] = defaultdict(list)
    for row in await conn.fetch(SQL["candidates"], queries):
        found[row["at"]].append(row)
    rarity = await _rarity(conn, [_offered(each) for each in chain(goods, *found.values())])
    pairs = await asyncio.to_thread(_pairs, goods, found, rarity)
    if pairs:
        await conn.execute(SQL["suggest"], *map(list, zip(*pairs, strict=True)))
    await conn.execute(SQL["looked"], [each["id"] for each in goods])
    return Looked(len(goods), len(pairs), await conn.fetchval(SQL["unlooked_count"], list(places)))


async def look_again(conn: Connection, standard: Record) -> None:
    """A standard product was listed: goods that may be it are to be looked at again."""
    if query := likely(standard, "good"):
        await conn.execute(SQL["look_again"], query)


async def suggestions(pool: Pool, places: Sequence[str], decided: bool, most: int, offset: int) -> list[Record]:
    """What is suggested, the surest first; or what was decided, the last first."""
    return await pool.fetch(SQL["suggestions"], list(places), decided, most, offset)


async def decide(conn: Connection, actor: Actor, pair: tuple[UUID, UUID], decision: str, now_ms: int) -> None:
    """Say that the two are the same product, or not, or take back what was said, in the caller's transaction.

    ``Problem`` 404 for no such suggestion in the actor's places, 422 for another word than ``DECISIONS``, 409 where it
    is decided already (or is not, to be taken back) or where the good belongs to another standard product.
    """
    row = await conn.fetchrow(SQL["suggestion"], *pair)
    if row is None or not may_act(actor, Act.PRODUCT_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "product_same_unknown")
    if decision not in DECISIONS:
        raise Problem(422, "product_same_what")
    if (decision == "undo") == (row["stage"] == "open"):
        raise Problem(409, "product_same_decided")
    if decision == "same" and await conn.fetchval(SQL["join_standard"], *pair, now_ms, actor.user_id) is None:
        raise Problem(409, "product_same_joined")
    if row["stage"] == "same":
        await conn.fetchval(SQL["part_standard"], *pair, now_ms, actor.user_id)
    stage = "open" if decision == "undo" else decision
    await conn.execute(SQL["decide_same"], *pair, stage, actor.user_id, now_ms)
    await audit(conn, actor, f"product.same_{decision}", f"product:{pair[0]}", detail={"standard": str(pair[1])})
