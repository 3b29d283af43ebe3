"""演示: the demo's vehicles are made by the product's own rules; one of them has an alert."""

from __future__ import annotations

from plumbing.clock import Clock
from plumbing.postgres import Pool
from server.demo import people, vehicles
from standards.workdays import day_of
from tests.server.test_demo_experts import as_person


async def test_the_demo_has_three_vehicles_one_with_an_alert_and_one_asked_for(pool: Pool) -> None:
    now = Clock().now_ms()
    async with pool.acquire() as conn:
        whole = conn.transaction()
        await whole.start()
        try:
            await people.seed(conn)
            await conn.execute("TRUNCATE vehicle_quota, vehicle_entry, vehicle, vehicle_point")
            for _ in range(2):
                await vehicles.seed(conn, as_person, now)
            rows = await conn.fetch("SELECT stage, vehicle_alerts(v, $1::date) AS told FROM vehicle v", day_of(now))
            assert sorted(row["stage"] for row in rows) == ["active", "active", "active", "asked"]
            assert sorted(word for row in rows for word in row["told"]) == ["fuel_over_tank"]
        finally:
            await whole.rollback()
