"""成交: the deal that a published lot becomes, and what the public learns of it (the winner's data only)."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import orjson
from msgspec import Struct

from auction.model import PriceBasis
from auction.records import SQL, decode_rules, encode, moment
from plumbing.postgres import Connection, Record


def amount_fen(row: Record, price: int) -> int:
    """The amount of the deal in fen: the quoted price, or the budget at the quoted discount rate, half up."""
    if decode_rules(row["rules"]).basis is PriceBasis.DISCOUNT_RATE:
        return (int(row["budget_fen"]) * price + 5_000) // 10_000
    return price


async def lines_of(conn: Connection, row: Record, detail: Any) -> list[dict[str, Any]]:
    """The lines of the lot with the winner's unit prices where the lot asked for them (条例 §43)."""
    prices = detail if isinstance(detail, dict) else {}
    return [
        {
            "no": line["no"],
            "name": line["name"],
            "spec": line["spec"],
            "unit": line["unit"],
            "quantity": str(line["quantity"]),
            "unit_price_fen": prices.get(str(line["no"])),
        }
        for line in await conn.fetch(SQL["lines_of"], row["id"])
    ]


def uuid7(now_ms: int) -> UUID:
    """A UUIDv7 of this moment."""
    tail = int.from_bytes(secrets.token_bytes(10))
    return UUID(int=(now_ms << 80) | (7 << 76) | ((tail >> 62 & 0xFFF) << 64) | (2 << 62) | (tail & ((1 << 62) - 1)))


class DealLine(Struct, frozen=True):
    """A line of a deal with the winner's unit price in fen, where the lot asked for unit prices."""

    no: int
    name: str
    spec: str
    unit: str
    quantity: str
    unit_price_fen: int | None


class Deal(Struct, frozen=True):
    """成交: what a trading room ends in; nobody asks back afterwards."""

    id: UUID
    room: str
    lot_id: UUID
    auction_id: UUID
    ocid: str
    region: str
    org_id: UUID
    supplier_org_id: UUID
    legal_basis: str
    category: str
    amount_fen: int
    lines: tuple[DealLine, ...]
    awarded_at_ms: int
    rule_set_sha256: str


async def make(conn: Connection, row: Record, winner: Record, now_ms: int) -> Deal:
    """Make and store the deal of a lot, once; a second call gives the first one's value."""
    detail = orjson.loads(winner["detail"]) if winner["detail"] else None
    lines = tuple(DealLine(**line) for line in await lines_of(conn, row, detail))
    amount = amount_fen(row, winner["price"])
    made = Deal(
        id=uuid7(now_ms), room="auction", lot_id=row["id"], auction_id=row["auction_id"], ocid=row["ocid"],
        region=row["region"], org_id=row["org_id"], supplier_org_id=winner["org_id"], legal_basis=row["legal_basis"],
        category=row["category"], amount_fen=amount, lines=lines, awarded_at_ms=now_ms,
        rule_set_sha256=row["rule_set_sha256"],
    )  # fmt: skip
    given = (made.id, row["id"], row["region"], row["org_id"], winner["org_id"], amount, encode(made), moment(now_ms))
    await conn.fetchval(SQL["add_deal"], *given)
    return made


async def winner_body(conn: Connection, row: Record, winner: Record, made: Deal) -> dict[str, Any]:
    """What is published of a result 成交结果公告: the winner's data only, with unit prices (条例 §43)."""
    return {
        "supplier": winner["name"],
        "uscc": winner["uscc"],
        "amount_fen": made.amount_fen,
        "price": winner["price"],
        "lines": encode(made.lines),
    }
