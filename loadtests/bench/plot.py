"""Delay against offered load, as a picture and in the terminal; both axes logarithmic."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

WIDTH, HEIGHT = 64, 16
MARKS = {"p50": "o", "p99": "x"}


class Point(NamedTuple):
    """Delays in ms at an offered rate (bids a second), and what was really taken."""

    rate: float
    p50: float
    p99: float
    taken: float


def points(figures: dict[str, float]) -> list[Point]:
    """The points among the figures, by rate."""
    rates = sorted({int(found[1]) for name in figures if (found := re.fullmatch(r"curve_(\d+)_p50", name))})
    return [Point(rate, *(figures[f"curve_{rate}_{kind}"] for kind in ("p50", "p99", "taken"))) for rate in rates]


def _place(value: float, low: float, high: float, cells: int) -> int:
    span = math.log(high) - math.log(low)
    return round((math.log(max(value, low)) - math.log(low)) / span * (cells - 1)) if span else 0


def in_terminal(found: list[Point]) -> str:
    """The plot in letters: o is p50, x is p99."""
    if not found:
        return ""
    values = [value for point in found for value in (point.p50, point.p99) if value > 0] or [1.0]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)) + 1e-9)
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]
    for point in found:
        column = _place(point.rate, found[0].rate, found[-1].rate, WIDTH)
        for kind, mark in MARKS.items():
            grid[HEIGHT - 1 - _place(getattr(point, kind), low, high, HEIGHT)][column] = mark
    lines = ["delay of the acknowledgement, ms (o p50, x p99), against offered bids/s"]
    for number, row in enumerate(grid):
        label = high if number == 0 else low if number == HEIGHT - 1 else None
        lines.append(
            f"{label if label is not None else '':>8g} |{''.join(row)}" if label else f"{'':8} |{''.join(row)}"
        )
    lines.append(f"{'':8} +{'-' * WIDTH}")
    lines.append(f"{'':9}{found[0].rate:<{WIDTH // 2}g}{found[-1].rate:>{WIDTH // 2}g}")
    return "\n".join(lines)


def picture(found: list[Point], path: Path) -> bool:
    """Write the plot as PNG; False when matplotlib is not installed or there is nothing to draw."""
    try:
        import matplotlib as mpl  # in the bench's own lock
    except ImportError:
        return False
    if not found:
        return False
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.5), layout="constrained")
    for kind, style in (("p50", "o-"), ("p99", "x--")):
        axes.plot([point.rate for point in found], [getattr(point, kind) for point in found], style, label=kind)
    axes.set(xscale="log", yscale="log", xlabel="offered bids per second", ylabel="delay, ms (from the scheduled time)")
    axes.set_title("Delay of acknowledged bids, 200 bidders, one lot")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return True
