"""A recorded folder through the whole product: a server of its own, sockets, settlement, and the table at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest_asyncio
from rich.console import Console

from loadtests.replay.command import main
from loadtests.replay.temporary import temporary
from tests.loadtests.folders import ROWS, a_folder


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncIterator[str]:
    """A running server of two processes, as the command starts it when no address is given."""
    async with temporary(2) as url:
        yield url


async def replay(*arguments: str) -> tuple[int, str]:
    """Run the command beside the test's own loop; exit code and what it printed."""
    console = Console(width=200, record=True, file=StringIO())
    code = await asyncio.to_thread(main, list(arguments), console)
    return code, console.export_text()


async def test_every_item_of_a_folder_with_all_pitfalls_equals_the_oracle(server: str, tmp_path: Path) -> None:
    folder, report = a_folder(tmp_path), tmp_path / "report.jsonl"
    code, printed = await replay(str(folder), "--all", "--speed", "2000", "--url", server, "--report", str(report))
    assert code == 0, printed
    paper, labels = sorted((json.loads(line) for line in report.read_text().splitlines()), key=lambda row: row["item"])
    assert (paper["bids"], paper["taken"], paper["best"], paper["leader"]) == (7, 5, "9.5000", "S2")
    assert (labels["best"], labels["leader"], labels["record_winner"]) == ("3.0001", "S1", "S3")
    assert labels["award"] == "leader refused later (Recusa, Inabilitado)"
    assert "LOT_CLOSED 1 NOT_IMPROVING_OWN 1" in printed
    assert "every item equals the oracle." in printed


async def test_one_session_is_played_and_several_of_its_items_at_once(server: str, tmp_path: Path) -> None:
    code, printed = await replay(str(a_folder(tmp_path)), "--session", "P1", "--speed", "5000", "--url", server)
    assert code == 0, printed
    assert "2 items, 9 bids" in printed


async def test_a_wrong_password_is_told_and_nothing_is_played(server: str, tmp_path: Path) -> None:
    code, printed = await replay(str(a_folder(tmp_path)), "--url", server, "--password", "not the password")
    assert code == 3
    assert "401" in printed


async def test_a_session_of_another_supplier_mix_keeps_ties_in_the_records_order(server: str, tmp_path: Path) -> None:
    stamp = "2016-01-21T10:00:00.343"
    bids = [["P1", "1", "open", str(n), "5.0000", f"S{n}", stamp, "0"] for n in range(1, 31)]
    bids += [["P1", "2", "open", str(n), "5.0000", f"S{31 - n}", stamp, "0"] for n in range(1, 31)]
    assert ROWS["items"][0][5] == "S2"
    code, printed = await replay(str(a_folder(tmp_path, bids=bids, events=[])), "--all", "--url", server)
    assert code == 0, printed
