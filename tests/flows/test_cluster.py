"""集群, the short form: the product on a cluster whose master dies, and the control. All: ``./dev crash --cluster``."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from loadtests.crash import command

SHORT = "master,unwaited"


def test_a_master_dies_and_nothing_acknowledged_is_lost_unless_replicas_are_not_waited_for(short_tmp: Path) -> None:
    out = short_tmp / "cluster.json"
    given = ["--cluster", "--rounds", "1", "--only", SHORT, "--data", str(short_tmp / "crash"), "--out", str(out)]
    code = command.main(given, Console(quiet=True))
    rows = {row["scenario"]: row for row in json.loads(out.read_text())["rows"]}
    assert code == command.HELD, [(name, row["wrong"]) for name, row in rows.items()]
    assert {name: row["verdict"] for name, row in rows.items()} == {"master": "held", "unwaited": "found out"}
    assert rows["master"]["acked"] > 0
