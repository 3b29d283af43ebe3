"""The section of the page of proof about the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.crash.report import TOTAL, figures, slow, told
from loadtests.crash.rounds import Sum

HEAD = """
`./dev crash {arguments}`, {day}, {took_min:.0f} minutes, seed {seed}.

- Machine: {machine}
- Live store: three masters with two replicas each, `cluster-node-timeout` 2 s, all on this machine, each in a network
  namespace of its own where that is allowed; two server processes. Every round has a new cluster.

Clients, checker and columns are those of the section on crashes. "Cut off": a master loses all other nodes while every
server process still reaches it.

| what goes wrong | rounds | acknowledged | lost | doubled | settlements not one | closes not one | back after, s | |
|---|---|---|---|---|---|---|---|---|
"""
CONTROLS = """
### Negative controls
The same faults with `YANGCAI_VALKEY_COPIES_MIN=0`, so that replicas are not waited for: the loss must be found.

| weaker | rounds | what was found | |
|---|---|---|---|
"""


def section(sums: Sequence[Sum], facts: dict[str, Any]) -> str:
    """Its section of ``docs/proof.md``."""
    promises = [one for one in sums if not one.scenario.control]
    text = HEAD.format(**facts)
    for one in promises:
        text += f"| {one.scenario.what} | " + " | ".join(figures(one)) + " |\n"
    names = ("rounds", "acked", "lost", "doubled", "settlements", "closes")
    text += TOTAL.format(**{name: sum(getattr(one, name) for one in promises) for name in names})
    text += CONTROLS + "".join(told(one) for one in sums if one.scenario.control)
    text += slow(sums)
    broken = [f"- {one.scenario.what}: {wrong}" for one in sums for wrong in one.wrong]
    return text + ("\n### Broken\n" + "\n".join(broken) + "\n" if broken else "")
