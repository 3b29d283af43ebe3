"""运维审计: whoever knocks at whichever door, what he changed and what was refused him is in the audit trail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from accounts.audit import doors as audit_doors
from auction.lot import live
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests.flows import scene as scenes
from tests.flows import test_who_may_do_what as doors
from tests.live import a_live_site
from tests.support import eventually

WHO = ("nobody", "buyer", "head", "bidder", "supervisor", "operator")
NO_ACCESS = (403, 404)
ANSWERED_TO_ALL = frozenset({"GET /lang/{lang}", "GET /metrics"})


def wanted(name: str, route: str, status: int) -> bool:
    """Whether this answer must be in the trail: every change, every refused change, every refused look at a thing."""
    plain = route.replace(":uuid}", "}").replace(":int}", "}").replace(":str}", "}")
    if route.startswith("GET"):
        return status in NO_ACCESS and "{" in route and route not in ANSWERED_TO_ALL
    return plain not in audit_doors.ELSEWHERE or status in NO_ACCESS


async def test_every_change_and_every_refusal_at_every_door_is_written(
    pool: Pool, valkey_client: Valkey, valkey_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_doors, "REFUSALS_PER_MINUTE", 10_000)  # one person's flood would be summed
    await live.load(valkey_client)
    people = await scenes.the_people(pool)
    scene = await scenes.a_scene(pool, valkey_client, people)
    routes = [route for route in doors.doors() if not route.startswith("SOCKET") and not route.endswith("/stream")]
    expected: dict[str, tuple[Any, ...]] = {}
    async with a_live_site(pool, valkey_url, postgres_url) as site, httpx.AsyncClient(trust_env=False) as program:
        for i, name in enumerate(WHO):
            visitor = doors.Visitor(site, name, people.by_name[name], program)
            for j, route in enumerate(routes):
                request, address = f"knock-{i:02}-{j:04}", f"10.{i}.{j // 250}.{j % 250}"
                visitor.headers |= {"X-Request-Id": request, "X-Forwarded-For": address}
                status = await visitor.knock(route, scene)
                if wanted(name, route, status):
                    expected[request] = (name, route, status)
        assert len(expected) > 3 * len(routes), "otherwise this test is asleep"

        async def missing() -> set[str]:
            rows = await pool.fetch("SELECT DISTINCT request_id FROM audit_event WHERE request_id LIKE 'knock-%'")
            return set(expected) - {row["request_id"] for row in rows}

        async def all_there() -> bool:
            left = await missing()
            assert not left, sorted(expected[one] for one in left)
            return True

        await eventually(all_there, within_s=5)
    origin = "SELECT address FROM audit_event WHERE request_id = 'knock-00-0000' LIMIT 1"
    assert await pool.fetchval(origin) in (None, "10.0.0.0")
