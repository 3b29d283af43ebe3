"""The rows: what is reported, with which gate (must) and aim (should), and how it follows from the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from loadtests.bench.rounds import Round, middle, ratio

Value = Callable[[Sequence[Round], dict[str, float]], float | None]


def per(top: str, bottom: str) -> Value:
    """Median of the ratios of two figures of a round."""
    return lambda rounds, once: ratio(rounds, top, bottom)


def each(name: str) -> Value:
    """Median of a figure of the rounds."""
    return lambda rounds, once: middle(rounds, name)


def single(name: str) -> Value:
    """A figure measured once, outside the rounds."""
    return lambda rounds, once: once.get(name)


class Row(NamedTuple):
    """One line of the report. ``gate`` and ``aim`` are None where none is set."""

    name: str
    what: str
    unit: str
    better: str
    gate: float | None
    aim: float | None
    value: Value


UP, DOWN = "higher", "lower"


def beside(peer: str, title: str) -> tuple[Row, ...]:
    """Ours ÷ theirs, in the same round."""
    return (
        Row(f"bids_vs_{peer}", f"bids/s, unwatched ÷ {title}", "ratio", UP, None, None,
            per("quiet_per_s", f"{peer}_per_s")),
        Row(f"main_vs_{peer}", f"bids/s, 1,000 watchers ÷ {title}", "ratio", UP, None, None,
            per("bids_per_s", f"{peer}_main_per_s")),
        Row(f"server_cpu_vs_{peer}", f"server CPU per bid ÷ {title}", "ratio", DOWN, None, None,
            per("server_us", f"{peer}_us")),
        Row(f"frame_cpu_vs_{peer}", f"server CPU per frame ÷ {title}", "ratio", DOWN, None, None,
            per("frame_us", f"{peer}_frame_us")),
        Row(f"{peer}_per_s", f"bids/s, unwatched, {title}", "1/s", UP, None, None, each(f"{peer}_per_s")),
        Row(f"{peer}_main_per_s", f"bids/s, 1,000 watchers, {title}", "1/s", UP, None, None,
            each(f"{peer}_main_per_s")),
    )  # fmt: skip


ROWS = (
    Row("bids_vs_set", "bids/s, main scenario ÷ raw SET/s", "ratio", UP, 0.35, 0.5, per("bids_per_s", "set_per_s")),
    Row("server_cpu_vs_echo", "server CPU per bid ÷ per raw echo", "ratio", DOWN, 3.2, 2.3,
        per("server_us", "echo_us")),
    Row("valkey_cpu_vs_set", "Valkey CPU per bid ÷ per SET", "ratio", DOWN, 2.2, 1.4, per("valkey_us", "set_us")),
    Row("single_bidder_vs_set", "one bidder ÷ one-connection SET", "ratio", UP, 0.5, 0.65,
        per("single_per_s", "set_one_per_s")),
    Row("fanout_vs_write", "CPU per frame ÷ bare os.write", "ratio", DOWN, 1.4, 1.15, per("frame_us", "write_us")),
    Row("p99_watched_vs_unwatched", "p99 with N watchers ÷ without", "ratio", DOWN, 3.0, 1.5,
        per("watched_p99_ms", "steady_p99_ms")),
    Row("kb_per_watcher", "server memory per idle watcher", "KB", DOWN, 6.0, 3.0, single("kb_per_watcher")),
    Row("cold_start_s", "start on existing data", "s", DOWN, 1.5, 0.7, single("cold_start_s")),
    Row("bids_per_s", "acknowledged bids, main scenario", "1/s", UP, None, None, each("bids_per_s")),
    Row("p50_ms", "delay at the fixed rate, watched", "ms", DOWN, None, None, each("watched_p50_ms")),
    Row("p99_ms", "delay at the fixed rate, watched", "ms", DOWN, None, None, each("watched_p99_ms")),
    Row("p50_unwatched_ms", "delay at the fixed rate, unwatched", "ms", DOWN, None, None, each("steady_p50_ms")),
    Row("p99_unwatched_ms", "delay at the fixed rate, unwatched", "ms", DOWN, None, None, each("steady_p99_ms")),
    Row("steady_per_s", "bids taken at the fixed rate", "1/s", UP, None, None, each("steady_per_s")),
    Row("quiet_per_s", "acknowledged bids, nobody watching", "1/s", UP, None, None, each("quiet_per_s")),
    Row("contest_per_s", "answers/s, must beat the best", "1/s", UP, None, None, each("contest_per_s")),
    Row("contest_taken_share", "share taken, must beat the best", "ratio", UP, None, None, each("contest_taken_share")),
    Row("server_us_per_bid", "server CPU per bid", "µs", DOWN, None, None, each("server_us")),
    Row("server_us_per_bid_main", "server CPU per bid, 1,000 watchers", "µs", DOWN, None, None, each("main_server_us")),
    Row("notary_us_per_bid", "transcript's CPU per bid", "µs", DOWN, None, None, each("notary_us")),
    Row("valkey_us_per_bid", "Valkey CPU per bid", "µs", DOWN, None, None, each("valkey_us")),
    Row("us_per_frame", "server CPU per frame sent", "µs", DOWN, None, None, each("frame_us")),
    Row("frames_per_s", "frames sent at the fixed rate", "1/s", UP, None, None, each("watched_frames_per_s")),
    Row("set_per_s", "raw SET, 200 connections", "1/s", UP, None, None, each("set_per_s")),
    Row("set_one_per_s", "raw SET, one connection", "1/s", UP, None, None, each("set_one_per_s")),
    Row("echo_us", "CPU per raw echo", "µs", DOWN, None, None, each("echo_us")),
    Row("write_us", "CPU per bare os.write", "µs", DOWN, None, None, each("write_us")),
    Row("idle_core_share", "one core, all idle sockets", "share", DOWN, None, None, single("idle_core_share")),
    Row("lots_core_share", "one core, 1,000 running lots", "share", DOWN, None, None, single("lots_core_share")),
    Row("spread_one_per_s", "bids/s over 100 lots, 1 worker", "1/s", UP, None, None, single("spread_one_per_s")),
    Row("spread_two_per_s", "bids/s over 100 lots, 2 workers", "1/s", UP, None, None, single("spread_two_per_s")),
    *beside("channels", "Django Channels"),
    *beside("socketio", "Socket.IO"),
    Row("replay_bids_per_s", "recorded bids, all sessions at once", "1/s", UP, None, None, single("replay_bids_per_s")),
    Row("replay_late_p99_ms", "recorded bids sent late by", "ms", DOWN, None, None, single("replay_late_p99_ms")),
    Row("restart_s", "start on all data of this run", "s", DOWN, None, None, single("restart_s")),
)  # fmt: skip


def rows(rounds: Sequence[Round], once: dict[str, float], which: Sequence[Row] = ROWS) -> list[dict[str, Any]]:
    """The rows that were measured, as they stand in ``bench.json``."""
    found = [(row, row.value(rounds, once)) for row in which]
    return [
        {"name": row.name, "value": value, "gate": row.gate, "aim": row.aim, "unit": row.unit, "better": row.better,
         "what": row.what}
        for row, value in found
        if value is not None
    ]  # fmt: skip


def reaches(row: dict[str, Any], mark: str) -> bool | None:
    """Whether the value is as good as ``mark`` (``gate`` or ``aim``) asks; None where there is none."""
    if row[mark] is None:
        return None
    return bool(row["value"] >= row[mark] if row["better"] == UP else row["value"] <= row[mark])


def short(value: float | None) -> str:
    """A number as people read it: three digits that count."""
    if value is None:
        return ""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4}f}"


def show(found: Sequence[dict[str, Any]], console: Console) -> None:
    """The table: green reaches the aim, yellow the gate, red neither."""
    table = Table(title="Budgets of the live core 性能预算", title_justify="left")
    for head in ("row", "what", "value", "gate", "aim", "unit", ""):
        table.add_column(head, justify="right" if head in ("value", "gate", "aim") else "left", no_wrap=True)
    for row in found:
        gate, aim = reaches(row, "gate"), reaches(row, "aim")
        colour = "" if gate is None else "green" if aim else "yellow" if gate else "red"
        word = "" if gate is None else "aim reached" if aim else "gate held" if gate else "gate missed"
        sign = {None: "", UP: "≥ ", DOWN: "≤ "}[row["better"] if row["gate"] is not None else None]
        marks = [sign + short(row[mark]) if row[mark] is not None else "" for mark in ("gate", "aim")]
        table.add_row(row["name"], row["what"], short(row["value"]), *marks, row["unit"], word, style=colour)
    console.print(table)
