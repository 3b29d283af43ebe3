"""When an answer of a cluster stands, and whom of its nodes to believe."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.cluster import view
from plumbing.cluster.client import seeds_of
from plumbing.cluster.view import Shard, Told, stands

A, B, C = ("10.0.0.1", 7000), ("10.0.0.2", 7000), ("10.0.0.3", 7000)


def a_role(*replicas: tuple[str, int]) -> list[Any]:
    return [b"master", 100, [[host.encode(), str(port).encode(), b"100"] for host, port in replicas]]


@pytest.mark.parametrize(
    ("members", "waited", "role", "copies_min", "well"),
    [
        ({A, B}, [1, 2], a_role(A, B), 2, True),
        ({A, B}, [1, 1], a_role(A, B), 2, False),  # one of the two has it
        ({A, B}, [1, 1], a_role(A), 2, False),  # one is not connected
        ({A, B}, [0, 2], a_role(A, B), 2, False),  # the master's own disk is not done
        ({A}, [1, 1], a_role(A, C), 2, False),  # it may be the stranger who has it
        ({A}, [1, 2], a_role(A, C), 2, True),
        ({A}, [1, 1], a_role(C), 2, False),  # the stranger has it, the member is away
        (set(), [1, 0], a_role(), 2, False),  # a master left alone: two copies are wanted
        (set(), [1, 0], a_role(), 1, True),  # unless one is enough
        ({A}, [1, 0], a_role(), 1, False),  # alone, but not done without its replica
        ({A}, [1, 1], [b"slave", b"10.0.0.9", 7000, b"connected", 100], 2, False),
        ({A}, ValueError("no"), a_role(A), 2, False),
    ],
)
def test_an_answer_stands_when_every_member_and_every_replica_connected_has_it(
    members: set[view.Address], waited: Any, role: Any, copies_min: int, well: bool
) -> None:
    assert stands(Shard(frozenset(members), "mark:0", 0.0), waited, role, copies_min) is well


def a_node(number: int, owner: int, claims: bool) -> Told:
    """Node ``number``, which believes ``owner`` to be the master of all slots."""
    owners, online = ((0, view.SLOTS - 1, f"id{owner}"),), frozenset[view.Address]() if claims else None
    return Told(f"id{number}", (f"10.0.0.{number}", 7000), owners, (), frozenset(), online, False)


def test_of_two_who_claim_the_same_slots_the_one_is_believed_whom_more_nodes_name() -> None:
    back_from_the_dead, elected = a_node(1, 1, True), a_node(2, 2, True)
    others = [a_node(3, 2, False), a_node(4, 2, False)]
    for told in ([back_from_the_dead, elected, *others], [elected, *others, back_from_the_dead]):
        assert view.masters(told)[-1] is elected
    assert view.masters([back_from_the_dead, a_node(3, 1, False)]) == [back_from_the_dead]


def test_a_mark_lies_in_the_slots_it_is_made_for() -> None:
    for first in range(0, view.SLOTS, 1_024):
        assert first <= view.key_slot(view.mark_of([(first, first + 1_023)]).encode()) <= first + 1_023


@pytest.mark.parametrize(
    ("url", "start", "seeds"),
    [
        ("valkey-cluster://a:1,b:2", "redis://", [("a", 1), ("b", 2)]),
        ("valkey-clusters://me:s3cret@a:1/", "rediss://me:s3cret@", [("a", 1)]),
        ("valkey-cluster://[::1]:7", "redis://", [("::1", 7)]),
    ],
)
def test_an_address_names_the_nodes_to_begin_with(url: str, start: str, seeds: list[view.Address]) -> None:
    assert seeds_of(url) == (start, seeds)
    for wrong in ("valkey-cluster://", "valkey-cluster://a", "valkey-cluster://a:1,,b:2", "redis://a:1"):
        with pytest.raises(ValueError, match=r"wanted|named"):
            seeds_of(wrong)
