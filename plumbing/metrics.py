"""运行指标: what every process counts of itself, for Prometheus and for the operator's page.

The server processes of one installation share a folder of memory-mapped files (``PROMETHEUS_MULTIPROC_DIR``, set by
their supervisor before they start), so that whichever process is asked tells the sum of all. Without the folder (a
test, a process of its own) a process tells of itself alone. Rooms define their own metrics; those of the pipes stand
here. Names follow Prometheus: unit last, seconds and bytes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from plumbing.clock import elapsed_s
from plumbing.stopping import heed

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"
LAG_EVERY_S = 0.25

SOCKETS = Gauge("yangcai_sockets", "Open live sockets", multiprocess_mode="livesum")
SLOW_READERS = Counter("yangcai_slow_readers", "Live sockets dropped because they read too slowly")
LOOP_LAG = Histogram(
    "yangcai_loop_lag_seconds",
    "How much later than asked the event loop woke a sleeper",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
)
REQUESTS = Counter("yangcai_requests", "HTTP requests answered", ["method", "status"])
REQUEST_SECONDS = Histogram(
    "yangcai_request_seconds",
    "Time to answer an HTTP request",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)


_POURED: list[Callable[[], None]] = []
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_answered(method: str, status: int, spent_ms: int) -> None:
    """Count one HTTP request. ``status`` 0: its visitor left, or the process failed, before an answer."""
    REQUESTS.labels(method if method in METHODS else "other", status).inc()
    REQUEST_SECONDS.observe(spent_ms / 1000)


def prepare(folder: Path) -> dict[str, str]:
    """Empty ``folder``, the counts of an earlier run; the variables that server processes need to count into it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {FOLDER: str(folder)}


def forget_process(environ: Mapping[str, str], pid: int) -> None:
    """Take what process ``pid``, started with ``environ`` and ended, had open out of the sums; its counts stay."""
    if FOLDER in environ:
        multiprocess.mark_process_dead(pid, environ[FOLDER])  # type: ignore[no-untyped-call]


class Tally:
    """Counts, by a label if any, at a tenth of a microsecond each, poured into a library's counter by ``watch_loop``.

    The library's own count costs one to two microseconds where processes share a folder, too dear for every bid.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._counts: dict[str, int] = {}
        _POURED.append(self.pour)

    def count(self, label: str = "", times: int = 1) -> None:
        """Count under ``label``; empty for a counter without."""
        self._counts[label] = self._counts.get(label, 0) + times

    def pour(self) -> None:
        """Hand on what was counted since the last time."""
        counts, self._counts = self._counts, {}
        for label, times in counts.items():
            (self._counter.labels(label) if label else self._counter).inc(times)


FRAMES = Tally(Counter("yangcai_frames", "Frames handed to live sockets"))


class Spread:
    """Whole numbers (a histogram's unit × ``scale``) counted as cheaply as a ``Tally``, poured into its histogram."""

    def __init__(self, histogram: Histogram, scale: int = 1) -> None:
        self._histogram, self._scale = histogram, scale
        self._counts: dict[int, int] = {}
        _POURED.append(self.pour)

    def count(self, value: int, times: int = 1) -> None:
        """Count one value, ``times`` over."""
        self._counts[value] = self._counts.get(value, 0) + times

    def pour(self) -> None:
        """Hand on what was counted; straight into the buckets, for the library only observes one at a time."""
        counts, self._counts = self._counts, {}
        for value, times in counts.items():
            amount = value / self._scale
            self._histogram._buckets[bisect_left(self._histogram._upper_bounds, amount)].inc(times)
            self._histogram._sum.inc(amount * times)


def pour() -> None:
    """Hand on what every ``Tally`` and ``Spread`` of this process has counted."""
    for each in _POURED:
        each()


class _Fixed(Collector):
    """Metrics that are asked of the stores when they are wanted, not counted."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """What was given."""
        return self._metrics


def gather(more: Iterable[Metric] = ()) -> CollectorRegistry:
    """All metrics of the installation as they stand, and ``more``; a registry made for this one look."""
    pour()
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(_Fixed(more))
    return registry


def exposition(more: Iterable[Metric] = ()) -> bytes:
    """All metrics in the text format that Prometheus reads."""
    return generate_latest(gather(more))


async def watch_loop() -> None:
    """Measure the lag of this process's event loop and pour what was counted, until cancelled."""
    while True:
        began_s = elapsed_s()
        await asyncio.sleep(LAG_EVERY_S)
        heed()
        pour()
        LOOP_LAG.observe(max(0.0, elapsed_s() - began_s - LAG_EVERY_S))
