"""Reading a recorded folder: what is sent, what is left out and counted, what is refused by file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.replay.command import main
from loadtests.replay.oracle import judge
from loadtests.replay.reading import FolderError, read, value_of
from loadtests.replay.traps import traps
from tests.loadtests.folders import HEADERS, ROWS, a_folder


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_is_read_with_every_row_that_is_not_sent_counted(tmp_path: Path, packed: bool) -> None:
    first, second = read(a_folder(tmp_path, packed=packed))
    assert [len(item.bids) for item in first.items] == [7, 2, 0]
    assert first.left_out == {"struck by the buyer": 1, "value blank": 1, "phase tiebreak_sme": 1}
    assert first.suppliers == ("S1", "S2", "S4", "S3")
    assert second.playable == ()


def test_values_are_ten_thousandths_of_a_real(tmp_path: Path) -> None:
    session = read(a_folder(tmp_path), "P1")[0]
    assert [bid.value for bid in session.items[1].bids] == [30_001, 40_000]
    assert value_of("9.5") == 95_000


@pytest.mark.parametrize("text", ["", "abc", "-1", "1e3", "1.00001", "１２", "nan", " 5", "1,5", "0x10"])
def test_a_value_that_is_no_plain_decimal_is_no_value(text: str) -> None:
    assert value_of(text) is None


def test_an_item_closed_twice_closes_at_its_last_encerrado(tmp_path: Path) -> None:
    item = read(a_folder(tmp_path))[0].items[0]
    assert item.closings == 2
    assert item.closed_s_ms == item.bids[0].at_ms // 1000 * 1000 + 300_000


@pytest.mark.parametrize("name", HEADERS)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(FolderError, match=f"{name}.csv.gz"):
        read(a_folder(tmp_path, without=name))


@pytest.mark.parametrize("column", ["bids.time", "items.winner", "events.event", "sessions.object"])
def test_a_missing_column_is_named_with_its_file(tmp_path: Path, column: str) -> None:
    file, name = column.split(".")
    with pytest.raises(FolderError, match=f"{file}.csv.gz: missing column {name}"):
        read(a_folder(tmp_path, drop_column=column))


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (4, "12,5", "column value: not a decimal"),
        (4, "NaN", "column value: not a decimal"),
        (6, "yesterday", "column time: not an ISO"),
        (3, "one", "column seq: not a number"),
        (5, "", "column supplier: empty"),
        (7, "maybe", "column excluded: neither"),
    ],
)
def test_a_bad_cell_is_refused_with_file_line_and_column(tmp_path: Path, place: int, text: str, message: str) -> None:
    rows = [list(row) for row in ROWS["bids"]]
    rows[1][place] = text
    with pytest.raises(FolderError, match=f"bids.csv.gz, line 3, {message}"):
        read(a_folder(tmp_path, bids=rows))


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    a_folder(tmp_path)
    path = tmp_path / "bids.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FolderError, match=r"bids.csv.gz: cannot be read"):
        read(tmp_path)


def test_a_row_with_too_few_columns_is_refused(tmp_path: Path) -> None:
    a_folder(tmp_path, packed=False)
    with (tmp_path / "items.csv").open("a", encoding="utf-8") as out:
        out.write("P1,9\n")
    with pytest.raises(FolderError, match=r"items.csv, line 6: 2 columns where the header has 7"):
        read(tmp_path)


def test_bids_of_an_item_that_is_not_listed_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [*ROWS["bids"], ["P1", "99", "open", "1", "1.0000", "S1", "2016-01-21T10:00:00.343", "0"]]
    assert read(a_folder(tmp_path, bids=rows))[0].left_out["item not listed"] == 1


def test_an_unknown_session_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"no session P9; there are 2, e.g. P1"):
        read(a_folder(tmp_path), "P9")


def test_every_pitfall_is_counted(tmp_path: Path) -> None:
    session = read(a_folder(tmp_path))[0]
    found = traps(session, {item.number: judge(item) for item in session.items})
    assert {what.split(":")[0]: n for what, n in found.items() if not what.startswith("rows left out")} == {
        "bids not below the bidder's own last": 1,
        "bids in a later second than Encerrado": 1,
        "bids stamped within the second of Encerrado": 1,
        "items without Encerrado": 1,
        "items closed more than once": 1,
        "items with equal best prices": 1,
        "items with fewer than 3 suppliers": 1,
        "items without a bid to send": 1,
        "drops over 20 % of the own last bid": 2,
        "bids less than 2 s after the item's previous one": 5,
        "idle times over 60 s cut to 60 s": 2,
    }


def test_the_command_refuses_a_bad_folder_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(a_folder(tmp_path, drop_column="bids.value")), "--all"]) == 2
    assert "bids.csv.gz: missing column value" in capsys.readouterr().out


def test_the_command_says_how_to_start_a_server_when_none_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(a_folder(tmp_path)), "--all", "--url", "http://127.0.0.1:9"]) == 3
    assert "./dev up" in capsys.readouterr().out
