"""The section of the page of proof about the money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.crash.report import told
from loadtests.crash.rounds import Sum
from loadtests.money.scenarios import LOTS

HEAD = """
`./dev crash {arguments}`, {day}, {took_min:.0f} minutes, seed {seed}.

- Machine: {machine}

In each round {lots:,} lots ask at once for the money of one indicator that suffices for seven in ten: nine in ten
through plans, one as an order without. Of those held, a quarter each is released, reduced and consumed. A kill falls
into it; at once a checker (`loadtests/money/checker.py`) holds what the room was told against Postgres, then another
process of the room asks for all of it again. Looked for: an indicator below zero at any time, a freeze told and lost or
frozen twice, a lot whose room and budget disagree 5 s after Postgres answers, sums that are not those of the postings.
After each round eight spoilt versions of what stood there must be refused.

| killed | rounds | freezes told | lost | doubled | agreed after, s | |
|---|---|---|---|---|---|---|
"""
CONTROLS = """
### Negative controls
The same with a fault in the room: it must be found.

| fault | rounds | what was found | |
|---|---|---|---|
"""


def section(sums: Sequence[Sum], facts: dict[str, Any]) -> str:
    """Its section of ``docs/proof.md``."""
    text = HEAD.format(**facts, lots=LOTS)
    for one in sums:
        if not one.scenario.control:
            said = "held" if one.well else "BROKEN"
            figures = f"{one.rounds} | {one.acked:,} | {one.lost} | {one.doubled} | {one.again_s:.1f} | {said}"
            text += f"| {one.scenario.what} | {figures} |\n"
    text += CONTROLS + "".join(told(one) for one in sums if one.scenario.control)
    broken = [f"- {one.scenario.what}: {wrong}" for one in sums for wrong in one.wrong]
    return text + ("\n### Broken\n" + "\n".join(broken) + "\n" if broken else "")
