"""抽取: uniform within a tier, never against an avoidance, recomputed by a program that shares no code."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, timedelta
from itertools import product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registries.experts import draw, rules
from registries.experts.draw import Answer, Hand, Stream, Ticket, next_calls, order_of
from registries.experts.model import (
    Bidder,
    Dossier,
    Employment,
    Expert,
    Fee,
    Need,
    Party,
    Presence,
    Rates,
    Relative,
    Side,
    Span,
    Status,
    Title,
    Unfit,
)
from registries.experts.rules import HOUR_MS
from standards.params import RuleParam, resolve
from standards.workdays import seed as calendar_seed
from tests import independent_draw

TODAY = date(2026, 11, 23)
UNITS = tuple(Party(name, name, code) for name, code in (("甲", "91A"), ("乙", ""), ("丙", "91C"), ("丁", "")))
SERVER, FIRST, SECOND = "a" * 64, "b" * 64, "c" * 64
YEARS = 3


def a_dossier(**changed: object) -> Dossier:
    same = {
        "name": "沈专家", "region": "330106", "phone": "13800000000", "born": date(1980, 1, 1), "title": Title.SENIOR,
        "title_since": date(2015, 1, 1), "specialties": ("A0209",),
    }  # fmt: skip
    return Dossier(**(same | changed))  # type: ignore[arg-type]


def an_expert(
    ident: str = "e1", status: Status = Status.ACTIVE, good: date | None = date(2028, 1, 1), **own: object
) -> Expert:
    leaves = own.pop("leaves", ())
    return Expert(id=ident, status=status, dossier=a_dossier(**own), good_until=good, leaves=leaves)  # type: ignore[arg-type]


def a_need(*avoided: Party, head: str = "", **changed: object) -> Need:
    same = {"specialty": "A02091001", "region": "330100", "on": TODAY}
    return Need(avoided=tuple(Bidder(unit, head) for unit in avoided), **(same | changed))  # type: ignore[arg-type]


def worked(unit: Party, until: date | None = None) -> Expert:
    return an_expert(employments=(Employment(unit, date(2000, 1, 1), until),))


def tickets(size: int, tier: int = 1, units: int = 10**6) -> list[Ticket]:
    return [Ticket(tier, draw.digest("t", str(tier), str(n)), f"u{n % units}") for n in range(size)]


def test_every_expert_of_a_tier_is_drawn_as_often_as_any_other() -> None:
    draws, size, chosen = 100_000, 10, 3
    here, counts = tickets(size), Counter[str]()
    for n in range(draws):
        stream, left = Stream(f"{n:064x}", 1), list(here)
        for _ in range(chosen):
            counts[left.pop(stream.below(len(left))).ticket] += 1
    expected = draws * chosen / size
    found = (
        sum((counts[one.ticket] - expected) ** 2 / expected for one in here) / (1 - chosen / size) * (size - 1) / size
    )
    assert found < 27.88, "chi-square, nine degrees of freedom, p = 0.001"


def test_every_order_of_four_is_as_likely_as_any_other() -> None:
    draws, here = 24_000, tickets(4)
    counts = Counter(tuple(one.ticket for one in order_of(f"{n:064x}", here)) for n in range(draws))
    assert len(counts) == math.factorial(4)
    assert sum((seen - 1_000) ** 2 / 1_000 for seen in counts.values()) < 49.73, "23 degrees of freedom, p = 0.001"


def test_numbers_beyond_the_last_whole_multiple_are_thrown_away() -> None:
    bound = (1 << 63) + 1  # nearly half of all numbers
    stream = Stream("0" * 64, 1)
    found = [stream.below(bound) for _ in range(200)]
    assert all(0 <= each < bound for each in found)
    assert stream._n > 300, "some were thrown away"


def test_in_a_tiered_draw_each_is_first_as_often_as_he_weighs() -> None:
    weights, draws = (1, 2, 2, 3), 24_000
    here = [Ticket(1, draw.digest("t", str(n)), f"u{n}", weight) for n, weight in enumerate(weights)]
    counts = Counter(order_of(f"{n:064x}", here)[0].unit for n in range(draws))
    expected = {f"u{n}": draws * weight / sum(weights) for n, weight in enumerate(weights)}
    found = sum((counts[unit] - many) ** 2 / many for unit, many in expected.items())
    assert found < 16.27, "chi-square, three degrees of freedom, p = 0.001"


@given(st.lists(st.integers(1, 10), min_size=1, max_size=30), st.binary(min_size=32, max_size=32))
def test_a_second_reading_makes_the_same_order_of_a_tiered_draw(weights: list[int], seed: bytes) -> None:
    here = [Ticket(2, draw.digest("t", str(n)), "u", weight) for n, weight in enumerate(weights)]
    order = [one.ticket for one in order_of(seed.hex(), here)]
    assert order == independent_draw.weighed(seed.hex(), 2, [(one.weight, one.ticket) for one in here])


RATES = Rates(
    half_fen=400, day_fen=800, hour_fen=100, half_ms=4 * HOUR_MS, day_ms=8 * HOUR_MS, travel_most_fen=500, near=False
)


@pytest.mark.parametrize(
    ("presence", "served_ms", "travel", "far", "fee"),
    [
        (Presence.CAME, 1, 0, False, Fee(400)),
        (Presence.CAME, 4 * HOUR_MS, 0, False, Fee(400)),
        (Presence.CAME, 4 * HOUR_MS + 1, 0, False, Fee(800)),
        (Presence.CAME, 8 * HOUR_MS, 99, False, Fee(800)),
        (Presence.CAME, 8 * HOUR_MS + 1, 0, False, Fee(800, 100)),
        (Presence.CAME, 10 * HOUR_MS, 99, True, Fee(800, 200, 99)),
        (Presence.CAME, HOUR_MS, 501, True, Fee(400, 0, 500)),
        (Presence.ABSENT, 8 * HOUR_MS, 99, True, Fee()),
        (Presence.LEFT, 8 * HOUR_MS, 99, True, Fee()),
    ],
)
def test_what_a_review_is_paid(presence: Presence, served_ms: int, travel: int, far: bool, fee: Fee) -> None:
    assert rules.fee_of(presence, served_ms, travel, far, RATES) == fee


def test_travel_within_the_city_is_refunded_where_the_region_says_so() -> None:
    near = msgspec.structs.replace(RATES, near=True)
    assert rules.fee_of(Presence.CAME, 1, 99, False, near).travel_fen == 99


@pytest.mark.parametrize(
    ("marks", "words", "wrong"),
    [
        ({"skill": 5, "conduct": 3, "punctual": 5}, "", None),
        ({"skill": 5, "conduct": 2, "punctual": 5}, "", "words"),
        ({"skill": 5, "conduct": 2, "punctual": 5}, "迟到", None),
        ({"skill": 6, "conduct": 5, "punctual": 5}, "", "marks"),
        ({"skill": 0, "conduct": 5, "punctual": 5}, "", "marks"),
        ({"skill": 5, "conduct": 5}, "", "marks"),
        ({"order": 5, "neutral": 5, "service": 5}, "", "marks"),
    ],
)
def test_a_mark_for_each_aspect_and_words_for_a_low_one(marks: dict[str, int], words: str, wrong: str | None) -> None:
    assert rules.judge_appraisal(Side.HOST, marks, 5, words) == wrong


def test_the_mean_is_the_same_on_every_scale() -> None:
    assert [rules.mean_bp({"a": n, "b": n}, best) for n, best in ((1, 5), (5, 5), (3, 5), (51, 101))] == [
        0,
        10_000,
        5_000,
        5_000,
    ]


def test_experts_weigh_by_their_appraisals_only_where_the_region_says_so() -> None:
    def weights(on: bool) -> list[int]:
        told = [RuleParam("experts.weighted", "33", TODAY, None, on, "试点")]
        said = (None, (9_000, 2), (9_000, 3), (8_499, 3), (4_999, 3))
        return [rules.weight_of(each, resolve(told, "330106", TODAY)) for each in said]

    assert (weights(False), weights(True)) == ([0] * 5, [2, 2, 3, 2, 1])


def test_in_a_widened_draw_a_neighbour_of_the_specialty_will_do() -> None:
    neighbour = an_expert(specialties=("A02091002",))
    assert rules.unfit(neighbour, a_need(), YEARS) == [Unfit.SPECIALTY]
    assert rules.unfit(neighbour, a_need(near="A02091000"), YEARS) == []
    assert rules.unfit(an_expert(specialties=("A03000000",)), a_need(near="A02091000"), YEARS) == [Unfit.SPECIALTY]


def test_tiers_are_called_one_after_another_whatever_the_seed() -> None:
    here = tickets(5, 2) + tickets(4, 1) + tickets(3, 3)
    for n in range(50):
        assert [one.tier for one in order_of(f"{n:064x}", here)] == [1] * 4 + [2] * 5 + [3] * 3


def test_one_unit_sends_one_and_its_next_is_called_once_that_one_declined() -> None:
    order = [Ticket(1, "a", "u"), Ticket(1, "b", "u"), Ticket(1, "c", "v"), Ticket(1, "d", "w")]
    assert [one.ticket for one in next_calls(order, 2, {})] == ["a", "c"]
    assert [one.ticket for one in next_calls(order, 2, {"a": None, "c": Answer.NO_ANSWER})] == ["d"]
    assert [one.ticket for one in next_calls(order, 2, {"a": Answer.DECLINED, "c": None})] == ["b"]
    assert next_calls(order, 2, {"a": Answer.ACCEPTED, "c": None}) == []
    done = {"a": Answer.ACCEPTED, "c": Answer.DECLINED, "d": Answer.AVOIDS}
    assert next_calls(order, 2, done) == [], "the list is used up: b is of the unit of a"


@pytest.mark.parametrize(
    ("expert", "need", "why"),
    [
        (an_expert(), a_need(), []),
        (an_expert(status=Status.PAUSED), a_need(), [Unfit.NOT_ACTIVE]),
        (an_expert(good=TODAY), a_need(), [Unfit.EXPIRED]),
        (an_expert(good=TODAY + timedelta(1)), a_need(), []),
        (an_expert(born=date(1956, 11, 23)), a_need(), [Unfit.AGE]),
        (an_expert(born=date(1956, 11, 24)), a_need(), []),
        (an_expert(leaves=(Span(TODAY, TODAY),)), a_need(), [Unfit.ON_LEAVE]),
        (an_expert(leaves=(Span(TODAY + timedelta(1), TODAY + timedelta(9)),)), a_need(), []),
        (an_expert(specialties=("A03",)), a_need(), [Unfit.SPECIALTY]),
        (an_expert(region="310000"), a_need(), [Unfit.REGION]),
        (an_expert(region="310000"), a_need(wide=True), []),
        (worked(UNITS[0]), a_need(Party("改名", "改名", "91A")), [Unfit.EMPLOYED]),
        (worked(UNITS[1], date(2023, 11, 23)), a_need(UNITS[1]), [Unfit.EMPLOYED]),
        (worked(UNITS[1], date(2023, 11, 22)), a_need(UNITS[1]), []),
        (an_expert(relatives=(Relative("沈二", UNITS[2]),)), a_need(UNITS[2]), [Unfit.RELATIVE]),
        (an_expert(relatives=(Relative("沈二", UNITS[3]),)), a_need(UNITS[2], head="沈二"), [Unfit.RELATIVE]),
        (an_expert(), a_need(declined=frozenset({"e1"})), [Unfit.DECLINED]),
    ],
)  # fmt: skip
def test_who_may_not_be_drawn_and_why(expert: Expert, need: Need, why: list[Unfit]) -> None:
    assert rules.unfit(expert, need, YEARS) == why


parties = st.sampled_from(UNITS)
days = st.integers(-2_000, 0).map(lambda n: TODAY + timedelta(n))
employments = st.builds(Employment, parties, days, st.none() | days)
relatives = st.builds(Relative, st.sampled_from(("沈二", "王三")), parties)
experts = st.builds(
    an_expert, st.uuids().map(str), employments=st.lists(employments, max_size=3).map(tuple),
    relatives=st.lists(relatives, max_size=2).map(tuple), region=st.sampled_from(("330106", "330200", "310000")),
    leaves=st.sampled_from(((), (Span(TODAY, TODAY),))),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(experts, max_size=12, unique_by=lambda one: one.id), st.lists(parties, min_size=1, max_size=2),
    st.binary(min_size=32, max_size=32), st.lists(st.sampled_from(list(Answer)), min_size=40, max_size=40),
    st.booleans(),
)  # fmt: skip
def test_no_draw_ever_calls_whom_it_must_avoid(
    pool: list[Expert], avoided: list[Party], seed: bytes, answers: list[Answer], wide: bool
) -> None:
    need = a_need(*avoided, head="王三", wide=wide)
    fit = {one.id: one for one in pool if not rules.unfit(one, need, YEARS)}
    listed = []
    for one in fit.values():
        employer, tier = rules.employer_of(one.dossier, TODAY), rules.tier_of(one.dossier.region, need)
        assert tier is not None
        listed.append(Ticket(tier, one.id, employer.unit.key if employer else one.id))
    order, said = order_of(seed.hex(), listed), dict[str, Answer | None]()
    supply = iter(answers)
    while calls := next_calls(order, 3, said):
        said |= dict.fromkeys((one.ticket for one in calls), None)
        for one in calls:
            said[one.ticket] = next(supply)
    came = [fit[ident].dossier for ident, answer in said.items() if answer is Answer.ACCEPTED]
    assert len(came) <= 3
    for name in said:
        expert = fit[name]
        for job, unit in product(expert.dossier.employments, avoided):
            assert not job.unit.same(unit) or (job.until is not None and job.until < date(2023, 11, 23))
        for relative in expert.dossier.relatives:
            assert relative.name != "王三"
            assert not any(relative.unit.same(unit) for unit in avoided)
        assert not expert.leaves
        assert wide or expert.dossier.region.startswith("33")
    employers = [job.unit.key for one in came if (job := rules.employer_of(one, TODAY))]
    assert len(employers) == len(set(employers)), "no two of one unit"


def a_record() -> dict[str, object]:
    """A draw of two among five with a decline and a silence, written with the product's law."""
    here = [
        Ticket(1 + n % 2, draw.ticket_of("d", str(n), f"专家{n}", f"{n:064x}"), draw.unit_of("ee" * 32, "d", str(n)))
        for n in range(5)
    ]
    secrets = {Hand.SERVER: SERVER, Hand.FIRST: FIRST, Hand.SECOND: SECOND}
    hashed = draw.list_hash("d", here)
    seed = draw.seed_of("d", hashed, secrets)
    order = [one.ticket for one in order_of(seed, here)]
    events: list[tuple[str, dict[str, object]]] = [
        ("listed", {"need": 2, "tickets": [[one.tier, one.ticket, one.unit] for one in sorted(here)],
                    "list_hash": hashed, "commitment": draw.commitment("d", Hand.SERVER, SERVER)}),
        *(("committed", {"hand": hand, "commitment": draw.commitment("d", hand, secrets[hand])})
          for hand in (Hand.SECOND, Hand.FIRST)),
        *(("revealed", {"hand": hand, "secret": secrets[hand]}) for hand in (Hand.FIRST, Hand.SECOND)),
        ("drawn", {"secret": SERVER, "seed": seed, "order": order}),
        ("called", {"tickets": order[:2], "until_ms": 9}),
        ("answered", {"ticket": order[0], "answer": "declined"}), ("called", {"tickets": [order[2]], "until_ms": 9}),
        ("answered", {"ticket": order[1], "answer": "accepted"}),
        ("answered", {"ticket": order[2], "answer": "no_answer"}), ("called", {"tickets": [order[3]], "until_ms": 9}),
        ("answered", {"ticket": order[3], "answer": "accepted"}), ("filled", {}), ("keyed", {"hand": "first"}),
        ("keyed", {"hand": "second"}), ("opened", {}),
    ]  # fmt: skip
    numbers = {draw.ticket_of("d", str(n), f"专家{n}", f"{n:064x}"): n for n in range(5)}
    came = [{"ticket": one, "expert": str(numbers[one]), "name": f"专家{numbers[one]}", "salt": f"{numbers[one]:064x}"}
            for one in (order[1], order[3])]  # fmt: skip
    entries, before = [], "0" * 64
    for n, (event, detail) in enumerate([*events, ("published", {"experts": came})], 1):
        hashed = draw.entry_hash(before, n, 1_000 + n, event, detail)
        entries.append({"n": n, "at_ms": 1_000 + n, "event": event, "detail": detail, "before": before, "hash": hashed})
        before = hashed
    return {"draw": "d", "entries": entries}


def test_a_program_that_shares_no_code_recomputes_the_draw() -> None:
    found = independent_draw.check(a_record())
    assert (found["listed"], found["called"], len(found["accepted"]), len(found["names"])) == (5, 4, 2, 2)


@pytest.mark.parametrize(
    ("at", "change"),
    [
        (0, {"need": 3}), (4, {"secret": "d" * 64}), (5, {"seed": "0" * 64}), (6, {"tickets": ["x"]}),
        (7, {"ticket": "x"}), (16 + 1, {"experts": []}),
    ],
)  # fmt: skip
def test_it_finds_what_was_changed_even_where_the_chain_was_written_anew(at: int, change: dict[str, object]) -> None:
    record, before = a_record(), "0" * 64
    entries: list[dict[str, object]] = record["entries"]  # type: ignore[assignment]
    at = min(at, len(entries) - 1)
    entries[at]["detail"] |= change  # type: ignore[operator]
    for n, entry in enumerate(entries, 1):
        entry["before"] = before
        before = draw.entry_hash(before, n, entry["at_ms"], entry["event"], entry["detail"])  # type: ignore[arg-type]
        entry["hash"] = before
    with pytest.raises((independent_draw.Bad, KeyError)):
        independent_draw.check(record)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, None), ({"on": date(2026, 11, 22)}, "past"), ({"on": date(2026, 11, 26)}, "too_early"),
        ({"on": date(2026, 11, 26), "method": rules.Method.OTHER}, None), ({"group": 6}, "group_even"),
        ({"group": 3, "experts": 3}, "group_small"), ({"group": 3, "experts": 2, "method": rules.Method.OTHER}, None),
        ({"experts": 3}, "share_small"), ({"experts": 6}, "more_than_group"),
    ],
)  # fmt: skip
def test_when_a_draw_may_be_asked_for(changed: dict[str, object], found: str | None) -> None:
    same = {"method": rules.Method.TENDER, "group": 5, "experts": 4, "today": TODAY, "on": date(2026, 11, 25)}
    in_force, calendar = resolve([], "330100", TODAY), calendar_seed()
    assert rules.judge_request(rules=in_force, calendar=calendar, **(same | changed)) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "since", "born", "lacks"),
    [
        (Title.SENIOR, "2026-01-01", "1980-01-01", []), (Title.MIDDLE, "2018-11-23", "1980-01-01", []),
        (Title.MIDDLE, "2018-11-24", "1980-01-01", ["title"]), (Title.SENIOR, "2000-01-01", "1956-11-23", ["age"]),
    ],
)  # fmt: skip
def test_who_may_become_an_expert(title: Title, since: str, born: str, lacks: list[str]) -> None:
    dossier = a_dossier(title=title, title_since=date.fromisoformat(since), born=date.fromisoformat(born))
    assert rules.conditions(dossier, TODAY) == lacks
