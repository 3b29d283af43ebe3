"""The oracle: best price and leader from the recorded bids alone, when they are due, and why an award differs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtests.replay import explain as why
from loadtests.replay.explain import explain
from loadtests.replay.oracle import judge
from loadtests.replay.reading import read
from loadtests.replay.record import Note, Session
from loadtests.replay.tally import ItemOutcome
from loadtests.replay.timeline import timeline
from tests.loadtests.folders import a_folder, an_item
from tests.support import SHARED

RECORD = SHARED / "data" / "auctions_comprasnet"


def test_the_lowest_last_bid_leads() -> None:
    verdict = judge(an_item(("A", 100, 0), ("B", 90, 1), ("A", 80, 2)))
    assert (verdict.leader, verdict.best_value, verdict.per_bid) == ("A", 80, ("", "", ""))


def test_of_equal_prices_the_earlier_wins() -> None:
    verdict = judge(an_item(("A", 100, 0), ("B", 90, 1), ("A", 90, 1)))
    assert verdict.ranking == (("B", 90), ("A", 90))
    assert verdict.tied


def test_a_bid_not_below_the_own_last_is_ignored_and_a_bid_above_the_lead_counts() -> None:
    verdict = judge(an_item(("A", 100, 0), ("B", 90, 1), ("A", 100, 2), ("A", 95, 3)))
    assert verdict.per_bid == ("", "", "NOT_IMPROVING_OWN", "")
    assert verdict.ranking == (("B", 90), ("A", 95))


def test_a_bid_within_the_second_of_the_close_counts_and_one_in_the_next_does_not() -> None:
    verdict = judge(an_item(("A", 100, 0), ("B", 90, 5_999), ("A", 80, 6_000), closed_s_ms=5_000))
    assert verdict.per_bid == ("", "", "LOT_CLOSED")
    assert verdict.leader == "B"


def test_an_item_whose_bids_are_all_too_late_has_no_leader() -> None:
    assert judge(an_item(("A", 100, 9_000), closed_s_ms=5_000)).leader == ""


def test_idle_time_over_60_s_is_cut_and_the_close_is_part_of_the_timeline() -> None:
    item = an_item(("A", 100, 10_000), ("B", 90, 40_000), ("A", 80, 4_000_000), closed_s_ms=4_004_000)
    line = timeline(Session("P1", "", (item,)))
    assert [line.due_ms(at) for at in (10_000, 40_000, 4_000_000, 4_005_000)] == [0, 30_000, 90_000, 95_000]
    assert (line.cuts, line.longest_idle_ms, line.length_ms) == (1, 3_960_000, 95_000)


def test_an_item_without_a_close_ends_with_its_last_bid() -> None:
    line = timeline(Session("P1", "", (an_item(("A", 100, 0), ("B", 90, 7_000)),)))
    assert line.length_ms == 7_000


def test_a_session_without_bids_has_no_timeline() -> None:
    assert timeline(Session("P1", "", ())).length_ms == 0


def test_the_written_folder_comes_to_what_its_remarks_say(tmp_path: Path) -> None:
    session = read(a_folder(tmp_path))[0]
    paper, labels, _ = (judge(item) for item in session.items)
    assert paper.ranking == (("S2", 95_000), ("S1", 95_000), ("S4", 96_000))
    assert paper.per_bid == ("", "", "", "", "NOT_IMPROVING_OWN", "", "LOT_CLOSED")
    assert labels.leader == "S1"
    assert explain(session, session.items[0], paper) == why.AGREES
    assert explain(session, session.items[1], labels) == why.REFUSED
    assert explain(session, session.items[2], judge(session.items[2])) == why.NO_AWARD


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"winner": "B", "best_value": 79, "tiebreaks": 1}, why.TIEBREAK),
        ({"winner": "B", "best_value": 90, "group": "G1"}, why.GROUP),
        ({"winner": "B", "best_value": 90, "notes": (Note("Aceite", 0, "Fornecedor: A"),)}, why.ACCEPTED_FIRST),
        ({"winner": "B", "best_value": 90, "notes": (Note("Inabilitado", 0, "Fornecedor: A"),)}, why.REFUSED),
        ({"winner": "B", "best_value": 90, "struck": 1}, why.STRUCK),
        ({"winner": "B", "best_value": 90}, why.UNEXPLAINED),
        ({"winner": "A", "best_value": 80}, why.AGREES),
        ({"winner": "", "best_value": None}, why.NO_AWARD),
    ],
)
def test_an_award_that_is_not_the_best_bid_is_explained_by_the_record(changes: dict[str, object], reason: str) -> None:
    item = msgspec.structs.replace(an_item(("B", 90, 0), ("A", 80, 1)), **changes)
    assert explain(Session("P1", "", (item,)), item, judge(item)) == reason


def test_a_leader_refused_in_another_item_and_a_tie_are_told_apart() -> None:
    item = msgspec.structs.replace(an_item(("B", 90, 0), ("A", 80, 1)), winner="B", best_value=90)
    other = msgspec.structs.replace(an_item(), number="2", notes=(Note("Recusa", 0, "Fornecedor: A"),))
    assert explain(Session("P1", "", (item, other)), item, judge(item)) == why.REFUSED_ELSEWHERE
    tie = msgspec.structs.replace(an_item(("B", 80, 0), ("A", 80, 1)), winner="A", best_value=80)
    assert explain(Session("P1", "", (tie,)), tie, judge(tie)) == why.TIE


def test_an_outcome_tells_the_first_way_in_which_it_differs() -> None:
    item = an_item(("A", 100, 0), ("B", 90, 1), ("B", 95, 2))
    verdict = judge(item)
    right = ItemOutcome(item, verdict, verdict.per_bid, verdict.ranking, "rehearsed", 4, "")
    assert right.difference == ""
    for changes, words in (
        ({"ranking": (("B", 91), ("A", 100))}, "best price"),
        ({"ranking": (("A", 90), ("B", 100))}, "leader"),
        ({"ranking": (("B", 90),)}, "a rank below"),
        ({"answers": ("", "", "")}, "bid 3 was answered taken where NOT_IMPROVING_OWN was due"),
        ({"final_n": 3}, "the log ends at 3, too early for 2 bids"),
    ):
        assert words in msgspec.structs.replace(right, **changes).difference
    outage = msgspec.structs.replace(right, final_n=5)
    assert (outage.difference, outage.other_events) == ("", 1)


@pytest.mark.skipif(not RECORD.is_dir(), reason="the recorded auctions are not beside this checkout")
def test_every_award_of_the_real_record_is_explained() -> None:
    sessions = read(RECORD)
    reasons = [explain(session, item, judge(item)) for session in sessions for item in session.playable]
    assert len(reasons) == 4_715
    assert reasons.count(why.AGREES) == 4_025
    assert why.UNEXPLAINED not in reasons
