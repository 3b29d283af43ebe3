"""Vehicles of the demo: a unit's quotas, three vehicles in use with a year of fuel and repairs, one asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from accounts.records import moment
from plumbing.postgres import Connection
from registries.vehicles import operations
from registries.vehicles.model import Kind, What, Wish
from registries.vehicles.operations import Doing
from registries.vehicles.records import SQL
from standards.workdays import day_of

As = Callable[[Connection, str], Awaitable[Any]]
CITY, ELSEWHERE = "330106", "330203"
CARS = (
    (Kind.SECRET, "红旗 HS3 机要车", 11_800_000, "浙A0J101", "LFPH1ACC0P1A00001"),
    (Kind.EMERGENCY, "广汽传祺 M6 应急保障车", 16_900_000, "浙A0Y202", "LMGKA1G80P1000002"),
    (Kind.ENFORCEMENT, "比亚迪 秦PLUS 执法车", 12_900_000, "浙AD00303", "LGXC16AF0P0000003"),
)


async def seed(conn: Connection, as_person: As, now_ms: int) -> None:
    """Quotas, fixed points, vehicles and what happened to them; the last fuel is more than the tank holds. Once."""
    if await conn.fetchval("SELECT true FROM vehicle_quota LIMIT 1"):
        return
    names = ("offices", "buyer", "supervisor", "supplier1")
    offices, buyer, finance, firm = [await as_person(conn, login) for login in names]
    today = day_of(now_ms)
    for kind, number in ((Kind.SECRET, 1), (Kind.EMERGENCY, 3), (Kind.ENFORCEMENT, 2)):
        await operations.set_quota(conn, offices, buyer.org_id, kind, number, "杭机编〔2026〕1号（演示）", now_ms)
    for service in (What.FUEL, What.REPAIR, What.INSURANCE):
        since = today - timedelta(days=400)
        given = (firm.org_id, "3301", service, since, None, "DD-2025-01（演示）", finance.user_id, moment(now_ms))
        await conn.execute(SQL["add_point"], *given)
    for n, car in enumerate(CARS):
        await _car(conn, (buyer, finance, firm), n, car, now_ms, today)
    wish = Wish(Kind.EMERGENCY, "上汽大通 G20 应急指挥车", 17_500_000, 1_798, False, 70_000, "原车到期更新")
    await operations.ask(conn, buyer, wish, now_ms, today)


async def _enter(conn: Connection, actor: Any, vehicle: UUID, doing: Doing, now_ms: int, today: date) -> None:
    row = await conn.fetchrow(SQL["lock_vehicle"], vehicle)
    assert row is not None
    await operations.enter(conn, actor, row, doing, now_ms, today)


async def _car(conn: Connection, people: tuple[Any, Any, Any], n: int, car: Any, now_ms: int, today: date) -> None:
    buyer, finance, firm = people
    kind, model, price_fen, plate, vin = car
    energy = kind is Kind.ENFORCEMENT
    wish = Wish(kind, model, price_fen, 0 if energy else 1_500, energy, 0 if energy else 50_000, "公务需要")
    vehicle = await operations.ask(conn, buyer, wish, now_ms, today)
    began = today - timedelta(days=360)
    until = today + timedelta(days=40 + 90 * n)
    changed = {"plate": plate, "vin": vin, "insured_until": until}
    doings = [
        (finance, Doing(what=What.APPROVE, day=began)),
        (buyer, Doing(what=What.REGISTER, day=began, amount_fen=price_fen, changed=changed)),
        (buyer, Doing(what=What.DISPATCH, day=today, content={
            "place": ELSEWHERE, "until": (today + timedelta(days=2)).isoformat(), "driver": "王师傅"})),
    ]  # fmt: skip
    for month in range(11, -1, -1):
        day, km = today - timedelta(days=30 * month), 900 * (12 - month)
        ml = 0 if energy else 38_000 + 1_000 * (month % 5)
        if n == 1 and month == 0:
            ml = 62_000
        fuel = {"km": km, "ml": ml, "place": CITY}
        amount = 9_000 if energy else ml * 8 // 10
        doings.append((firm, Doing(what=What.FUEL, day=day, amount_fen=amount, content=fuel, changed={"km": km},
                                   point=firm.org_id)))  # fmt: skip
        if month % 5 == n:
            repair = {"km": km, "note": "定期保养"}
            doings.append((firm, Doing(what=What.REPAIR, day=day, amount_fen=58_000 + 9_000 * n, content=repair,
                                       point=firm.org_id)))  # fmt: skip
    for actor, doing in doings:
        await _enter(conn, actor, vehicle, doing, now_ms, today)
