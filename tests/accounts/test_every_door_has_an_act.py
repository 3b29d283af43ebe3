"""权限: every door declares what one must be allowed to come in; whoever is let in holds it by his role."""

from __future__ import annotations

import pytest
from starlette.routing import BaseRoute, Route

from accounts.acts import ACTS_OF, OPEN, SIGNED_IN, Act
from accounts.model import Role
from plumbing.web import Operation, Page
from tests.flows.test_who_may_do_what import BY_FORM, ELSEWHERE, EVERYONE, RULES, routes_of_the_product, ruled

PLAIN = {
    "/healthz": OPEN,
    "/api/lots/{lot_id:uuid}/stream": OPEN,  # what is seen there is the seat's: tests/auction/doors
}
"""Doors that are neither a page nor an operation of the API, and what they ask for."""
DOORS = {
    f"{method} {route.path}": route
    for route in routes_of_the_product()
    if isinstance(route, Route)
    for method in sorted((route.methods or set()) - {"HEAD"})
}
ROLE_OF = {"bidder": Role.SUPPLIER} | {
    one: Role(one.removesuffix(" elsewhere")) for one in EVERYONE - {"nobody", "bidder"}
}


def act_of(route: BaseRoute) -> str | None:
    if isinstance(route, Operation | Page):
        return route.act
    assert isinstance(route, Route)
    return PLAIN[route.path]


@pytest.mark.parametrize("door", sorted(DOORS))
def test_a_door_declares_its_act(door: str) -> None:
    assert act_of(DOORS[door]) in {OPEN, SIGNED_IN, *Act}


@pytest.mark.parametrize("door", sorted(set(DOORS) - BY_FORM - ELSEWHERE))
def test_whoever_is_let_in_holds_the_act_of_the_door(door: str) -> None:
    act, may = act_of(DOORS[door]), ruled(RULES, "|")[door]
    if act is OPEN:
        return
    assert "nobody" not in may
    if act != SIGNED_IN:
        assert {name for name in may if act not in ACTS_OF[ROLE_OF[name]]} == set()


def test_every_act_is_some_doors_and_some_roles() -> None:
    from auction.doors.actpages import ACTS

    declared = {act_of(route) for route in DOORS.values()} | {act for acts in ACTS.values() for act in acts}
    assert set(Act) <= declared
    assert {act for acts in ACTS_OF.values() for act in acts} == set(Act)
