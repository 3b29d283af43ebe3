"""Approval flows as law: a sound flow never approves without every post it needs, and never hangs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.flows.drawing import draw
from accounts.flows.model import POSTS_OF, Facts, Fault, Kind, Needs, Outcome, Post, Step
from accounts.flows.rules import after, applies, judge, path_of, waiting

WAN = 1_000_000


@st.composite
def flows(draw: st.DrawFn) -> tuple[Step, ...]:
    posts = draw(st.permutations(list(Post)))
    cuts = sorted(draw(st.sets(st.integers(1, len(posts) - 1))))
    groups = [tuple(posts[a:b]) for a, b in zip([0, *cuts], [*cuts, len(posts)], strict=True)]
    conditions = st.sampled_from(((0, "", ()), (50 * WAN, "", ()), (0, 'method == "mall"', ()), (0, "", ("A02",))))
    steps = []
    for group in groups[: draw(st.integers(1, len(groups)))]:
        fen, when, categories = draw(conditions)
        steps.append(Step(group, draw(st.sampled_from(Needs)), fen, categories, when))
    return tuple(steps)


FACTS = st.builds(
    Facts, st.integers(0, 200 * WAN), st.sampled_from(("A02010105", "C16", "")), st.sampled_from(("mall", "inquiry"))
)


@settings(deadline=None)  # the first expression brings its library with it
@given(flows(), FACTS, st.randoms(use_true_random=False), st.floats(0, 0.3))
def test_a_sound_flow_ends_and_approves_by_every_post_it_needs(
    steps: tuple[Step, ...], facts: Facts, dice: random.Random, refuse: float
) -> None:
    if judge(Kind.PLAN, steps) is not None:
        assert not any(step.always for step in steps), "the only fault such flows can have"
        return
    path = path_of(steps, facts)
    assert path, "every case is approved by somebody"
    decided: dict[int, set[Post]] = {}
    at, outcome, taken = 0, Outcome.RUNNING, 0
    while outcome is Outcome.RUNNING:
        posts = waiting(path[at], decided.get(at, ()))
        assert posts, "it waits for somebody"
        yes = dice.random() >= refuse
        decided.setdefault(at, set()).add(dice.choice(posts))
        outcome, at = after(path, at, decided, yes)
        taken += 1
        assert taken <= len(Post)
    if outcome is Outcome.APPROVED:
        for n, step in enumerate(path):
            by = decided[n]
            assert by >= set(step.posts) if step.needs is Needs.ALL else by & set(step.posts)
    else:
        assert not yes


HEAD = Step((Post.HEAD,))


@pytest.mark.parametrize(
    ("steps", "fault", "n"),
    [
        ((), Fault.ENDLESS, 0),
        ((Step((Post.HEAD,), from_fen=1), Step((Post.FISCAL,), when="amount_fen > 5")), Fault.ENDLESS, 0),
        ((HEAD,) * 9, Fault.TOO_LONG, 0),
        ((HEAD, Step(())), Fault.POST_MISSING, 2),
        ((HEAD, HEAD), Fault.POST_TWICE, 2),
        ((Step((Post.HEAD, Post.HEAD)),), Fault.POST_TWICE, 1),
        ((HEAD, Step((Post.FINANCE,), categories=("A02", "X1"))), Fault.CATEGORY, 2),
        ((HEAD, Step((Post.FINANCE,), when="amount_fen >")), Fault.CONDITION, 2),
        ((HEAD, Step((Post.FINANCE,), when="amount_fen")), Fault.CONDITION, 2),
        ((HEAD, Step((Post.FINANCE,), when="amount > 5")), Fault.CONDITION, 2),
        ((HEAD, Step((Post.FINANCE,), when='method == "mall" || nothing')), Fault.CONDITION, 2),
        ((HEAD, Step((Post.FINANCE,), when="true" + " && true" * 50)), Fault.CONDITION, 2),
        ((HEAD, Step((Post.FINANCE,), when="[1,2,3,4,5,6,7,8].all(a," * 12 + "true" + ")" * 12)), Fault.CONDITION, 2),
        ((HEAD, Step((Post.FINANCE,), when="[1].map (a, a > 0)[0]")), Fault.CONDITION, 2),
    ],
)
def test_a_flow_that_is_not_sound_is_refused_with_its_step(steps: tuple[Step, ...], fault: Fault, n: int) -> None:
    found = judge(Kind.PLAN, steps)
    assert found is not None
    assert (found.fault, found.step) == (fault, n)


def test_who_oversees_purchases_approves_no_case() -> None:
    assert Post.FISCAL not in POSTS_OF[Kind.CASE]
    found = judge(Kind.CASE, (HEAD, Step((Post.FISCAL,))))
    assert found is not None
    assert (found.fault, found.step) == (Fault.POST_UNKNOWN, 2)


def test_conditions_go_by_amount_category_and_expression() -> None:
    step = Step((Post.FISCAL,), from_fen=100 * WAN, categories=("A02", "C"), when='method != "mall"')
    assert applies(step, Facts(100 * WAN, "A0201", "inquiry"))
    assert not applies(step, Facts(100 * WAN - 1, "A0201", "inquiry"))
    assert not applies(step, Facts(100 * WAN, "B01", "inquiry"))
    assert not applies(step, Facts(100 * WAN, "C16", "mall"))


def test_an_expression_that_fails_on_a_case_spares_nobody() -> None:
    assert applies(Step((Post.HEAD,), when="int(region) > 5"), Facts(1, region="no number"))


@given(flows())
def test_every_box_of_the_drawing_lies_within_it_and_no_two_overlap(steps: tuple[Step, ...]) -> None:
    drawing = draw(steps, lambda key, **_: key, lambda step: step.when)
    boxes = [one for one in drawing.shapes if one.kind == "box"]
    assert len(boxes) == sum(len(step.posts) for step in steps)
    for i, one in enumerate(boxes):
        if len(boxes) and len(max(steps, key=lambda step: len(step.posts)).posts) <= 3:
            assert 50 <= one.x <= drawing.width - 50
        assert one.y + 40 < drawing.height
        assert all(abs(one.x - two.x) >= 90 or abs(one.y - two.y) >= 40 for two in boxes[:i])
