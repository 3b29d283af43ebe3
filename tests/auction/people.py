"""Builders for the tests of cases: organisations and people in Postgres, as actors."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID, uuid4

from accounts import records
from accounts.model import Actor, Grant, Role
from plumbing.postgres import Pool
from registries.agencies import records as agencies
from registries.suppliers import records as suppliers
from registries.suppliers.model import SizeClass, Status, SupplierFacts

_next = count(1)


async def an_organisation(pool: Pool, kind: str = "buyer", region: str = "330106", name: str = "") -> UUID:
    """An organisation of its own for one test."""
    org_id = await records.add_organisation(pool, name=name or f"单位{next(_next)}", kind=kind, region=region)
    if kind == "agency":
        async with pool.acquire() as conn, conn.transaction():
            await agencies.put(conn, org_id, region, agencies.Status.ACTIVE)
    return org_id


async def an_actor(pool: Pool, org_id: UUID, *roles: Role, region: str = "330106", grant_region: str = "") -> Actor:
    """A person of ``org_id`` with ``roles``, as the actor of a request."""
    login = f"person{next(_next)}-{uuid4().hex[:6]}"
    person = await records.add_person(pool, org_id=org_id, login=login, name=login)
    grants = tuple(Grant(role, grant_region) for role in roles)
    for grant in grants:
        await records.add_grant(pool, person, grant)
    return Actor(person, login, login, org_id, "", region, frozenset(roles), uuid4(), grants)


async def a_supplier(pool: Pool, *, region: str = "330106", **changed: Any) -> Actor:
    """A registered supplier of office goods, as the actor of a request; ``changed`` are facts of the registry."""
    org_id = await an_organisation(pool, "supplier", region)
    given = {"status": Status.ACTIVE, "size_class": SizeClass.LARGE, "categories": ("A",), **changed}
    async with pool.acquire() as conn, conn.transaction():
        await suppliers.put(conn, SupplierFacts(org_id=org_id, name="", uscc="", region=region, **given))
    return await an_actor(pool, org_id, Role.SUPPLIER)
