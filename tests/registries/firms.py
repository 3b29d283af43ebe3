"""Builders for the tests of the supplier registry: dossiers as typed, firms that registered, reviewers of a place."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx

from accounts.model import Actor, Role
from plumbing.postgres import Pool
from standards import uscc
from tests.accounts.admin.people import opened, the_actor
from tests.site import ORIGIN, WithState, a_client

NEW = "another phrase, quite long"
HEAD, OTHER_HEAD = "110101199003074514", "33010619851212002X"


def a_code(region: str = "330106") -> str:
    """A sound credit code of its own."""
    body = f"91{region}MA{uuid4().int % 10**7:07d}"
    return body + uscc.check_character(body)


def a_form(**changed: Any) -> dict[str, str]:
    """The form of ``/register`` of a supplier."""
    mark = uuid4().hex[:8]
    return {
        "kind": "supplier", "name": f"杭州新芽科技有限公司 {mark}", "uscc": a_code(), "region": "330106",
        "person": "苏新", "login": f"new{mark}", "phone": "0571-00000000", "new": NEW,
        "again": NEW, "categories": "A02091001 A", "head_name": "苏负责", "head_id": HEAD, "pledge": "1", **changed,
    }  # fmt: skip


def a_dossier(form: dict[str, str], **changed: Any) -> dict[str, str]:
    """The form of ``/suppliers/own`` of the same firm."""
    same = ("name", "uscc", "region", "phone", "categories", "head_name", "head_id", "pledge")
    return {name: form[name] for name in same} | {"contact": form["person"], "size_class": "small"} | changed


def a_browser(app: WithState) -> httpx.AsyncClient:
    """A browser of a stranger, at an address of its own."""
    address = f"10.{uuid4().int % 250}.{uuid4().int % 250}.9"
    return a_client(app, address, headers={"Origin": ORIGIN, "Accept": "text/html"})


async def a_reviewer(pool: Pool, place: str = "3301") -> Actor:
    """Somebody of the finance department of a place."""
    return await opened(pool, Role.SUPERVISOR, "supervisor", place.ljust(6, "0"))


async def registered(app: WithState, pool: Pool, form: dict[str, str]) -> Actor:
    """The person of a firm that registered by the form."""
    async with a_browser(app) as new:
        answer = await new.post("/register", data=form)
        assert answer.status_code == 303, answer.text
    person: UUID = await pool.fetchval("SELECT id FROM person WHERE login = $1", form["login"])
    return await the_actor(pool, person)


async def waiting(pool: Pool, org_id: UUID) -> UUID:
    """The filing of a firm that waits."""
    found: UUID = await pool.fetchval("SELECT id FROM supplier_filing WHERE org_id = $1 AND stage = 'filed'", org_id)
    return found
