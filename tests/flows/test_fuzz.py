"""乱入试验, the short form: 20,000 malformed inputs of every kind against the real product. All: ``./dev fuzz``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.fuzz import command, guided
from loadtests.fuzz.command import KINDS


def test_nothing_malformed_breaks_anything_and_a_bidder_bids_through_it_all(short_tmp: Path) -> None:
    out = short_tmp / "fuzz.json"
    given = ["--inputs", "20000", "--seed", "7", "--data", str(short_tmp / "fuzz"), "--out", str(out)]
    given += ["--proof", str(short_tmp / "proof" / "page.md")]
    code = command.main(given, Console(quiet=True))
    found = json.loads(out.read_text())
    assert code == command.WELL, [*found["wrong"][:5], *(row["wrong"][:2] for row in found["rows"] if row["wrong"])]
    assert [row["kind"] for row in found["rows"]] == [kind.name for kind in KINDS if kind.possible()]
    assert found["inputs"] > 19_900
    assert found["canary"]["acknowledged"] > 20
    assert "| **in all** |" in (short_tmp / "proof" / "page.md").read_text()


@pytest.mark.skipif(not guided.is_here(), reason="atheris has no wheel for this machine")
async def test_inputs_grown_towards_unseen_code_find_a_refusal_that_no_reader_names(short_tmp: Path) -> None:
    """Negative control: the reader of ids is told to refuse nothing."""
    guided.plant(short_tmp, 7, {})
    assert (await guided.grow(short_tmp, 2_000, 7))[1] == []
    reached, wrong = await guided.grow(short_tmp, 2_000, 7, strict="ids")
    assert reached > 50
    assert {"'ids'" in one and "ValueError" in one for one in wrong} == {True}


def test_kinds_are_known_by_name() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for wrong in (["--only", "nonsense"], ["--inputs", "1"]):
        with pytest.raises(SystemExit):
            command.main(wrong)
