"""What a grant reaches."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import rules
from accounts.model import Actor, Grant, Role

OURS, OTHERS, LOT, OTHER_LOT = uuid4(), uuid4(), uuid4(), uuid4()


def an_actor(*grants: Grant) -> Actor:
    return Actor(
        user_id=uuid4(), login="li", name="李经办", org_id=OURS, org_name="某局", region="330100",
        roles=frozenset(grant.role for grant in grants), session=uuid4(), grants=grants,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("grant", "reaches"),
    [
        (Grant(Role.BUYER), True),
        (Grant(Role.BUYER, "33"), True),
        (Grant(Role.BUYER, "3301"), True),
        (Grant(Role.BUYER, "330100"), True),
        (Grant(Role.BUYER, "330106"), False),
        (Grant(Role.BUYER, "32"), False),
        (Grant(Role.BUYER, "33", OURS), True),
        (Grant(Role.BUYER, "33", OTHERS), False),
        (Grant(Role.BUYER, "33", OURS, LOT), True),
        (Grant(Role.BUYER, "33", OURS, OTHER_LOT), False),
        (Grant(Role.SUPPLIER, "33"), False),
        (Grant(Role.BUYER, valid_from_ms=1000), True),
        (Grant(Role.BUYER, valid_from_ms=1001), False),
        (Grant(Role.BUYER, valid_until_ms=1001), True),
        (Grant(Role.BUYER, valid_until_ms=1000), False),
    ],
)
def test_a_grant_reaches_its_region_organisation_object_and_time(grant: Grant, reaches: bool) -> None:
    allowed = rules.may(an_actor(grant), [Role.BUYER], region="330100", org_id=OURS, object_id=LOT, now_ms=1000)
    assert allowed is reaches


def test_nobody_may_nothing() -> None:
    assert not rules.may(None, list(Role), region="330100", now_ms=0)
    assert not rules.may(an_actor(), list(Role), region="330100", now_ms=0)


@given(st.sampled_from(list(Role)), st.text("0123456789", max_size=6), st.text("0123456789", min_size=6, max_size=6))
def test_a_grant_for_a_region_reaches_exactly_the_codes_that_begin_with_it(role: Role, prefix: str, code: str) -> None:
    reaches = rules.covers(Grant(role, prefix), region=code, org_id=None, object_id=None, now_ms=5)
    assert reaches is (code[: len(prefix)] == prefix)


def test_a_password_is_long_enough_and_not_the_login() -> None:
    assert rules.password_is_fit("eight ch", "li")
    assert not rules.password_is_fit("seven c", "li")
    assert not rules.password_is_fit("LiMingMing", "limingming")
    assert not rules.password_is_fit("x" * 201, "li")


@pytest.mark.parametrize(
    ("password", "fit"),
    [
        ("Yangcai2026", False),
        ("yangcai123456", False),
        ("Password12345678", False),
        ("qwertyuiop", False),
        ("admin123456", False),
        ("aaaaaaaaaaaa", False),
        ("abababababab", False),
        ("limingming12", False),
        ("sunshine", False),
        ("1qaz2wsx", False),
        ("liverpool1999", False),
        ("2026Trustno1!", False),
        ("limingming 走在路上很开心", True),
        ("一句很长的话就好", True),
        ("correct horse", True),
        (" ten blanks", True),
    ],
)
def test_a_password_is_more_than_what_everybody_tries_first(password: str, fit: bool) -> None:
    assert rules.password_is_fit(password, "limingming") is fit


@pytest.mark.parametrize(
    ("region", "prefix"), [("330000", "33"), ("500000", "50"), ("330100", "3301"), ("330110", "330110"), ("", "")]
)
def test_the_reach_of_a_region_drops_only_whole_levels(region: str, prefix: str) -> None:
    assert rules.reach_of(region) == prefix
