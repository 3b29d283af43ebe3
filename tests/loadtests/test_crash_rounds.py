"""The crash suite's rounds: kept one by one, resumed after an interruption, judged with their circumstances."""

from __future__ import annotations

from pathlib import Path

from loadtests.crash.kept import Kept
from loadtests.crash.neighbours import BUSY, Neighbours
from loadtests.crash.rounds import Brought, judged, summed
from loadtests.crash.scenarios import scenarios

LATE = "everyone bid again after 7.0 s, promised within 5"


def test_an_interrupted_run_is_resumed_with_every_round_it_had_played(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "rounds.jsonl", resume=False)
    kept.add("kill", 1, Brought([], 10, again_s=0.5, late=[]))
    kept.add("kill", 2, Brought(["lost"], 20, lost=1, late=[]))
    again = Kept(tmp_path / "rounds.jsonl", resume=True)
    assert again.of("kill") == kept.of("kill")
    assert again.of("power") == []
    assert sum(one.acked for one in again.every()) == 30


def test_a_run_begun_anew_puts_the_rounds_of_the_last_one_aside(tmp_path: Path) -> None:
    Kept(tmp_path / "rounds.jsonl", resume=False).add("kill", 1, Brought([], 10, late=[]))
    assert Kept(tmp_path / "rounds.jsonl", resume=False).every() == []
    assert Kept(tmp_path / "rounds.jsonl.before", resume=True).of("kill") == [Brought([], 10, late=[])]


def test_a_scenario_is_played_again_while_the_others_keep_their_rounds(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    kept = Kept(path, resume=False)
    kept.add("kill", 1, Brought(["lost"], 10, late=[]))
    kept.add("power", 2, Brought([], 20, late=[]))
    for again in (Kept(path, resume=True, again={"kill"}), Kept(path, resume=True)):
        assert (again.of("kill"), again.of("power")) == ([], kept.of("power"))
    assert Kept(tmp_path / "rounds.jsonl.before", resume=True).of("kill") == kept.of("kill")


def test_what_came_late_is_wrong_unless_others_used_the_machine() -> None:
    late = Brought([], 10, late=[LATE])
    assert judged(late, BUSY - 0.01, 1).wrong == [LATE]
    busy = summed(scenarios()[0], [judged(late, BUSY, 1)])
    assert (busy.wrong, busy.late) == ([], [f"{LATE}, others took {BUSY:.0%} of the machine"])
    assert busy.well


def test_a_lost_bid_is_wrong_however_busy_the_machine_was() -> None:
    assert judged(Brought(["acknowledged and lost"], 10, lost=1), 1.0, 1).wrong == ["acknowledged and lost"]


def test_what_others_take_of_the_machine_is_a_share() -> None:
    assert 0 <= Neighbours().share() <= 1
