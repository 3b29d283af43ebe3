"""Whom the keeper bars, and when: the commands it gives to the nodes of a cluster of three shards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plumbing.clock import elapsed_s
from plumbing.cluster.keeper import CUT_OFF_S, SILENT_S, Keeper
from plumbing.cluster.view import SLOTS, Address, Member, Told

OWNERS = tuple((number * 5_000, min(number * 5_000 + 4_999, SLOTS - 1), f"id{number}") for number in range(3))
MASTER, GOOD, QUIET = ("10.0.0.0", 7000), ("10.0.1.0", 7000), ("10.0.2.0", 7000)


def a_node(number: int, address: Address, *, online: set[Address] | None, failed: bool = False) -> Told:
    members = (Member("good", GOOD, False), Member("quiet", QUIET, failed)) if number == 0 else ()
    found = None if online is None else frozenset(online)
    return Told(f"id{number}", address, OWNERS, members, frozenset(), found, False)


def a_cluster(*, masters: int = 3, online: set[Address] | None = None, failed: bool = False) -> list[Told]:
    first = a_node(0, MASTER, online={GOOD} if online is None else online, failed=failed)
    return [first, *(a_node(number, (f"10.0.0.{number}", 7000), online=set()) for number in range(1, masters))]


async def told_by_the_keeper(told: list[Told], silent_s: float, copies_min: int = 2) -> list[tuple[Address, str]]:
    said: list[tuple[Address, str]] = []

    def ask(address: Address, *words: Any) -> asyncio.Future[Any]:
        said.append((address, " ".join(map(str, words))))
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answered.set_result(b"OK")
        return answered

    silent = {one.address: {QUIET: (elapsed_s() - silent_s, 0)} if one.id == "id0" else {} for one in told}
    await Keeper(ask, copies_min).mind(told, silent)
    return said


async def test_a_silent_replica_is_forgotten_by_its_voters_and_by_its_master_last() -> None:
    said = await told_by_the_keeper(a_cluster(), SILENT_S + 1)
    assert {words for _, words in said} == {"CLUSTER FORGET quiet"}
    assert {address for address, _ in said} == {MASTER, ("10.0.0.1", 7000), ("10.0.0.2", 7000)}
    assert said[-1][0] == MASTER
    assert await told_by_the_keeper(a_cluster(), SILENT_S / 2) == []


async def test_one_whom_the_cluster_has_given_up_is_barred_at_once() -> None:
    assert await told_by_the_keeper(a_cluster(failed=True), 0)


async def test_nobody_is_barred_where_most_voters_are_out_of_reach() -> None:
    assert await told_by_the_keeper(a_cluster(masters=1), CUT_OFF_S + 1) == []
    assert await told_by_the_keeper(a_cluster(masters=2), SILENT_S + 1)


@pytest.mark.parametrize(("copies_min", "barred"), [(0, False), (1, True), (2, False), (3, False)])
async def test_nobody_is_barred_where_too_few_copies_would_be_left(copies_min: int, barred: bool) -> None:
    said = await told_by_the_keeper(a_cluster(online=set()), SILENT_S + 1, copies_min)
    assert bool(said) is barred


async def test_a_replica_that_answers_us_is_given_time_since_its_master_may_be_cut_off() -> None:
    told = [*a_cluster(), a_node(9, QUIET, online=None)]
    assert await told_by_the_keeper(told, SILENT_S + 1) == []
    assert await told_by_the_keeper(told, CUT_OFF_S + 1)
