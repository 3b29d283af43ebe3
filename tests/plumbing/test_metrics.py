"""Counting: the cheap counts say what the library would have said; a process that ended leaves its counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from plumbing.metrics import Spread, Tally, pour

BOUNDS = (0.001, 0.005, 0.1, 1.0)


@given(st.lists(st.integers(0, 2_000), max_size=60))
def test_a_spread_fills_the_same_buckets_as_observing_one_by_one(values: list[int]) -> None:
    cheap, plain = CollectorRegistry(), CollectorRegistry()
    spread = Spread(Histogram("t", "t", buckets=BOUNDS, registry=cheap), scale=1000)
    library = Histogram("t", "t", buckets=BOUNDS, registry=plain)
    for value in values:
        spread.count(value)
        library.observe(value / 1000)
    pour()
    pour()  # a second time adds nothing
    for edge in (*map(str, BOUNDS), "+Inf"):
        found = [registry.get_sample_value("t_bucket", {"le": edge}) for registry in (cheap, plain)]
        assert found[0] == found[1]
    sums = [registry.get_sample_value("t_sum") or 0.0 for registry in (cheap, plain)]
    assert abs(sums[0] - sums[1]) < 1e-6


def test_a_tally_is_poured_once() -> None:
    registry = CollectorRegistry()
    tally = Tally(Counter("t", "t", ["outcome"], registry=registry))
    tally.count("taken")
    tally.count("taken", 4)
    pour()
    pour()
    assert registry.get_sample_value("t_total", {"outcome": "taken"}) == 5
    assert b'outcome="taken"' in generate_latest(registry)
