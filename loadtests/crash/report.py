"""What is shown at the end: a table on the terminal, and the page of proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.crash.neighbours import BUSY
from loadtests.crash.rounds import Sum
from loadtests.crash.spoilt import KINDS

COLUMNS = ("what goes wrong", "rounds", "acked", "lost", "doubled", "settlements", "closes", "back s", "verdict")


def verdict(one: Sum) -> str:
    """In two words."""
    if one.skipped:
        return "not run"
    if one.scenario.control:
        return "found out" if one.well else "NOT NOTICED"
    return "BROKEN" if not one.well else "held, but late" if one.late else "held"


def figures(one: Sum) -> list[str]:
    """The cells after the name."""
    counted = [one.lost, one.doubled, one.settlements, one.closes]
    cells = ["–"] * 4 if one.scenario.control or one.scenario.fresh or one.skipped else [f"{n:,}" for n in counted]
    again = f"{one.again_s:.1f}" if one.again_s else "–"
    return [str(one.rounds), f"{one.acked:,}", *cells, again, verdict(one)]


def show(sums: Sequence[Sum], console: Console) -> None:
    """The table, and below it whatever was wrong."""
    table = Table(*COLUMNS, title="crash suite")
    for one in sums:
        name = ("control: " if one.scenario.control else "") + one.scenario.what
        style = "yellow" if one.skipped else "green" if one.well else "red"
        table.add_row(name, *figures(one), style=style)
    console.print(table)
    for one in sums:
        if one.skipped:
            console.print(f"{one.scenario.name}: not run: {one.skipped}", style="yellow", markup=False)
        for note in dict.fromkeys(one.notes):
            console.print(f"{one.scenario.name}: {note}", markup=False, highlight=False, style="dim")
        for late in one.late:
            console.print(f"{one.scenario.name}: {late}", style="yellow", markup=False, highlight=False)
        for wrong in one.wrong:
            console.print(f"{one.scenario.name}: {wrong}", style="red", markup=False, highlight=False)


def as_data(sums: Sequence[Sum]) -> list[dict[str, Any]]:
    """For the JSON report."""
    return [{**one._asdict(), "scenario": one.scenario.name, "what": one.scenario.what, "verdict": verdict(one)}
            for one in sums]  # fmt: skip


HEAD = """Written by `./dev crash {arguments}`, {day}, {took_min:.0f} minutes, seed {seed}.

- {machine}
- Other programs took {busy:.0%} of the machine meanwhile (median of the rounds; {busiest:.0%} at most)
- Power cut: {power}

An acknowledged bid is one whose answer a client read. The clients bid over real sockets without pause, repeat what got
no answer under the same id, and send some bids twice, over two sockets at once, or again later. A history checker
(`loadtests/crash/checker.py`) holds what they were told, in their order, against the log, the result, the ranking
counted anew, the signed transcript, and every view a watcher was shown.

### Promises
"Back after" is the longest time from the fault, or from the end of a lasting one, until every bidder had a new bid
taken.

| what goes wrong | rounds | acknowledged | lost | doubled | settlements not one | closes not one | back after, s | |
|---|---|---|---|---|---|---|---|---|
"""
TOTAL = "| **in all** | {rounds} | {acked:,} | **{lost}** | **{doubled}** | **{settlements}** | **{closes}** | | |\n"
DAMAGE = """
### Damage to the live store's file
It must be found or refused, never served as if it were whole. A torn end loads without a word; the signed transcript in
Postgres is what tells, and what the record is put back from: no acknowledged bid may be missing then.

| what | rounds | what happened | |
|---|---|---|---|
"""
CONTROLS = """
### Negative controls
With a weaker setting, or a guard taken away, the same suite must see the loss. Besides, after every round of kills and
power cuts the checker was given {kinds} spoilt versions of the history it had just passed ({spoilt}), and had to refuse
each.

| weaker | rounds | what was found | |
|---|---|---|---|
"""


def section(sums: Sequence[Sum], facts: dict[str, Any]) -> str:
    """Its section of ``docs/proof.md``."""
    promises = [one for one in sums if not one.scenario.control and not one.scenario.fresh]
    text = HEAD.format(**facts)
    for one in promises:
        text += f"| {one.scenario.what} | " + " | ".join(figures(one)) + " |\n"
    names = ("rounds", "acked", "lost", "doubled", "settlements", "closes")
    text += TOTAL.format(**{name: sum(getattr(one, name) for one in promises) for name in names})
    text += DAMAGE + "".join(map(told, (one for one in sums if one.scenario.fresh and not one.scenario.control)))
    text += CONTROLS.format(kinds=len(KINDS), spoilt=", ".join(KINDS))
    text += "".join(map(told, (one for one in sums if one.scenario.control)))
    notes = [f"- {one.scenario.what}: {'; '.join(dict.fromkeys(one.notes))}" for one in promises if one.notes and
             one.rounds <= len(dict.fromkeys(one.notes)) * 5 and one.rounds < 10]  # fmt: skip
    text += "\n### Notes\n" + "\n".join(notes) + "\n" if notes else ""
    text += slow(sums)
    broken = [f"- {one.scenario.what}: {wrong}" for one in sums for wrong in one.wrong]
    return text + ("\n### Broken\n" + "\n".join(broken) + "\n" if broken else "")


SLOW = """
### Rounds in which something came late
Not held against the product where other programs took {busy:.0%} of the machine or more; in every other round it is.

"""


def slow(sums: Sequence[Sum]) -> str:
    """What came later than promised while others used the machine; empty when nothing did."""
    late = [f"- {one.scenario.what}: {late}\n" for one in sums for late in one.late]
    return SLOW.format(busy=BUSY) + "".join(late) if late else ""


def told(one: Sum) -> str:
    """A row of what was found."""
    notes = "; ".join(dict.fromkeys(one.notes)) or one.skipped
    return f"| {one.scenario.what} | {one.rounds} | {notes} | {verdict(one)} |\n"
