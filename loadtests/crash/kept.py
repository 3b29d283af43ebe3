"""What was played, kept round by round, so that an interrupted run loses nothing but the round it was in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from loadtests.crash.rounds import Brought


class Kept:
    """The rounds of a run in ``path``, one JSON line each: scenario, seed of its dice, what it brought.

    ``resume``: those of an earlier run there count, but for the scenarios to be played ``again``. Else they are put
    aside, as ``path`` with ``.before``.
    """

    def __init__(self, path: Path, *, resume: bool, again: Collection[str] = ()) -> None:
        self._path = path
        self._rounds: dict[str, list[Brought]] = defaultdict(list)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines and not (resume and not again):
            path.rename(path.with_name(path.name + ".before"))
        for line in lines if resume else ():
            told: dict[str, Any] = json.loads(line)
            scenario, seed = told.pop("scenario"), told.pop("seed")
            if scenario not in again:
                self._rounds[scenario].append(Brought(**told))
                if again:
                    self._write(scenario, seed, self._rounds[scenario][-1])

    def of(self, scenario: str) -> list[Brought]:
        """The rounds of a scenario, in the order they were played."""
        return list(self._rounds[scenario])

    def add(self, scenario: str, seed: int, brought: Brought) -> None:
        """Keep one more round."""
        self._rounds[scenario].append(brought)
        self._write(scenario, seed, brought)

    def _write(self, scenario: str, seed: int, brought: Brought) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"scenario": scenario, "seed": seed, **brought._asdict()}) + "\n")

    def every(self) -> list[Brought]:
        """All rounds of all scenarios."""
        return [one for rounds in self._rounds.values() for one in rounds]
