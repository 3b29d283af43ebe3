"""故障试验, the short form: the crash suite against the real product, with negative controls. All: ``./dev crash``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.crash import command, report
from loadtests.crash.machine import compiler
from loadtests.crash.rounds import Brought, summed
from loadtests.crash.scenarios import scenarios

SHORT = "kill,close,power,disk,repriced,everysec,nolog"


def test_nothing_acknowledged_is_lost_and_the_weaker_settings_are_found_out(short_tmp: Path) -> None:
    out, proof = short_tmp / "crash.json", short_tmp / "proof.md"
    given = ["--rounds", "1", "--quick", "--only", SHORT, "--data", str(short_tmp / "crash"), "--out", str(out)]
    code = command.main([*given, "--proof", str(proof)], Console(quiet=True))
    rows = {row["scenario"]: row for row in json.loads(out.read_text())["rows"]}
    assert code == command.HELD, [(name, row["wrong"]) for name, row in rows.items() if row["wrong"]]
    assert list(rows) == SHORT.split(",")
    ran = {name for name, row in rows.items() if row["verdict"] in ("held", "held, but late", "found out")}
    assert ran == (set(rows) if compiler() else set(rows) - {"power", "disk", "everysec"})
    assert rows["kill"]["acked"] > 0
    assert "| **in all** |" in proof.read_text()


def test_what_is_broken_is_told_on_the_page_of_proof_and_by_the_exit_code() -> None:
    sums = [summed(scenario, [Brought([f"{scenario.name} went wrong"])]) for scenario in scenarios()]
    facts = {
        "arguments": "",
        "day": "",
        "took_min": 1.0,
        "seed": 1,
        "machine": "",
        "power": "",
        "busy": 0.5,
        "busiest": 0.9,
    }
    page = report.section(sums, facts)
    assert all(f"{scenario.name} went wrong" in page for scenario in scenarios())
    assert page.count("NOT NOTICED") == sum(scenario.control for scenario in scenarios())
    assert " held " not in page
    assert not any(one.well for one in sums)


def test_scenarios_are_named_once_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names = [scenario.name for scenario in scenarios()]
    assert len(names) == len(set(names))
    assert command.main(["--list"]) == command.HELD
    listed = capsys.readouterr().out
    assert all(name in listed for name in names)
    with pytest.raises(SystemExit):
        command.main(["--only", "nonsense"])
    with pytest.raises(SystemExit):
        command.main(["--rounds", "0"])
