"""What a scenario is, what one round of it brings, and the sums over its rounds."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from loadtests.crash.lots import Reckoned
from loadtests.crash.neighbours import BUSY
from loadtests.crash.stand import Stand


class Brought(NamedTuple):
    """What one round brought. ``wrong`` empty: as it must be; for a control that means that the loss was found.

    ``acked`` bids acknowledged, ``lost``, ``doubled``; ``settlements`` missing or double, ``closes`` not exactly one;
    ``again_s`` until everyone bid again (0: not asked); ``note`` what else is worth saying, with its figures.
    ``late``: what came later than promised, which is wrong unless others used the machine; ``busy``: the share of it,
    0..1, that they took; ``took_s`` the whole round.
    """

    wrong: list[str]
    acked: int = 0
    lost: int = 0
    doubled: int = 0
    settlements: int = 0
    closes: int = 0
    again_s: float = 0.0
    note: str = ""
    late: Sequence[str] = ()
    busy: float = 0.0
    took_s: float = 0.0


Play = Callable[[Stand, random.Random], Awaitable[Brought]]


class Scenario(NamedTuple):
    """One thing that goes wrong. ``share`` of the rounds asked for (at least one); ``once``: one round is all there is.

    ``control``: it must be found out. ``fresh``: it leaves a spoilt product behind, each round gets a new one.
    ``machine``: it needs the preloaded library. ``workers``: server processes. ``cluster``: on a cluster of its
    own, and what ``machine`` asks for is wires that can be cut.
    """

    name: str
    what: str
    play: Play
    share: float = 0.0
    control: bool = False
    fresh: bool = False
    machine: bool = False
    workers: int = 1
    cluster: bool = False

    def rounds(self, asked: int) -> int:
        """How many rounds of it when ``asked`` are wanted."""
        return max(1, round(asked * self.share))


class Sum(NamedTuple):
    """All rounds of one scenario."""

    scenario: Scenario
    rounds: int
    acked: int
    lost: int
    doubled: int
    settlements: int
    closes: int
    again_s: float
    wrong: list[str]
    notes: list[str]
    late: list[str]
    skipped: str = ""

    @property
    def well(self) -> bool:
        """Whether every round was as it must be."""
        return not self.wrong and not self.skipped


def summed(scenario: Scenario, brought: Sequence[Brought]) -> Sum:
    """The sums; of ``again_s`` the longest."""
    acked, lost, doubled, settlements, closes = (
        sum(getattr(one, name) for one in brought) for name in ("acked", "lost", "doubled", "settlements", "closes")
    )
    again_s = max((one.again_s for one in brought), default=0.0)
    wrong = [wrong for one in brought for wrong in one.wrong]
    notes = [one.note for one in brought if one.note]
    late = [f"{late}, others took {one.busy:.0%} of the machine" for one in brought for late in one.late]
    return Sum(scenario, len(brought), acked, lost, doubled, settlements, closes, again_s, wrong, notes, late)


def brought(lots: Iterable[Reckoned], again_s: float = 0.0, note: str = "", more: Sequence[str] = ()) -> Brought:
    """A round from its lots, which must all be sound; ``more`` is wrong besides."""
    every = list(lots)
    acked, lost, doubled = (sum(one.counts[place] for one in every) for place in range(3))
    closes = sum([event["kind"] for event in one.record.log].count("closed") != 1 for one in every)
    wrong = [*more, *(fault for one in every for fault in one.faults)]
    late = [late for one in every for late in one.late]
    settlements = sum(one.record.results != 1 for one in every)
    return Brought(wrong, acked, lost, doubled, settlements, closes, again_s, note, late)


def judged(one: Brought, busy: float, took_s: float) -> Brought:
    """The round with its circumstances: what came late on a machine that was ours alone is wrong."""
    wrong, late = (one.wrong, one.late) if busy >= BUSY else ([*one.wrong, *one.late], [])
    return one._replace(wrong=wrong, late=late, busy=round(busy, 3), took_s=round(took_s, 1))
