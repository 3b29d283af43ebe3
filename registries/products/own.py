"""商品的发布与动态维护: a firm files one product, changes it, takes it down and puts it back.

A standard product that is changed or put back waits for its reviewer again. Kind and number are what it is known by.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from asyncpg import UniqueViolationError

from accounts.audit import audit
from accounts.model import Actor
from plumbing import sql
from plumbing.postgres import Connection
from plumbing.problems import Problem
from registries.products.importing import learn, stored
from registries.products.model import Fault
from registries.products.reading import Wrong, read
from registries.suppliers import records as suppliers

SQL = sql.load(Path(__file__).with_name("own.sql"))
LINES_MAX = 40


def attributes_read(text: str) -> dict[str, str]:
    """The attributes of a form, a line each: ``name=value``; a line without a sign of equality has no value."""
    lines = [line.partition("=") for line in text.splitlines()[:LINES_MAX] if line.strip()]
    return {name.strip(): value.strip() for name, _, value in lines if name.strip()}


async def put(
    conn: Connection, actor: Actor, typed: Mapping[str, str], known: UUID | None, now_ms: int
) -> UUID | Wrong:
    """File a product, or with ``known`` change that one, in the caller's transaction; its id, or what is wrong.

    ``Problem`` 409 for a firm that is not in the supplier registry.
    """
    facts = await suppliers.facts(conn, actor.org_id)
    if facts is None:
        raise Problem(409, "supplier_not_registered")
    attributes = attributes_read(typed.get("attributes", ""))
    found = read(
        {**attributes, **{name: value for name, value in typed.items() if name != "attributes"}}, facts.categories
    )
    if isinstance(found, Wrong):
        return found
    there = await conn.fetchval(SQL["by_number"], actor.org_id, found.kind, found.sku)
    if there != known:
        return Wrong(Fault.TWICE_LISTED, found.sku)
    fields, identity = stored(found)
    given = (
        found.kind, actor.org_id, actor.region, found.sku, found.category, found.brand, found.model, found.name,
        found.attributes, found.price_fen, fields["words"], fields["sounds"], identity, now_ms, actor.user_id,
    )  # fmt: skip
    try:
        async with conn.transaction():
            ident: UUID | None = await conn.fetchval(SQL["put"], *given)
    except UniqueViolationError:
        return Wrong(Fault.TWICE_LISTED, found.name)
    if ident is None:  # as it stood
        assert known is not None
        return known
    await learn(conn, [fields["words"]])
    event = "product.filed" if known is None else "product.changed"
    await audit(conn, actor, event, f"product:{ident}", detail={"sku": found.sku, "price_fen": found.price_fen})
    return ident


async def withdraw(conn: Connection, actor: Actor, product_id: UUID, now_ms: int) -> None:
    """Take it down 下架. ``Problem`` 404 for another's, 409 when it is down already."""
    await _turn(conn, actor, product_id, ("withdraw", "product.withdrawn"), now_ms)


async def restore(conn: Connection, actor: Actor, product_id: UUID, now_ms: int) -> None:
    """Put it back 恢复. ``Problem`` as above; 409 also where the same product was listed meanwhile."""
    await _turn(conn, actor, product_id, ("restore", "product.restored"), now_ms)


async def _turn(conn: Connection, actor: Actor, product_id: UUID, what: tuple[str, str], now_ms: int) -> None:
    if await conn.fetchval("SELECT org_id FROM product WHERE id = $1", product_id) != actor.org_id:
        raise Problem(404, "product_unknown")
    try:
        done = await conn.fetchval(SQL[what[0]], product_id, actor.org_id, now_ms, actor.user_id)
    except UniqueViolationError:
        raise Problem(409, "product_listed_meanwhile") from None
    if done is None:
        raise Problem(409, "product_not_so")
    await audit(conn, actor, what[1], f"product:{product_id}")
