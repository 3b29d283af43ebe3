"""The composition of one server process: its pipes, its rooms' doors, its tasks. Each room hooks in here, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

import yangcai
from intranet.budget import pages as budget
from intranet.exchange import pages as reconciliation
from intranet.exchange import routes as exchange
from intranet.payments import pages as payments
from intranet.plans import pages as plans
from intranet.yearend import pages as yearend
from plumbing import logs, postgres, valkey
from plumbing.clock import Clock
from plumbing.cluster.client import connect
from plumbing.engines import checks
from plumbing.faults import until_there
from registries.agencies import doors as agencies
from registries.elements import pages as elements
from registries.experts import doors as experts
from registries.forms import pages as forms
from registries.joining import pages as joining
from registries.parameters import loading
from registries.parameters import pages as standards
from registries.parameters import routes as parameters
from registries.products import doors as products
from registries.suppliers import doors as suppliers
from registries.vehicles import doors as vehicles
from server import live, money, operations, recovery, site, trail
from server.settings import Settings

log = logs.get(__name__)


async def healthz(request: Request) -> Response:
    """Whether this process can serve: 200 when Valkey and Postgres answer, else 503 with which does not."""
    state = request.state
    found = {"valkey": "ok", "postgres": "ok"}
    try:
        await state.valkey.ping()
    except (valkey.RedisError, OSError) as error:
        found["valkey"] = type(error).__name__
    try:
        await state.postgres.fetchval("SELECT 1", timeout=2)
    except Exception as error:
        found["postgres"] = type(error).__name__
    well = all(value == "ok" for value in found.values())
    content = msgspec.json.encode({"status": "ok" if well else "degraded", **found})
    return Response(content, 200 if well else 503, {"Cache-Control": "no-store"}, "application/json")


# Every room's doors. A new room adds its list here.
ROUTES: list[BaseRoute] = [
    Route("/healthz", healthz),
    *parameters.ROUTES,
    *loading.ROUTES,
    *standards.ROUTES,
    *forms.ROUTES,
    *elements.ROUTES,
    *joining.ROUTES,
    *suppliers.ROUTES,
    *agencies.ROUTES,
    *vehicles.ROUTES,
    *experts.ROUTES,
    *products.ROUTES,
    *budget.ROUTES,
    *plans.ROUTES,
    *payments.ROUTES,
    *yearend.ROUTES,
    *exchange.ROUTES,
    *reconciliation.ROUTES,
    *operations.ROUTES,
    *recovery.ROUTES,
    *live.ROUTES,
]


@asynccontextmanager
async def pipes(settings: Settings, clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """Open Valkey and Postgres (waiting for one that is away) and make sure they are fit.

    Yields what stands in ``request.state`` of every process.
    """
    async with AsyncExitStack() as stack:
        client = connect(settings.valkey_url, settings.valkey_copies_min)
        stack.push_async_callback(client.aclose)
        await until_there("valkey", lambda: checks.check_valkey(client))
        pool = await until_there(
            "postgres",
            lambda: postgres.open_pool(settings.postgres_url, size_max=settings.postgres_connections_max),
        )
        stack.push_async_callback(pool.close)
        async with pool.acquire() as conn:
            await checks.check_postgres(conn)
        yield {"settings": settings, "clock": clock, "valkey": client, "postgres": pool}


def create(settings: Settings) -> Starlette:
    """The application of one server process. Both engine addresses must be in ``settings``, the schema in place."""
    clock = Clock()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            state = await stack.enter_async_context(pipes(settings, clock))
            state |= site.state(settings)
            state |= await stack.enter_async_context(trail.run(state))
            await stack.enter_async_context(money.run(state))
            state |= await stack.enter_async_context(live.run(state))
            log.info("ready", mode=str(settings.mode), version=yangcai.version())
            yield state

    return site.build(settings, ROUTES, lifespan=lifespan, now_ms=clock.now_ms, version=yangcai.version())
