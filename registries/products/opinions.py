"""商品评价: what purchasers say of a product, once a person, answered by the firm, hidden by a reviewer with reason.

For display alone: no condition and no score of a procurement reads it.
"""

from __future__ import annotations

from uuid import UUID

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from accounts.rules import may_act
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem
from registries.products.model import Stage
from registries.products.records import SQL as PRODUCTS
from registries.products.usage import SQL

WORDS_MAX = 500


async def _product(conn: Connection, product_id: UUID) -> Record:
    row: Record | None = await conn.fetchrow(PRODUCTS["product"], product_id)
    if row is None or row["stage"] != Stage.LISTED:
        raise Problem(404, "product_unknown")
    return row


async def give(conn: Connection, actor: Actor, product_id: UUID, stars: str, words: str, now_ms: int) -> None:
    """Say so many stars and some words of a listed product, or change what one said. ``Problem`` 404, 422."""
    await _product(conn, product_id)
    if stars not in ("1", "2", "3", "4", "5") or len(words) > WORDS_MAX:
        raise Problem(422, "product_review_stars", most=WORDS_MAX)
    given = (product_id, actor.user_id, actor.org_id, int(stars), words.strip(), moment(now_ms))
    await conn.execute(SQL["give"], *given)
    await audit(conn, actor, "product.reviewed", f"product:{product_id}", detail={"stars": int(stars)})


async def take_back(conn: Connection, actor: Actor, product_id: UUID) -> None:
    """Take back what one said. ``Problem`` 409 where there is nothing, or it was hidden."""
    if not await conn.fetchval(SQL["take_back"], product_id, actor.user_id):
        raise Problem(409, "product_review_none")
    await audit(conn, actor, "product.review_taken_back", f"product:{product_id}")


async def answer(conn: Connection, actor: Actor, product_id: UUID, person_id: UUID, words: str, now_ms: int) -> None:
    """The firm's answer to what somebody said. ``Problem`` 404 for another's product, 409, 422 without a word."""
    row = await _product(conn, product_id)
    if row["org_id"] != actor.org_id:
        raise Problem(404, "product_unknown")
    if not words.strip() or len(words) > WORDS_MAX:
        raise Problem(422, "product_review_words", most=WORDS_MAX)
    if not await conn.fetchval(SQL["answer"], product_id, person_id, words.strip(), moment(now_ms)):
        raise Problem(409, "product_review_none")
    await audit(conn, actor, "product.review_answered", f"product:{product_id}")


async def hide(conn: Connection, actor: Actor, product_id: UUID, person_id: UUID, why: str, now_ms: int) -> None:
    """Hide what somebody said, with the reason; without one: show it again. ``Problem`` 404 outside his places, 409."""
    row = await _product(conn, product_id)
    if not may_act(actor, Act.PRODUCT_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "product_unknown")
    why = why.strip()[:WORDS_MAX]
    given = (product_id, person_id, actor.user_id, why) if why else (product_id, person_id)
    if not await conn.fetchval(SQL["hide" if why else "show_again"], *given):
        raise Problem(409, "product_review_none")
    detail = {"person": str(person_id), "why": why}
    await audit(
        conn, actor, "product.review_hidden" if why else "product.review_shown", f"product:{product_id}", detail=detail
    )
