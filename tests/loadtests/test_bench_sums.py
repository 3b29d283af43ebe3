"""The bench's arithmetic: medians of ratios, which rounds count, what a row says, frames, percentiles, the plot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.bench import gauges, meaning, plot, table, wire
from loadtests.bench.clients import merged
from loadtests.bench.command import WRONG_OPTION, main
from loadtests.bench.gauges import Reading
from loadtests.bench.rounds import Round, gather, middle, quietest, ratio
from loadtests.bench.runs import percentile
from loadtests.bench.stage import FULL, QUICK, fitting


def rounds(*pairs: tuple[float, float]) -> list[Round]:
    return [Round({"ours": ours, "floor": floor}, 0.0) for ours, floor in pairs]


def test_a_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    # The machine was half as fast in the second round: the ratio is not moved by that.
    assert ratio(rounds((50, 100), (20, 40), (60, 100)), "ours", "floor") == 0.5
    assert ratio(rounds((50, 100), (20, 0)), "ours", "floor") == 0.5
    assert ratio([], "ours", "floor") is None
    assert middle(rounds((3, 1), (9, 1), (4, 1)), "ours") == 4


def test_a_disturbed_round_is_played_again() -> None:
    foreign = iter([0.02, 0.40, 0.03, 0.04])
    kept = gather(lambda number: Round({"number": number}, next(foreign)), wanted=3, spare=2)
    assert [one.figures["number"] for one in kept.rounds] == [1, 3, 4]
    assert [one.figures["number"] for one in kept.rejected] == [2]
    assert not kept.disturbed


def test_a_round_in_which_the_disk_was_shared_is_played_again() -> None:
    swing = iter([1.2, 40.0, 1.9])
    kept = gather(lambda number: Round({"number": number, "floor_swing": next(swing)}, 0.0), wanted=2, spare=2)
    assert [one.figures["number"] for one in kept.rounds] == [1, 3]


def test_where_no_quiet_round_is_to_be_had_the_quietest_count_and_the_report_says_so() -> None:
    foreign = iter([0.5, 0.3, 0.6, 0.2])
    kept = gather(lambda number: Round({"number": number}, next(foreign)), wanted=2, spare=2)
    assert [one.figures["number"] for one in kept.rounds] == [2, 4]
    assert kept.disturbed
    assert not quietest([Round({}, 0.1)], 1).disturbed


def test_strangers_are_what_the_machine_did_and_we_did_not() -> None:
    before = Reading(at=100.0, user=50.0, stolen=1.0, ours=20.0)
    after = Reading(at=110.0, user=62.0, stolen=1.5, ours=30.5)
    assert gauges.foreign_share(before, after, cores=2) == pytest.approx((12.0 - 10.5 + 0.5) / 20)
    assert gauges.foreign_share(before, after._replace(ours=40.0), cores=2) == 0.0


def test_a_process_that_works_is_seen_working() -> None:
    import os

    before = gauges.cpu_s(os.getpid())
    sum(number * number for number in range(1_000_000))
    assert gauges.cpu_s(os.getpid()) > before
    assert os.getpid() in gauges.tree(os.getppid())
    assert gauges.private_kb(os.getpid()) > 1_000


def test_a_row_reaches_its_marks_in_its_own_direction() -> None:
    found = table.rows(rounds((30, 100)), {"kb": 5.0}, [
        table.Row("high", "", "ratio", "higher", 0.35, 0.5, table.per("ours", "floor")),
        table.Row("low", "", "KB", "lower", 6.0, 3.0, table.single("kb")),
        table.Row("none", "", "s", "lower", 1.0, 1.0, table.single("not measured")),
    ])  # fmt: skip
    assert [row["name"] for row in found] == ["high", "low"]
    assert [table.reaches(row, "gate") for row in found] == [False, True]
    assert [table.reaches(row, "aim") for row in found] == [False, False]


def test_the_promised_names_are_among_the_rows_with_their_gates() -> None:
    gates = {row.name: (row.better, row.gate, row.aim) for row in table.ROWS}
    assert gates["bids_vs_set"] == ("higher", 0.35, 0.5)
    assert gates["server_cpu_vs_echo"] == ("lower", 3.2, 2.3)
    assert gates["valkey_cpu_vs_set"] == ("lower", 2.2, 1.4)
    assert gates["single_bidder_vs_set"] == ("higher", 0.5, 0.65)
    assert gates["fanout_vs_write"] == ("lower", 1.4, 1.15)
    assert gates["p99_watched_vs_unwatched"] == ("lower", 3.0, 1.5)
    assert gates["kb_per_watcher"] == ("lower", 6.0, 3.0)
    assert gates["cold_start_s"] == ("lower", 1.5, 0.7)
    assert {"bids_per_s", "p50_ms", "p99_ms"} <= set(gates)
    assert len(gates) == len(table.ROWS)


@pytest.mark.parametrize(
    ("value", "text"), [(71_234.5, "71,234"), (12.34, "12.3"), (0.4312, "0.43"), (0.0123, "0.0123")]
)
def test_numbers_show_the_digits_that_count(value: float, text: str) -> None:
    assert table.short(value) == text


@pytest.mark.parametrize("size", [5, 125, 126, 300, 70_000])
def test_frames_are_taken_apart_wherever_the_stream_was_cut(size: int) -> None:
    head = (
        bytes((size,))
        if size < 126
        else b"\x7e" + size.to_bytes(2, "big")
        if size < 1 << 16
        else b"\x7f" + size.to_bytes(8, "big")
    )
    whole = b"\x81" + head + b"x" * size
    two = whole + whole
    assert [end - at for _, at, end in wire.frames(two)] == [size, size]
    for cut in {1, 2, 3, 5, len(whole) - 1, len(whole) + 1}:
        assert len(list(wire.frames(two[:cut]))) == cut // len(whole)


def test_a_bid_is_what_the_live_protocol_asks_for() -> None:
    lot = "01a2058c-062c-7e02-862c-7968f01f7f3c"
    data = wire.Bids(lot, "b").of(17, 899_999_999_999)
    assert data[0] == 0x81
    assert data[1] == 0x80 | len(data) - 6, "client frames are masked"
    assert json.loads(data[6:]) == {"t": "bid", "lot": lot, "id": "b" + "0" * 13 + "17", "price": 899_999_999_999}


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (51.0, 100.0, 100.0)
    assert percentile([], 0.5) == 0.0


def test_a_patch_merges_as_the_protocol_says() -> None:
    assert merged({"a": 1, "b": {"c": 1, "d": 2}}, {"a": None, "b": {"c": 3}}) == {"b": {"c": 3, "d": 2}}


LOG = [{"n": 1, "kind": "opened"}, {"n": 2, "kind": "bid", "price": 70}, {"n": 3, "kind": "bid", "price": 60}]


@pytest.mark.parametrize(
    ("log", "taken", "lowest", "unknown", "view", "wrong"),
    [
        (LOG, 2, 60, 0, {"n": 3, "lead": {"price": 60}}, ""),
        (LOG, 1, 60, 1, None, ""),
        (LOG, 3, 60, 0, None, "acknowledged"),
        (LOG, 1, 60, 0, None, "acknowledged"),
        (LOG, 2, 55, 0, None, "best"),
        (LOG[:1] + LOG[2:], 1, 60, 0, None, "positions"),
        (LOG, 2, 60, 0, {"n": 2, "lead": {"price": 70}}, "watchers"),
    ],
)
def test_numbers_that_do_not_mean_what_they_say_are_found(
    log: list[dict[str, object]], taken: int, lowest: int, unknown: int, view: dict[str, object] | None, wrong: str
) -> None:
    found = meaning.faults(meaning.summed(log), taken, lowest, unknown, view)
    assert len(found) == bool(wrong)
    assert wrong in "".join(found)


def test_the_plot_shows_both_kinds_of_delay(tmp_path: Path) -> None:
    figures = {"curve_1000_p50": 2.0, "curve_1000_p99": 5.0, "curve_1000_taken": 1000.0,
               "curve_20000_p50": 8.0, "curve_20000_p99": 90.0, "curve_20000_taken": 19_000.0}  # fmt: skip
    found = plot.points(figures)
    assert [point.rate for point in found] == [1_000, 20_000]
    drawn = plot.in_terminal(found)
    assert drawn.count("o") >= 2
    assert drawn.count("x") >= 2
    assert plot.in_terminal([]) == ""
    assert not plot.picture([], tmp_path / "no.png")


def test_the_scale_fits_the_files_that_may_be_open() -> None:
    assert fitting(FULL, 20_000) == FULL
    small = fitting(QUICK, 4_096)
    assert small.watchers + 2 * small.hall <= 4_096
    assert small.steps * small.step <= 4_096


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--speed", "0"], ["--unknown"]])
def test_a_wrong_option_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == WRONG_OPTION
    assert arguments[0] in capsys.readouterr().err
