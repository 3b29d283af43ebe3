"""成交: the deal that a published lot becomes, and what the public learns of it (the winner's data only)."""

from __future__ import annotations

import secrets
from typing import Any

import orjson

from auction.case import params
from auction.case.records import SQL, decode_rules, encode, moment
from auction.lot.model import PriceBasis
from plumbing.postgres import Connection, Record
from standards.deal import Deal, DealLine, Source, line_total
from standards.ids import uuid7
from standards.money import scale_half_up
from standards.workdays import add_days, day_of, seed


def amount_fen(row: Record, price: int) -> int:
    """The amount of the deal in fen: the quoted price, or the budget at the quoted discount rate, half up."""
    if decode_rules(row["rules"]).basis is PriceBasis.DISCOUNT_RATE:
        return scale_half_up(int(row["budget_fen"]), price, 10_000)
    return price


async def lines_of(conn: Connection, row: Record, detail: Any) -> list[DealLine]:
    """The lines of the lot with the winner's unit prices where the lot asked for them (条例 §43)."""
    prices = detail if isinstance(detail, dict) else {}
    lines = []
    for line in await conn.fetch(SQL["lines_of"], row["id"]):
        quantity, price = str(line["quantity"].normalize().__format__("f")), prices.get(str(line["no"]))
        lines.append(
            DealLine(
                no=line["no"],
                name=line["name"],
                unit=line["unit"],
                quantity=quantity,
                unit_price_fen=price,
                total_fen=None if price is None else line_total(price, quantity),
                category=row["category"],
                spec=line["spec"],
            )
        )
    return lines


async def make(conn: Connection, row: Record, winner: Record, now_ms: int) -> Deal:
    """Make and store the deal of a lot. The contract is by the quoted price, the ranking was by the effective one."""
    detail = orjson.loads(winner["detail"]) if winner["detail"] else None
    facts = await conn.fetchrow(SQL["deal_facts"], row["id"])
    assert facts is not None
    discount = winner["price"] if decode_rules(row["rules"]).basis is PriceBasis.DISCOUNT_RATE else None
    contract_fen = amount_fen(row, winner["price"])
    made = Deal(
        deal_id=uuid7(now_ms, secrets.token_bytes(10)),
        source=Source.AUCTION,
        case_id=row["auction_id"],
        lot_id=row["id"],
        number=row["number"],
        ocid=row["ocid"],
        title=row["title"],
        region=row["region"],
        buyer_org=row["org_id"],
        buyer_name=facts["buyer_name"],
        supplier_org=winner["org_id"],
        supplier_name=winner["name"],
        supplier_uscc=winner["uscc"] or "",
        legal_basis=row["legal_basis"],
        category=row["category"],
        amount_fen=amount_fen(row, winner["effective"]),
        contract_fen=contract_fen,
        awarded_at_ms=now_ms,
        rule_set_sha256=row["rule_set_sha256"],
        agency_org=row["agency_org_id"],
        budget_fen=row["budget_fen"] or None,
        plan_no=facts["plan_no"],
        discount_bp=discount,
        lines=tuple(await lines_of(conn, row, detail)),
        log_sha256=facts["log_sha256"] or "",
        log_length=facts["final_n"] or 0,
        contract_due=add_days(seed(), day_of(now_ms), params.number(row, "award.contract_days_max")).day,
    )
    given = (made.deal_id, row["id"], row["region"], row["org_id"], winner["org_id"], contract_fen)
    await conn.fetchval(SQL["add_deal"], *given, encode(made), moment(now_ms))
    return made


async def winner_body(conn: Connection, row: Record, winner: Record, made: Deal) -> dict[str, Any]:
    """What is published of a result 成交结果公告: the winner's data only, with unit prices (条例 §43)."""
    return {
        "supplier": winner["name"],
        "uscc": winner["uscc"],
        "amount_fen": made.contract_fen,
        "price": winner["price"],
        "discount_bp": made.discount_bp,
        "lines": encode(made.lines),
    }
