"""Every scenario of the bench, very small, against the real product; and the whole command with its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.bench import command, recorded, table
from loadtests.bench.rounds import Round
from loadtests.bench.scenarios import AFTER, BEFORE, PEERS, ROUND, Scenario
from loadtests.bench.stage import Scale, Stage
from tests.loadtests import folders

TINY = Scale(second=0.2, bidders=8, watchers=6, hall=10, rate=100, rounds=1, starts=1, steps=1, step=20,
             curve=(50, 100), lots=5, spread_lots=2)  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[command.Bench]:
    stage = Stage(tmp_path_factory.mktemp("bench"), TINY)
    try:
        yield command.Bench(stage, TINY, Console(quiet=True), spare=0)
    finally:
        stage.end()


@pytest.fixture(scope="module")
def done(bench: command.Bench) -> tuple[list[Round], dict[str, float]]:
    bench.run()
    return bench.kept.rounds, bench.once


def test_every_row_is_measured_by_a_scenario(done: tuple[list[Round], dict[str, float]]) -> None:
    rows = {row["name"]: row["value"] for row in table.rows(*done)}
    on_request = ("replay_", "channels", "socketio")
    assert set(rows) == {row.name for row in table.ROWS if not any(word in row.name for word in on_request)}
    assert all(value >= 0 for value in rows.values())
    assert all(
        rows[name] > 0 for name in ("bids_vs_set", "server_cpu_vs_echo", "p99_ms", "cold_start_s", "fanout_vs_write")
    )


def test_what_was_acknowledged_is_in_the_log_and_reached_every_watcher(
    bench: command.Bench, done: tuple[list[Round], dict[str, float]]
) -> None:
    assert bench.faults == []
    assert bench.stage.views.keys() >= {"main", "hall"}
    assert bench.stage.bids_taken() > 100


def test_a_bid_that_nobody_acknowledged_is_noticed(
    bench: command.Bench, done: tuple[list[Round], dict[str, float]]
) -> None:
    lot = bench.stage.lots["main"]
    honest = bench.stage.accounts[lot]
    bench.stage.accounts[lot] = honest._replace(taken=honest.taken - 1)
    try:
        assert any("in the log" in fault for fault in bench.stage.faults())
    finally:
        bench.stage.accounts[lot] = honest


def test_who_must_beat_the_best_is_often_too_late(done: tuple[list[Round], dict[str, float]]) -> None:
    assert 0 < done[0][0].figures["contest_taken_share"] < 1


@pytest.mark.parametrize("scenario", [*BEFORE, *ROUND, *AFTER], ids=lambda scenario: scenario.name)
def test_a_scenario_says_what_it_is(scenario: Scenario) -> None:
    assert scenario.what
    assert scenario.play.__doc__


@pytest.mark.parametrize("scenario", PEERS, ids=lambda scenario: scenario.name)
def test_a_peer_runs_the_same_auction(
    bench: command.Bench, done: tuple[list[Round], dict[str, float]], scenario: Scenario
) -> None:
    pytest.importorskip("channels_redis", reason="./dev bench --peers installs the peers")
    figures = scenario.play(bench.stage)
    assert figures[f"{scenario.name}_per_s"] > 0
    assert figures[f"{scenario.name}_main_per_s"] > 0
    assert 0 < figures[f"{scenario.name}_frame_us"] < 1e6


def test_recorded_auctions_come_out_as_the_oracle_says(
    bench: command.Bench, done: tuple[list[Round], dict[str, float]], tmp_path: Path
) -> None:
    folder = folders.a_folder(tmp_path)
    figures = recorded.play(bench.stage.visitor.origin, recorded.sessions_of(folder), speed=1_000)
    assert figures["replay_differing"] == 0
    assert figures["replay_bids"] > 0


def test_the_report_has_the_promised_form(
    bench: command.Bench, done: tuple[list[Round], dict[str, float]], tmp_path: Path
) -> None:
    options = command._options(["--out", str(tmp_path / "bench.json"), "--data", str(tmp_path)])
    code = command._finish(bench, options, {})
    report = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert code in (command.HELD, command.MISSED)
    assert all({"name", "value", "gate", "aim", "unit", "better"} <= row.keys() for row in report["rows"])
    assert {row["better"] for row in report["rows"]} == {"higher", "lower"}
    assert report["machine"]["cores"] >= 1
    assert report["rounds"][0]["foreign"] >= 0
