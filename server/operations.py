"""运行看板: the installation as its operator sees it. Counts only: no lot, no name and no price can be read from here.

``/metrics`` for Prometheus, ``/api/operations`` and the page ``/operations`` for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest

from msgspec import Struct
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response

from accounts.acts import OPEN, Act
from ledger import log as ledger
from plumbing import metrics
from plumbing.faults import BROKEN_PIPES
from plumbing.templates import PLOT, as_data
from plumbing.web import collect, op, page

TILES = ("bids", "answer", "batch", "sockets", "slow", "running", "unsettled", "position", "memory", "stores")
TRENDS = ("bids", "answer", "frames", "sockets", "lag", "requests")


class Operations(Struct, frozen=True):
    """Every sample of the installation at one moment: ``name{label="value"}`` → value; counters since the start."""

    at: int
    samples: dict[str, float]


async def stores(request: Request) -> list[Metric]:
    """What the stores say of themselves; a store that is away is told as 0 and keeps the rest from nobody."""
    state, found = request.state, {"valkey": 1.0, "postgres": 1.0}
    figures: dict[str, tuple[str, float]] = {}
    try:
        lots = [lot_id for lot_id, _ in await ledger.running_lots(state.pipe)]
        figures["yangcai_lots_running"] = ("Lots that run now", len(lots))
        waiting = len(await ledger.outbox(state.pipe))
        figures["yangcai_lots_unsettled"] = ("Lots closed and not yet settled in Postgres", waiting)
        entries = sum(await ledger.positions(state.pipe, lots))
        figures["yangcai_log_position"] = ("Events in the logs of running lots, summed", entries)
        memory = await state.valkey.info("memory")
        figures["yangcai_valkey_memory_bytes"] = ("Memory that Valkey holds", memory["used_memory"])
    except BROKEN_PIPES:
        found["valkey"] = 0.0
    try:
        await state.postgres.fetchval("SELECT 1", timeout=2)
    except BROKEN_PIPES:
        found["postgres"] = 0.0
    up = GaugeMetricFamily("yangcai_store_up", "Whether a store answers", labels=["store"])
    for store, well in found.items():
        up.add_metric([store], well)
    return [up, *(GaugeMetricFamily(name, about, value=value) for name, (about, value) in figures.items())]


def samples_of(families: Iterable[Metric]) -> dict[str, float]:
    """Each sample by the name and labels under which Prometheus knows it."""
    found = {}
    for family in families:
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = float(sample.value)
    return found


def _shows_token(request: Request) -> bool:
    """Whether the request shows the token of the settings; in the time of any other token."""
    wanted = request.state.settings.metrics_token
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return bool(wanted) and scheme.lower() == "bearer" and compare_digest(shown.strip().encode(), wanted.encode())


@page("GET", "/metrics", act=OPEN)
async def prometheus(request: Request) -> Response:
    """For Prometheus: with the token of the settings, or for an operator who is signed in. 401 and 403 otherwise."""
    if not _shows_token(request):
        await request.state.guard(request, Act.PLATFORM_WATCH)
    body = metrics.exposition(await stores(request))
    return Response(body, headers={"Cache-Control": "no-store"}, media_type=metrics.MEDIA_TYPE)


@op("GET", "/api/operations", tag="operations", summary=("运行指标", "Metrics"), act=Act.PLATFORM_WATCH)
async def operations(request: Request) -> Operations:
    """Every sample as it stands; take two to have a rate."""
    found = samples_of(metrics.gather(await stores(request)).collect())
    return Operations(
        request.state.clock.now_ms(), {name: v for name, v in found.items() if name.startswith("yangcai_")}
    )


@page("GET", "/operations", act=Act.PLATFORM_WATCH, name="operations_page")
async def board(request: Request) -> Response:
    """The page."""
    facts = {"api": "/api/operations", "plot": request.state.templates.vendored(PLOT)}
    response: Response = request.state.templates.page(
        request, "operations.html", tiles=TILES, trends=TRENDS, facts_json=as_data(facts)
    )
    return response


ROUTES = collect(globals())
