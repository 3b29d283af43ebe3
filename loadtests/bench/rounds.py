"""Rounds: every figure of a ratio comes from the same round, the result is the median over rounds, and a round in which
strangers used the machine is played again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

FOREIGN_MAX = 0.10
"""The share of the machine that strangers may take in a round that counts."""

SWING_MAX = 2.0
"""How far a floor measured twice in a round may lie from itself: strangers who sync to the same disk cost no CPU."""


class Round(NamedTuple):
    """The figures of one round and the share of the machine that strangers took meanwhile."""

    figures: dict[str, float]
    foreign: float

    @property
    def disturbance(self) -> float:
        """How much strangers disturbed: up to 1 it counts. The worse of their CPU and of the floor's swing."""
        return max(self.foreign / FOREIGN_MAX, self.figures.get("floor_swing", 1.0) / SWING_MAX)


class Kept(NamedTuple):
    """The rounds that count, and those that do not. ``disturbed``: some that count should not."""

    rounds: list[Round]
    rejected: list[Round]

    @property
    def disturbed(self) -> bool:
        """Whether too few rounds were quiet, so that the least disturbed ones had to count."""
        return any(one.disturbance > 1 for one in self.rounds)


def gather(play: Callable[[int], Round], wanted: int, spare: int) -> Kept:
    """Play until ``wanted`` quiet rounds are there or ``spare`` more were played; then the quietest count."""
    played: list[Round] = []
    while len(played) < wanted + spare and sum(one.disturbance <= 1 for one in played) < wanted:
        played.append(play(len(played) + 1))
    return quietest(played, wanted)


def quietest(played: Sequence[Round], wanted: int) -> Kept:
    """The ``wanted`` rounds that strangers disturbed least, in the order played, and the others."""
    chosen = sorted(range(len(played)), key=lambda place: played[place].disturbance)[:wanted]
    rounds = [played[place] for place in sorted(chosen)]
    return Kept(rounds, [one for place, one in enumerate(played) if place not in chosen])


def middle(rounds: Sequence[Round], name: str) -> float | None:
    """The median of a figure; None when no round has it."""
    found = [one.figures[name] for one in rounds if name in one.figures]
    return median(found) if found else None


def ratio(rounds: Sequence[Round], top: str, bottom: str) -> float | None:
    """The median of the ratios, each within its round; None when no round has both."""
    both = [one.figures for one in rounds if top in one.figures and one.figures.get(bottom)]
    return median(figures[top] / figures[bottom] for figures in both) if both else None
