"""成交: the deal that a published lot becomes, and what the public learns of it (the winner's data only)."""

from __future__ import annotations

from typing import Any

from auction.model import PriceBasis
from auction.records import SQL, decode_rules
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
