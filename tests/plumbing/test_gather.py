"""Questions that come together are one question; each asker gets the answer of a question asked after he came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from plumbing.gather import AT_ONCE_MAX, Gather


class Oracle:
    """Answers with the length of a word when it is let; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.may = asyncio.Event()

    async def __call__(self, words: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(words))
        await self.may.wait()
        if "fault" in words:
            raise ConnectionError("gone")
        return {word: len(word) for word in words if word != "unknown"}


async def test_a_crowd_asks_one_question() -> None:
    oracle = Oracle()
    oracle.may.set()
    gather = Gather(oracle)
    answers = await asyncio.gather(*map(gather, ["a", "bb", "a", "unknown"]))
    assert answers == [1, 2, 1, None]
    assert oracle.asked == [["a", "bb", "unknown"]]


async def test_a_question_has_a_bound_and_those_who_come_meanwhile_wait_for_the_next() -> None:
    oracle = Oracle()
    gather = Gather(oracle)
    crowd = [asyncio.create_task(gather(f"{number:03d}")) for number in range(AT_ONCE_MAX + 1)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = [asyncio.create_task(gather(word)) for word in ("000", "late")]
    await asyncio.sleep(0)
    oracle.may.set()
    assert await asyncio.gather(*crowd, *late) == [3] * (AT_ONCE_MAX + 1) + [3, 4]
    assert len(oracle.asked[0]) == AT_ONCE_MAX
    assert oracle.asked[1:] == [[f"{AT_ONCE_MAX:03d}", "000", "late"]], (
        "000 anew: the first question was before his time"
    )


async def test_all_who_shared_a_question_hear_what_it_raised_and_the_next_is_answered() -> None:
    oracle = Oracle()
    oracle.may.set()
    gather = Gather(oracle)
    told = await asyncio.gather(gather("fault"), gather("other"), return_exceptions=True)
    assert [type(each) for each in told] == [ConnectionError, ConnectionError]
    assert await gather("other") == 5


async def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    oracle = Oracle()
    gather = Gather(oracle)
    leaving, staying = asyncio.create_task(gather("a")), asyncio.create_task(gather("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    oracle.may.set()
    assert await staying == 1
