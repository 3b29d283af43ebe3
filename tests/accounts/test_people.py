"""Opening an account."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from accounts import records, rules
from accounts.model import Role
from accounts.people import PasswordUnfit, open_account
from plumbing.postgres import Pool

LONG = "a phrase of many words"


async def test_an_account_is_opened_with_its_organisation_and_its_roles(pool: Pool) -> None:
    login = "n" + uuid4().hex[:10]
    person = await open_account(
        pool, org_name="某市财政局", org_kind="supervisor", region="330100", login=login, name="赵监管",
        password=LONG, roles=[Role.SUPERVISOR],
    )  # fmt: skip
    actor = await records.actor(pool, person, uuid4(), 0, 1_900_000_000_000)
    assert actor is not None
    assert actor.roles == {Role.SUPERVISOR}
    for region, reaches in (("330106", True), ("330200", False)):
        assert rules.may(actor, ["supervisor"], region=region, org_id=uuid4(), now_ms=1_900_000_000_000) is reaches
    event = await pool.fetchval("SELECT event FROM audit_event WHERE object = $1", f"person:{person}")
    assert event == "account.opened"


async def test_a_login_in_use_leaves_no_half_an_organisation(pool: Pool) -> None:
    login, name = "n" + uuid4().hex[:10], f"单位 {uuid4()}"
    common = {"org_kind": "buyer", "region": "330100", "name": "李", "password": LONG, "roles": [Role.BUYER]}
    await open_account(pool, org_name="一", login=login, **common)  # type: ignore[arg-type]
    with pytest.raises(asyncpg.UniqueViolationError):
        await open_account(pool, org_name=name, login=login.upper(), **common)  # type: ignore[arg-type]
    assert await pool.fetchval("SELECT count(*) FROM organisation WHERE name = $1", name) == 0


async def test_a_password_that_is_not_fit_is_refused(pool: Pool) -> None:
    with pytest.raises(PasswordUnfit):
        await open_account(
            pool, org_name="一", org_kind="buyer", region="330100", login="someone", name="李",
            password="short", roles=[],
        )  # fmt: skip
