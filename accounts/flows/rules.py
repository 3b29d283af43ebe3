"""The verdicts of approval flows: whether a flow is sound, which steps a case comes to, what follows. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from accounts.flows.model import POSTS_OF, Facts, Fault, Kind, Needs, Outcome, Post, Step

if TYPE_CHECKING:
    import cel

STEPS_MAX, WHEN_MAX, CATEGORIES_MAX = 8, 300, 20
BEGINNING = re.compile(r"[ABC][0-9]{0,8}")
"""Of a category's code."""
_LOOPS = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
"""CEL's loops over lists: a few nested ones would run for hours, and nothing here is a list."""
_TRIED = (Facts(0), Facts(900_000_000_000, "A02010105", "open_tender", "330106"))


class Wrong(Struct, frozen=True):
    """What is wrong with a flow: in which step (from 1; 0: as a whole), and what the expression's reader said."""

    fault: Fault
    step: int = 0
    said: str = ""


@lru_cache(maxsize=500)
def _program(when: str) -> cel.Program:
    import cel  # brings a command line of its own with it, which no start waits for

    return cel.compile(when)


def holds(when: str, facts: Facts) -> bool:
    """Whether the CEL expression holds. Raises ``ValueError`` when it is none, or does not say yes or no."""
    try:
        found = _program(when).execute(structs.asdict(facts))
    except Exception as error:  # the reader raises by kind of mistake; none of them is ours
        raise ValueError(str(error)) from None
    if not isinstance(found, bool):
        raise ValueError(f"not yes or no but {found!r}")
    return found


def judge(kind: Kind, steps: Sequence[Step]) -> Wrong | None:
    """What is wrong with a flow; None when nothing is.

    One post stands in one step only, for each must be another person's. At least one step must be come to by every
    case: else a case would end with nobody's approval.
    """
    if len(steps) > STEPS_MAX:
        return Wrong(Fault.TOO_LONG)
    seen: set[str] = set()
    for n, step in enumerate(steps, 1):
        fault = _fault_of(kind, step, seen)
        if fault is not None:
            return Wrong(fault, n)
        seen |= set(step.posts)
        if step.when:
            try:
                if len(step.when) > WHEN_MAX:
                    raise ValueError(f"more than {WHEN_MAX} characters")
                if _LOOPS.search(step.when):
                    raise ValueError("loops over lists are not taken")
                for facts in _TRIED:
                    holds(step.when, facts)
            except ValueError as error:
                return Wrong(Fault.CONDITION, n, str(error)[:200])
    return None if any(step.always for step in steps) else Wrong(Fault.ENDLESS)


def _fault_of(kind: Kind, step: Step, seen: set[str]) -> Fault | None:
    if not step.posts:
        return Fault.POST_MISSING
    if set(step.posts) - set(POSTS_OF[kind]):
        return Fault.POST_UNKNOWN
    if len(set(step.posts)) < len(step.posts) or not seen.isdisjoint(step.posts):
        return Fault.POST_TWICE
    if len(step.categories) > CATEGORIES_MAX or not all(map(BEGINNING.fullmatch, step.categories)):
        return Fault.CATEGORY
    return None


def applies(step: Step, facts: Facts) -> bool:
    """Whether a case comes to this step. An expression that cannot be judged holds: nobody is spared by a mistake."""
    if facts.amount_fen < step.from_fen:
        return False
    if step.categories and not facts.category.startswith(step.categories):
        return False
    try:
        return not step.when or holds(step.when, facts)
    except ValueError:
        return True


def path_of(steps: Sequence[Step], facts: Facts) -> tuple[Step, ...]:
    """The steps that a case comes to, in order: fixed when it is filed."""
    return tuple(step for step in steps if applies(step, facts))


def waiting(step: Step, decided: Collection[Post]) -> tuple[Post, ...]:
    """The posts of a step that may still decide; none when the step is done."""
    if step.needs is Needs.ANY and decided:
        return ()
    return tuple(post for post in step.posts if post not in decided)


def after(path: Sequence[Step], at: int, decided: Mapping[int, Collection[Post]], approve: bool) -> tuple[Outcome, int]:
    """What a decision in step ``at`` leads to, it included in ``decided`` (posts by step): the outcome, the step now.

    One refusal returns the whole case, whoever else has approved.
    """
    if not approve:
        return Outcome.RETURNED, at
    if waiting(path[at], decided.get(at, ())):
        return Outcome.RUNNING, at
    return (Outcome.RUNNING, at + 1) if at + 1 < len(path) else (Outcome.APPROVED, at)
