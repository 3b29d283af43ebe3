"""额度风暴, the short form: a kill among freezes of one indicator, and a control. All: ``./dev crash --money``."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from loadtests.crash import command

SHORT = ("budget", "apart")


def test_a_kill_among_the_freezes_loses_none_that_was_told_and_breaks_no_sum(short_tmp: Path) -> None:
    out, proof = short_tmp / "money.json", short_tmp / "money-proof.md"
    given = ["--money", "--rounds", "1", "--quick", "--only", ",".join(SHORT), "--data", str(short_tmp / "money")]
    code = command.main([*given, "--out", str(out), "--proof", str(proof)], Console(quiet=True))
    rows = {row["scenario"]: row for row in json.loads(out.read_text())["rows"]}
    assert code == command.HELD, [(name, row["wrong"]) for name, row in rows.items() if row["wrong"]]
    assert [row["verdict"] for row in rows.values()] == ["held", "found out"]
    assert rows["budget"]["acked"] > 100
    assert "| Postgres: kill -9 | 1 | " in proof.read_text()
