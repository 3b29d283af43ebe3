"""形近名称: two names that look the same are one name."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from accounts.admin import organising
from accounts.admin.organising import NewOrg
from accounts.names import key_of
from plumbing.postgres import Pool
from plumbing.problems import Problem
from tests.accounts.admin.people import a_city_admin, now


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("杭州市某局（演示）", "杭州市某局(演示)"),
        ("杭州市某局", "杭州 市\u200b某局\u3000"),
        ("ABC科技公司", "АВС科技公司"),  # Cyrillic
        ("ABC科技公司", "ＡＢＣ科技公司"),
        ("A0公司", "AO公司"),
        ("口岸办公室", "ロ岸办公室"),  # katakana
        ("第一中学", "第—中学"),  # a dash
        ("工业研究院", "⼯业硏究院"),  # a radical, an old form
    ],
)
def test_names_that_look_alike_are_one(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("第一中学", "第二中学"),
        ("ABC公司", "ABO公司"),
        ("杭州市财政局", "湖州市财政局"),
        ("甲公司", "甲乙公司"),
        ("3公司", "E公司"),
    ],
)
def test_names_that_differ_to_the_eye_are_two(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


async def test_of_two_alike_names_at_once_one_is_refused_and_the_other_is_named(pool: Pool) -> None:
    city = await a_city_admin(pool)
    mark = uuid4().hex[:8]

    async def add(name: str, uscc: str = "") -> str:
        try:
            async with pool.acquire() as conn, conn.transaction():
                await organising.add_organisation(conn, city, NewOrg(name, "buyer", "330106", uscc), now())
        except Problem as problem:
            return f"{problem.code} {problem.params['name']}"
        return "made"

    first, second = f"杭州市测试局（{mark}）", f"杭州 市测试局({mark})"
    done = sorted(await asyncio.gather(add(first), add(second)))
    assert done[0] == "made"
    assert done[1] in (f"org_name_alike {first}", f"org_name_alike {second}")
    code = f"9133{int(mark, 16) % 10**6:06d}MA000000"
    code = "91330100MA" + mark.upper().translate(str.maketrans("IOSVZ", "11111"))[:8]
    assert await add(f"测试甲 {mark}", code) == "made"
    assert await add(f"测试乙 {mark}", code.lower()) == f"org_uscc_taken 测试甲 {mark}"
